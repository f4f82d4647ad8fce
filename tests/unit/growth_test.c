/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line through figures of days, and when it comes to a limit. */
#include "tests/support/test.h"

#include "switchd/stats/growth.h"

static int64_t day_of(const char *text)
{
	int64_t day = 0;

	assert_true(growth_day(text, &day));
	return day;
}

static void days_have_numbers(void **state)
{
	char text[16];
	int64_t day;

	(void)state;
	assert_int_equal(day_of("1970-01-02"), 1);
	assert_int_equal(day_of("2024-03-01") - day_of("2024-02-28"), 2);
	growth_print_day(day_of("2026-11-21"), text, sizeof(text));
	assert_string_equal(text, "2026-11-21");
	assert_false(growth_day("today", &day));
}

static void a_line_through_points_on_it(void **state)
{
	struct growth growth = {0};
	int64_t week;
	int64_t day;

	(void)state;
	growth_add(&growth, 100, 10);
	growth_add(&growth, 101, 12);
	assert_false(growth_week(&growth, &week));
	assert_false(growth_reaches(&growth, 100, 102, &day));
	/* A day that is missing is no day without calls. */
	growth_add(&growth, 104, 18);
	assert_true(growth_week(&growth, &week));
	assert_int_equal(week, 14);
	assert_true(growth_reaches(&growth, 100, 105, &day));
	assert_int_equal(day, 145);
	assert_true(growth_reaches(&growth, 18, 105, &day));
	assert_int_equal(day, 105);
	/* The line is there already, the newest value is not. */
	assert_true(growth_reaches(&growth, 19, 109, &day));
	assert_int_equal(day, 109);
	assert_false(growth_reaches(&growth, 100000, 105, &day));
}

static void what_falls_or_rests_comes_to_no_limit(void **state)
{
	struct growth falling = {0};
	struct growth resting = {0};
	int64_t week;
	int64_t day;

	(void)state;
	for (int64_t i = 0; i < 5; i++) {
		growth_add(&falling, i, 100 - i);
		growth_add(&resting, i, 7);
	}
	assert_true(growth_week(&falling, &week));
	assert_int_equal(week, -7);
	assert_false(growth_reaches(&falling, 200, 5, &day));
	assert_true(growth_week(&resting, &week));
	assert_int_equal(week, 0);
	assert_false(growth_reaches(&resting, 8, 5, &day));
}

static void only_the_last_weeks_count(void **state)
{
	struct growth growth = {0};
	int64_t week;

	(void)state;
	for (int64_t i = 0; i < 100; i++)
		growth_add(&growth, i, 1000);
	for (int64_t i = 100; i < 100 + GROWTH_DAYS; i++)
		growth_add(&growth, i, i);
	assert_int_equal(growth.count, GROWTH_DAYS);
	assert_true(growth_week(&growth, &week));
	assert_int_equal(week, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_have_numbers),
		cmocka_unit_test(a_line_through_points_on_it),
		cmocka_unit_test(what_falls_or_rests_comes_to_no_limit),
		cmocka_unit_test(only_the_last_weeks_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
