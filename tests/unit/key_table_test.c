/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of keys beside a plain list of what is in it. */
#include "switchd/loop/key_table.h"

#include <stdlib.h>

#include "tests/support/test.h"

#define ITEMS 3000

#define KEYS_MAX (5 * ITEMS)

/* Each key is found exactly when one of its items is in. */
static void check(const struct key_table *table, const int *items, const uint64_t *keys,
		  const bool *is_in, unsigned keys_in_use)
{
	static unsigned counts[KEYS_MAX];

	memset(counts, 0, sizeof(counts));
	for (int i = 0; i < ITEMS; i++)
		if (is_in[i])
			counts[keys[i]]++;
	for (uint64_t key = 0; key < keys_in_use; key++) {
		const int *found = key_table_find(table, key);

		assert_int_equal(found != NULL, counts[key] > 0);
		if (!found)
			continue;
		assert_in_range(found - items, 0, ITEMS - 1);
		assert_true(is_in[found - items] && keys[found - items] == key);
	}
}

/* Comings and goings at random; with few keys many items have the same one. */
static void come_and_go(unsigned keys_in_use, unsigned seed)
{
	static int items[ITEMS];
	static uint64_t keys[ITEMS];
	static bool is_in[ITEMS];
	struct key_table table = {0};
	size_t count = 0;

	memset(is_in, 0, sizeof(is_in));
	for (int turn = 0; turn < 12 * ITEMS; turn++) {
		int i = (int)((unsigned)rand_r(&seed) % ITEMS);
		/* Three times as many come as go, and then the other way round. */
		bool comes = rand_r(&seed) % 4 ? turn < 6 * ITEMS : turn >= 6 * ITEMS;

		if (comes && !is_in[i]) {
			keys[i] = (unsigned)rand_r(&seed) % keys_in_use;
			assert_true(key_table_add(&table, keys[i], &items[i]));
			is_in[i] = true;
			count++;
		} else if (!comes && is_in[i]) {
			key_table_remove(&table, keys[i], &items[i]);
			is_in[i] = false;
			count--;
		}
		assert_int_equal(table.count, count);
		if (turn % (ITEMS / 2) == 0)
			check(&table, items, keys, is_in, keys_in_use);
	}
	for (int i = 0; i < ITEMS; i++)
		if (is_in[i])
			key_table_remove(&table, keys[i], &items[i]);
	assert_int_equal(table.count, 0);
	assert_null(key_table_find(&table, keys[0]));
	key_table_free(&table);
}

static void test_like_a_list(void **state)
{
	(void)state;
	come_and_go(KEYS_MAX, 1);
	come_and_go(40, 2);
}

static void test_empty(void **state)
{
	struct key_table table = {0};

	(void)state;
	assert_null(key_table_find(&table, 0));
	key_table_free(&table);
}

static void test_a_peak_goes_back(void **state)
{
	static int items[ITEMS];
	struct key_table table = {0};
	unsigned bits;

	(void)state;
	assert_true(key_table_add(&table, UINT64_MAX, &items[0]));
	bits = table.bits;
	for (int i = 1; i < ITEMS; i++)
		assert_true(key_table_add(&table, (uint64_t)i, &items[i]));
	assert_true(table.bits > bits);
	for (int i = 1; i < ITEMS; i++)
		key_table_remove(&table, (uint64_t)i, &items[i]);
	assert_int_equal(table.bits, bits);
	assert_ptr_equal(key_table_find(&table, UINT64_MAX), &items[0]);
	key_table_free(&table);
}

TEST_MAIN(cmocka_unit_test(test_like_a_list), cmocka_unit_test(test_empty),
	  cmocka_unit_test(test_a_peak_goes_back))
