/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole location table: storage side, walk, memory, threads. */
#include "tests/support/location_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define MANY  100000u
#define USERS 64u

static void dirty_users_are_drained_once(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct drained drained;

	assert_int_equal(put(location, update_of("1001", "sip:a@h", NOW + 60000)), LOCATION_OK);
	assert_int_equal(put(location, update_of("1001", "sip:b@h", NOW + 60000)), LOCATION_OK);
	drained = drain(location, 10);
	assert_int_equal(drained.users, 1);
	assert_int_equal(drained.bindings, 2);
	assert_int_equal(drain(location, 10).users, 0);
	/* A user that has none left is told once, and again when the write failed. */
	assert_int_equal(location_clear(location, SPAN_LIT("1001")), 2);
	assert_int_equal(location_clear(location, SPAN_LIT("1001")), 0);
	drained = drain(location, 10);
	assert_int_equal(drained.users, 1);
	assert_int_equal(drained.last_count, 0);
	assert_string_equal(drained.last_user, "1001");
	location_mark_dirty(location, "1001");
	location_mark_dirty(location, "1001");
	drained = drain(location, 10);
	assert_int_equal(drained.users, 1);
	assert_int_equal(drained.last_count, 0);
	assert_int_equal(drain(location, 10).users, 0);
}

static void a_small_drain_reaches_everybody(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	size_t users = 0;
	char user[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(user, sizeof(user), "%d", i);
		assert_int_equal(put(location, update_of(user, "sip:a@h", NOW + 60000)),
				 LOCATION_OK);
	}
	for (int i = 0; i < 143; i++) {
		struct drained drained = drain(location, 7);

		assert_int_equal(drained.users, i < 142 ? 7 : 6);
		users += drained.users;
	}
	assert_int_equal(users, 1000);
	assert_int_equal(drain(location, 7).users, 0);
}

static void restored_bindings_are_clean_and_expired_ones_are_forgotten(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_of("1001", "sip:a@h", NOW + 60000);
	struct binding out[LOCATION_CONTACTS_MAX];
	struct drained drained;

	assert_int_equal(location_restore(location, &update.binding, NOW), VOS_OK);
	assert_int_equal(find(location, "1001", out), 1);
	assert_int_equal(drain(location, 10).users, 0);
	assert_int_equal(location_restore(location, &update.binding, NOW), VOS_OK);
	assert_int_equal(location_count(location), 1);
	assert_int_equal(drain(location, 10).last_count, 1); /* one of two that are equal */
	update = update_of("1002", "sip:b@h", NOW);
	assert_int_equal(location_restore(location, &update.binding, NOW), VOS_OK);
	assert_int_equal(location_count(location), 1);
	drained = drain(location, 10);
	assert_int_equal(drained.users, 1);
	assert_string_equal(drained.last_user, "1002");
	assert_int_equal(drained.last_count, 0);
	/* What was restored expires and is refreshed like any other. */
	update = update_of("1001", "sip:a@h", NOW + 60000);
	update.binding.cseq = 0;
	assert_int_equal(put(location, update), LOCATION_STALE);
	assert_int_equal(location_expire(location, NOW + 61000), 1);
}

/* Every binding exactly once, whatever the size of the pieces, also when the table grows meanwhile.
 */
static void a_walk_meets_everyone_once(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	static uint8_t seen[3000];
	struct binding out[LOCATION_CONTACTS_MAX + 3];
	uint64_t cursor = 0;
	size_t total = 0;
	char user[16];
	bool more;
	size_t count;
	unsigned late = 3000;

	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(user, sizeof(user), "%u", i);
		assert_int_equal(put(location, update_of(user, "sip:a@h", NOW + 60000)),
				 LOCATION_OK);
		if (i % 100 == 0)
			assert_int_equal(put(location, update_of(user, "sip:b@h", NOW + 60000)),
					 LOCATION_OK);
	}
	do {
		more = location_list(location, &cursor, out, LOCATION_CONTACTS_MAX + 3, &count);
		for (size_t i = 0; i < count; i++) {
			unsigned long number = strtoul(out[i].user, NULL, 10);

			if (number < 3000) {
				seen[number]++;
				total++;
			}
		}
		for (int i = 0; i < 20 && late < 6000; i++) {
			snprintf(user, sizeof(user), "%u", late++);
			assert_int_equal(put(location, update_of(user, "sip:a@h", NOW + 60000)),
					 LOCATION_OK);
		}
	} while (more);
	assert_int_equal(total, 3030);
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(seen[i], i % 100 ? 1 : 2);
	assert_false(location_list(location, &cursor, out, LOCATION_CONTACTS_MAX, &count));
	assert_int_equal(count, 0);
}

static void a_walk_over_nothing_ends(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct binding out[1];
	uint64_t cursor = 0;
	size_t count = 9;

	assert_false(location_list(location, &cursor, out, 1, &count));
	assert_int_equal(count, 0);
}

/* The figure of the issue: at most 400 bytes a binding, the keepalive entry (48 bytes) and the
 * table itself with it. */
static void a_binding_costs_at_most_400_bytes(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	size_t before = location_memory(location);
	char contact[LOCATION_CONTACT_LEN];
	char user[16];

	for (unsigned i = 0; i < MANY; i++) {
		struct location_update update;

		snprintf(user, sizeof(user), "8613%06u", i);
		snprintf(contact, sizeof(contact),
			 "sip:%s@192.168.100.23:5060;ob;+sip.instance=0123456789", user);
		update = update_of(user, contact, NOW + 3600000);
		update.binding.is_nat = true;
		assert_int_equal(put(location, update), LOCATION_OK);
	}
	assert_int_equal(location_count(location), MANY);
	print_message("%zu bytes a binding, %zu without any\n",
		      location_memory(location) / MANY + 48, before);
	assert_true(location_memory(location) / MANY + 48 <= 400);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(user, sizeof(user), "8613%06u", i);
		assert_int_equal(location_clear(location, span_of(user)), 1);
	}
	assert_int_equal(drain(location, MANY + 1).users, MANY);
	assert_int_equal(location_count(location), 0);
	assert_int_equal(location_nat_count(location), 0);
	/* Only the grown bucket arrays stay. */
	assert_true(location_memory(location) < before + MANY * 32);
}

struct crowd {
	struct location *location;
	atomic_bool stop;
	unsigned seed;
	unsigned wrong; /* assertions belong to the main thread */
};

static void *register_in_a_loop(void *context)
{
	static const struct location_rule rule = {.addresses = 2, .replaces = true};
	struct crowd *crowd = context;
	unsigned random = crowd->seed;
	char user[16];
	char contact[32];

	for (uint32_t i = 1; i < 4000; i++) {
		struct location_update update;

		random = random * 1103515245u + 12345u;
		snprintf(user, sizeof(user), "%u", (random >> 8) % USERS);
		snprintf(contact, sizeof(contact), "sip:%u@h", (random >> 16) % 4);
		update = update_of(user, contact, random & 1 ? NOW + 60000 : 0);
		update.binding.call_id_hash = random;
		update.binding.is_nat = random & 2;
		update.binding.source.ip[3] = (uint8_t)(random >> 20 & 3);
		update.binding.local.port = (uint16_t)(random >> 22 & 7);
		if (random & 4)
			snprintf(update.binding.path, sizeof(update.binding.path), "<sip:edge;lr>");
		if (random & 8)
			snprintf(update.binding.instance, sizeof(update.binding.instance), "urn:%u",
				 random >> 24 & 1);
		location_is_refresh(crowd->location, span_of(user), &update, 1);
		crowd->wrong += location_update(crowd->location, span_of(user), &update, 1, &rule,
						NOW) != LOCATION_OK;
	}
	return NULL;
}

static void *read_in_a_loop(void *context)
{
	struct crowd *crowd = context;
	struct binding out[LOCATION_CONTACTS_MAX];
	struct drained drained = {0};
	int64_t now_ms = NOW;
	size_t expired = 0;
	struct addr source;

	if (!addr_parse(SPAN_LIT("198.51.100.1:9"), &source))
		return NULL;
	while (!atomic_load(&crowd->stop)) {
		uint64_t cursor = 0;
		size_t count;

		crowd->wrong += location_find(crowd->location, SPAN_LIT("7"), NOW, out, 10) > 4;
		while (location_list(crowd->location, &cursor, out, LOCATION_CONTACTS_MAX, &count))
			crowd->wrong += count > LOCATION_CONTACTS_MAX;
		location_drain_dirty(crowd->location, 16, note_dirty, &drained);
		location_expire_slice(crowd->location, now_ms += 100, 9, &expired);
		location_source_is_registered(crowd->location, &source);
		location_mark_all_dirty(crowd->location);
		location_mark_dirty(crowd->location, "7");
		location_clear(crowd->location, SPAN_LIT("8"));
	}
	return NULL;
}

static void threads_share_the_table(void **state)
{
	struct fixture *fixture = *state;
	struct crowd crowd[3] = {{.seed = 1}, {.seed = 2}, {.seed = 3}};
	pthread_t threads[3];
	uint64_t cursor = 0;
	struct binding out[LOCATION_CONTACTS_MAX];
	size_t total = 0;
	size_t nat = 0;
	size_t count;
	bool more;

	for (size_t i = 0; i < 3; i++) {
		crowd[i].location = fixture->location;
		assert_int_equal(pthread_create(&threads[i], NULL,
						i < 2 ? register_in_a_loop : read_in_a_loop,
						&crowd[i]),
				 0);
	}
	for (size_t i = 0; i < 3; i++) {
		if (i == 2)
			atomic_store(&crowd[2].stop, true);
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(crowd[i].wrong, 0);
	}
	do {
		more = location_list(fixture->location, &cursor, out, LOCATION_CONTACTS_MAX,
				     &count);
		total += count;
		for (size_t i = 0; i < count; i++)
			nat += out[i].is_nat;
	} while (more);
	assert_int_equal(total, location_count(fixture->location));
	assert_int_equal(nat, location_nat_count(fixture->location));
}

TEST_MAIN(TEST(dirty_users_are_drained_once), TEST(a_small_drain_reaches_everybody),
	  TEST(restored_bindings_are_clean_and_expired_ones_are_forgotten),
	  TEST(a_walk_meets_everyone_once), TEST(a_walk_over_nothing_ends),
	  TEST(a_binding_costs_at_most_400_bytes), TEST(threads_share_the_table))
