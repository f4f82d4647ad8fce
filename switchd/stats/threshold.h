/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a value makes an alarm: outside of its thresholds, and until it is well inside again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct threshold {
	bool has_lower;
	bool has_upper;
	int64_t lower;
	int64_t upper;
	int hysteresis; /* percent of the threshold that it has to come back by */
};

/* Whether the alarm is to be up with this value, given whether it is. */
bool threshold_is_crossed(const struct threshold *threshold, bool is_raised, int64_t value);
