/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/stats/growth.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

bool growth_day(const char *text, int64_t *out)
{
	struct tm parts = {0};

	if (sscanf(text, "%4d-%2d-%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday) != 3)
		return false;
	parts.tm_year -= 1900;
	parts.tm_mon--;
	*out = (int64_t)timegm(&parts) / DAY_S;
	return true;
}

void growth_print_day(int64_t day, char *out, size_t size)
{
	time_t seconds = (time_t)(day * DAY_S);
	struct tm parts;

	out[0] = '\0';
	if (gmtime_r(&seconds, &parts) && !strftime(out, size, "%Y-%m-%d", &parts))
		out[0] = '\0';
}

void growth_add(struct growth *growth, int64_t day, int64_t value)
{
	if (growth->count == GROWTH_DAYS) {
		growth->count--;
		memmove(growth->days, growth->days + 1, growth->count * sizeof(growth->days[0]));
		memmove(growth->values, growth->values + 1,
			growth->count * sizeof(growth->values[0]));
	}
	growth->days[growth->count] = day;
	growth->values[growth->count++] = value;
}

/* value = (at + over * (day - first)) / under, under > 0. */
struct line {
	int64_t at;
	int64_t over;
	int64_t under;
};

static bool fit(const struct growth *growth, struct line *out)
{
	int64_t n = (int64_t)growth->count;
	int64_t sum_x = 0;
	int64_t sum_xx = 0;
	int64_t sum_y = 0;
	int64_t sum_xy = 0;

	if (growth->count < GROWTH_LEAST)
		return false;
	for (size_t i = 0; i < growth->count; i++) {
		int64_t x = growth->days[i] - growth->days[0];

		sum_x += x;
		sum_xx += x * x;
		sum_y += growth->values[i];
		sum_xy += x * growth->values[i];
	}
	out->under = n * sum_xx - sum_x * sum_x;
	out->over = n * sum_xy - sum_x * sum_y;
	out->at = sum_y * sum_xx - sum_x * sum_xy;
	return out->under > 0;
}

bool growth_week(const struct growth *growth, int64_t *out)
{
	struct line line;

	if (!fit(growth, &line))
		return false;
	*out = (line.over * 7 + (line.over < 0 ? -line.under : line.under) / 2) / line.under;
	return true;
}

bool growth_reaches(const struct growth *growth, int64_t limit, int64_t today, int64_t *day)
{
	struct line line;
	int64_t left;

	if (growth->count && growth->values[growth->count - 1] >= limit) {
		*day = today;
		return true;
	}
	if (!fit(growth, &line) || line.over <= 0)
		return false;
	left = limit * line.under - line.at;
	*day = growth->days[0] + (left > 0 ? (left + line.over - 1) / line.over : 0);
	if (*day < today)
		*day = today;
	return *day - today <= GROWTH_FAR_DAYS;
}
