/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times of the week: against a naive walk over every minute of it. */
#include "tests/support/test.h"

#include <stdio.h>

#include "shared/catalog/period_rule.h"

static struct period_rule rule_of(const char *text)
{
	struct period_rule rule;

	assert_true(period_rule_parse(span_of(text), &rule));
	return rule;
}

static void test_not_a_rule(void **state)
{
	static const char *const texts[] = {
		"",
		"mon",
		"mon 08:00-18:00",
		"mon 08:00-18:00 maybe",
		"mo 08:00-18:00 allow",
		"mon-xyz 08:00-18:00 allow",
		"mon-tue-wed 08:00-18:00 allow",
		"mon 8:00-18:00 allow",
		"mon 08:00-24:01 allow",
		"mon 24:00-24:00 allow",
		"mon 08:60-09:00 allow",
		"mon 08:00_18:00 allow",
		"mon 08:00-18:00 allow now",
		"montue 08:00-18:00 allow",
	};
	struct period_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (period_rule_parse(span_of(texts[i]), &rule))
			fail_msg("\"%s\" was taken", texts[i]);
}

#define AT(day, hour, minute) ((day)*1440 + (hour)*60 + (minute))

static void test_edges(void **state)
{
	struct period_rule work = rule_of("mon-fri 08:00-18:00 allow");
	struct period_rule night = rule_of("fri 22:00-06:00 deny");
	struct period_rule week_end = rule_of("sat-mon 00:00-24:00 allow");
	struct period_rule sunday = rule_of("SUN 12:00-12:00 Deny");

	(void)state;
	assert_int_equal(work.action, PERIOD_ALLOW);
	assert_int_equal(night.action, PERIOD_DENY);
	assert_false(period_rule_covers(&work, AT(0, 7, 59)));
	assert_true(period_rule_covers(&work, AT(0, 8, 0)));
	assert_true(period_rule_covers(&work, AT(4, 17, 59)));
	assert_false(period_rule_covers(&work, AT(4, 18, 0)));
	assert_false(period_rule_covers(&work, AT(5, 9, 0)));
	assert_true(period_rule_covers(&night, AT(4, 22, 0)));
	assert_true(period_rule_covers(&night, AT(5, 5, 59)));
	assert_false(period_rule_covers(&night, AT(5, 6, 0)));
	assert_false(period_rule_covers(&night, AT(4, 5, 0)));
	assert_true(period_rule_covers(&week_end, AT(0, 23, 59)));
	assert_true(period_rule_covers(&week_end, AT(5, 0, 0)));
	assert_false(period_rule_covers(&week_end, AT(1, 0, 0)));
	assert_true(period_rule_covers(&sunday, AT(6, 12, 0)));
	assert_true(period_rule_covers(&sunday, AT(0, 11, 59))); /* over the end of the week */
	assert_false(period_rule_covers(&sunday, AT(0, 12, 0)));
	assert_false(period_rule_covers(&sunday, AT(6, 11, 59)));
}

/* Every pair of days and a grid of hours: marks on a week of minutes say the same. */
static void test_against_marks(void **state)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	static bool marks[PERIOD_WEEK_MINUTES];

	(void)state;
	for (int first = 0; first < 7; first++) {
		for (int grid = 0; grid < 7 * 16; grid++) {
			int last = grid % 7;
			int from = grid / 7 % 4 * 435; /* 00:00 07:15 14:30 21:45 */
			int to = grid / 28 * 477;      /* 00:00 07:57 15:54 23:51 */
			struct period_rule rule;
			char text[64];

			snprintf(text, sizeof(text), "%s-%s %02d:%02d-%02d:%02d allow", days[first],
				 days[last], from / 60, from % 60, to / 60, to % 60);
			rule = rule_of(text);
			memset(marks, 0, sizeof(marks));
			for (int day = first;; day = (day + 1) % 7) {
				int length = to > from ? to - from : to + 1440 - from;

				for (int i = 0; i < length; i++)
					marks[(day * 1440 + from + i) % PERIOD_WEEK_MINUTES] = true;
				if (day == last)
					break;
			}
			for (int at = 0; at < PERIOD_WEEK_MINUTES; at++)
				if (period_rule_covers(&rule, at) != marks[at])
					fail_msg("%s at minute %d", text, at);
		}
	}
}

static bool allow(const struct period_rule *rules, size_t count, int week_min)
{
	return period_rules_allow(rules, count, &(struct period_query){.week_min = week_min});
}

static void test_lists(void **state)
{
	struct period_rule rules[] = {
		rule_of("mon-sun 08:00-20:00 allow"),
		rule_of("sun 10:00-12:00 deny"),
	};

	(void)state;
	assert_true(allow(rules, 0, 0));
	assert_true(allow(rules, 2, AT(6, 9, 0)));
	assert_false(allow(rules, 2, AT(6, 10, 0)));
	assert_false(allow(rules, 2, AT(6, 21, 0)));
	assert_true(allow(rules + 1, 1, AT(6, 21, 0))); /* only a denial: else free */
	assert_false(allow(rules + 1, 1, AT(6, 11, 59)));
}

/* What is otherwise at a time: it neither allows nor denies. */
static void test_other_terms(void **state)
{
	static const char *const texts[] = {
		"mon 08:00-18:00 capacity",
		"mon 08:00-18:00 capacity -1",
		"mon 08:00-18:00 capacity 100001",
		"mon 08:00-18:00 capacity callee 1",
		"mon 08:00-18:00 capacity 1 2",
		"mon 08:00-18:00 callee-transform",
		"mon 08:00-18:00 caller-transform a b",
		"mon 08:00-18:00 transform a",
	};
	struct period_rule rules[] = {
		rule_of("mon 08:00-18:00 capacity 0 callee 00"),
		rule_of("mon-fri 08:00-20:00 Capacity 100000"),
		rule_of("sun 00:00-24:00 callee-transform callee caller 49"),
		rule_of("sun 00:00-24:00 caller-transform night"),
		rule_of("mon-sun 00:00-24:00 capacity 7"),
	};
	static const struct {
		enum period_action action;
		int week_min;
		const char *callee;
		int rule; /* -1: none */
	} rows[] = {
		{PERIOD_CAPACITY, AT(0, 8, 0), "001", 0},
		{PERIOD_CAPACITY, AT(0, 8, 0), "01", 1},
		{PERIOD_CAPACITY, AT(0, 18, 0), "001", 1},
		{PERIOD_CAPACITY, AT(0, 20, 0), "001", 4},
		{PERIOD_CALLEE_PLAN, AT(6, 0, 0), "001", 2},
		{PERIOD_CALLEE_PLAN, AT(0, 0, 0), "001", -1},
		{PERIOD_CALLER_PLAN, AT(6, 23, 59), "", 3},
		{PERIOD_DENY, AT(0, 8, 0), "001", -1},
		{PERIOD_ALLOW, AT(0, 8, 0), "001", -1},
	};
	struct period_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (period_rule_parse(span_of(texts[i]), &rule))
			fail_msg("\"%s\" was taken", texts[i]);
	assert_int_equal(rules[1].capacity, 100000);
	assert_true(span_eq(rules[2].plan, SPAN_LIT("callee")));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct period_query query = {rows[i].week_min, SPAN_LIT("4930"),
						   span_of(rows[i].callee)};

		if (period_rules_find(rules, 5, rows[i].action, &query) !=
		    (rows[i].rule < 0 ? NULL : &rules[rows[i].rule]))
			fail_msg("row %zu", i);
	}
	assert_true(allow(rules, 5, AT(0, 8, 0)));
	assert_true(allow(rules, 5, AT(6, 0, 0)));
}

/* A rule for some numbers only is none for the others. */
static void test_numbers(void **state)
{
	static const char *const texts[] = {
		"mon 08:00-18:00 deny callee",
		"mon 08:00-18:00 deny callee x",
		"mon 08:00-18:00 deny 49",
		"mon 08:00-18:00 deny caller 1 caller 2",
		"mon 08:00-18:00 deny caller 1 callee 2 3",
	};
	struct period_rule rules[] = {
		rule_of("mon-fri 08:00-18:00 allow caller 49"),
		rule_of("sun 00:00-24:00 deny callee 0900"),
		rule_of("mon-sun 00:00-24:00 DENY  Callee 00  Caller +1"),
	};
	static const struct {
		int week_min;
		const char *caller;
		const char *callee;
		bool is_allowed;
	} rows[] = {
		{AT(0, 9, 0), "4930", "1", true},   {AT(0, 7, 59), "4930", "1", false},
		{AT(0, 7, 59), "50", "1", true},    {AT(0, 7, 59), "4", "1", true},
		{AT(6, 1, 0), "50", "0900", false}, {AT(6, 1, 0), "50", "09001", false},
		{AT(6, 1, 0), "50", "090", true},   {AT(5, 1, 0), "50", "0900", true},
		{AT(2, 1, 0), "+1", "00", false},   {AT(2, 1, 0), "+1", "0", true},
		{AT(2, 1, 0), "1", "00", true},     {AT(2, 1, 0), "", "", true},
	};
	struct period_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (period_rule_parse(span_of(texts[i]), &rule))
			fail_msg("\"%s\" was taken", texts[i]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct period_query query = {rows[i].week_min, span_of(rows[i].caller),
						   span_of(rows[i].callee)};

		if (period_rules_allow(rules, 3, &query) != rows[i].is_allowed)
			fail_msg("row %zu", i);
	}
}

TEST_MAIN(cmocka_unit_test(test_numbers), cmocka_unit_test(test_other_terms),
	  cmocka_unit_test(test_not_a_rule), cmocka_unit_test(test_edges),
	  cmocka_unit_test(test_against_marks), cmocka_unit_test(test_lists))
