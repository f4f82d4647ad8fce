/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The location table: updates, order, expiry, walk, storage side, memory, threads. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"

#define NOW   1800000000000 /* wall ms */
#define MANY  100000u
#define USERS 64u

struct fixture {
	struct location *location;
	struct keepalive *keepalive;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(keepalive_create(&fixture->keepalive), VOS_OK);
	assert_int_equal(location_create(fixture->keepalive, &fixture->location), VOS_OK);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	location_destroy(fixture->location);
	keepalive_destroy(fixture->keepalive);
	free(fixture);
	return 0;
}

static struct location_update update_of(const char *user, const char *contact, int64_t expires_ms)
{
	struct location_update update = {0};
	struct binding *binding = &update.binding;

	snprintf(binding->user, sizeof(binding->user), "%s", user);
	snprintf(binding->contact, sizeof(binding->contact), "%s", contact);
	snprintf(binding->user_agent, sizeof(binding->user_agent), "Softphone 1.2.3-45.6");
	assert_true(addr_parse(SPAN_LIT("198.51.100.7:5062"), &binding->source));
	assert_true(addr_parse(SPAN_LIT("192.0.2.1:5060"), &binding->local));
	binding->q_thousandths = 1000;
	binding->call_id_hash = 7;
	binding->cseq = 1;
	binding->registered_ms = NOW;
	binding->expires_ms = expires_ms;
	return update;
}

static enum location_result put(struct location *location, struct location_update update)
{
	return location_update(location, span_of(update.binding.user), &update, 1, NOW);
}

static size_t find(struct location *location, const char *user, struct binding *out)
{
	return location_find(location, span_of(user), NOW, out, LOCATION_CONTACTS_MAX);
}

struct drained {
	size_t users;
	size_t bindings;
	char last_user[LOCATION_USER_LEN];
	char last_contact[LOCATION_CONTACT_LEN];
	size_t last_count;
};

static void note_dirty(void *context, const char *user, const struct binding *bindings,
		       size_t count)
{
	struct drained *drained = context;

	drained->users++;
	drained->bindings += count;
	drained->last_count = count;
	snprintf(drained->last_user, sizeof(drained->last_user), "%s", user);
	drained->last_contact[0] = '\0';
	if (count)
		snprintf(drained->last_contact, sizeof(drained->last_contact), "%s",
			 bindings[0].contact);
}

static struct drained drain(struct location *location, size_t max)
{
	struct drained drained = {0};

	size_t taken = location_drain_dirty(location, max, note_dirty, &drained);

	assert_int_equal(taken, drained.users);
	return drained;
}

static void a_binding_comes_back_as_it_was_given(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_of("1001", "sip:1001@10.0.0.5:5062", NOW + 60000);
	struct binding out[LOCATION_CONTACTS_MAX];

	update.binding.q_thousandths = 700;
	update.binding.socket_index = 3;
	update.binding.is_nat = true;
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 1);
	assert_string_equal(out[0].user, "1001");
	assert_string_equal(out[0].contact, "sip:1001@10.0.0.5:5062");
	assert_string_equal(out[0].user_agent, "Softphone 1.2.3-45.6");
	assert_true(addr_eq(&out[0].source, &update.binding.source));
	assert_true(addr_eq(&out[0].local, &update.binding.local));
	assert_int_equal(out[0].q_thousandths, 700);
	assert_int_equal(out[0].socket_index, 3);
	assert_true(out[0].is_nat);
	assert_int_equal(out[0].call_id_hash, 7);
	assert_int_equal(out[0].cseq, 1);
	assert_int_equal(out[0].registered_ms, NOW);
	assert_int_equal(out[0].expires_ms, NOW + 60000);
	assert_int_equal(find(location, "100", out), 0);
	assert_int_equal(find(location, "10011", out), 0);
	assert_int_equal(location_count(location), 1);
	assert_int_equal(location_nat_count(location), 1);
}

static void longest_texts_fit(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update;
	struct binding out[LOCATION_CONTACTS_MAX];
	char user[LOCATION_USER_LEN];
	char contact[LOCATION_CONTACT_LEN];

	memset(user, 'u', sizeof(user));
	user[sizeof(user) - 1] = '\0';
	memset(contact, 'c', sizeof(contact));
	contact[sizeof(contact) - 1] = '\0';
	update = update_of(user, contact, NOW + 60000);
	memset(update.binding.user_agent, 'a', LOCATION_AGENT_LEN - 1);
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(find(location, user, out), 1);
	assert_string_equal(out[0].user, user);
	assert_string_equal(out[0].contact, contact);
	assert_int_equal(strlen(out[0].user_agent), LOCATION_AGENT_LEN - 1);
}

static void contacts_are_equal_but_for_case_outside_the_user(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_of("1001", "sip:Bob@Host.Example:5060", NOW + 60000);
	struct binding out[LOCATION_CONTACTS_MAX];

	assert_int_equal(put(location, update), LOCATION_OK);
	update = update_of("1001", "SIP:Bob@host.example:5060", NOW + 90000);
	update.binding.cseq = 2;
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 1);
	assert_string_equal(out[0].contact, "SIP:Bob@host.example:5060");
	assert_int_equal(out[0].expires_ms, NOW + 90000);
	update = update_of("1001", "sip:bob@host.example:5060", NOW + 60000);
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 2);
}

static void order_of_requests_is_kept(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_of("1001", "sip:a@h", NOW + 60000);
	struct binding out[LOCATION_CONTACTS_MAX];

	update.binding.cseq = 5;
	assert_int_equal(put(location, update), LOCATION_OK);
	update.binding.cseq = 4;
	assert_int_equal(put(location, update), LOCATION_STALE);
	update.binding.expires_ms = 0;
	assert_int_equal(put(location, update), LOCATION_STALE);
	/* The same request again changes nothing. */
	update.binding.cseq = 5;
	update.binding.expires_ms = NOW + 99000;
	drain(location, 10);
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 1);
	assert_int_equal(out[0].expires_ms, NOW + 60000);
	assert_int_equal(drain(location, 10).users, 0);
	/* Another Call-ID (the phone was started again) has its own numbers. */
	update.binding.call_id_hash = 8;
	update.binding.cseq = 1;
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 1);
	assert_int_equal(out[0].expires_ms, NOW + 99000);
	update.binding.cseq = 2;
	update.binding.expires_ms = 0;
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 0);
	assert_int_equal(put(location, update), LOCATION_OK); /* removed already */
}

static void an_update_is_all_or_nothing(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update updates[LOCATION_CONTACTS_MAX + 1];
	struct binding out[LOCATION_CONTACTS_MAX];
	char contact[32];

	for (int i = 0; i <= LOCATION_CONTACTS_MAX; i++) {
		snprintf(contact, sizeof(contact), "sip:%d@h", i);
		updates[i] = update_of("1001", contact, NOW + 60000);
	}
	assert_int_equal(location_update(location, SPAN_LIT("1001"), updates,
					 LOCATION_CONTACTS_MAX + 1, NOW),
			 LOCATION_TOO_MANY);
	assert_int_equal(find(location, "1001", out), 0);
	assert_int_equal(drain(location, 10).users, 0);
	assert_int_equal(
		location_update(location, SPAN_LIT("1001"), updates, LOCATION_CONTACTS_MAX, NOW),
		LOCATION_OK);
	assert_int_equal(find(location, "1001", out), LOCATION_CONTACTS_MAX);
	updates[LOCATION_CONTACTS_MAX].binding.cseq = 2;
	assert_int_equal(put(location, updates[LOCATION_CONTACTS_MAX]), LOCATION_TOO_MANY);
	/* One out, one in, in one request. */
	updates[0].binding.expires_ms = 0;
	updates[0].binding.cseq = 2;
	updates[1] = updates[LOCATION_CONTACTS_MAX];
	assert_int_equal(location_update(location, SPAN_LIT("1001"), updates, 2, NOW), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), LOCATION_CONTACTS_MAX);
	/* A stale part stops the whole. */
	updates[0] = update_of("1001", "sip:5@h", 0);
	updates[0].binding.cseq = 9;
	updates[1] = update_of("1001", "sip:6@h", NOW + 1000000);
	updates[1].binding.cseq = 0;
	assert_int_equal(location_update(location, SPAN_LIT("1001"), updates, 2, NOW),
			 LOCATION_STALE);
	assert_int_equal(find(location, "1001", out), LOCATION_CONTACTS_MAX);
	/* Bindings that are over make room, before the sweep has met them. */
	for (int i = 0; i < LOCATION_CONTACTS_MAX; i++) {
		snprintf(contact, sizeof(contact), "sip:new%d@h", i);
		updates[i] = update_of("1001", contact, NOW + 120000);
	}
	assert_int_equal(location_update(location, SPAN_LIT("1001"), updates, LOCATION_CONTACTS_MAX,
					 NOW + 60000),
			 LOCATION_OK);
	assert_int_equal(location_count(location), LOCATION_CONTACTS_MAX);
}

static void the_same_contact_twice_in_a_request_is_one(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update updates[2];
	struct binding out[LOCATION_CONTACTS_MAX];

	updates[0] = update_of("1001", "sip:a@h", NOW + 60000);
	updates[1] = update_of("1001", "sip:a@h", NOW + 70000);
	assert_int_equal(location_update(location, SPAN_LIT("1001"), updates, 2, NOW), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 1);
	assert_int_equal(location_count(location), 1);
}

static void find_sorts_by_q_then_by_age(void **state)
{
	static const struct {
		const char *contact;
		uint16_t q;
		int64_t registered_ms;
	} ROWS[] = {
		{"sip:low@h", 100, NOW},
		{"sip:old@h", 500, NOW - 2},
		{"sip:best@h", 1000, NOW - 9},
		{"sip:new@h", 500, NOW - 1},
	};
	static const char *const ORDER[] = {"sip:best@h", "sip:new@h", "sip:old@h", "sip:low@h"};
	struct location *location = ((struct fixture *)*state)->location;
	struct binding out[LOCATION_CONTACTS_MAX];

	for (size_t i = 0; i < 4; i++) {
		struct location_update update = update_of("1001", ROWS[i].contact, NOW + 60000);

		update.binding.q_thousandths = ROWS[i].q;
		update.binding.registered_ms = ROWS[i].registered_ms;
		assert_int_equal(put(location, update), LOCATION_OK);
	}
	assert_int_equal(find(location, "1001", out), 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(out[i].contact, ORDER[i]);
	assert_int_equal(location_find(location, SPAN_LIT("1001"), NOW, out, 1), 1);
	assert_string_equal(out[0].contact, "sip:best@h");
}

static void remove_all_heeds_the_order(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_of("1001", "sip:a@h", NOW + 60000);
	struct binding out[LOCATION_CONTACTS_MAX];

	update.binding.cseq = 5;
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(put(location, update_of("1001", "sip:b@h", NOW + 60000)), LOCATION_OK);
	assert_int_equal(location_remove_all(location, SPAN_LIT("1001"), 7, 5), LOCATION_STALE);
	assert_int_equal(find(location, "1001", out), 2);
	assert_int_equal(location_remove_all(location, SPAN_LIT("1001"), 7, 6), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 0);
	assert_int_equal(location_remove_all(location, SPAN_LIT("1001"), 7, 6), LOCATION_OK);
	assert_int_equal(location_remove_all(location, SPAN_LIT("nobody"), 7, 6), LOCATION_OK);
}

static void bindings_expire_on_the_second(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct binding out[LOCATION_CONTACTS_MAX];

	location_expire(location, NOW);
	assert_int_equal(put(location, update_of("1001", "sip:a@h", NOW + 20500)), LOCATION_OK);
	assert_int_equal(put(location, update_of("1002", "sip:b@h", NOW + 3600000)), LOCATION_OK);
	drain(location, 10);
	for (int64_t t = 1; t <= 20; t++)
		assert_int_equal(location_expire(location, NOW + 1000 * t), 0);
	/* Not swept yet, but over for whoever asks. */
	assert_int_equal(location_find(location, SPAN_LIT("1001"), NOW + 20499, out, 10), 1);
	assert_int_equal(location_find(location, SPAN_LIT("1001"), NOW + 20500, out, 10), 0);
	assert_int_equal(location_expire(location, NOW + 21000), 1);
	assert_int_equal(location_count(location), 1);
	assert_int_equal(drain(location, 10).last_count, 0);
	for (int64_t t = 22; t < 3600; t++)
		assert_int_equal(location_expire(location, NOW + 1000 * t), 0);
	assert_int_equal(location_expire(location, NOW + 3600000), 1);
	assert_int_equal(location_count(location), 0);
}

static void expiry_survives_leaps_of_the_clock(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_of("1001", "sip:a@h", NOW + 60000);

	location_expire(location, NOW);
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(put(location, update_of("1002", "sip:b@h", NOW + 90000000)), LOCATION_OK);
	assert_int_equal(location_expire(location, NOW + 80000000), 1);
	/* Set back: what is registered now expires in its time. */
	location_expire(location, NOW);
	update.binding.cseq++;
	assert_int_equal(put(location, update), LOCATION_OK);
	for (int64_t t = 1; t < 60; t++)
		assert_int_equal(location_expire(location, NOW + 1000 * t), 0);
	assert_int_equal(location_expire(location, NOW + 60000), 1);
}

static void a_refresh_moves_the_expiry(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_of("1001", "sip:a@h", NOW + 30000);

	location_expire(location, NOW);
	assert_int_equal(put(location, update), LOCATION_OK);
	update.binding.cseq++;
	update.binding.expires_ms = NOW + 50000;
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(location_expire(location, NOW + 49999), 0);
	assert_int_equal(location_expire(location, NOW + 50000), 1);
}

static void nat_bindings_follow_into_the_keepalive_list(void **state)
{
	struct fixture *fixture = *state;
	struct location_update update = update_of("1001", "sip:a@h", NOW + 30000);
	struct binding out[LOCATION_CONTACTS_MAX];
	uint64_t last_us;
	uint32_t missed;
	keepalive_id id;

	assert_int_equal(put(fixture->location, update), LOCATION_OK);
	assert_int_equal(find(fixture->location, "1001", out), 1);
	assert_int_equal(out[0].keepalive_id, 0);
	update.binding.cseq++;
	update.binding.is_nat = true;
	assert_int_equal(put(fixture->location, update), LOCATION_OK);
	assert_int_equal(find(fixture->location, "1001", out), 1);
	id = out[0].keepalive_id;
	assert_true(keepalive_device(fixture->keepalive, id, &last_us, &missed));
	assert_int_equal(location_nat_count(fixture->location), 1);
	/* Another text makes another block of memory; the entry stays. */
	update.binding.cseq++;
	snprintf(update.binding.user_agent, sizeof(update.binding.user_agent), "other");
	assert_int_equal(put(fixture->location, update), LOCATION_OK);
	assert_int_equal(find(fixture->location, "1001", out), 1);
	assert_string_equal(out[0].user_agent, "other");
	assert_int_equal(out[0].keepalive_id, id);
	assert_int_equal(location_nat_count(fixture->location), 1);
	update.binding.cseq++;
	update.binding.is_nat = false;
	assert_int_equal(put(fixture->location, update), LOCATION_OK);
	assert_false(keepalive_device(fixture->keepalive, id, &last_us, &missed));
	assert_int_equal(location_nat_count(fixture->location), 0);
	update.binding.cseq++;
	update.binding.is_nat = true;
	assert_int_equal(put(fixture->location, update), LOCATION_OK);
	assert_int_equal(find(fixture->location, "1001", out), 1);
	location_expire(fixture->location, NOW + 30000);
	assert_false(keepalive_device(fixture->keepalive, out[0].keepalive_id, &last_us, &missed));
	assert_int_equal(location_nat_count(fixture->location), 0);
}

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
	assert_int_equal(location_restore(location, &update.binding, NOW), VOS_EEXIST);
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
		crowd->wrong += put(crowd->location, update) != LOCATION_OK;
	}
	return NULL;
}

static void *read_in_a_loop(void *context)
{
	struct crowd *crowd = context;
	struct binding out[LOCATION_CONTACTS_MAX];
	struct drained drained = {0};
	int64_t now_ms = NOW;

	while (!atomic_load(&crowd->stop)) {
		uint64_t cursor = 0;
		size_t count;

		crowd->wrong += location_find(crowd->location, SPAN_LIT("7"), NOW, out, 10) > 4;
		while (location_list(crowd->location, &cursor, out, LOCATION_CONTACTS_MAX, &count))
			crowd->wrong += count > LOCATION_CONTACTS_MAX;
		location_drain_dirty(crowd->location, 16, note_dirty, &drained);
		location_expire(crowd->location, now_ms += 1000);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(a_binding_comes_back_as_it_was_given), TEST(longest_texts_fit),
	  TEST(contacts_are_equal_but_for_case_outside_the_user), TEST(order_of_requests_is_kept),
	  TEST(an_update_is_all_or_nothing), TEST(the_same_contact_twice_in_a_request_is_one),
	  TEST(find_sorts_by_q_then_by_age), TEST(remove_all_heeds_the_order),
	  TEST(bindings_expire_on_the_second), TEST(expiry_survives_leaps_of_the_clock),
	  TEST(a_refresh_moves_the_expiry), TEST(nat_bindings_follow_into_the_keepalive_list),
	  TEST(dirty_users_are_drained_once), TEST(a_small_drain_reaches_everybody),
	  TEST(restored_bindings_are_clean_and_expired_ones_are_forgotten),
	  TEST(a_walk_meets_everyone_once), TEST(a_walk_over_nothing_ends),
	  TEST(a_binding_costs_at_most_400_bytes), TEST(threads_share_the_table))
