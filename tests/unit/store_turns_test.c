/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A number pool that is taken in turn goes on after a restart where it stood. */
#include "tests/support/test.h"

#include "switchd/conf/conf.h"
#include "switchd/store/store_private.h"
#include "tests/support/changes.h"
#include "tests/support/spoil.h"
#include "tests/support/state_folder.h"

#define MINUTE_US 60000000u

struct fixture {
	void *folder; /* of state_folder_make() */
	struct store *store;
	struct conf *conf;
};

/* Pools p and q of the numbers 501, 502, 503, each if it is named. */
static struct conf *build(const char *names)
{
	static const struct secret_key key = {{7}};
	struct change_list list = {0};
	struct vos_fault fault = {0};
	struct conf *conf = NULL;

	for (; *names; names++) {
		const char name[] = {*names, '\0'};

		changes_create(&list, "number-pool", name);
		changes_field(&list, "number-pool", name, "order", "poll");
		for (char digit = '1'; digit <= '3'; digit++) {
			const char number[] = {'5', '0', digit, '\0'};

			changes_field(&list, "number-pool", name, "number", number);
		}
	}
	if (conf_build(changes_apply(NULL, &list), &key, NULL, &conf, &fault))
		fail_msg("%s: %s", fault.path, fault.text);
	return conf;
}

static void start(struct fixture *fixture, const char *pools)
{
	fixture->store = state_open(&state_quiet);
	fixture->conf = build(pools);
	assert_int_equal(store_load_turns(fixture->store, fixture->conf), VOS_OK);
}

static void stop(struct fixture *fixture)
{
	store_close(fixture->store);
	conf_unref(fixture->conf);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(state_folder_make(&fixture->folder), 0);
	start(fixture, "pq");
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	stop(fixture);
	state_folder_remove(&fixture->folder);
	free(fixture);
	return 0;
}

static void restart(struct fixture *fixture, const char *pools)
{
	stop(fixture);
	start(fixture, pools);
}

static void expect_next(const struct fixture *fixture, const char *pool, const char *number)
{
	const struct conf_pool *found = conf_pool_find(conf_rules(fixture->conf), pool);

	assert_non_null(found);
	assert_string_equal(conf_pool_take(found, NULL, NULL, 0)->name, number);
}

static void keep(struct fixture *fixture, uint64_t now_us)
{
	struct vos_fault fault = {0};

	if (!store_write_turns(fixture->store, now_us, &fault))
		fail_msg("%s", fault.text);
}

static void it_goes_on(void **state)
{
	struct fixture *fixture = *state;

	expect_next(fixture, "p", "501");
	expect_next(fixture, "p", "502");
	expect_next(fixture, "q", "501");
	keep(fixture, 0);
	restart(fixture, "pq");
	expect_next(fixture, "p", "503");
	expect_next(fixture, "q", "502");
	expect_next(fixture, "p", "501");
}

static void it_is_kept_once_a_minute(void **state)
{
	struct fixture *fixture = *state;

	expect_next(fixture, "p", "501");
	keep(fixture, MINUTE_US);
	expect_next(fixture, "p", "502");
	keep(fixture, 2 * MINUTE_US - 1);
	restart(fixture, "p");
	expect_next(fixture, "p", "502"); /* what was written a minute ago */
	keep(fixture, MINUTE_US);
	expect_next(fixture, "p", "503");
	keep(fixture, 2 * MINUTE_US);
	restart(fixture, "p");
	expect_next(fixture, "p", "501");
}

/* A pool that was taken away begins anew when it comes back, after the others were written. */
static void a_pool_that_is_gone(void **state)
{
	struct fixture *fixture = *state;

	expect_next(fixture, "p", "501");
	expect_next(fixture, "q", "501");
	keep(fixture, 0);
	restart(fixture, "q");
	expect_next(fixture, "q", "502");
	keep(fixture, 0);
	restart(fixture, "pq");
	expect_next(fixture, "p", "501");
	expect_next(fixture, "q", "503");
}

static void a_damaged_record_is_passed_over(void **state)
{
	struct fixture *fixture = *state;

	expect_next(fixture, "p", "501");
	expect_next(fixture, "q", "501");
	keep(fixture, 0);
	spoil(fixture->store, (char[]){"t/p"});
	restart(fixture, "pq");
	expect_next(fixture, "p", "501");
	expect_next(fixture, "q", "502");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(it_goes_on), TEST(it_is_kept_once_a_minute), TEST(a_pool_that_is_gone),
	  TEST(a_damaged_record_is_passed_over))
