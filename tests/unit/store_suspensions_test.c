/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suspensions in the state folder: written as they change, back after a restart until their time by
 * the wall clock. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/auth/digest.h"
#include "switchd/auth/lockout.h"
#include "switchd/store/store_private.h"
#include "tests/support/spoil.h"
#include "tests/support/state_folder.h"

struct fixture {
	void *folder; /* of state_folder_make() */
	struct store *store;
	struct auth *auth;
};

static void open_all(struct fixture *fixture)
{
	fixture->store = state_open(&state_quiet);
	assert_int_equal(auth_create(&fixture->auth), VOS_OK);
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

	if (!store_write_suspensions(fixture->store, &fault))
		fail_msg("%s", fault.text);
}

static size_t restart(struct fixture *fixture, int64_t now_ms)
{
	size_t count = 0;

	write_pending(fixture);
	close_all(fixture);
	open_all(fixture);
	assert_int_equal(store_load_suspensions(fixture->store, fixture->auth, now_ms, &count),
			 VOS_OK);
	return count;
}

static void suspend(struct fixture *fixture, const char *address, const char *user)
{
	struct lockout_rules rules = {
		.max_retry = 1, .suspend_s = 600, .call_retry = 9, .by_user = *user != '\0'};
	struct lockout_failure failure = {.user = *user ? user : "1", .call_id = SPAN_LIT("c")};

	assert_true(addr_parse(span_of(address), &failure.source));
	for (int i = 0; i < 2; i++)
		lockout_fail((struct lockout *)(uintptr_t)auth_lockout(fixture->auth), &rules,
			     &failure, clock_mono_us());
}

static bool is_running(struct fixture *fixture, const char *address, const char *user)
{
	struct addr source;

	assert_true(addr_parse(span_of(address), &source));
	return lockout_is_running(fixture->auth, &source, user, clock_mono_us());
}

static void they_come_back_with_their_names(void **state)
{
	static const char ODD_USER[] = "a b\t\\\n\"\x01\xff";
	struct fixture *fixture = *state;
	struct lockout_entry entries[4];

	suspend(fixture, "192.0.2.1", "");
	suspend(fixture, "2001:db8::1", "");
	suspend(fixture, "192.0.2.2", ODD_USER);
	assert_int_equal(restart(fixture, clock_wall_ms() + 60000), 3);
	assert_true(is_running(fixture, "192.0.2.1", ""));
	assert_true(is_running(fixture, "2001:db8::9", ""));
	assert_true(is_running(fixture, "192.0.2.2", ODD_USER));
	assert_false(is_running(fixture, "192.0.2.2", ""));
	assert_int_equal(lockout_list(fixture->auth, clock_mono_us(), true, NULL, entries, 4), 3);
	for (size_t i = 0; i < 3; i++) {
		uint64_t left_us = entries[i].suspended_until_us - clock_mono_us();

		assert_int_equal(entries[i].failures, 2);
		assert_true(left_us > 530000000 && left_us <= 540000000);
	}
}

static void those_that_ended_are_gone(void **state)
{
	struct fixture *fixture = *state;
	struct addr source;

	suspend(fixture, "192.0.2.1", "");
	suspend(fixture, "192.0.2.2", "");
	write_pending(fixture);
	assert_true(addr_parse(SPAN_LIT("192.0.2.1"), &source));
	assert_int_equal(lockout_clear(fixture->auth, &source, NULL), 1);
	assert_int_equal(restart(fixture, clock_wall_ms()), 1);
	assert_true(is_running(fixture, "192.0.2.2", ""));
	/* Over by the wall clock; and by then the record goes too. */
	assert_int_equal(restart(fixture, clock_wall_ms() + 600001), 0);
	assert_int_equal(restart(fixture, clock_wall_ms()), 0);
}

/* More than are noted one by one: the stored ones are replaced as a whole. */
static void a_crowd_is_written_as_a_whole(void **state)
{
	enum { CROWD = SUSPENSION_CHANGES_MAX + 100 };

	struct fixture *fixture = *state;

	suspend(fixture, "192.0.2.1", "");
	write_pending(fixture);
	lockout_clear(fixture->auth, NULL, NULL);
	for (unsigned i = 0; i < CROWD; i++) {
		char address[32];

		snprintf(address, sizeof(address), "10.0.%u.%u", i / 256, i % 256);
		suspend(fixture, address, "");
	}
	assert_int_equal(restart(fixture, clock_wall_ms()), CROWD);
	assert_false(is_running(fixture, "192.0.2.1", ""));
	assert_true(is_running(fixture, "10.0.4.99", ""));
}

static void a_damaged_record_is_passed_over(void **state)
{
	struct fixture *fixture = *state;

	suspend(fixture, "192.0.2.1", "");
	suspend(fixture, "192.0.2.2", "");
	write_pending(fixture);
	spoil(fixture->store, (char[]){"s/192.0.2.1"});
	assert_int_equal(restart(fixture, clock_wall_ms()), 1);
	assert_true(is_running(fixture, "192.0.2.2", ""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(they_come_back_with_their_names), TEST(those_that_ended_are_gone),
	  TEST(a_crowd_is_written_as_a_whole), TEST(a_damaged_record_is_passed_over))
