/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expiry in slices, what a restart makes of lifetimes, and the table's own clock. */
#include "tests/support/location_fixture.h"

#include "shared/base/clock.h"

static void put_many(struct location *location, unsigned count, int64_t expires_ms)
{
	char user[16];

	for (unsigned i = 0; i < count; i++) {
		snprintf(user, sizeof(user), "%u", i);
		assert_int_equal(put(location, update_of(user, "sip:a@h", expires_ms)),
				 LOCATION_OK);
	}
}

/* No slice does more than it may, all of them do everything, and the table can be used between. */
static void slices_are_bounded_and_complete(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update late = update_of("5000", "sip:a@h", NOW + 90000);
	size_t slices = 0;
	size_t expired = 0;
	bool is_more;

	location_expire(location, NOW);
	put_many(location, 3000, NOW + 30000);
	do {
		size_t before = expired;

		is_more = location_expire_slice(location, NOW + 30000, 100, &expired);
		assert_true(expired - before <= 100);
		assert_int_equal(location_count(location), 3000 - expired + (slices > 0));
		if (slices++ == 0)
			assert_int_equal(put(location, late), LOCATION_OK);
	} while (is_more);
	assert_int_equal(expired, 3000);
	assert_true(slices >= 30);
	assert_false(location_expire_slice(location, NOW + 30000, 100, &expired));
	assert_int_equal(location_expire(location, NOW + 90000), 1);
}

/* Those that are met before their time do not keep the others of their second waiting. */
static void those_of_later_rounds_are_passed(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	size_t expired = 0;
	int slices = 0;

	location_expire(location, NOW);
	/* The same place of the wheel, one round later and now. */
	put_many(location, 500, NOW + 30000 + 256000);
	assert_int_equal(put(location, update_of("now", "sip:a@h", NOW + 30000)), LOCATION_OK);
	while (location_expire_slice(location, NOW + 30000, 7, &expired))
		assert_true(++slices < 200);
	assert_int_equal(expired, 1);
	assert_int_equal(location_expire(location, NOW + 285999), 0);
	assert_int_equal(location_expire(location, NOW + 286000), 500);
}

static void a_binding_that_goes_while_it_waits_is_no_trouble(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update;
	size_t expired = 0;
	char user[16];

	location_expire(location, NOW);
	put_many(location, 1000, NOW + 30000);
	assert_true(location_expire_slice(location, NOW + 30000, 1, &expired));
	for (unsigned i = 0; i < 1000; i += 2) {
		snprintf(user, sizeof(user), "%u", i);
		location_clear(location, span_of(user));
		/* And this one lives on. */
		snprintf(user, sizeof(user), "%u", i + 1);
		update = update_of(user, "sip:a@h", NOW + 99000);
		update.binding.cseq = 2;
		assert_int_equal(put(location, update), LOCATION_OK);
	}
	assert_int_equal(location_expire(location, NOW + 30000), 0);
	assert_int_equal(location_count(location), 500);
	assert_int_equal(location_expire(location, NOW + 99000), 500);
}

/* A refresh leaves a binding where it waits: it must be found in time all the same, whatever the
 * order of its lifetimes. */
static void refreshed_again_and_again(void **state)
{
	static const int64_t LIVES_MS[] = {20000, 3600000, 60000, 300000, 20000, 700000};
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_of("1001", "sip:a@h", 0);
	int64_t now_ms = NOW;

	location_expire(location, now_ms);
	for (uint32_t i = 0; i < 600; i++) {
		size_t expired = 0;

		update.binding.cseq = i + 1;
		update.binding.expires_ms = now_ms + LIVES_MS[i % 6];
		assert_int_equal(
			location_update(location, SPAN_LIT("1001"), &update, 1, NULL, now_ms),
			LOCATION_OK);
		for (int s = 0; s < 19; s++) {
			now_ms += 1000;
			expired += location_expire(location, now_ms);
		}
		assert_int_equal(expired, 0);
	}
	assert_int_equal(location_expire(location, update.binding.expires_ms - 1), 0);
	assert_int_equal(location_expire(location, update.binding.expires_ms + 999), 1);
}

static void one_that_is_over_when_it_comes_goes_at_once(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;

	location_expire(location, NOW);
	assert_int_equal(put(location, update_of("1001", "sip:a@h", NOW - 5000)), LOCATION_OK);
	assert_int_equal(location_expire(location, NOW + 1000), 1);
}

static void what_is_restored_lives_no_longer_than_granted(void **state)
{
	static const struct {
		int64_t registered_ms, expires_ms, left_ms;
	} ROWS[] = {
		{NOW - 100000, NOW + 200000, 200000},
		{NOW, NOW + 300000, 300000},
		/* The clock went back meanwhile. */
		{NOW + 1, NOW + 300001, 300000},
		{NOW + 900000000, NOW + 900300000, 300000},
		/* The clock went on. */
		{NOW - 900000000, NOW - 899700000, 0},
	};
	struct location *location = ((struct fixture *)*state)->location;
	struct binding out[LOCATION_CONTACTS_MAX];
	char user[16];

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct location_update update;

		snprintf(user, sizeof(user), "%zu", i);
		update = update_of(user, "sip:a@h", ROWS[i].expires_ms);
		update.binding.registered_ms = ROWS[i].registered_ms;
		assert_int_equal(location_restore(location, &update.binding, NOW), VOS_OK);
		assert_int_equal(find(location, user, out), ROWS[i].left_ms > 0);
		if (ROWS[i].left_ms)
			assert_int_equal(out[0].expires_ms, NOW + ROWS[i].left_ms);
	}
}

static void the_clock_of_the_table_follows_wall_time(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	int64_t before = clock_wall_ms();
	int64_t now_ms = location_now_ms(location);

	assert_true(now_ms >= before - 1000 && now_ms <= clock_wall_ms() + 1000);
	assert_int_equal(location_wall_offset_ms(location), 0);
	assert_true(location_now_ms(location) >= now_ms);
}

/* A stored binding finds its socket by address and kind; the address outlives a run without it. */
static void stored_bindings_find_their_socket(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct addr listens[2];
	struct binding out[LOCATION_CONTACTS_MAX];
	struct location_update update = update_of("1001", "sip:a@h", NOW + 60000);

	assert_true(addr_parse(SPAN_LIT("192.0.2.1:5060"), &listens[0]));
	listens[1] = listens[0];
	location_set_listens(location, listens, 2);
	location_set_streams(location, 2);
	update.binding.is_stream = true;
	update.binding.socket_index = 9;
	assert_int_equal(location_restore(location, &update.binding, NOW), VOS_OK);
	assert_int_equal(find(location, "1001", out), 1);
	assert_int_equal(out[0].socket_index, 1);
	assert_true(out[0].is_stream);
	update = update_of("1002", "sip:a@h", NOW + 60000);
	assert_true(addr_parse(SPAN_LIT("192.0.2.99:5070"), &update.binding.local));
	update.binding.is_stream = true;
	assert_int_equal(location_restore(location, &update.binding, NOW), VOS_OK);
	assert_int_equal(find(location, "1002", out), 1);
	assert_int_equal(out[0].socket_index, UINT8_MAX);
	assert_true(addr_eq(&out[0].local, &update.binding.local));
	assert_true(out[0].is_stream);
	/* A phone that registers now is at its socket, whatever it says. */
	update = update_of("1003", "sip:a@h", NOW + 60000);
	update.binding.socket_index = 0;
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(find(location, "1003", out), 1);
	assert_int_equal(out[0].socket_index, 0);
	assert_false(out[0].is_stream);
}

static void more_addresses_than_there_is_room_for(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct binding out[LOCATION_CONTACTS_MAX];
	char user[16];

	for (unsigned i = 1; i <= 300; i++) {
		struct location_update update;

		snprintf(user, sizeof(user), "%u", i);
		update = update_of(user, "sip:a@h", NOW + 60000);
		update.binding.local.port = (uint16_t)i;
		assert_int_equal(put(location, update), LOCATION_OK);
		assert_int_equal(find(location, user, out), 1);
		assert_int_equal(out[0].local.port, i < 256 ? i : 0);
	}
}

TEST_MAIN(TEST(slices_are_bounded_and_complete), TEST(those_of_later_rounds_are_passed),
	  TEST(a_binding_that_goes_while_it_waits_is_no_trouble), TEST(refreshed_again_and_again),
	  TEST(one_that_is_over_when_it_comes_goes_at_once),
	  TEST(what_is_restored_lives_no_longer_than_granted),
	  TEST(the_clock_of_the_table_follows_wall_time), TEST(stored_bindings_find_their_socket),
	  TEST(more_addresses_than_there_is_room_for))
