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

static enum lockout_verdict fail_with(struct auth *auth, const struct lockout_rules *rules,
				      const char *source, const char *user, const char *call_id,
				      uint64_t now_us)
{
	struct lockout_failure failure = {
		.source = addr_of(source), .user = user, .call_id = span_of(call_id)};

	return lockout_fail(auth->lockout, rules, &failure, now_us);
}

static enum lockout_verdict fail_at(struct auth *auth, const char *source, const char *call_id,
				    uint64_t now_us)
{
	return fail_with(auth, &RULES, source, "1001", call_id, now_us);
}

static bool is_suspended(struct auth *auth, const char *source, uint64_t now_us)
{
	struct addr addr = addr_of(source);

	return lockout_is_suspended(auth->lockout, &addr, now_us);
}

static bool own_is(void *context)
{
	return *(bool *)context;
}

static bool user_is_suspended(struct auth *auth, const char *source, const char *user, bool is_own,
			      uint64_t now_us)
{
	struct addr addr = addr_of(source);

	return lockout_user_is_suspended(auth->lockout, &addr, user, now_us, own_is, &is_own);
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
	for (int i = 0; i < 20; i++)
		assert_int_equal(fail_at(*state, "192.0.2.1", "c", NOW + 100 * S),
				 LOCKOUT_SUSPENDED);
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

static void many_users_of_one_source_are_summed_up(void **state)
{
	for (int i = 0; i < 7; i++) {
		char user[16];

		snprintf(user, sizeof(user), "10%02d", i);
		assert_false(is_suspended(*state, "192.0.2.1", NOW));
		fail_with(*state, &RULES, "192.0.2.1", user, user, NOW);
	}
	assert_true(is_suspended(*state, "192.0.2.1", NOW));
}

static void success_resets_both_counters(void **state)
{
	struct addr addr = addr_of("192.0.2.1");

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 6; i++)
			assert_int_equal(fail_at(*state, "192.0.2.1", "c", NOW), LOCKOUT_COUNTED);
		lockout_succeed(((struct auth *)*state)->lockout, &addr, "1001", SPAN_LIT("c"));
	}
}

static void a_call_id_is_spent_before_the_source(void **state)
{
	struct auth *auth = *state;
	struct lockout_rules rules = {.max_retry = 0, .suspend_s = 180, .call_retry = 2};
	struct addr addr = addr_of("192.0.2.1");

	assert_int_equal(fail_with(auth, &rules, "192.0.2.1", "1", "c", NOW), LOCKOUT_COUNTED);
	assert_int_equal(fail_with(auth, &rules, "192.0.2.1", "2", "c", NOW), LOCKOUT_COUNTED);
	assert_int_equal(fail_with(auth, &rules, "192.0.2.1", "1", "c", NOW), LOCKOUT_CALL_SPENT);
	/* Another one's Call-ID of the same text is another. */
	assert_int_equal(fail_with(auth, &rules, "192.0.2.2", "1", "c", NOW), LOCKOUT_COUNTED);
	assert_int_equal(fail_with(auth, &rules, "192.0.2.1", "1", "d", NOW), LOCKOUT_COUNTED);
	lockout_succeed(auth->lockout, &addr, "1", SPAN_LIT("c"));
	assert_int_equal(fail_with(auth, &rules, "192.0.2.1", "1", "c", NOW), LOCKOUT_COUNTED);
}

static void zero_suspends_nobody(void **state)
{
	struct lockout_rules rules = {.max_retry = 0, .suspend_s = 180, .call_retry = 999};

	for (int i = 0; i < 900; i++)
		assert_int_equal(fail_with(*state, &rules, "192.0.2.1", "1", "c", NOW),
				 LOCKOUT_COUNTED);
	assert_false(is_suspended(*state, "192.0.2.1", NOW));
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

static void by_pair_a_user_is_suspended_at_his_address_only(void **state)
{
	struct lockout_rules rules = RULES;

	rules.by_user = true;
	for (int i = 0; i < 6; i++)
		assert_int_equal(fail_with(*state, &rules, "192.0.2.1", "1001", "c", NOW),
				 LOCKOUT_COUNTED);
	assert_int_equal(fail_with(*state, &rules, "192.0.2.1", "1001", "c", NOW),
			 LOCKOUT_SUSPENDED);
	assert_true(user_is_suspended(*state, "192.0.2.1", "1001", true, NOW));
	assert_false(user_is_suspended(*state, "192.0.2.1", "1002", false, NOW));
	assert_false(user_is_suspended(*state, "192.0.2.2", "1001", false, NOW));
	assert_false(is_suspended(*state, "192.0.2.1", NOW));
	assert_false(user_is_suspended(*state, "192.0.2.1", "1001", true, NOW + 180 * S));
}

/* Else somebody who tries one password on each user would never be stopped. */
static void by_pair_a_source_is_suspended_for_many_users(void **state)
{
	struct lockout_rules rules = RULES;

	rules.by_user = true;
	for (int i = 0; i < 7; i++) {
		char user[16];

		snprintf(user, sizeof(user), "10%02d", i);
		assert_false(is_suspended(*state, "192.0.2.1", NOW));
		/* More than one failure on a user counts once. */
		fail_with(*state, &rules, "192.0.2.1", user, user, NOW);
		if (i < 6)
			fail_with(*state, &rules, "192.0.2.1", user, user, NOW);
	}
	assert_true(is_suspended(*state, "192.0.2.1", NOW));
}

static enum lockout_verdict fail_at_home(struct auth *auth, const char *user, bool is_own)
{
	struct lockout_failure failure = {.source = addr_of("192.0.2.1:7"),
					  .user = user,
					  .call_id = span_of(user),
					  .is_home = true,
					  .is_own = is_own};

	return lockout_fail(auth->lockout, &RULES, &failure, NOW);
}

static void a_home_is_not_suspended_for_other_users(void **state)
{
	for (int i = 0; i < 7; i++)
		fail_at_home(*state, "1002", false);
	assert_false(is_suspended(*state, "192.0.2.1", NOW));
	assert_true(user_is_suspended(*state, "192.0.2.1", "1002", false, NOW));
	assert_false(user_is_suspended(*state, "192.0.2.1", "1003", false, NOW));
	/* For its own users it is, as any source. */
	for (int i = 0; i < 7; i++)
		fail_at_home(*state, "1001", true);
	assert_true(is_suspended(*state, "192.0.2.1", NOW));
}

static void one_who_guesses_at_home_is_slowed_down(void **state)
{
	enum { TOGETHER = STRANGERS_FACTOR * 7 };

	for (unsigned i = 0; i < TOGETHER; i++) {
		char user[16];

		snprintf(user, sizeof(user), "%u", 2000 + i);
		assert_int_equal(fail_at_home(*state, user, false), LOCKOUT_COUNTED);
	}
	assert_false(user_is_suspended(*state, "192.0.2.1", "3000", false, NOW));
	assert_int_equal(fail_at_home(*state, "1999", false), LOCKOUT_SUSPENDED);
	assert_true(user_is_suspended(*state, "192.0.2.1", "3000", false, NOW));
	/* Who is registered from there goes on. */
	assert_false(user_is_suspended(*state, "192.0.2.1", "1001", true, NOW));
	assert_false(is_suspended(*state, "192.0.2.1", NOW));
}

/* Strangers that come and go are no attack; nothing else would ever end the count. */
static void failures_of_strangers_are_forgotten_in_an_hour(void **state)
{
	struct lockout_failure failure = {.source = addr_of("192.0.2.1"),
					  .user = "7",
					  .call_id = SPAN_LIT("c"),
					  .is_home = true};
	char user[16];

	failure.user = user;
	for (unsigned i = 0; i < 3 * STRANGERS_FACTOR * 7; i++) {
		snprintf(user, sizeof(user), "%u", i);
		failure.call_id = span_of(user);
		assert_int_equal(lockout_fail(((struct auth *)*state)->lockout, &RULES, &failure,
					      NOW + i * 120 * S),
				 LOCKOUT_COUNTED);
	}
}

static void sources_are_listed_and_cleared(void **state)
{
	struct lockout_entry entries[8];
	struct addr addr = addr_of("192.0.2.1");
	struct addr other = addr_of("198.51.100.1");

	fail_at(*state, "198.51.100.1:77", "c", NOW);
	for (int i = 0; i < 7; i++)
		fail_at(*state, "192.0.2.1:5060", "d", NOW);
	assert_int_equal(lockout_used(*state), 1);
	assert_int_equal(lockout_list(*state, NOW, false, NULL, entries, 8), 2);
	assert_int_equal(lockout_list(*state, NOW, false, NULL, entries, 1), 1);
	assert_int_equal(lockout_list(*state, NOW, false, &other, entries, 8), 1);
	assert_int_equal(entries[0].failures, 1);
	assert_int_equal(entries[0].last_us, NOW);
	assert_int_equal(lockout_list(*state, NOW, true, &other, entries, 8), 0);
	assert_int_equal(lockout_list(*state, NOW, true, NULL, entries, 8), 1);
	assert_true(addr_eq(&entries[0].source, &addr));
	assert_int_equal(entries[0].failures, 7);
	assert_int_equal(entries[0].suspended_until_us, NOW + 180 * S);
	assert_int_equal(lockout_list(*state, NOW + 180 * S, true, NULL, entries, 8), 0);
	assert_int_equal(lockout_clear(*state, &addr, NULL), 1);
	assert_false(is_suspended(*state, "192.0.2.1", NOW));
	assert_int_equal(lockout_clear(*state, &addr, NULL), 0);
	assert_int_equal(lockout_clear(*state, NULL, NULL), 1);
	assert_int_equal(lockout_list(*state, NOW, false, NULL, entries, 8), 0);
}

static void one_user_is_cleared(void **state)
{
	struct addr addr = addr_of("192.0.2.1:5");

	for (int i = 0; i < 7; i++) {
		fail_at_home(*state, "1002", false);
		fail_at_home(*state, "1003", false);
	}
	assert_int_equal(lockout_clear(*state, &addr, "1002"), 1);
	assert_false(user_is_suspended(*state, "192.0.2.1", "1002", false, NOW));
	assert_true(user_is_suspended(*state, "192.0.2.1", "1003", false, NOW));
}

static void begin_and_end_are_told_once(void **state)
{
	struct security_events *events = lockout_events(*state);
	struct security_event event;
	struct addr addr = addr_of("192.0.2.1");

	for (int i = 0; i < 12; i++)
		fail_at(*state, "192.0.2.1:5060", "d", NOW);
	assert_true(security_events_take(events, &event));
	assert_int_equal(event.kind, SECURITY_SUSPENDED);
	assert_true(addr_eq(&event.source, &addr));
	assert_string_equal(event.last, "1001");
	assert_string_equal(event.user, "");
	assert_int_equal(event.failures, 7);
	assert_int_equal(event.period_s, 180);
	assert_false(security_events_take(events, &event));
	assert_int_equal(lockout_expire(*state, NOW + 180 * S - 1), NOW + 180 * S);
	assert_false(security_events_take(events, &event));
	assert_int_equal(lockout_expire(*state, NOW + 180 * S), UINT64_MAX);
	assert_true(security_events_take(events, &event));
	assert_int_equal(event.kind, SECURITY_RELEASED);
	assert_false(security_events_take(events, &event));
	for (int i = 0; i < 7; i++)
		fail_at(*state, "192.0.2.1:5060", "d", NOW + 200 * S);
	lockout_clear(*state, &addr, NULL);
	assert_true(security_events_take(events, &event));
	assert_int_equal(event.kind, SECURITY_SUSPENDED);
	assert_true(security_events_take(events, &event));
	assert_int_equal(event.kind, SECURITY_CLEARED);
}

static void a_full_queue_counts_what_it_loses(void **state)
{
	struct security_events *events = lockout_events(*state);
	struct security_event event = {.kind = SECURITY_CLEARED};
	size_t taken = 0;

	for (size_t i = 0; i < SECURITY_EVENTS_MAX + 5; i++)
		security_events_push(events, &event);
	assert_int_equal(security_events_lost(events), 5);
	assert_int_equal(security_events_lost(events), 0);
	while (security_events_take(events, &event))
		taken++;
	assert_int_equal(taken, SECURITY_EVENTS_MAX);
}

static void what_was_stored_holds_again(void **state)
{
	struct suspension_change changes[8];
	struct auth *later;
	bool is_all;
	int64_t wall_ms;

	for (int i = 0; i < 7; i++) {
		fail_at(*state, "192.0.2.1:5060", "d", NOW);
		fail_at_home(*state, "1002", false);
	}
	for (int i = 0; i < 7; i++)
		fail_at(*state, "2001:db8::5", "e", NOW);
	assert_int_equal(suspensions_drain(lockout_suspensions(*state), changes, 8, &is_all), 2);
	assert_false(is_all);
	wall_ms = changes[0].suspension.since_ms;
	assert_int_equal(changes[0].suspension.until_ms - wall_ms, 180000);
	assert_int_equal(auth_create(&later), VOS_OK);
	/* 60 s later by the wall, on a machine that was started just now. */
	for (int i = 0; i < 2; i++)
		assert_true(lockout_restore(later, &changes[i].suspension, 5 * S, wall_ms + 60000));
	assert_true(is_suspended(later, "192.0.2.1:5060", 5 * S));
	assert_true(is_suspended(later, "2001:db8::9", 124 * S));
	assert_false(is_suspended(later, "192.0.2.1:5060", 126 * S));
	/* What comes from there is not written back. */
	assert_int_equal(suspensions_drain(lockout_suspensions(later), changes + 4, 4, &is_all), 0);
	assert_false(lockout_restore(later, &changes[0].suspension, S, wall_ms + 180000));
	assert_false(lockout_restore(later, &changes[0].suspension, S, wall_ms - 86400000));
	auth_destroy(later);
}

static void more_changes_than_are_noted_are_all(void **state)
{
	struct suspension_change changes[SUSPENSION_CHANGES_MAX];
	struct suspensions *suspensions = lockout_suspensions(*state);
	struct suspension suspension = {.until_us = NOW};
	bool is_all;

	for (uint64_t key = 1; key <= SUSPENSION_CHANGES_MAX + 1; key++)
		suspensions_begin(suspensions, key, &suspension, true);
	assert_int_equal(suspensions_drain(suspensions, changes, SUSPENSION_CHANGES_MAX, &is_all),
			 0);
	assert_true(is_all);
	assert_int_equal(suspensions_drain(suspensions, changes, SUSPENSION_CHANGES_MAX, &is_all),
			 0);
	assert_false(is_all);
}

/* Twice as many failing sources as there is room for: whoever was suspended stays so. */
static void a_crowd_does_not_free_the_suspended(void **state)
{
	enum { SUSPENDED = 500, CROWD = 2 * LOCKOUT_SOURCES_MAX };

	struct auth *auth = *state;
	struct lockout_rules strict = {.max_retry = 1, .suspend_s = 180, .call_retry = 99};
	struct lockout_failure failure = {
		.source = addr_of("10.0.0.0"), .user = "1", .call_id = SPAN_LIT("c")};
	unsigned held = 0;

	for (unsigned i = 0; i < SUSPENDED; i++) {
		failure.source.ip[2] = (uint8_t)(i >> 8);
		failure.source.ip[3] = (uint8_t)i;
		lockout_fail(auth->lockout, &strict, &failure, NOW);
		lockout_fail(auth->lockout, &strict, &failure, NOW);
	}
	failure.source = addr_of("11.0.0.0");
	for (unsigned i = 0; i < CROWD; i++) {
		failure.source.ip[1] = (uint8_t)(i >> 16);
		failure.source.ip[2] = (uint8_t)(i >> 8);
		failure.source.ip[3] = (uint8_t)i;
		assert_int_equal(lockout_fail(auth->lockout, &strict, &failure, NOW + 1 + i),
				 LOCKOUT_COUNTED);
	}
	assert_true(lockout_used(auth) <= LOCKOUT_SOURCES_MAX);
	for (unsigned i = 0; i < SUSPENDED; i++) {
		struct addr addr = {.family = ADDR_IP4, .ip = {10, 0, i >> 8 & 0xff, i & 0xff}};

		held += lockout_is_suspended(auth->lockout, &addr, NOW + S);
	}
	assert_int_equal(held, SUSPENDED);
}

static void *fail_and_succeed(void *context)
{
	struct auth *auth = context;
	struct lockout_entry entries[4];
	struct lockout_failure failure = {.source = {.family = ADDR_IP4, .ip = {192, 0, 2, 0}},
					  .user = "1",
					  .call_id = SPAN_LIT("c")};

	for (unsigned i = 0; i < 3000; i++) {
		failure.source.ip[3] = (uint8_t)(i % 16);
		lockout_fail(auth->lockout, &RULES, &failure, NOW + i);
		lockout_is_suspended(auth->lockout, &failure.source, NOW + i);
		if (i % 3 == 0)
			lockout_succeed(auth->lockout, &failure.source, "1", SPAN_LIT("c"));
		if (i % 1000 == 0)
			lockout_list(auth, NOW, false, NULL, entries, 4);
		if (i % 200 == 0)
			lockout_clear(auth, &failure.source, NULL);
		if (i % 100 == 0)
			lockout_expire(auth, NOW + i);
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
	lockout_clear(*state, NULL, NULL);
	assert_int_equal(lockout_list(*state, NOW, false, NULL, entries, 32), 0);
	assert_int_equal(lockout_used(*state), 0);
	assert_int_equal(suspensions_count(lockout_suspensions(*state)), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(the_seventh_failure_in_a_row_suspends),
	  TEST(a_suspension_is_not_prolonged_and_counting_starts_anew),
	  TEST(many_users_of_one_source_are_summed_up), TEST(success_resets_both_counters),
	  TEST(a_call_id_is_spent_before_the_source), TEST(zero_suspends_nobody),
	  TEST(an_ip6_source_is_its_network), TEST(by_pair_a_user_is_suspended_at_his_address_only),
	  TEST(by_pair_a_source_is_suspended_for_many_users),
	  TEST(a_home_is_not_suspended_for_other_users),
	  TEST(one_who_guesses_at_home_is_slowed_down),
	  TEST(failures_of_strangers_are_forgotten_in_an_hour),
	  TEST(sources_are_listed_and_cleared), TEST(one_user_is_cleared),
	  TEST(begin_and_end_are_told_once), TEST(a_full_queue_counts_what_it_loses),
	  TEST(what_was_stored_holds_again), TEST(more_changes_than_are_noted_are_all),
	  TEST(a_crowd_does_not_free_the_suspended), TEST(threads_share_the_counters))
