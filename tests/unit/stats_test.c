/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums of traffic: what counts for whom, the sliding window, ratios, causes, thresholds, and rows
 * of reports. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/stats/report.h"
#include "switchd/stats/stats.h"
#include "switchd/stats/threshold.h"

#define US_PER_S UINT64_C(1000000)
#define START_US (1000 * US_PER_S)
#define DAY      "2026-11-21"

static int setup(void **state)
{
	struct stats *stats;

	assert_int_equal(stats_create(&stats), VOS_OK);
	*state = stats;
	return 0;
}

static int teardown(void **state)
{
	stats_destroy(*state);
	return 0;
}

static void add(struct stats *stats, const char *tried, const char *last, int64_t talk_ms,
		int64_t ring_ms, const char *cause, uint64_t now_us)
{
	struct cdr cdr = {.answer_ms = talk_ms ? 1 : 0, .talk_ms = talk_ms, .ring_ms = ring_ms};

	snprintf(cdr.caller_party, sizeof(cdr.caller_party), "mapping-gateway in");
	snprintf(cdr.callee_party, sizeof(cdr.callee_party), "%s", last);
	snprintf(cdr.tried, sizeof(cdr.tried), "%s", tried);
	snprintf(cdr.cause_name, sizeof(cdr.cause_name), "%s", cause);
	stats_add(stats, &cdr, DAY, now_us);
}

static struct stats_sum window(struct stats *stats, enum stats_scope scope, const char *name,
			       uint32_t window_s, uint64_t now_us)
{
	struct stats_sum sum;

	stats_read(stats, scope, name, window_s, now_us, &sum);
	return sum;
}

static void each_gateway_that_was_tried(void **state)
{
	struct stats *stats = *state;
	struct stats_sum sum;

	add(stats, "routing-gateway a:503, routing-gateway b:answered", "routing-gateway b", 60000,
	    400, "normal", START_US);
	add(stats, "routing-gateway a:503", "routing-gateway a", 0, 0, "503", START_US);
	sum = window(stats, STATS_TOTAL, "", 60, START_US);
	assert_int_equal(sum.attempts, 2);
	assert_int_equal(sum.answered, 1);
	assert_int_equal(sum.talk_ms, 60000);
	assert_int_equal(sum.pdd_ms, 400);
	assert_int_equal(sum.pdd_count, 1);
	sum = window(stats, STATS_MAPPING, "in", 60, START_US);
	assert_int_equal(sum.attempts, 2);
	sum = window(stats, STATS_ROUTING, "a", 60, START_US);
	assert_int_equal(sum.attempts, 2);
	assert_int_equal(sum.answered, 0);
	assert_int_equal(sum.talk_ms, 0);
	sum = window(stats, STATS_ROUTING, "b", 60, START_US);
	assert_int_equal(sum.attempts, 1);
	assert_int_equal(sum.answered, 1);
	assert_int_equal(sum.rang, 1);
	assert_int_equal(sum.talk_ms, 60000);
	assert_int_equal(window(stats, STATS_ROUTING, "in", 60, START_US).attempts, 0);
}

/* ITU-T E.425: busy, no answer and refusal are the called party's, 503 and no route the network's.
 */
static void what_is_effective(void **state)
{
	static const struct {
		const char *cause;
		int64_t ring_ms;
		unsigned effective;
	} cases[] = {{"486", 0, 1},       {"480", 0, 1},       {"603", 0, 1},
		     {"no-answer", 9, 1}, {"abandoned", 9, 1}, {"abandoned", 0, 0},
		     {"503", 9, 0},       {"404", 0, 0},       {"gateway-full", 0, 0}};
	struct stats *stats = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = window(stats, STATS_TOTAL, "", 60, START_US).effective;

		add(stats, "", "", 0, cases[i].ring_ms, cases[i].cause, START_US);
		assert_int_equal(window(stats, STATS_TOTAL, "", 60, START_US).effective,
				 before + cases[i].effective);
	}
	assert_int_equal(window(stats, STATS_TOTAL, "", 60, START_US).abandoned, 2);
}

static void the_window_slides(void **state)
{
	struct stats *stats = *state;

	add(stats, "", "", 1000, 0, "normal", START_US);
	assert_int_equal(window(stats, STATS_TOTAL, "", 60, START_US + 59 * US_PER_S).attempts, 1);
	assert_int_equal(window(stats, STATS_TOTAL, "", 60, START_US + 71 * US_PER_S).attempts, 0);
	assert_int_equal(window(stats, STATS_TOTAL, "", 300, START_US + 71 * US_PER_S).attempts, 1);
	assert_int_equal(window(stats, STATS_TOTAL, "", 3600, START_US + 3599 * US_PER_S).attempts,
			 1);
	assert_int_equal(window(stats, STATS_TOTAL, "", 3600, START_US + 3611 * US_PER_S).attempts,
			 0);
	/* The place of a step that is over is used again. */
	add(stats, "", "", 1000, 0, "normal", START_US + 3610 * US_PER_S);
	assert_int_equal(window(stats, STATS_TOTAL, "", 3600, START_US + 3610 * US_PER_S).attempts,
			 1);
}

struct seen {
	struct stats_tally total;
	struct stats_tally day;
};

static void see_total(void *context, const struct stats_view *view)
{
	struct seen *seen = context;

	if (view->scope != STATS_TOTAL)
		return;
	seen->total = *view->total;
	seen->day = *view->day;
}

static void causes_are_bounded(void **state)
{
	struct stats *stats = *state;
	struct seen seen;
	char cause[32];

	for (int i = 0; i < 100; i++) {
		snprintf(cause, sizeof(cause), "cause-%d", i);
		add(stats, "", "", 0, 0, cause, START_US);
		add(stats, "", "", 0, 0, "cause-0", START_US);
	}
	stats_walk(stats, see_total, &seen);
	assert_int_equal(seen.total.cause_count, STATS_CAUSES_MAX);
	assert_string_equal(seen.total.causes[0].name, "cause-0");
	assert_int_equal(seen.total.causes[0].count, 101);
	assert_string_equal(seen.total.causes[STATS_CAUSES_MAX - 1].name, "other");
	assert_int_equal(seen.total.causes[STATS_CAUSES_MAX - 1].count,
			 100 - (STATS_CAUSES_MAX - 1));
}

static void a_day_begins_anew(void **state)
{
	struct stats *stats = *state;
	const struct cdr cdr = {.cause_name = "503"};
	const struct stats_tally kept = {.sum.attempts = 40};
	struct seen seen;

	stats_resume(stats, STATS_TOTAL, "", DAY, &kept);
	stats_add(stats, &cdr, DAY, START_US);
	stats_walk(stats, see_total, &seen);
	assert_int_equal(seen.day.sum.attempts, 41);
	assert_int_equal(seen.total.sum.attempts, 1);
	stats_add(stats, &cdr, "2026-11-22", START_US);
	stats_walk(stats, see_total, &seen);
	assert_int_equal(seen.day.sum.attempts, 1);
	assert_int_equal(seen.day.causes[0].count, 1);
	assert_int_equal(seen.total.sum.attempts, 2);
}

struct changes {
	struct {
		uint64_t attempts;
		char day[16];
	} rows[8];
	size_t count;
};

static void see_change(void *context, const struct stats_view *view)
{
	struct changes *changes = context;

	assert_in_range(changes->count, 0, 7);
	if (view->scope != STATS_TOTAL)
		return;
	changes->rows[changes->count].attempts = view->day->sum.attempts;
	snprintf(changes->rows[changes->count++].day, 16, "%s", view->day_name);
}

/* Also that of a day in whose place a later one comes: then an unchanged one has to go. */
static void each_change_is_seen_once(void **state)
{
	static const char older[] = "2026-11-16";
	struct stats *stats = *state;
	const struct cdr cdr = {.cause_name = "503"};
	const struct stats_tally kept = {.sum.attempts = 40};
	struct changes changes = {0};

	stats_resume(stats, STATS_TOTAL, "", older, &kept);
	stats_resume(stats, STATS_TOTAL, "", "2026-11-20", &kept);
	stats_changes(stats, see_change, &changes);
	assert_int_equal(changes.count, 0);
	stats_add(stats, &cdr, older, START_US);
	stats_add(stats, &cdr, DAY, START_US);
	stats_add(stats, &cdr, older, START_US);
	stats_add(stats, &cdr, DAY, START_US);
	stats_changes(stats, see_change, &changes);
	assert_int_equal(changes.count, 2);
	assert_string_equal(changes.rows[0].day, DAY);
	assert_int_equal(changes.rows[0].attempts, 2);
	assert_string_equal(changes.rows[1].day, older);
	assert_int_equal(changes.rows[1].attempts, 42);
	stats_changes(stats, see_change, &changes);
	assert_int_equal(changes.count, 2);
	stats_add(stats, &cdr, DAY, START_US);
	stats_changes(stats, see_change, &changes);
	assert_int_equal(changes.count, 3);
	assert_int_equal(changes.rows[2].attempts, 3);
}

static void a_row_is_read_as_it_was_written(void **state)
{
	struct stats_tally tally = {.sum = {9, 5, 6, 7, 1, 61000, 800, 4}};
	struct report_row row;
	struct buf text = buf_new();

	(void)state;
	stats_count_cause(&tally, "486", 3);
	stats_count_cause(&tally, "no-answer", 1);
	report_print(&tally, &text);
	assert_true(report_parse("2026-11-21 routing-gateway a b", buf_span(&text), &row));
	assert_string_equal(row.day, DAY);
	assert_string_equal(row.name, "a b");
	assert_int_equal(row.scope, STATS_ROUTING);
	assert_memory_equal(&row.tally, &tally, sizeof(tally));
	assert_true(report_parse("2026-11-21 total", buf_span(&text), &row));
	assert_string_equal(row.name, "");
	assert_false(report_parse("2026-11-21 nothing", buf_span(&text), &row));
	assert_false(report_parse("2026-11-21 total", SPAN_LIT("1 2 3"), &row));
	assert_false(report_parse("", SPAN_LIT(""), &row));
	buf_free(&text);
}

static void an_alarm_ends_only_well_inside(void **state)
{
	const struct threshold upper = {.has_upper = true, .upper = 80, .hysteresis = 10};
	const struct threshold lower = {.has_lower = true, .lower = 50, .hysteresis = 20};
	const struct threshold none = {0};

	(void)state;
	assert_false(threshold_is_crossed(&upper, false, 80));
	assert_true(threshold_is_crossed(&upper, false, 81));
	assert_true(threshold_is_crossed(&upper, true, 73));
	assert_false(threshold_is_crossed(&upper, true, 72));
	assert_false(threshold_is_crossed(&lower, false, 50));
	assert_true(threshold_is_crossed(&lower, false, 49));
	assert_true(threshold_is_crossed(&lower, true, 59));
	assert_false(threshold_is_crossed(&lower, true, 60));
	assert_false(threshold_is_crossed(&none, true, 0));
}

static void ratios(void **state)
{
	(void)state;
	assert_int_equal(stats_permille(0, 0), -1);
	assert_int_equal(stats_permille(1, 3), 333);
	assert_int_equal(stats_permille(2, 3), 667);
	assert_int_equal(stats_permille(3, 3), 1000);
	assert_int_equal(stats_mean(10, 0), -1);
	assert_int_equal(stats_mean(10, 4), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_gateway_that_was_tried, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_effective, setup, teardown),
		cmocka_unit_test_setup_teardown(the_window_slides, setup, teardown),
		cmocka_unit_test_setup_teardown(causes_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(a_day_begins_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(each_change_is_seen_once, setup, teardown),
		cmocka_unit_test(a_row_is_read_as_it_was_written),
		cmocka_unit_test(an_alarm_ends_only_well_inside),
		cmocka_unit_test(ratios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
