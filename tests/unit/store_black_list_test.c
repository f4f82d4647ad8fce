/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dynamic black list in the state folder: written as it changes, back after a restart for the
 * time that is left by the wall clock. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/auth/blacklist.h"
#include "switchd/auth/digest.h"
#include "switchd/store/store_private.h"
#include "tests/support/spoil.h"
#include "tests/support/state_folder.h"

static const struct black_rules RULES = {{
	[BLACK_MALICIOUS] = {.limit = 2, .window_s = 60, .expire_s = 600},
	[BLACK_NO_ANSWER] = {.limit = 1, .window_s = 60, .expire_s = 600},
}};

struct fixture {
	void *folder; /* of state_folder_make() */
	struct store *store;
	struct auth *auth;
	struct blacklist *list;
};

static void open_all(struct fixture *fixture)
{
	fixture->store = state_open(&state_quiet);
	assert_int_equal(auth_create(&fixture->auth), VOS_OK);
	fixture->list = auth_blacklist(fixture->auth);
	store_set_auth(fixture->store, fixture->auth);
}

static void close_all(struct fixture *fixture)
{
	store_close(fixture->store);
	auth_destroy(fixture->auth);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(state_folder_make(&fixture->folder), 0);
	open_all(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	close_all(fixture);
	state_folder_remove(&fixture->folder);
	free(fixture);
	return 0;
}

static void write_pending(struct fixture *fixture)
{
	struct vos_fault fault = {0};

	if (!store_write_black_list(fixture->store, &fault))
		fail_msg("%s", fault.text);
}

static size_t restart(struct fixture *fixture, int64_t now_ms)
{
	size_t count = 0;

	write_pending(fixture);
	close_all(fixture);
	open_all(fixture);
	assert_int_equal(store_load_black_list(fixture->store, fixture->auth, now_ms, &count),
			 VOS_OK);
	return count;
}

static void list_caller(struct fixture *fixture, const char *number)
{
	uint64_t held;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			blacklist_begin(fixture->list, &RULES, number, clock_mono_us(), &held),
			BLACK_NONE);
		blacklist_end(fixture->list, held);
	}
	assert_true(blacklist_find(fixture->list, false, number, clock_mono_us(), NULL));
}

static void they_come_back_for_the_time_they_have_left(void **state)
{
	static const char ODD[] = "a b\t\\\n\"\x01\xff";
	struct fixture *fixture = *state;
	struct black_entry entry;
	uint64_t left_us;

	list_caller(fixture, "5551");
	list_caller(fixture, ODD);
	blacklist_unanswered(fixture->list, &RULES, "0012", clock_mono_us());
	assert_int_equal(restart(fixture, clock_wall_ms() + 60000), 3);
	assert_true(blacklist_find(fixture->list, false, ODD, clock_mono_us(), NULL));
	assert_true(blacklist_find(fixture->list, true, "0012", clock_mono_us(), &entry));
	assert_int_equal(entry.type, BLACK_NO_ANSWER);
	assert_false(blacklist_find(fixture->list, true, "5551", clock_mono_us(), NULL));
	assert_true(blacklist_find(fixture->list, false, "5551", clock_mono_us(), &entry));
	left_us = entry.until_us - clock_mono_us();
	assert_int_equal(entry.type, BLACK_MALICIOUS);
	assert_int_equal(entry.count, 2);
	assert_true(left_us > 530000000 && left_us <= 540000000);
}

static void those_that_ended_are_gone(void **state)
{
	struct fixture *fixture = *state;

	list_caller(fixture, "5551");
	list_caller(fixture, "5552");
	write_pending(fixture);
	assert_int_equal(blacklist_clear(fixture->list, BLACK_NONE, "5551"), 1);
	assert_int_equal(restart(fixture, clock_wall_ms()), 1);
	assert_true(blacklist_find(fixture->list, false, "5552", clock_mono_us(), NULL));
	/* Over by the wall clock; and by then the record goes too. */
	assert_int_equal(restart(fixture, clock_wall_ms() + 600001), 0);
	assert_int_equal(restart(fixture, clock_wall_ms()), 0);
}

/* More than are noted one by one: the stored ones are replaced as a whole. */
static void a_crowd_is_written_as_a_whole(void **state)
{
	enum { CROWD = BLACK_CHANGES_MAX + 100 };

	struct fixture *fixture = *state;

	list_caller(fixture, "first");
	write_pending(fixture);
	blacklist_clear(fixture->list, BLACK_NONE, NULL);
	for (unsigned i = 0; i < CROWD; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%u", i);
		list_caller(fixture, number);
	}
	assert_int_equal(restart(fixture, clock_wall_ms()), CROWD);
	assert_false(blacklist_find(fixture->list, false, "first", clock_mono_us(), NULL));
	assert_true(blacklist_find(fixture->list, false, "1099", clock_mono_us(), NULL));
}

static void a_damaged_record_is_passed_over(void **state)
{
	struct fixture *fixture = *state;

	list_caller(fixture, "5551");
	list_caller(fixture, "5552");
	write_pending(fixture);
	spoil(fixture->store, (char[]){"l/caller 5551"});
	assert_int_equal(restart(fixture, clock_wall_ms()), 1);
	assert_true(blacklist_find(fixture->list, false, "5552", clock_mono_us(), NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(they_come_back_for_the_time_they_have_left), TEST(those_that_ended_are_gone),
	  TEST(a_crowd_is_written_as_a_whole), TEST(a_damaged_record_is_passed_over))
