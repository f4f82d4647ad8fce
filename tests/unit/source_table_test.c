/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bindings counted by source address, against a plain array of counts. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>

#include "switchd/sip/source_table.h"

#define SOURCES 3000u

static int make(void **state)
{
	struct source_table *table = aligned_alloc(64, sizeof(*table));

	assert_non_null(table);
	assert_int_equal(source_table_init(table), VOS_OK);
	*state = table;
	return 0;
}

static int drop(void **state)
{
	source_table_destroy(*state);
	free(*state);
	return 0;
}

static struct addr address(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(span_of(text), &addr));
	return addr;
}

static void what_counts_as_one_source(void **state)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} ROWS[] = {
		{"192.0.2.1:5060", "192.0.2.1:9", true},
		{"192.0.2.1:5060", "192.0.2.2:5060", false},
		{"[2001:db8:0:1::1]:5060", "[2001:db8:0:1:ffff::2]:9", true},
		{"[2001:db8:0:1::1]:5060", "[2001:db8:0:2::1]:5060", false},
	};
	struct source_table *table = *state;

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct addr a = address(ROWS[i].a);
		struct addr b = address(ROWS[i].b);

		assert_true(source_table_add(table, &a));
		assert_int_equal(source_table_count(table, &b), ROWS[i].is_same);
		assert_true(source_table_add(table, &b));
		assert_int_equal(source_table_count(table, &a), ROWS[i].is_same ? 2 : 1);
		source_table_remove(table, &a);
		assert_int_equal(source_table_count(table, &b), 1);
		source_table_remove(table, &b);
		assert_int_equal(source_table_count(table, &b), 0);
		assert_int_equal(source_table_count(table, &a), 0);
	}
}

static struct addr numbered(unsigned number)
{
	struct addr addr = {.family = ADDR_IP4, .port = 5060, .ip = {10, 1}};

	addr.ip[2] = (uint8_t)(number >> 8);
	addr.ip[3] = (uint8_t)number;
	return addr;
}

static void counts_are_those_of_an_array(void **state)
{
	struct source_table *table = *state;
	static uint32_t counts[SOURCES];
	unsigned seed = 20261121;

	memset(counts, 0, sizeof(counts));
	for (unsigned i = 0; i < 200000; i++) {
		unsigned number = (unsigned)rand_r(&seed) % SOURCES;
		struct addr addr = numbered(number);
		/* Filling and emptying in turns, so that gaps are closed in long runs too. */
		bool adds = (unsigned)rand_r(&seed) % 100 < (i / 20000 % 2 ? 30 : 70);

		if (adds) {
			assert_true(source_table_add(table, &addr));
			counts[number]++;
		} else if (counts[number]) {
			source_table_remove(table, &addr);
			counts[number]--;
		}
		number = (unsigned)rand_r(&seed) % SOURCES;
		addr = numbered(number);
		assert_int_equal(source_table_count(table, &addr), counts[number]);
	}
	for (unsigned number = 0; number < SOURCES; number++) {
		struct addr addr = numbered(number);

		assert_int_equal(source_table_count(table, &addr), counts[number]);
		for (; counts[number]; counts[number]--)
			source_table_remove(table, &addr);
		assert_int_equal(source_table_count(table, &addr), 0);
	}
	for (size_t i = 0; i < SOURCE_STRIPES; i++)
		assert_int_equal(table->stripes[i].used, 0);
}

static void *come_and_go(void *context)
{
	struct source_table *table = context;

	for (unsigned i = 0; i < 20000; i++) {
		struct addr addr = numbered(i % 500);

		if (!source_table_add(table, &addr) || !source_table_count(table, &addr))
			return table;
		source_table_remove(table, &addr);
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	struct source_table *table = *state;
	pthread_t threads[3];
	void *wrong;

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, table), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	for (unsigned number = 0; number < 500; number++) {
		struct addr addr = numbered(number);

		assert_int_equal(source_table_count(table, &addr), 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

TEST_MAIN(TEST(what_counts_as_one_source), TEST(counts_are_those_of_an_array),
	  TEST(threads_share_it))
