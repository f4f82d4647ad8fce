/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of a pool: their sizes, that no two overlap, and that a peak leaves nothing behind. */
#include "switchd/loop/pool.h"

#include <stdint.h>
#include <stdlib.h>

#include "tests/support/test.h"

#define BLOCKS 4000

static void test_room(void **state)
{
	static const size_t pairs[][2] = {
		{0, 32},      {1, 32},      {32, 32},     {33, 64},     {1024, 1024},
		{1025, 1280}, {1280, 1280}, {4096, 4096}, {4097, 4097}, {100000, 100000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_int_equal(pool_room(pairs[i][0]), pairs[i][1]);
}

/* A pattern that depends on which block it is. */
static void fill(void *block, size_t size, unsigned number)
{
	memset(block, (int)(number * 31 % 251), size);
}

static void check(const void *block, size_t size, unsigned number)
{
	const unsigned char *bytes = block;

	for (size_t i = 0; i < size; i++)
		assert_int_equal(bytes[i], number * 31 % 251);
}

/* Takes and gives blocks of all sizes in a random order; nothing that is taken may change. */
static void test_blocks_are_apart(void **state)
{
	struct pool pool = {0};
	void *blocks[BLOCKS] = {0};
	size_t sizes[BLOCKS];
	unsigned seed = 7;

	(void)state;
	for (unsigned turn = 0; turn < 10 * BLOCKS; turn++) {
		unsigned i = (unsigned)rand_r(&seed) % BLOCKS;

		if (blocks[i]) {
			check(blocks[i], sizes[i], i);
			pool_give(&pool, blocks[i], sizes[i]);
			blocks[i] = NULL;
			continue;
		}
		sizes[i] = (size_t)rand_r(&seed) % (i % 16 ? 700 : 6000);
		blocks[i] = pool_take(&pool, sizes[i]);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % 16, 0);
		fill(blocks[i], sizes[i], i);
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (!blocks[i])
			continue;
		check(blocks[i], sizes[i], i);
		pool_give(&pool, blocks[i], sizes[i]);
	}
	assert_int_equal(pool.chunk_count, pool.spare_count);
	pool_end(&pool);
	assert_int_equal(pool.chunk_count, 0);
}

static void test_a_peak_goes_back(void **state)
{
	struct pool pool = {0};
	static void *blocks[BLOCKS];
	size_t peak;

	(void)state;
	for (unsigned i = 0; i < BLOCKS; i++)
		blocks[i] = pool_take(&pool, 640);
	peak = pool.chunk_count;
	for (unsigned i = 0; i < BLOCKS; i++)
		pool_give(&pool, blocks[i], 640);
	assert_true(pool.chunk_count <= POOL_SPARES_MAX);
	/* Under AddressSanitizer there are no chunks. */
	assert_true(peak == 0 || peak >= BLOCKS * 640 / POOL_CHUNK);
	pool_end(&pool);
	assert_int_equal(pool.chunk_count, 0);
}

static void test_a_spare_serves_any_size(void **state)
{
	struct pool pool = {0};
	size_t count;

	(void)state;
	pool_give(&pool, pool_take(&pool, 100), 100);
	count = pool.chunk_count;
	pool_give(&pool, pool_take(&pool, 3000), 3000);
	assert_int_equal(pool.chunk_count, count);
	pool_end(&pool);
}

static void test_zeroed(void **state)
{
	struct pool pool = {0};
	static const unsigned char zeros[200];
	void *block = pool_take(&pool, sizeof(zeros));

	(void)state;
	assert_non_null(block);
	memset(block, 0xff, sizeof(zeros));
	pool_give(&pool, block, sizeof(zeros));
	block = pool_take_zeroed(&pool, sizeof(zeros));
	assert_non_null(block);
	assert_memory_equal(block, zeros, sizeof(zeros));
	pool_give(&pool, block, sizeof(zeros));
	pool_give(&pool, NULL, sizeof(zeros));
	pool_end(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_blocks_are_apart),
		cmocka_unit_test(test_a_peak_goes_back),
		cmocka_unit_test(test_a_spare_serves_any_size),
		cmocka_unit_test(test_zeroed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
