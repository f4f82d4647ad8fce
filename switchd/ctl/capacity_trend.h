/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the number of calls is going: samples of the last quarter of an hour, and the straight line
 * through them that has the least squares. No clock: one sample every TREND_STEP_S. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREND_STEP_S  10
#define TREND_SAMPLES 90
#define TREND_LEAST   6 /* samples before anything is said */
/* What is farther away than that is no forecast. */
#define TREND_FAR_S (7 * 24 * 3600)

struct capacity_trend {
	uint32_t calls[TREND_SAMPLES]; /* a ring */
	size_t next;
	size_t count;
};

void capacity_trend_add(struct capacity_trend *trend, uint32_t calls);
/* Calls more an hour; false: too few samples. */
bool capacity_trend_slope(const struct capacity_trend *trend, int64_t *calls_h);
/* Seconds until `limit` at that slope, from `now` calls; 0: it is reached; -1: it will not be. */
int64_t capacity_trend_reaches(const struct capacity_trend *trend, int64_t now, int64_t limit);
