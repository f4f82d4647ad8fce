/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of reports in the store: whatever moment a run ends at, each record is in them once. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/cdr/writer.h"
#include "switchd/stats/report.h"
#include "switchd/store/cdr_store.h"
#include "tests/support/config.h"
#include "tests/support/state_folder.h"

#define WAIT_MS 30000
#define DAY_MS  INT64_C(86400000)

struct fixture {
	void *folder;
	struct store *store;
	struct snapshot *config;
	struct cdr_writer *writer;
	struct stats *stats;
	struct reports *reports;
};

static void open_all(struct fixture *fixture)
{
	struct vos_fault fault = {0};

	fixture->store = state_open(&state_quiet);
	if (cdr_writer_create(fixture->store, &state_quiet, NULL, 1, fixture->config,
			      &fixture->writer, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	assert_int_equal(stats_create(&fixture->stats), VOS_OK);
	assert_int_equal(
		reports_create(fixture->stats, fixture->writer, &state_quiet, &fixture->reports),
		VOS_OK);
	assert_int_equal(cdr_writer_start(fixture->writer, &fault), VOS_OK);
}

static void close_all(struct fixture *fixture)
{
	cdr_writer_stop(fixture->writer);
	reports_stop(fixture->reports);
	cdr_writer_destroy(fixture->writer);
	reports_destroy(fixture->reports);
	stats_destroy(fixture->stats);
	store_close(fixture->store);
}

static void restart(struct fixture *fixture)
{
	close_all(fixture);
	open_all(fixture);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(state_folder_make(&fixture->folder), 0);
	fixture->config = test_snapshot(NULL);
	open_all(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	close_all(fixture);
	snapshot_unref(fixture->config);
	state_folder_remove(&fixture->folder);
	free(fixture);
	return 0;
}

static void put(struct fixture *fixture, enum cdr_event event, int64_t key, int64_t stop_ms)
{
	struct cdr cdr = {.key = key, .stop_ms = stop_ms, .cause_name = "486"};

	if (event == CDR_BEGIN) {
		cdr.answer_us = clock_mono_us();
		cdr.answer_ms = clock_wall_ms();
	}
	cdr_spool_put(cdr_writer_spool(fixture->writer, 0), event, &cdr);
}

static void wait_for(struct fixture *fixture, uint64_t number)
{
	assert_true(cdr_writer_wait(fixture->writer, number - 1, WAIT_MS) >= number);
}

struct reading {
	const char *day;
	struct report_row row;
	bool is_found;
};

static bool read_row(void *context, const char *key, struct span value)
{
	struct reading *reading = context;
	struct report_row row;

	assert_true(report_parse(key, value, &row));
	if (row.scope == STATS_TOTAL && strcmp(row.day, reading->day) == 0) {
		reading->row = row;
		reading->is_found = true;
	}
	return true;
}

static struct stats_tally stored(struct fixture *fixture, int64_t wall_ms)
{
	char day[REPORT_DAY_MAX];
	struct reading reading = {.day = day};

	report_day(wall_ms, day);
	assert_int_equal(cdr_store_walk(cdr_writer_store(fixture->writer), 't', "", false, read_row,
					&reading),
			 VOS_OK);
	return reading.row.tally;
}

static void a_call_that_is_cut_counts_once(void **state)
{
	struct fixture *fixture = *state;
	int64_t now_ms = clock_wall_ms();
	struct stats_sum sum;
	struct cdr_status status;

	put(fixture, CDR_WHOLE, 1, now_ms);
	wait_for(fixture, 1);
	/* Up, and in the store when the writer stops. */
	put(fixture, CDR_BEGIN, 2, 0);
	restart(fixture);
	cdr_writer_status(fixture->writer, &status);
	assert_int_equal(status.newest, 2);
	assert_int_equal(stored(fixture, clock_wall_ms()).sum.attempts +
				 (stored(fixture, now_ms).sum.attempts == 1),
			 2);
	stats_read(fixture->stats, STATS_TOTAL, "", 60, clock_mono_us(), &sum);
	assert_int_equal(sum.attempts, 1);
	assert_int_equal(sum.answered, 1);
	restart(fixture);
	assert_int_equal(stored(fixture, clock_wall_ms()).sum.answered, 1);
	stats_read(fixture->stats, STATS_TOTAL, "", 60, clock_mono_us(), &sum);
	assert_int_equal(sum.attempts, 0);
}

/* Many more than one transaction takes. */
static void what_a_run_has_not_counted_the_next_one_does(void **state)
{
	enum { CALLS = 700 };

	struct fixture *fixture = *state;
	struct vos_fault fault = {0};
	struct cdr_batch batch = {0};
	int64_t now_ms = clock_wall_ms();

	for (int64_t i = 1; i <= CALLS; i++)
		put(fixture, CDR_WHOLE, i, now_ms);
	wait_for(fixture, CALLS);
	/* As if a run had ended before any of its records was counted. */
	cdr_batch_put_number(&batch, "reported", 0);
	assert_int_equal(cdr_store_write(cdr_writer_store(fixture->writer), &batch, &fault),
			 VOS_OK);
	cdr_batch_free(&batch);
	restart(fixture);
	assert_int_equal(stored(fixture, now_ms).sum.attempts, 2 * CALLS);
	assert_int_equal(stored(fixture, now_ms).causes[0].count, 2 * CALLS);
	restart(fixture);
	assert_int_equal(stored(fixture, now_ms).sum.attempts, 2 * CALLS);
}

/* Around midnight, after a restart, and when the clock is set back: no day begins anew. */
static void days_may_come_in_any_order(void **state)
{
	static const int64_t order[] = {0, -1, 0, 0, -1, -5, 0, -1, -9, -5, 0};
	struct fixture *fixture = *state;
	int64_t now_ms = clock_wall_ms();
	uint64_t expected[10] = {0};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		put(fixture, CDR_WHOLE, (int64_t)i, now_ms + order[i] * DAY_MS);
		expected[-order[i]]++;
		/* One transaction each, but for some. */
		if (i % 3)
			wait_for(fixture, i + 1);
		if (i == 6)
			restart(fixture);
	}
	wait_for(fixture, sizeof(order) / sizeof(order[0]));
	for (int64_t day = 0; day < 10; day++)
		assert_int_equal(stored(fixture, now_ms - day * DAY_MS).sum.attempts,
				 expected[day]);
}

static void samples_are_in_the_row_after_the_stop(void **state)
{
	struct fixture *fixture = *state;
	struct stats_sample sample = {.name = "", .calls = 7, .up_ms = 2000};
	int64_t now_ms = clock_wall_ms();
	struct stats_tally tally;

	stats_sample(fixture->stats, &sample);
	sample.calls = 5;
	stats_sample(fixture->stats, &sample);
	put(fixture, CDR_WHOLE, 1, now_ms);
	wait_for(fixture, 1);
	restart(fixture);
	sample.calls = 6;
	stats_sample(fixture->stats, &sample);
	restart(fixture);
	tally = stored(fixture, now_ms);
	if (tally.up_ms != 6000) /* midnight was in between */
		tally = stored(fixture, clock_wall_ms());
	assert_int_equal(tally.up_ms, 6000);
	assert_int_equal(tally.peak_calls, 7);
	assert_int_equal(stored(fixture, now_ms).sum.attempts, 1);
}

static void a_row_of_an_earlier_version_is_read(void **state)
{
	struct report_row row;

	(void)state;
	assert_true(
		report_parse("2026-11-21 total", SPAN_LIT("9 5 6 7 1 61000 800 4 486:3"), &row));
	assert_int_equal(row.tally.sum.pdd_count, 4);
	assert_int_equal(row.tally.sum.mos_count, 0);
	assert_int_equal(row.tally.peak_calls, 0);
	assert_int_equal(row.tally.causes[0].count, 3);
	assert_false(report_parse("2026-11-21 total",
				  SPAN_LIT("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"), &row));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(a_call_that_is_cut_counts_once), TEST(what_a_run_has_not_counted_the_next_one_does),
	  TEST(days_may_come_in_any_order), TEST(samples_are_in_the_row_after_the_stop),
	  cmocka_unit_test(a_row_of_an_earlier_version_is_read))
