/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Candidates of lost connections, by a clock that the test sets. */
#include "switchd/ctl/kept.h"

#include "tests/support/test.h"

#include "tests/support/changes.h"

static struct kept kept;
static struct snapshot *base;

static int start(void **state)
{
	(void)state;
	kept = (struct kept){0};
	base = snapshot_new_empty();
	return base ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	kept_clear(&kept);
	snapshot_unref(base);
	return 0;
}

/* A candidate with so many changes. */
static struct config_candidate candidate_of(int changes)
{
	static const char *const keys[] = {"1", "2", "3"};
	struct config_candidate candidate;
	struct change_list list = {0};

	candidate_open(&candidate, base);
	for (int i = 0; i < changes; i++)
		changes_create(&list, "phone", keys[i]);
	assert_int_equal(candidate_add_list(&candidate, &list), VOS_OK);
	return candidate;
}

static void put(uid_t uid, uint64_t session, int changes, uint64_t now_us)
{
	const struct kept_owner owner = {.uid = uid, .session = session, .token = session * 100};
	struct config_candidate candidate = candidate_of(changes);

	kept_put(&kept, &owner, &candidate, now_us + KEPT_US);
	assert_null(candidate.base);
	assert_int_equal(candidate.changes.count, 0);
}

static void only_its_user_gets_it(void **state)
{
	struct config_candidate candidate;

	(void)state;
	put(1000, 5, 2, 0);
	assert_null(kept_find(&kept, 1001, 0));
	assert_null(kept_find(&kept, 0, 0));
	assert_non_null(kept_find(&kept, 1000, 0));
	candidate = kept_take(kept_find(&kept, 1000, 0));
	assert_int_equal(candidate.changes.count, 2);
	assert_true(candidate_has_object(&candidate, OBJECT_PHONE, "2"));
	assert_null(kept_find(&kept, 1000, 0));
	candidate_close(&candidate);
}

static void the_newest_comes_first(void **state)
{
	struct config_candidate candidate;

	(void)state;
	put(7, 2, 2, 0);
	put(7, 3, 3, 0);
	put(7, 1, 1, 0);
	for (uint64_t session = 3; session > 0; session--) {
		assert_int_equal(kept_find(&kept, 7, 0)->owner.session, session);
		candidate = kept_take(kept_find(&kept, 7, 0));
		assert_int_equal(candidate.changes.count, session);
		candidate_close(&candidate);
	}
	assert_null(kept_find(&kept, 7, 0));
}

static void a_session_finds_its_own(void **state)
{
	(void)state;
	put(7, 2, 2, 0);
	put(7, 3, 3, 0);
	put(8, 4, 1, 0);
	assert_int_equal(kept_find(&kept, 7, 200)->owner.session, 2);
	assert_int_equal(kept_find(&kept, 7, 300)->owner.session, 3);
	/* Neither an unknown one nor that of another user. */
	assert_null(kept_find(&kept, 7, 999));
	assert_null(kept_find(&kept, 7, 400));
}

static void ten_minutes(void **state)
{
	(void)state;
	assert_true(kept_expire(&kept, 0) == UINT64_MAX);
	put(7, 1, 1, 1000);
	put(7, 2, 1, 5000);
	assert_true(kept_expire(&kept, KEPT_US + 999) == KEPT_US + 1000);
	assert_int_equal(kept_find(&kept, 7, 0)->owner.session, 2);
	assert_true(kept_expire(&kept, KEPT_US + 1000) == KEPT_US + 5000);
	assert_true(kept_expire(&kept, KEPT_US + 5000) == UINT64_MAX);
	assert_null(kept_find(&kept, 7, 0));
}

static void the_oldest_makes_room(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < KEPT_MAX; i++)
		put((uid_t)i, i + 1, 1, i);
	assert_non_null(kept_find(&kept, 0, 0));
	put(99, 99, 1, 100);
	assert_null(kept_find(&kept, 0, 0));
	assert_non_null(kept_find(&kept, 1, 0));
	assert_non_null(kept_find(&kept, 99, 0));
}

#define WITH_KEPT(test) cmocka_unit_test_setup_teardown(test, start, end)

TEST_MAIN(WITH_KEPT(only_its_user_gets_it), WITH_KEPT(the_newest_comes_first),
	  WITH_KEPT(a_session_finds_its_own), WITH_KEPT(ten_minutes),
	  WITH_KEPT(the_oldest_makes_room))
