/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dynamic black list (behaviour C16) with a clock that is set. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>

#include "switchd/auth/blacklist.h"

#define S   ((uint64_t)1000000u)
#define NOW (5000u * S)

static const struct black_rules RULES = {{
	[BLACK_MALICIOUS] = {.limit = 3, .window_s = 60, .expire_s = 600},
	[BLACK_CONCURRENT] = {.limit = 2, .window_s = 1, .expire_s = 300},
	[BLACK_NO_ANSWER] = {.limit = 2, .window_s = 60, .expire_s = 100},
}};

static const struct black_rules MALICIOUS = {{
	[BLACK_MALICIOUS] = {.limit = 3, .window_s = 60, .expire_s = 600},
}};

static const struct black_rules CONCURRENT = {{
	[BLACK_CONCURRENT] = {.limit = 2, .window_s = 1, .expire_s = 300},
}};

static int setup(void **state)
{
	return blacklist_create((struct blacklist **)state);
}

static int teardown(void **state)
{
	blacklist_destroy(*state);
	return 0;
}

/* A call that ends at once. */
static enum black_type call(struct blacklist *list, const struct black_rules *rules,
			    const char *caller, uint64_t now_us)
{
	uint64_t held;
	enum black_type type = blacklist_begin(list, rules, caller, now_us, &held);

	assert_int_equal(held != 0, type == BLACK_NONE);
	blacklist_end(list, held);
	return type;
}

static void the_attempt_after_the_limit_is_refused(void **state)
{
	struct black_entry entry;

	for (int i = 0; i < 3; i++) {
		assert_false(blacklist_find(*state, false, "100", NOW, NULL));
		assert_int_equal(call(*state, &MALICIOUS, "100", NOW + (uint64_t)i), BLACK_NONE);
	}
	assert_int_equal(call(*state, &MALICIOUS, "100", NOW + S), BLACK_MALICIOUS);
	assert_int_equal(call(*state, &MALICIOUS, "101", NOW + S), BLACK_NONE);
	assert_true(blacklist_find(*state, false, "100", NOW + S, &entry));
	assert_int_equal(entry.count, 3);
	assert_int_equal(entry.refused, 1);
	assert_int_equal(entry.last_us, NOW + S);
	assert_int_equal(entry.until_us, NOW + 2 + 600 * S);
	assert_int_equal(entry.until_ms, entry.since_ms + 600000);
	/* The same number called is another one. */
	assert_false(blacklist_find(*state, true, "100", NOW + S, NULL));
}

static void a_window_that_has_passed_starts_over(void **state)
{
	call(*state, &MALICIOUS, "100", NOW);
	call(*state, &MALICIOUS, "100", NOW + 59 * S);
	call(*state, &MALICIOUS, "100", NOW + 60 * S);
	call(*state, &MALICIOUS, "100", NOW + 119 * S);
	assert_false(blacklist_find(*state, false, "100", NOW + 119 * S, NULL));
	call(*state, &MALICIOUS, "100", NOW + 120 * S - 1);
	assert_true(blacklist_find(*state, false, "100", NOW + 120 * S, NULL));
}

static void an_entry_ends_and_calls_do_not_prolong_it(void **state)
{
	uint64_t end_us = NOW + 600 * S;

	for (int i = 0; i < 3; i++)
		call(*state, &MALICIOUS, "100", NOW);
	assert_int_equal(call(*state, &MALICIOUS, "100", end_us - 1), BLACK_MALICIOUS);
	assert_int_equal(blacklist_count(*state), 1);
	blacklist_expire(*state, end_us - 1);
	assert_int_equal(blacklist_count(*state), 1);
	blacklist_expire(*state, end_us);
	assert_int_equal(blacklist_count(*state), 0);
	/* And it counts from nothing again. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(call(*state, &MALICIOUS, "100", end_us), BLACK_NONE);
	assert_int_equal(call(*state, &MALICIOUS, "100", end_us), BLACK_MALICIOUS);
}

static void the_call_above_the_limit_at_a_time_is_refused(void **state)
{
	uint64_t held[3];

	assert_int_equal(blacklist_begin(*state, &CONCURRENT, "100", NOW, &held[0]), BLACK_NONE);
	assert_int_equal(blacklist_begin(*state, &CONCURRENT, "100", NOW, &held[1]), BLACK_NONE);
	blacklist_end(*state, held[1]);
	assert_int_equal(blacklist_begin(*state, &CONCURRENT, "100", NOW, &held[1]), BLACK_NONE);
	assert_int_equal(blacklist_begin(*state, &CONCURRENT, "100", NOW, &held[2]),
			 BLACK_CONCURRENT);
	assert_int_equal(held[2], 0);
	/* Listed, it is refused though its calls have ended. */
	blacklist_end(*state, held[0]);
	blacklist_end(*state, held[1]);
	assert_int_equal(call(*state, &CONCURRENT, "100", NOW + 299 * S), BLACK_CONCURRENT);
	assert_int_equal(call(*state, &CONCURRENT, "100", NOW + 300 * S), BLACK_NONE);
}

static void a_callee_whom_nobody_answers_for_is_refused(void **state)
{
	blacklist_unanswered(*state, &RULES, "200", NOW);
	assert_int_equal(blacklist_called(*state, &RULES, "200", NOW), BLACK_NONE);
	blacklist_unanswered(*state, &RULES, "200", NOW + 59 * S);
	assert_int_equal(blacklist_called(*state, &RULES, "200", NOW + 59 * S), BLACK_NO_ANSWER);
	assert_int_equal(blacklist_called(*state, &RULES, "201", NOW + 59 * S), BLACK_NONE);
	assert_int_equal(call(*state, &RULES, "200", NOW + 59 * S), BLACK_NONE);
	assert_int_equal(blacklist_called(*state, &RULES, "200", NOW + 159 * S), BLACK_NONE);
}

static void a_kind_that_is_off_neither_counts_nor_refuses(void **state)
{
	static const struct black_rules off;
	uint64_t held;

	for (int i = 0; i < 3; i++)
		call(*state, &MALICIOUS, "100", NOW);
	assert_int_equal(call(*state, &CONCURRENT, "100", NOW), BLACK_NONE);
	assert_int_equal(blacklist_begin(*state, &off, "102", NOW, &held), BLACK_NONE);
	assert_int_equal(held, 0);
	assert_int_equal(call(*state, &MALICIOUS, "100", NOW), BLACK_MALICIOUS);
	blacklist_unanswered(*state, &off, "200", NOW);
	assert_int_equal(blacklist_used(*state), 1);
}

static void nobody_s_number_does_not_count(void **state)
{
	for (int i = 0; i < 10; i++) {
		uint64_t held;

		assert_int_equal(blacklist_begin(*state, &RULES, "", NOW, &held), BLACK_NONE);
		assert_int_equal(blacklist_begin(*state, &RULES, "Anonymous", NOW, &held),
				 BLACK_NONE);
	}
	assert_int_equal(blacklist_used(*state), 0);
}

static void entries_are_cleared_by_kind_and_number(void **state)
{
	struct black_entry entries[4];

	for (int i = 0; i < 3; i++) {
		call(*state, &MALICIOUS, "100", NOW);
		call(*state, &MALICIOUS, "101", NOW);
		blacklist_unanswered(*state, &RULES, "200", NOW);
	}
	assert_int_equal(blacklist_list(*state, BLACK_NONE, NULL, NOW, entries, 4), 3);
	assert_int_equal(blacklist_list(*state, BLACK_NONE, NULL, NOW, entries, 2), 2);
	assert_int_equal(blacklist_list(*state, BLACK_MALICIOUS, NULL, NOW, entries, 4), 2);
	assert_int_equal(blacklist_list(*state, BLACK_NONE, "200", NOW, entries, 4), 1);
	assert_int_equal(entries[0].type, BLACK_NO_ANSWER);
	assert_int_equal(blacklist_clear(*state, BLACK_NONE, "100"), 1);
	assert_int_equal(call(*state, &MALICIOUS, "100", NOW), BLACK_NONE);
	assert_int_equal(blacklist_clear(*state, BLACK_CONCURRENT, NULL), 0);
	assert_int_equal(blacklist_clear(*state, BLACK_NONE, NULL), 2);
	assert_int_equal(blacklist_count(*state), 0);
}

static void what_was_stored_is_in_force_again(void **state)
{
	struct black_entry entry = {
		.type = BLACK_NO_ANSWER,
		.number = "200",
		.count = 7,
		.since_ms = 1000,
		.until_ms = 9000,
	};

	assert_false(blacklist_restore(*state, &entry, NOW, 9000));
	assert_false(blacklist_restore(*state, &entry, NOW,
				       9000 - (int64_t)BLACK_RESTORE_MAX_S * 1000 - 1));
	assert_int_equal(blacklist_count(*state), 0);
	assert_true(blacklist_restore(*state, &entry, NOW, 1000));
	assert_int_equal(blacklist_called(*state, &RULES, "200", NOW), BLACK_NO_ANSWER);
	assert_true(blacklist_find(*state, true, "200", NOW, &entry));
	assert_int_equal(entry.count, 7);
	assert_int_equal(entry.until_ms, 9000);
	assert_int_equal(entry.until_us, NOW + 8 * S);
	assert_false(blacklist_find(*state, true, "200", NOW + 8 * S, NULL));
}

static void the_store_hears_of_what_begins_and_ends(void **state)
{
	struct black_change changes[4];
	bool is_all;
	char number[24];

	for (int i = 0; i < 3; i++)
		call(*state, &MALICIOUS, "100", NOW);
	blacklist_expire(*state, NOW + 600 * S);
	assert_int_equal(blacklist_drain(*state, changes, 4, &is_all), 2);
	assert_false(is_all);
	assert_false(changes[0].is_over);
	assert_true(changes[1].is_over);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(changes[i].entry.number, "100");
		assert_int_equal(changes[i].entry.type, BLACK_MALICIOUS);
	}
	assert_int_equal(blacklist_drain(*state, changes, 4, &is_all), 0);
	assert_false(is_all);
	for (unsigned i = 0; i <= BLACK_CHANGES_MAX; i++) {
		snprintf(number, sizeof(number), "%u", i);
		for (int n = 0; n < 3; n++)
			call(*state, &MALICIOUS, number, NOW);
	}
	assert_int_equal(blacklist_drain(*state, changes, 4, &is_all), 0);
	assert_true(is_all);
	blacklist_mark_all(*state);
	assert_int_equal(blacklist_drain(*state, changes, 4, &is_all), 0);
	assert_true(is_all);
}

/* --- Strangers. --- */

/* Ten million callers who come once: memory stays, and who is listed stays listed. */
static void a_crowd_neither_grows_the_table_nor_frees_anybody(void **state)
{
	enum { CROWD = TEST_MANY(10000000), LISTED = 1000 };

	char number[24];

	for (int i = 0; i < LISTED; i++) {
		snprintf(number, sizeof(number), "bad%d", i);
		for (int n = 0; n < 3; n++)
			call(*state, &MALICIOUS, number, NOW);
	}
	assert_int_equal(blacklist_count(*state), LISTED);
	for (uint32_t i = 0; i < CROWD; i++) {
		snprintf(number, sizeof(number), "%u", i);
		if (call(*state, &MALICIOUS, number, NOW + i) != BLACK_NONE)
			fail_msg("caller %u is refused for one call", i);
	}
	assert_int_equal(blacklist_count(*state), LISTED);
	assert_true(blacklist_used(*state) <= BLACKLIST_SLOTS_MAX);
	assert_true(blacklist_used(*state) > BLACKLIST_SLOTS_MAX / 2);
	assert_int_equal(call(*state, &MALICIOUS, "bad0", NOW + 11 * S), BLACK_MALICIOUS);
}

/* A crowd that gets itself listed leaves room to count, and everything holds together. */
static void a_crowd_that_is_listed_finds_an_end(void **state)
{
	enum { CROWD = 4 * BLACKLIST_SLOTS_MAX };

	char number[24];

	for (uint32_t i = 0; i < CROWD; i++) {
		snprintf(number, sizeof(number), "%u", i);
		for (int n = 0; n < 3; n++)
			call(*state, &MALICIOUS, number, NOW + i);
	}
	assert_true(blacklist_count(*state) <= BLACKLIST_SETS * (BLACKLIST_WAYS - 1));
	assert_true(blacklist_count(*state) > BLACKLIST_SLOTS_MAX / 2);
	for (int n = 0; n < 3; n++)
		assert_int_equal(call(*state, &MALICIOUS, "last", NOW + S), BLACK_NONE);
	assert_int_equal(call(*state, &MALICIOUS, "last", NOW + S), BLACK_MALICIOUS);
	assert_int_equal(blacklist_clear(*state, BLACK_NONE, NULL) > 0, 1);
	assert_int_equal(blacklist_count(*state), 0);
}

static void *many_calls(void *context)
{
	static const struct black_rules wide = {{
		[BLACK_CONCURRENT] = {.limit = 4, .window_s = 1, .expire_s = 300},
	}};

	for (int i = 0; i < 20000; i++) {
		uint64_t held;

		if (blacklist_begin(context, &wide, "100", NOW, &held) != BLACK_NONE)
			return context;
		blacklist_end(context, held);
	}
	return NULL;
}

/* Four threads have at most four calls of a caller at a time. */
static void threads_count_the_same_caller(void **state)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, many_calls, *state), 0);
	for (int i = 0; i < 4; i++) {
		void *refused;

		pthread_join(threads[i], &refused);
		assert_null(refused);
	}
	assert_int_equal(blacklist_count(*state), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

TEST_MAIN(T(the_attempt_after_the_limit_is_refused), T(a_window_that_has_passed_starts_over),
	  T(an_entry_ends_and_calls_do_not_prolong_it),
	  T(the_call_above_the_limit_at_a_time_is_refused),
	  T(a_callee_whom_nobody_answers_for_is_refused),
	  T(a_kind_that_is_off_neither_counts_nor_refuses), T(nobody_s_number_does_not_count),
	  T(entries_are_cleared_by_kind_and_number), T(what_was_stored_is_in_force_again),
	  T(the_store_hears_of_what_begins_and_ends),
	  T(a_crowd_neither_grows_the_table_nor_frees_anybody),
	  T(a_crowd_that_is_listed_finds_an_end), T(threads_count_the_same_caller))
