/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a figure of days is going: the straight line through the last weeks that has the least
 * squares, and the day on which it comes to a limit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROWTH_DAYS     28
#define GROWTH_LEAST    3    /* days before anything is said */
#define GROWTH_FAR_DAYS 3650 /* what is farther away than that is no forecast */

struct growth {
	size_t count;
	int64_t days[GROWTH_DAYS]; /* numbers of days, rising; some may be missing */
	int64_t values[GROWTH_DAYS];
};

/* The number of a day as "2026-11-21"; false: it is none. */
bool growth_day(const char *text, int64_t *out);
/* And back; at least 11 bytes. */
void growth_print_day(int64_t day, char *out, size_t size);

/* Days come in order; beyond GROWTH_DAYS the oldest goes. */
void growth_add(struct growth *growth, int64_t day, int64_t value);
/* How much more it is a week; false: too few days. */
bool growth_week(const struct growth *growth, int64_t *out);
/* The day on which the line comes to the limit, not before `today`: that, when the newest value has
 * come there. False: it does not, or nobody can say. */
bool growth_reaches(const struct growth *growth, int64_t limit, int64_t today, int64_t *day);
