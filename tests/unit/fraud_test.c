/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns of fraud with a clock that is set, and the rings of signalling threads. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "switchd/fraud/feed.h"
#include "switchd/fraud/patterns.h"

#define DAY_S    86400
#define START_S  (INT64_C(20000) * DAY_S) /* midnight */
#define US_PER_S UINT64_C(1000000)

static const struct fraud_rules RULES = {
	.limits = {3, 3, 3, 3},
	.destination_period_s = 3600,
	.destination_digits = 5,
	.destination_learn_s = DAY_S,
	.short_period_s = 600,
	.short_talk_s = 6,
	.night_begin_h = 22,
	.night_end_h = 6,
	.night_rise_percent = 300,
};

struct fixture {
	struct fraud_patterns patterns;
	struct fraud_rules rules;
	unsigned found[FRAUD_PATTERNS];
	struct fraud_crossing last;
	char party[128];
	char caller[128];
	char destination[32];
	int64_t now_s;
};

static void crossed(void *context, const struct fraud_crossing *crossing)
{
	struct fixture *fixture = context;

	fixture->found[crossing->pattern]++;
	fixture->last = *crossing;
	snprintf(fixture->party, sizeof(fixture->party), "%s", crossing->party);
	snprintf(fixture->caller, sizeof(fixture->caller), "%s", crossing->caller);
	snprintf(fixture->destination, sizeof(fixture->destination), "%s", crossing->destination);
	assert_true(crossing->figure > crossing->limit);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fraud_patterns_init(&fixture->patterns, crossed, fixture);
	fixture->now_s = START_S + 12 * 3600;
	fixture->rules = (struct fraud_rules){0};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	fraud_patterns_free(&fixture->patterns);
	free(fixture);
	return 0;
}

/* Only that pattern. */
static void look_for(struct fixture *fixture, enum fraud_pattern pattern)
{
	fixture->rules = RULES;
	for (int i = 0; i < FRAUD_PATTERNS; i++)
		if (i != (int)pattern)
			fixture->rules.limits[i] = 0;
}

static struct fraud_time now_of(const struct fixture *fixture)
{
	return (struct fraud_time){
		.us = (uint64_t)fixture->now_s * US_PER_S,
		.wall_s = fixture->now_s,
		.hour = (int)(fixture->now_s / 3600 % 24),
	};
}

static uint64_t key_of(const char *caller)
{
	uint64_t key = 1;

	for (; *caller; caller++)
		key = key * 131 + (unsigned char)*caller;
	return key;
}

static void begin(struct fixture *fixture, const char *party, const char *caller,
		  const char *callee)
{
	const struct fraud_time now = now_of(fixture);
	const struct fraud_begin call = {party, caller, callee, key_of(caller)};

	fraud_call_begins(&fixture->patterns, &fixture->rules, &call, &now);
}

static void end(struct fixture *fixture, const char *caller, int64_t talk_ms)
{
	const struct fraud_time now = now_of(fixture);

	fraud_call_ends(&fixture->patterns, &fixture->rules, key_of(caller), talk_ms, &now);
}

static void a_destination_never_called_before(void **state)
{
	struct fixture *fixture = *state;

	look_for(fixture, FRAUD_DESTINATION);
	/* Of a party that is new all is. */
	for (int i = 0; i < 9; i++)
		begin(fixture, "phone 1001", "1001", "00371555");
	fixture->now_s += DAY_S;
	for (int i = 0; i < 9; i++)
		begin(fixture, "phone 1001", "1001", "+371556");
	/* Short numbers are phones, not destinations. */
	for (int i = 0; i < 9; i++)
		begin(fixture, "phone 1001", "1001", "10023");
	assert_int_equal(fixture->found[FRAUD_DESTINATION], 0);
	for (int i = 0; i < 3; i++)
		begin(fixture, "phone 1001", "1001", "00882123");
	assert_int_equal(fixture->found[FRAUD_DESTINATION], 0);
	begin(fixture, "phone 1001", "1001", "+882999");
	assert_int_equal(fixture->found[FRAUD_DESTINATION], 1);
	assert_string_equal(fixture->party, "phone 1001");
	assert_string_equal(fixture->caller, "1001");
	assert_string_equal(fixture->destination, "00882");
	assert_int_equal(fixture->last.figure, 4);
	assert_int_equal(fixture->last.limit, 3);
	/* The period is over; after it has been called for a day it is known. */
	fixture->now_s += 3600;
	begin(fixture, "phone 1001", "1001", "00882123");
	assert_int_equal(fixture->found[FRAUD_DESTINATION], 1);
	fixture->now_s += DAY_S;
	for (int i = 0; i < 9; i++)
		begin(fixture, "phone 1001", "1001", "00882123");
	assert_int_equal(fixture->found[FRAUD_DESTINATION], 1);
	/* A month without a call, and it is new again. */
	fixture->now_s += FRAUD_FORGET_S;
	for (int i = 0; i < 4; i++)
		begin(fixture, "phone 1001", "1001", "00882123");
	assert_int_equal(fixture->found[FRAUD_DESTINATION], 2);
}

static void the_past_is_learned(void **state)
{
	struct fixture *fixture = *state;

	look_for(fixture, FRAUD_DESTINATION);
	for (int64_t day = 5; day >= 2; day--)
		fraud_learn(&fixture->patterns, &fixture->rules, "phone 1001", "00371555",
			    fixture->now_s - day * DAY_S);
	for (int i = 0; i < 9; i++)
		begin(fixture, "phone 1001", "1001", "00371556");
	assert_int_equal(fixture->found[FRAUD_DESTINATION], 0);
	for (int i = 0; i < 4; i++)
		begin(fixture, "phone 1001", "1001", "00882123");
	assert_int_equal(fixture->found[FRAUD_DESTINATION], 1);
}

static void many_short_calls(void **state)
{
	struct fixture *fixture = *state;

	look_for(fixture, FRAUD_SHORT_CALLS);
	for (int i = 0; i < 20; i++) {
		begin(fixture, "mapping-gateway in", "5551", "1");
		/* Neither long ones nor those without answer count. */
		end(fixture, "5551", i % 2 ? -1 : 6000);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(fixture->found[FRAUD_SHORT_CALLS], 0);
		begin(fixture, "mapping-gateway in", "5551", "1");
		end(fixture, "5551", 5999);
	}
	assert_int_equal(fixture->found[FRAUD_SHORT_CALLS], 1);
	assert_string_equal(fixture->party, "caller 5551");
	fixture->now_s += 600;
	for (int i = 0; i < 3; i++) {
		begin(fixture, "mapping-gateway in", "5551", "1");
		end(fixture, "5551", 0);
	}
	assert_int_equal(fixture->found[FRAUD_SHORT_CALLS], 1);
}

static void a_spike_at_night(void **state)
{
	struct fixture *fixture = *state;

	look_for(fixture, FRAUD_NIGHT);
	for (int i = 0; i < 50; i++) /* at noon */
		begin(fixture, "phone 1001", "1001", "1");
	fixture->now_s = START_S + 22 * 3600;
	/* What is usual: three of them an hour, and of another party forty. */
	fixture->rules.limits[FRAUD_NIGHT] = 100;
	for (int hour = 0; hour < 20; hour++, fixture->now_s += 3600) {
		for (int i = 0; i < 3; i++)
			begin(fixture, "phone 1001", "1001", "1");
		for (int i = 0; i < 40; i++)
			begin(fixture, "mapping-gateway in", "5551", "1");
	}
	fixture->rules.limits[FRAUD_NIGHT] = 3;
	fixture->now_s = START_S + DAY_S + 23 * 3600;
	for (int i = 0; i < 100; i++)
		begin(fixture, "mapping-gateway in", "5551", "1");
	assert_int_equal(fixture->found[FRAUD_NIGHT], 0);
	for (int i = 0; i < 8; i++)
		begin(fixture, "phone 1001", "1001", "1");
	assert_int_equal(fixture->found[FRAUD_NIGHT], 0);
	begin(fixture, "phone 1001", "1001", "1");
	assert_int_equal(fixture->found[FRAUD_NIGHT], 1);
	assert_int_equal(fixture->last.figure, 9);
	/* An hour later it counts from the beginning, and at six the night is over. */
	fixture->now_s += 3600;
	begin(fixture, "phone 1001", "1001", "1");
	fixture->now_s = START_S + 2 * DAY_S + 6 * 3600;
	for (int i = 0; i < 50; i++)
		begin(fixture, "phone 1001", "1001", "1");
	assert_int_equal(fixture->found[FRAUD_NIGHT], 1);
}

static void calls_at_a_time(void **state)
{
	struct fixture *fixture = *state;

	look_for(fixture, FRAUD_CONCURRENT);
	for (int i = 0; i < 9; i++) {
		begin(fixture, "mapping-gateway in", "5551", "1");
		begin(fixture, "mapping-gateway in", "", "1");
		begin(fixture, "mapping-gateway in", "anonymous", "1");
		end(fixture, "5551", 1000);
	}
	assert_int_equal(fixture->found[FRAUD_CONCURRENT], 0);
	for (int i = 0; i < 4; i++)
		begin(fixture, "mapping-gateway in", "5551", "1");
	assert_int_equal(fixture->found[FRAUD_CONCURRENT], 1);
	assert_int_equal(fraud_calls_of(&fixture->patterns, key_of("5551")), 4);
	end(fixture, "5551", 1000);
	assert_int_equal(fraud_calls_of(&fixture->patterns, key_of("5551")), 3);
	/* Ends of which nobody knows how many there were. */
	fraud_forget_calls(&fixture->patterns);
	end(fixture, "5551", 1000);
	assert_int_equal(fraud_calls_of(&fixture->patterns, key_of("5551")), 0);
}

static void a_crowd_does_not_grow_the_tables(void **state)
{
	struct fixture *fixture = *state;
	char number[16];

	look_for(fixture, FRAUD_DESTINATION);
	begin(fixture, "phone 1001", "1001", "00371555");
	for (unsigned i = 0; i < 2 * FRAUD_CALLERS_MAX; i++) {
		snprintf(number, sizeof(number), "%07u", i);
		begin(fixture, i % 2 ? number : "phone 1001", number, number);
	}
	assert_int_equal(HASH_COUNT(fixture->patterns.callers.by_key), FRAUD_CALLERS_MAX);
	assert_int_equal(HASH_COUNT(fixture->patterns.parties.by_key), FRAUD_PARTIES_MAX);
	assert_true(HASH_COUNT(fixture->patterns.destinations.by_key) <= FRAUD_DESTINATIONS_MAX);
	/* Who calls all the time is known. */
	fixture->now_s += DAY_S;
	for (int i = 0; i < 4; i++)
		begin(fixture, "phone 1001", "1001", "98765432");
	assert_int_equal(fixture->found[FRAUD_DESTINATION], 1);
}

/* --- Rings. --- */

#define PUSHES 200000

struct pushing {
	struct fraud_feed feed;
	struct hash_key key;
	atomic_bool is_on;
	atomic_bool is_done;
	uint64_t begun;
	uint64_t ended;
};

static void *push_calls(void *context)
{
	struct pushing *pushing = context;

	for (int i = 0; i < PUSHES; i++) {
		uint64_t held = fraud_feed_begins(&pushing->feed, "phone 1001", "1001", "00371");

		pushing->begun += held != 0;
		pushing->ended += held != 0;
		fraud_feed_ends(&pushing->feed, held, i);
	}
	atomic_store(&pushing->is_done, true);
	return NULL;
}

static void a_ring_loses_only_what_it_counts(void **state)
{
	struct pushing *pushing = calloc(1, sizeof(*pushing));
	char text[FRAUD_TEXT_MAX];
	struct fraud_event event;
	struct fraud_begin call;
	uint64_t begun = 0;
	uint64_t ended = 0;
	bool is_done;
	pthread_t thread;

	(void)state;
	assert_non_null(pushing);
	hash_key_random(&pushing->key);
	assert_int_equal(feed_init(&pushing->feed, &pushing->is_on, &pushing->key), VOS_OK);
	assert_int_equal(fraud_feed_begins(&pushing->feed, "p", "c", "d"), 0);
	assert_false(feed_next(&pushing->feed, &event, &call, text));
	atomic_store(&pushing->is_on, true);
	assert_int_equal(pthread_create(&thread, NULL, push_calls, pushing), 0);
	do {
		is_done = atomic_load(&pushing->is_done);
		while (feed_next(&pushing->feed, &event, &call, text)) {
			begun += event.kind == FRAUD_BEGINS;
			ended += event.kind == FRAUD_ENDS;
			if (event.kind != FRAUD_BEGINS)
				continue;
			assert_string_equal(call.party, "phone 1001");
			assert_string_equal(call.caller, "1001");
			assert_string_equal(call.callee, "00371");
		}
	} while (!is_done);
	pthread_join(thread, NULL);
	assert_int_equal(begun, pushing->begun);
	assert_int_equal(begun + atomic_load(&pushing->feed.lost_begins), PUSHES);
	assert_int_equal(ended + atomic_load(&pushing->feed.lost_ends), pushing->ended);
	feed_destroy(&pushing->feed);
	free(pushing);
}

static void long_names_are_cut(void **state)
{
	struct pushing *pushing = calloc(1, sizeof(*pushing));
	char text[FRAUD_TEXT_MAX];
	struct fraud_event event;
	struct fraud_begin call;
	char name[300];

	(void)state;
	assert_non_null(pushing);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(feed_init(&pushing->feed, &pushing->is_on, &pushing->key), VOS_OK);
	atomic_store(&pushing->is_on, true);
	assert_int_not_equal(fraud_feed_begins(&pushing->feed, name, name, name), 0);
	assert_true(feed_next(&pushing->feed, &event, &call, text));
	assert_int_equal(strlen(call.party), FRAUD_NAME_MAX - 1);
	assert_int_equal(strlen(call.caller), FRAUD_NAME_MAX - 1);
	assert_int_equal(strlen(call.callee), FRAUD_NAME_MAX - 1);
	/* Nobody reads: it fills up, and says so. */
	while (fraud_feed_begins(&pushing->feed, name, name, name))
		;
	assert_int_equal(atomic_load(&pushing->feed.lost_begins), 1);
	feed_destroy(&pushing->feed);
	free(pushing);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(a_destination_never_called_before), TEST(the_past_is_learned),
	  TEST(many_short_calls), TEST(a_spike_at_night), TEST(calls_at_a_time),
	  TEST(a_crowd_does_not_grow_the_tables),
	  cmocka_unit_test(a_ring_loses_only_what_it_counts), cmocka_unit_test(long_names_are_cut))
