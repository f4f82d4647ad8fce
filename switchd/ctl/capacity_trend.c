/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/capacity_trend.h"

void capacity_trend_add(struct capacity_trend *trend, uint32_t calls)
{
	trend->calls[trend->next] = calls;
	trend->next = (trend->next + 1) % TREND_SAMPLES;
	if (trend->count < TREND_SAMPLES)
		trend->count++;
}

/* Calls a step, as a fraction; the divisor is > 0. False: too few samples. */
static bool slope(const struct capacity_trend *trend, int64_t *over, int64_t *under)
{
	int64_t n = (int64_t)trend->count;
	size_t first = (trend->next + TREND_SAMPLES - trend->count) % TREND_SAMPLES;
	int64_t sum_x = 0;
	int64_t sum_xx = 0;
	int64_t sum_y = 0;
	int64_t sum_xy = 0;

	if (trend->count < TREND_LEAST)
		return false;
	for (int64_t x = 0; x < n; x++) {
		int64_t y = trend->calls[(first + (size_t)x) % TREND_SAMPLES];

		sum_x += x;
		sum_xx += x * x;
		sum_y += y;
		sum_xy += x * y;
	}
	*over = n * sum_xy - sum_x * sum_y;
	*under = n * sum_xx - sum_x * sum_x;
	return true;
}

bool capacity_trend_slope(const struct capacity_trend *trend, int64_t *calls_h)
{
	int64_t over;
	int64_t under;

	if (!slope(trend, &over, &under))
		return false;
	*calls_h = over * (3600 / TREND_STEP_S) / under;
	return true;
}

int64_t capacity_trend_reaches(const struct capacity_trend *trend, int64_t now, int64_t limit)
{
	int64_t over;
	int64_t under;
	int64_t seconds;

	if (now >= limit)
		return 0;
	if (!slope(trend, &over, &under) || over <= 0)
		return -1;
	seconds = (limit - now) * TREND_STEP_S * under / over;
	return seconds <= TREND_FAR_S ? seconds : -1;
}
