/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/clock.h"

#include <time.h>

uint64_t clock_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

int64_t clock_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#define YEAR_10000_S INT64_C(253402300800)

static char *put_two(char *at, unsigned number, char behind)
{
	*at++ = (char)('0' + number / 10);
	*at++ = (char)('0' + number % 10);
	*at++ = behind;
	return at;
}

/* The year from March to February has its leap day at the end, and from 0000-03-01 on every 400 of
 * them have 146,097 days; in such a year 5 months have 153 days twice, and then the rest. */
static char *put_date(char *at, unsigned day_1970)
{
	unsigned day = day_1970 + 719468;
	unsigned era = day / 146097;
	unsigned of_era = day % 146097;
	unsigned of_era_years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * of_era_years + of_era_years / 4 - of_era_years / 100);
	unsigned from_march = (5 * of_year + 2) / 153;
	unsigned month = from_march < 10 ? from_march + 3 : from_march - 9;
	unsigned year = era * 400 + of_era_years + (month <= 2);

	*at++ = (char)('0' + year / 1000);
	*at++ = (char)('0' + year / 100 % 10);
	at = put_two(at, year % 100, '-');
	at = put_two(at, month, '-');
	return put_two(at, of_year - (153 * from_march + 2) / 5 + 1, 'T');
}

/* Without the C library's functions, which take a microsecond; records and the log have thousands a
 * second. */
char *clock_print_utc(int64_t wall_ms, char out[CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	unsigned of_day = (unsigned)(seconds % 86400);
	struct tm tm;
	char *at;

	if (seconds < 0 || seconds >= YEAR_10000_S) {
		gmtime_r(&seconds, &tm);
		strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
		return out;
	}
	at = put_date(out, (unsigned)(seconds / 86400));
	at = put_two(at, of_day / 3600, ':');
	at = put_two(at, of_day / 60 % 60, ':');
	at = put_two(at, of_day % 60, 'Z');
	*at = '\0';
	return out;
}
