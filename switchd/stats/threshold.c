/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/stats/threshold.h"

bool threshold_is_crossed(const struct threshold *threshold, bool is_raised, int64_t value)
{
	int64_t lower = threshold->lower;
	int64_t upper = threshold->upper;

	if (is_raised) {
		lower += lower * threshold->hysteresis / 100;
		upper -= upper * threshold->hysteresis / 100;
	}
	return (threshold->has_lower && value < lower) || (threshold->has_upper && value > upper);
}
