/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ten million sources against the tables that keep one word for each: none grows past its limit,
 * and a phone among them is neither suspended nor out of tokens. */
#include "tests/support/test.h"

#include "switchd/auth/auth_private.h"
#include "switchd/auth/bucket.h"

#define CROWD TEST_MANY(10000000u)
#define S     ((uint64_t)1000000u)
#define NOW   (5000u * S)
#define LOOK  100000u /* the phone comes once in so many */

static const struct lockout_rules RULES = {.max_retry = 6, .suspend_s = 180, .call_retry = 6};
static const struct bucket_rule OFFICE = {.rate = 200, .burst = 2000};

/* Addresses of a sequence that visits each once (an odd multiplier), so no two are the same. */
static struct addr stranger(uint32_t i)
{
	uint32_t number = i * 2654435761u;
	struct addr addr = {.family = ADDR_IP4};

	memcpy(addr.ip, &number, sizeof(number));
	return addr;
}

static const struct addr PHONE = {.family = ADDR_IP6, .ip = {0x20, 0x01, 0x0d, 0xb8}};

static void failures_of_a_crowd_suspend_no_phone(void **state)
{
	struct lockout_failure failure = {.user = "1001", .call_id = SPAN_LIT("c")};
	struct auth *auth;

	(void)state;
	assert_int_equal(auth_create(&auth), VOS_OK);
	for (uint32_t i = 0; i < CROWD; i++) {
		failure.source = stranger(i);
		if (lockout_fail(auth->lockout, &RULES, &failure, NOW + i) != LOCKOUT_COUNTED)
			fail_msg("source %u is suspended for one failure", i);
		if (i % LOOK == 0 && lockout_is_suspended(auth->lockout, &PHONE, NOW + i))
			fail_msg("the phone is suspended after %u others", i);
	}
	assert_true(lockout_used(auth) <= LOCKOUT_SOURCES_MAX);
	assert_true(lockout_used(auth) > LOCKOUT_SOURCES_MAX / 2); /* the crowd was counted */
	assert_int_equal(suspensions_count(lockout_suspensions(auth)), 0);
	/* Its own failures count as ever. */
	failure.source = PHONE;
	for (int i = 0; i < 6; i++)
		assert_int_equal(lockout_fail(auth->lockout, &RULES, &failure, NOW + CROWD),
				 LOCKOUT_COUNTED);
	assert_int_equal(lockout_fail(auth->lockout, &RULES, &failure, NOW + CROWD),
			 LOCKOUT_SUSPENDED);
	auth_destroy(auth);
}

static void a_crowd_that_is_suspended_finds_an_end(void **state)
{
	enum { SUSPENDED = 10 * SUSPENSIONS_MAX };

	struct lockout_failure failure = {.user = "1001", .call_id = SPAN_LIT("c")};
	struct lockout_rules strict = {.max_retry = 1, .suspend_s = 180, .call_retry = 6};
	struct auth *auth;

	(void)state;
	assert_int_equal(auth_create(&auth), VOS_OK);
	for (uint32_t i = 0; i < SUSPENDED; i++) {
		failure.source = stranger(i);
		lockout_fail(auth->lockout, &strict, &failure, NOW + i);
		lockout_fail(auth->lockout, &strict, &failure, NOW + i);
	}
	assert_true(suspensions_count(lockout_suspensions(auth)) <= SUSPENSIONS_MAX);
	assert_true(suspensions_count(lockout_suspensions(auth)) > SUSPENSIONS_MAX / 2);
	assert_false(lockout_is_suspended(auth->lockout, &PHONE, NOW + SUSPENDED));
	auth_destroy(auth);
}

static void buckets_of_a_crowd_leave_the_phone_its_own(void **state)
{
	struct buckets *buckets;
	unsigned refused = 0;

	(void)state;
	assert_int_equal(buckets_create(&buckets), VOS_OK);
	/* Ten seconds, one million a second; the phone sends ten requests in each. */
	for (uint32_t i = 0; i < CROWD; i++) {
		uint64_t key = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

		buckets_take(buckets, key, OFFICE, NOW + i);
		if (i % LOOK == 0)
			refused += !buckets_take(buckets, 1, OFFICE, NOW + i);
	}
	assert_int_equal(refused, 0);
	assert_true(buckets_used(buckets) <= BUCKETS_MAX);
	assert_true(buckets_used(buckets) > BUCKETS_MAX / 2);
	buckets_destroy(buckets);
}

/* While a crowd passes through its set, the bucket of one that floods stays empty. */
static void a_crowd_does_not_fill_the_flooder_up(void **state)
{
	struct buckets *buckets;
	uint32_t taken = 0;

	(void)state;
	assert_int_equal(buckets_create(&buckets), VOS_OK);
	/* A second of 1,000,000 datagrams, every other one the flooder's. */
	for (uint32_t i = 0; i < 1000000; i++) {
		if (i % 2)
			buckets_take(buckets, (i + 1) * UINT64_C(0x9e3779b97f4a7c15), OFFICE,
				     NOW + i);
		else
			taken += buckets_take(buckets, 1, OFFICE, NOW + i);
	}
	assert_in_range(taken, 2000, 2201);
	buckets_destroy(buckets);
}

TEST_MAIN(cmocka_unit_test(failures_of_a_crowd_suspend_no_phone),
	  cmocka_unit_test(a_crowd_that_is_suspended_finds_an_end),
	  cmocka_unit_test(buckets_of_a_crowd_leave_the_phone_its_own),
	  cmocka_unit_test(a_crowd_does_not_fill_the_flooder_up))
