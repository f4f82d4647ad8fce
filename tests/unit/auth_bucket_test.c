/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/test.h"

#include <pthread.h>

#include "switchd/auth/bucket.h"

#define S   ((uint64_t)1000000u)
#define NOW (5000u * S)

static uint32_t take_all(struct bucket *bucket, struct bucket_rule rule, uint64_t now_us)
{
	uint32_t taken = 0;

	while (taken < 1000000 && bucket_take(bucket, rule, now_us))
		taken++;
	return taken;
}

static void a_full_bucket_holds_its_burst(void **state)
{
	struct bucket_rule rule = {.rate = 10, .burst = 25};
	struct bucket bucket = {0};

	(void)state;
	assert_int_equal(take_all(&bucket, rule, NOW), 25);
	assert_false(bucket_take(&bucket, rule, NOW + 99999));
	assert_int_equal(take_all(&bucket, rule, NOW + 100000), 1);
	assert_int_equal(take_all(&bucket, rule, NOW + S), 9);
	/* However long it rests, it is not fuller than full. */
	assert_int_equal(take_all(&bucket, rule, NOW + 1000 * S), 25);
}

static void one_token_a_second_is_the_least(void **state)
{
	struct bucket_rule rule = {.rate = 1, .burst = 1};
	struct bucket bucket = {0};

	(void)state;
	assert_int_equal(take_all(&bucket, rule, NOW), 1);
	assert_int_equal(take_all(&bucket, rule, NOW + S - 1), 0);
	assert_int_equal(take_all(&bucket, rule, NOW + S), 1);
}

static void the_rate_holds_over_time(void **state)
{
	struct bucket_rule rule = {.rate = 1200, .burst = 1200};
	struct bucket bucket = {0};
	uint32_t taken = 0;

	(void)state;
	for (uint64_t t = 0; t < 10 * S; t += 100)
		taken += bucket_take(&bucket, rule, NOW + t);
	assert_in_range(taken, 11 * 1200 - 2, 11 * 1200 + 1);
}

/* A commit may lower or raise a rule under a bucket that is in use. */
static void a_rule_may_change(void **state)
{
	struct bucket_rule wide = {.rate = 10, .burst = 1000};
	struct bucket_rule narrow = {.rate = 1000, .burst = 5};
	struct bucket bucket = {0};

	(void)state;
	assert_int_equal(take_all(&bucket, wide, NOW), 1000);
	assert_false(bucket_take(&bucket, narrow, NOW + S));
	assert_true(bucket_take(&bucket, narrow, NOW + 101 * S));
}

static void keys_do_not_share(void **state)
{
	struct bucket_rule rule = {.rate = 1, .burst = 2};
	struct buckets *buckets;

	(void)state;
	assert_int_equal(buckets_create(&buckets), VOS_OK);
	for (uint64_t key = 1; key <= 1000; key++) {
		assert_true(buckets_take(buckets, key, rule, NOW));
		assert_true(buckets_take(buckets, key, rule, NOW));
		assert_false(buckets_take(buckets, key, rule, NOW));
	}
	assert_int_equal(buckets_used(buckets), 1000);
	buckets_destroy(buckets);
}

struct shared_take {
	struct buckets *buckets;
	uint32_t taken;
};

static void *take_from_one(void *context)
{
	struct bucket_rule rule = {.rate = 1, .burst = 5000};
	struct shared_take *share = context;

	for (uint64_t i = 0; i < 10000; i++) {
		share->taken += buckets_take(share->buckets, 7, rule, NOW);
		buckets_take(share->buckets, 7 + (i + 1) * BUCKET_SETS, rule, NOW);
	}
	return NULL;
}

static void threads_share_one_bucket(void **state)
{
	struct shared_take shares[3] = {0};
	struct buckets *buckets;
	pthread_t threads[3];
	uint32_t taken = 0;

	(void)state;
	assert_int_equal(buckets_create(&buckets), VOS_OK);
	for (size_t i = 0; i < 3; i++) {
		shares[i].buckets = buckets;
		assert_int_equal(pthread_create(&threads[i], NULL, take_from_one, &shares[i]), 0);
	}
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		taken += shares[i].taken;
	}
	/* The key may lose its place once, while all have as little. */
	assert_in_range(taken, 5000, 5100);
	buckets_destroy(buckets);
}

TEST_MAIN(cmocka_unit_test(a_full_bucket_holds_its_burst),
	  cmocka_unit_test(one_token_a_second_is_the_least),
	  cmocka_unit_test(the_rate_holds_over_time), cmocka_unit_test(a_rule_may_change),
	  cmocka_unit_test(keys_do_not_share), cmocka_unit_test(threads_share_one_bucket))
