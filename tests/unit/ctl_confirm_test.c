/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A commit that waits to be confirmed, by clocks that the test sets: the two deadlines, what a
 * start makes of a record, and what becomes of it in the store. */
#include "switchd/ctl/confirm.h"

#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/ctl/ctl.h"
#include "tests/support/changes.h"
#include "tests/support/state_folder.h"

#define WALL_MS 1795219142000
#define MONO_US 77000000u

static struct confirm armed(int minutes)
{
	struct store_confirm record = confirm_record(43, "alice", minutes, WALL_MS);
	struct confirm confirm = {0};

	confirm_arm(&confirm, &record, WALL_MS, MONO_US);
	return confirm;
}

static void nothing_waits(void **state)
{
	struct confirm confirm = {0};

	(void)state;
	assert_false(confirm_is_pending(&confirm));
	assert_true(confirm_left_ms(&confirm, WALL_MS, MONO_US) == INT64_MAX);
}

struct left_case {
	int minutes;
	int64_t wall_ms; /* since the commit */
	int64_t mono_ms;
	int64_t left_ms;
};

static const struct left_case left_cases[] = {
	{1, 0, 0, 60000},
	{1440, 0, 0, 86400000},
	{5, 1000, 1000, 299000},
	{5, 299999, 299999, 1},
	{5, 300000, 300000, 0},
	{5, 300001, 300001, 0},
	/* The wall clock was set forward: what was promised for that time is done. */
	{5, 400000, 10, 0},
	{5, 250000, 10000, 50000},
	/* It was set back: five minutes are over all the same. */
	{5, -3600000, 299000, 1000},
	{5, -3600000, 300000, 0},
};

static void the_nearer_deadline_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(left_cases) / sizeof(left_cases[0]); i++) {
		const struct left_case *one = &left_cases[i];
		struct confirm confirm = armed(one->minutes);
		int64_t left_ms = confirm_left_ms(&confirm, WALL_MS + one->wall_ms,
						  MONO_US + (uint64_t)one->mono_ms * 1000);

		if (left_ms != one->left_ms)
			fail_msg("case %zu: %lld ms left", i, (long long)left_ms);
	}
}

static void a_microsecond_left_is_time_left(void **state)
{
	struct confirm confirm = armed(1);

	(void)state;
	assert_int_equal(confirm_left_ms(&confirm, WALL_MS, MONO_US + 59999999), 1);
	assert_int_equal(confirm_left_ms(&confirm, WALL_MS, MONO_US + 60000000), 0);
}

/* Read back by another process: its monotonic clock starts anywhere. */
static void a_restart_goes_on(void **state)
{
	struct store_confirm record = confirm_record(43, "alice", 5, WALL_MS);
	struct confirm confirm = {0};

	(void)state;
	confirm_arm(&confirm, &record, WALL_MS + 120000, 5);
	assert_int_equal(confirm_left_ms(&confirm, WALL_MS + 120000, 5), 180000);
	assert_int_equal(confirm_left_ms(&confirm, WALL_MS + 120000, 180000005), 0);
	/* Too late, to the millisecond. */
	confirm_arm(&confirm, &record, WALL_MS + 300000, 5);
	assert_int_equal(confirm_left_ms(&confirm, WALL_MS + 300000, 5), 0);
	/* A machine that starts with its clock far behind. */
	confirm_arm(&confirm, &record, 0, 5);
	assert_int_equal(confirm_left_ms(&confirm, 0, 5), 300000);
}

static void a_record_has_a_fate(void **state)
{
	struct store_confirm record = confirm_record(43, "alice", 5, WALL_MS);

	(void)state;
	assert_int_equal(confirm_at_start(&record, 43, WALL_MS), CONFIRM_GOES_ON);
	assert_int_equal(confirm_at_start(&record, 43, WALL_MS + 299999), CONFIRM_GOES_ON);
	assert_int_equal(confirm_at_start(&record, 43, WALL_MS + 300000), CONFIRM_EXPIRED);
	assert_int_equal(confirm_at_start(&record, 44, WALL_MS), CONFIRM_STALE);
	assert_int_equal(confirm_at_start(&record, 44, WALL_MS + 300000), CONFIRM_STALE);
	assert_int_equal(confirm_at_start(&record, 42, WALL_MS), CONFIRM_STALE);
}

static void a_refusal_names_who_and_until_when(void **state)
{
	struct confirm confirm = armed(5);
	struct vos_fault fault = {0};

	(void)state;
	confirm_refuse(&confirm, 249001, &fault);
	assert_int_equal(fault.code, FAULT_STATE_PENDING_CONFIRM);
	assert_non_null(strstr(fault.text, "generation 43 of alice"));
	assert_non_null(strstr(fault.text, "until 2026-11-21T00:04:02Z, 4:10 from now"));
}

/* --- With a store. --- */

/* Two commits, the second one to be confirmed. */
static struct snapshot *two_commits(struct store *store, int minutes, int64_t wall_ms)
{
	struct snapshot *first = state_load(store);
	struct change_list list = {0};
	struct store_confirm record;
	struct snapshot *second;
	struct vos_fault fault = {0};

	changes_create(&list, "phone", "1001");
	state_commit(store, &first, &list);
	changes_field(&list, "phone", "1001", "name", "trial");
	changes_create(&list, "phone", "1002");
	assert_int_equal(snapshot_apply(first, &list, 2, &second, &fault), VOS_OK);
	record = confirm_record(2, "al\tice", minutes, wall_ms);
	assert_int_equal(store_commit_confirmed(store, &list, first, second, "al\tice", "", wall_ms,
						&record, &fault),
			 VOS_OK);
	change_list_clear(&list);
	snapshot_unref(first);
	return second;
}

static size_t phones(const struct snapshot *snapshot)
{
	return snapshot_object_count(snapshot, OBJECT_PHONE);
}

static void a_record_lives_with_its_commit(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct change_list list = {0};
	struct store_confirm record;
	struct snapshot *running;
	struct vos_fault fault = {0};

	(void)state;
	assert_int_equal(store_confirm_get(store, &record), VOS_ENOENT);
	running = two_commits(store, 5, WALL_MS);
	store_close(store);
	store = state_open(&state_quiet);
	assert_int_equal(store_confirm_get(store, &record), VOS_OK);
	assert_int_equal(record.generation, 2);
	assert_true(record.until_ms == WALL_MS + 300000);
	assert_true(record.period_ms == 300000);
	assert_string_equal(record.author, "al\tice");
	/* More time, then confirmed. */
	record.until_ms += 1;
	assert_int_equal(store_confirm_set(store, &record, &fault), VOS_OK);
	assert_int_equal(store_confirm_get(store, &record), VOS_OK);
	assert_true(record.until_ms == WALL_MS + 300001);
	assert_int_equal(store_confirm_set(store, NULL, &fault), VOS_OK);
	assert_int_equal(store_confirm_get(store, &record), VOS_ENOENT);
	assert_int_equal(store_confirm_set(store, NULL, &fault), VOS_OK);
	/* A later commit leaves nothing waiting. */
	assert_int_equal(store_confirm_set(store, &record, &fault), VOS_OK);
	changes_delete(&list, "phone", "1002");
	state_commit(store, &running, &list);
	assert_int_equal(store_confirm_get(store, &record), VOS_ENOENT);
	snapshot_unref(running);
	store_close(store);
}

static struct generation_info newest(struct store *store)
{
	struct generation_info info = {0};

	assert_int_equal(store_generations(store, &info, 1), 1);
	return info;
}

static void a_start_takes_back(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *running = two_commits(store, 5, 1000); /* in 1970 */
	struct vos_fault fault = {0};
	struct store_confirm record;
	struct snapshot *stored;

	(void)state;
	assert_int_equal(phones(running), 2);
	assert_int_equal(ctl_settle_confirm(store, &running, &state_quiet, &fault), VOS_OK);
	assert_int_equal(snapshot_generation(running), 3);
	assert_int_equal(phones(running), 1);
	assert_string_equal(newest(store).author, CONFIRM_AUTHOR);
	assert_string_equal(newest(store).comment, "takes back generation 2 of al\tice");
	assert_int_equal(store_confirm_get(store, &record), VOS_ENOENT);
	stored = state_load(store);
	assert_int_equal(phones(stored), 1);
	assert_int_equal(snapshot_generation(stored), 3);
	snapshot_unref(stored);
	/* Once. */
	assert_int_equal(ctl_settle_confirm(store, &running, &state_quiet, &fault), VOS_OK);
	assert_int_equal(snapshot_generation(running), 3);
	snapshot_unref(running);
	store_close(store);
}

static void a_start_in_time_leaves_it(void **state)
{
	struct store *store = state_open(&state_quiet);
	/* A deadline in a far future: the test's own clock is before it. */
	struct snapshot *running = two_commits(store, 5, INT64_C(7000000000000));
	struct vos_fault fault = {0};
	struct store_confirm record;

	(void)state;
	assert_int_equal(ctl_settle_confirm(store, &running, &state_quiet, &fault), VOS_OK);
	assert_int_equal(snapshot_generation(running), 2);
	assert_int_equal(store_confirm_get(store, &record), VOS_OK);
	/* Of a generation that is not in force: forgotten. */
	record.generation = 1;
	assert_int_equal(store_confirm_set(store, &record, &fault), VOS_OK);
	assert_int_equal(ctl_settle_confirm(store, &running, &state_quiet, &fault), VOS_OK);
	assert_int_equal(snapshot_generation(running), 2);
	assert_int_equal(store_confirm_get(store, &record), VOS_ENOENT);
	snapshot_unref(running);
	store_close(store);
}

#define WITH_FOLDER(test) \
	cmocka_unit_test_setup_teardown(test, state_folder_make, state_folder_remove)

TEST_MAIN(cmocka_unit_test(nothing_waits), cmocka_unit_test(the_nearer_deadline_counts),
	  cmocka_unit_test(a_microsecond_left_is_time_left), cmocka_unit_test(a_restart_goes_on),
	  cmocka_unit_test(a_record_has_a_fate),
	  cmocka_unit_test(a_refusal_names_who_and_until_when),
	  WITH_FOLDER(a_record_lives_with_its_commit), WITH_FOLDER(a_start_takes_back),
	  WITH_FOLDER(a_start_in_time_leaves_it))
