/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters of wrong passwords and suspensions (behaviour A7, C2). */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>

#include "switchd/auth/auth_private.h"

#define S   ((uint64_t)1000000u)
#define NOW (5000u * S)

static const struct lockout_rules RULES = {.max_retry = 6, .suspend_s = 180, .call_retry = 6};

static int setup(void **state)
{
	return auth_create((struct auth **)state);
}

static int teardown(void **state)
{
	auth_destroy(*state);
	return 0;
}

static struct addr addr_of(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(span_of(text), &addr));
	return addr;
}

static enum lockout_verdict fail_at(struct auth *auth, const char *source, const char *call_id,
				    uint64_t now_us)
{
	struct addr addr = addr_of(source);

	return lockout_fail(auth->lockout, &RULES, &addr, span_of(call_id), now_us);
}

static bool is_suspended(struct auth *auth, const char *source, uint64_t now_us)
{
	struct addr addr = addr_of(source);

	return lockout_is_suspended(auth->lockout, &addr, now_us);
}

static void the_seventh_failure_in_a_row_suspends(void **state)
{
	char call_id[16];

	for (int i = 0; i < 6; i++) {
		snprintf(call_id, sizeof(call_id), "c%d", i);
		assert_int_equal(fail_at(*state, "192.0.2.1:5060", call_id, NOW), LOCKOUT_COUNTED);
		assert_false(is_suspended(*state, "192.0.2.1:5060", NOW));
	}
	assert_int_equal(fail_at(*state, "192.0.2.1:9", "c6", NOW), LOCKOUT_SUSPENDED);
	assert_true(is_suspended(*state, "192.0.2.1:5060", NOW));
	assert_true(is_suspended(*state, "192.0.2.1:1", NOW + 180 * S - 1)); /* whatever the port */
	assert_false(is_suspended(*state, "192.0.2.2:5060", NOW));
	assert_false(is_suspended(*state, "192.0.2.1:5060", NOW + 180 * S));
}

static void a_suspension_is_not_prolonged_and_counting_starts_anew(void **state)
{
	for (int i = 0; i < 7; i++)
		fail_at(*state, "192.0.2.1", "c", NOW);
	/* Requests that were on their way. */
	assert_int_equal(fail_at(*state, "192.0.2.1", "c", NOW + 100 * S), LOCKOUT_SUSPENDED);
	assert_true(is_suspended(*state, "192.0.2.1", NOW + 180 * S - 1));
	assert_false(is_suspended(*state, "192.0.2.1", NOW + 180 * S));
	for (int i = 0; i < 6; i++) {
		char call_id[16];

		snprintf(call_id, sizeof(call_id), "d%d", i);
		assert_int_equal(fail_at(*state, "192.0.2.1", call_id, NOW + 181 * S),
				 LOCKOUT_COUNTED);
	}
	assert_int_equal(fail_at(*state, "192.0.2.1", "d6", NOW + 181 * S), LOCKOUT_SUSPENDED);
	assert_true(is_suspended(*state, "192.0.2.1", NOW + 361 * S - 1));
}

static void success_resets_both_counters(void **state)
{
	struct addr addr = addr_of("192.0.2.1");

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 6; i++)
			assert_int_equal(fail_at(*state, "192.0.2.1", "c", NOW), LOCKOUT_COUNTED);
		lockout_succeed(((struct auth *)*state)->lockout, &addr, SPAN_LIT("c"));
	}
}

static void a_call_id_is_spent_before_the_source(void **state)
{
	struct auth *auth = *state;
	struct lockout_rules rules = {.max_retry = 0, .suspend_s = 180, .call_retry = 2};
	struct addr addr = addr_of("192.0.2.1");
	struct addr other = addr_of("192.0.2.2");

	assert_int_equal(lockout_fail(auth->lockout, &rules, &addr, SPAN_LIT("c"), NOW),
			 LOCKOUT_COUNTED);
	assert_int_equal(lockout_fail(auth->lockout, &rules, &addr, SPAN_LIT("c"), NOW),
			 LOCKOUT_COUNTED);
	assert_int_equal(lockout_fail(auth->lockout, &rules, &addr, SPAN_LIT("c"), NOW),
			 LOCKOUT_CALL_SPENT);
	/* Another one's Call-ID of the same text is another. */
	assert_int_equal(lockout_fail(auth->lockout, &rules, &other, SPAN_LIT("c"), NOW),
			 LOCKOUT_COUNTED);
	assert_int_equal(lockout_fail(auth->lockout, &rules, &addr, SPAN_LIT("d"), NOW),
			 LOCKOUT_COUNTED);
	lockout_succeed(auth->lockout, &addr, SPAN_LIT("c"));
	assert_int_equal(lockout_fail(auth->lockout, &rules, &addr, SPAN_LIT("c"), NOW),
			 LOCKOUT_COUNTED);
}

static void zero_suspends_nobody(void **state)
{
	struct auth *auth = *state;
	struct lockout_rules rules = {.max_retry = 0, .suspend_s = 180, .call_retry = 999};
	struct addr addr = addr_of("192.0.2.1");

	for (int i = 0; i < 900; i++)
		assert_int_equal(lockout_fail(auth->lockout, &rules, &addr, SPAN_LIT("c"), NOW),
				 LOCKOUT_COUNTED);
	assert_false(lockout_is_suspended(auth->lockout, &addr, NOW));
}

static void an_ip6_source_is_its_network(void **state)
{
	for (int i = 0; i < 7; i++) {
		char text[64];

		snprintf(text, sizeof(text), "2001:db8:0:1::%x", i + 1);
		fail_at(*state, text, "c", NOW);
	}
	assert_true(is_suspended(*state, "2001:db8:0:1:ffff::1", NOW));
	assert_false(is_suspended(*state, "2001:db8:0:2::1", NOW));
}

static void sources_are_listed_and_cleared(void **state)
{
	struct lockout_entry entries[8];
	struct addr addr = addr_of("192.0.2.1");

	fail_at(*state, "198.51.100.1:77", "c", NOW);
	for (int i = 0; i < 7; i++)
		fail_at(*state, "192.0.2.1:5060", "d", NOW);
	assert_int_equal(lockout_list(*state, NOW, false, entries, 8), 2);
	assert_int_equal(lockout_list(*state, NOW, false, entries, 1), 1);
	assert_int_equal(lockout_list(*state, NOW, true, entries, 8), 1);
	assert_true(addr_eq(&entries[0].source, &addr));
	assert_int_equal(entries[0].failures, 7);
	assert_int_equal(entries[0].last_us, NOW);
	assert_int_equal(entries[0].suspended_until_us, NOW + 180 * S);
	assert_int_equal(lockout_list(*state, NOW + 180 * S, true, entries, 8), 0);
	assert_int_equal(lockout_clear(*state, &addr), 1);
	assert_false(is_suspended(*state, "192.0.2.1", NOW));
	assert_int_equal(lockout_clear(*state, &addr), 0);
	assert_int_equal(lockout_clear(*state, NULL), 1);
	assert_int_equal(lockout_list(*state, NOW, false, entries, 8), 0);
}

/* Twice as many failing sources as there is room for: whoever was suspended stays so. */
static void a_crowd_does_not_free_the_suspended(void **state)
{
	enum { SUSPENDED = 500, CROWD = 260000 };

	struct auth *auth = *state;
	struct lockout_rules strict = {.max_retry = 1, .suspend_s = 180, .call_retry = 99};
	struct addr addr = addr_of("10.0.0.0");
	unsigned held = 0;

	for (unsigned i = 0; i < SUSPENDED; i++) {
		addr.ip[2] = (uint8_t)(i >> 8);
		addr.ip[3] = (uint8_t)i;
		lockout_fail(auth->lockout, &strict, &addr, SPAN_LIT("c"), NOW);
		lockout_fail(auth->lockout, &strict, &addr, SPAN_LIT("c"), NOW);
	}
	addr = addr_of("11.0.0.0");
	for (unsigned i = 0; i < CROWD; i++) {
		addr.ip[1] = (uint8_t)(i >> 16);
		addr.ip[2] = (uint8_t)(i >> 8);
		addr.ip[3] = (uint8_t)i;
		assert_int_equal(
			lockout_fail(auth->lockout, &strict, &addr, SPAN_LIT("c"), NOW + 1 + i),
			LOCKOUT_COUNTED);
	}
	addr = addr_of("10.0.0.0");
	for (unsigned i = 0; i < SUSPENDED; i++) {
		addr.ip[2] = (uint8_t)(i >> 8);
		addr.ip[3] = (uint8_t)i;
		held += lockout_is_suspended(auth->lockout, &addr, NOW + S);
	}
	assert_int_equal(held, SUSPENDED);
}

static void *fail_and_succeed(void *context)
{
	struct auth *auth = context;
	struct lockout_entry entries[4];
	struct addr addr = {.family = ADDR_IP4, .ip = {192, 0, 2, 0}};

	for (unsigned i = 0; i < 3000; i++) {
		addr.ip[3] = (uint8_t)(i % 16);
		lockout_fail(auth->lockout, &RULES, &addr, SPAN_LIT("c"), NOW + i);
		lockout_is_suspended(auth->lockout, &addr, NOW + i);
		if (i % 3 == 0)
			lockout_succeed(auth->lockout, &addr, SPAN_LIT("c"));
		if (i % 1000 == 0)
			lockout_list(auth, NOW, false, entries, 4);
	}
	return NULL;
}

static void threads_share_the_counters(void **state)
{
	struct lockout_entry entries[32];
	pthread_t threads[3];

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fail_and_succeed, *state), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(lockout_list(*state, NOW, false, entries, 32) <= 16);
	lockout_clear(*state, NULL);
	assert_int_equal(lockout_list(*state, NOW, false, entries, 32), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(the_seventh_failure_in_a_row_suspends),
	  TEST(a_suspension_is_not_prolonged_and_counting_starts_anew),
	  TEST(success_resets_both_counters), TEST(a_call_id_is_spent_before_the_source),
	  TEST(zero_suspends_nobody), TEST(an_ip6_source_is_its_network),
	  TEST(sources_are_listed_and_cleared), TEST(a_crowd_does_not_free_the_suspended),
	  TEST(threads_share_the_counters))
