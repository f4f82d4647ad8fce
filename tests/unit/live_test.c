/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters that all threads share: limits hold whoever asks, windows forget what is old. */
#include "tests/support/test.h"

#include <pthread.h>

#include "switchd/conf/live.h"

#define SECOND UINT64_C(1000000)

static struct live_table *new_table(void)
{
	struct live_table *table;

	assert_int_equal(live_table_create(&table), VOS_OK);
	return table;
}

static void test_one_entry_a_name(void **state)
{
	struct live_table *table = new_table();
	struct live *a = live_get(table, LIVE_ROUTING_GATEWAY, "a");
	char long_name[200];

	(void)state;
	assert_non_null(a);
	assert_ptr_equal(live_get(table, LIVE_ROUTING_GATEWAY, "a"), a);
	assert_ptr_not_equal(live_get(table, LIVE_MAPPING_GATEWAY, "a"), a);
	assert_ptr_not_equal(live_get(table, LIVE_ROUTING_GATEWAY, "ab"), a);
	assert_int_equal(live_count(table), 3);
	assert_string_equal(a->name, "a");
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_null(live_get(table, LIVE_NUMBER, long_name));
	live_table_unref(table);
}

static void test_capacity(void **state)
{
	struct live_table *table = new_table();
	struct live *live = live_get(table, LIVE_ROUTING_GATEWAY, "a");

	(void)state;
	assert_int_equal(live_begin(live, 2, 0, 0), LIVE_OK);
	assert_int_equal(live_load(live, 2, 0), 500);
	assert_int_equal(live_begin(live, 2, 0, 0), LIVE_OK);
	assert_int_equal(live_begin(live, 2, 0, 0), LIVE_FULL);
	assert_int_equal(live_would_admit(live, 2, 0, 0), LIVE_FULL);
	assert_int_equal(live_would_admit(live, 0, 0, 0), LIVE_OK);
	live_end(live);
	assert_int_equal(live_begin(live, 2, 0, 0), LIVE_OK);
	assert_int_equal(live->calls, 2);
	assert_int_equal(live->peak, 2);
	assert_int_equal(live->attempts, 3);
	live_table_unref(table);
}

static void test_rate(void **state)
{
	struct live_table *table = new_table();
	struct live *live = live_get(table, LIVE_MAPPING_GATEWAY, "a");

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(live_begin(live, 0, 3, 5 * SECOND + (uint64_t)i), LIVE_OK);
	assert_int_equal(live_begin(live, 0, 3, 6 * SECOND - 1), LIVE_TOO_FAST);
	assert_int_equal(live->calls, 3); /* a refused one is not counted as a call */
	assert_int_equal(live_rate(live, 6 * SECOND - 1), 3);
	assert_int_equal(live_rate(live, 6 * SECOND), 0);
	assert_int_equal(live_begin(live, 0, 3, 6 * SECOND), LIVE_OK);
	live_table_unref(table);
}

static void test_window(void **state)
{
	struct live_table *table = new_table();
	struct live *live = live_get(table, LIVE_ROUTING_GATEWAY, "a");
	struct live_ratio sum;

	(void)state;
	/* Ten buckets over 100 s: 10 s each. */
	for (uint64_t at = 0; at < 100; at++)
		live_window_add(live, at % 4 == 0, 100, 10, at * SECOND);
	sum = live_window_sum(live, 100, 10, 99 * SECOND);
	assert_int_equal(sum.attempts, 100);
	assert_int_equal(sum.answers, 25);
	sum = live_window_sum(live, 100, 10, 100 * SECOND);
	assert_int_equal(sum.attempts, 90); /* the first bucket has aged out */
	sum = live_window_sum(live, 100, 10, 189 * SECOND);
	assert_int_equal(sum.attempts, 10);
	sum = live_window_sum(live, 100, 10, 190 * SECOND);
	assert_int_equal(sum.attempts, 0);
	live_window_add(live, true, 100, 10, 190 * SECOND);
	sum = live_window_sum(live, 100, 10, 190 * SECOND);
	assert_int_equal(sum.attempts, 1);
	assert_int_equal(sum.answers, 1);
	live_table_unref(table);
}

#define THREADS 4
#define ROUNDS  20000

struct crowd {
	struct live_table *table;
	atomic_uint most;
	atomic_uint admitted;
};

static void *call_and_hang_up(void *context)
{
	struct crowd *crowd = context;
	struct live *live = live_get(crowd->table, LIVE_ROUTING_GATEWAY, "shared");

	for (int i = 0; i < ROUNDS; i++) {
		unsigned calls;

		if (live_begin(live, 3, 0, (uint64_t)i) != LIVE_OK)
			continue;
		atomic_fetch_add(&crowd->admitted, 1);
		calls = live->calls;
		if (calls > atomic_load(&crowd->most))
			atomic_store(&crowd->most, calls);
		live_window_add(live, true, 3600, 10, (uint64_t)i);
		live_end(live);
	}
	return NULL;
}

/* Four threads want three lines: never more than three at a time, and nothing is left. */
static void test_many_threads(void **state)
{
	struct crowd crowd = {.table = new_table()};
	pthread_t threads[THREADS];
	struct live *live;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_and_hang_up, &crowd), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	live = live_get(crowd.table, LIVE_ROUTING_GATEWAY, "shared");
	assert_in_range(crowd.most, 1, 3);
	assert_in_range(live->peak, 1, 3);
	assert_int_equal(live->calls, 0);
	assert_int_equal(live->attempts, crowd.admitted);
	assert_int_equal(live_window_sum(live, 3600, 10, ROUNDS).answers, crowd.admitted);
	live_table_unref(crowd.table);
}

TEST_MAIN(cmocka_unit_test(test_one_entry_a_name), cmocka_unit_test(test_capacity),
	  cmocka_unit_test(test_rate), cmocka_unit_test(test_window),
	  cmocka_unit_test(test_many_threads))
