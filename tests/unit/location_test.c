/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The location table as a registrar uses it: updates, order, expiry, the keepalive list. */
#include "tests/support/location_fixture.h"

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
					 LOCATION_CONTACTS_MAX + 1, NULL, NOW),
			 LOCATION_TOO_MANY);
	assert_int_equal(find(location, "1001", out), 0);
	assert_int_equal(drain(location, 10).users, 0);
	assert_int_equal(location_update(location, SPAN_LIT("1001"), updates, LOCATION_CONTACTS_MAX,
					 NULL, NOW),
			 LOCATION_OK);
	assert_int_equal(find(location, "1001", out), LOCATION_CONTACTS_MAX);
	updates[LOCATION_CONTACTS_MAX].binding.cseq = 2;
	assert_int_equal(put(location, updates[LOCATION_CONTACTS_MAX]), LOCATION_TOO_MANY);
	/* One out, one in, in one request. */
	updates[0].binding.expires_ms = 0;
	updates[0].binding.cseq = 2;
	updates[1] = updates[LOCATION_CONTACTS_MAX];
	assert_int_equal(location_update(location, SPAN_LIT("1001"), updates, 2, NULL, NOW),
			 LOCATION_OK);
	assert_int_equal(find(location, "1001", out), LOCATION_CONTACTS_MAX);
	/* A stale part stops the whole. */
	updates[0] = update_of("1001", "sip:5@h", 0);
	updates[0].binding.cseq = 9;
	updates[1] = update_of("1001", "sip:6@h", NOW + 1000000);
	updates[1].binding.cseq = 0;
	assert_int_equal(location_update(location, SPAN_LIT("1001"), updates, 2, NULL, NOW),
			 LOCATION_STALE);
	assert_int_equal(find(location, "1001", out), LOCATION_CONTACTS_MAX);
	/* Bindings that are over make room, before the sweep has met them. */
	for (int i = 0; i < LOCATION_CONTACTS_MAX; i++) {
		snprintf(contact, sizeof(contact), "sip:new%d@h", i);
		updates[i] = update_of("1001", contact, NOW + 120000);
	}
	assert_int_equal(location_update(location, SPAN_LIT("1001"), updates, LOCATION_CONTACTS_MAX,
					 NULL, NOW + 60000),
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
	assert_int_equal(location_update(location, SPAN_LIT("1001"), updates, 2, NULL, NOW),
			 LOCATION_OK);
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

static enum location_result remove_all(struct location *location, const char *user,
				       uint64_t call_id_hash, uint32_t cseq)
{
	struct binding request = {.call_id_hash = call_id_hash, .cseq = cseq};

	return location_remove_all(location, span_of(user), &request, NULL, NOW);
}

static void remove_all_heeds_the_order(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_of("1001", "sip:a@h", NOW + 60000);
	struct binding out[LOCATION_CONTACTS_MAX];

	update.binding.cseq = 5;
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(put(location, update_of("1001", "sip:b@h", NOW + 60000)), LOCATION_OK);
	assert_int_equal(remove_all(location, "1001", 7, 5), LOCATION_STALE);
	assert_int_equal(find(location, "1001", out), 2);
	assert_int_equal(remove_all(location, "1001", 7, 6), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 0);
	assert_int_equal(remove_all(location, "1001", 7, 6), LOCATION_OK);
	assert_int_equal(remove_all(location, "nobody", 7, 6), LOCATION_OK);
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

static void expiry_survives_a_long_pause(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;

	location_expire(location, NOW);
	assert_int_equal(put(location, update_of("1001", "sip:a@h", NOW + 60000)), LOCATION_OK);
	assert_int_equal(put(location, update_of("1002", "sip:b@h", NOW + 90000000)), LOCATION_OK);
	assert_int_equal(location_expire(location, NOW + 80000000), 1);
	assert_int_equal(location_expire(location, NOW + 89999999), 0);
	assert_int_equal(location_expire(location, NOW + 90000000), 1);
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
	struct keepalive_view view;
	keepalive_id id;

	assert_int_equal(put(fixture->location, update), LOCATION_OK);
	assert_int_equal(find(fixture->location, "1001", out), 1);
	assert_int_equal(out[0].keepalive_id, 0);
	update.binding.cseq++;
	update.binding.is_nat = true;
	assert_int_equal(put(fixture->location, update), LOCATION_OK);
	assert_int_equal(find(fixture->location, "1001", out), 1);
	id = out[0].keepalive_id;
	assert_true(keepalive_view(fixture->keepalive, id, &view));
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
	assert_false(keepalive_view(fixture->keepalive, id, &view));
	assert_int_equal(location_nat_count(fixture->location), 0);
	update.binding.cseq++;
	update.binding.is_nat = true;
	assert_int_equal(put(fixture->location, update), LOCATION_OK);
	assert_int_equal(find(fixture->location, "1001", out), 1);
	location_expire(fixture->location, NOW + 30000);
	assert_false(keepalive_view(fixture->keepalive, out[0].keepalive_id, &view));
	assert_int_equal(location_nat_count(fixture->location), 0);
}

static void a_source_is_known_while_a_binding_is_there(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_of("1001", "sip:a@h", NOW + 30000);
	struct addr first = update.binding.source;
	struct addr second;

	assert_true(addr_parse(SPAN_LIT("203.0.113.9:4000"), &second));
	location_expire(location, NOW);
	assert_false(location_source_is_registered(location, &first));
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_int_equal(put(location, update_of("1002", "sip:b@h", NOW + 90000)), LOCATION_OK);
	first.port = 9;
	assert_true(location_source_is_registered(location, &first));
	assert_false(location_source_is_registered(location, &second));
	/* It moves with the phone, also when the text of the contact is new. */
	update.binding.cseq++;
	update.binding.source = second;
	assert_int_equal(put(location, update), LOCATION_OK);
	assert_true(location_source_is_registered(location, &second));
	assert_true(location_source_is_registered(location, &first));
	assert_int_equal(location_clear(location, SPAN_LIT("1002")), 1);
	assert_false(location_source_is_registered(location, &first));
	location_expire(location, NOW + 30000);
	assert_false(location_source_is_registered(location, &second));
}

TEST_MAIN(TEST(a_binding_comes_back_as_it_was_given), TEST(longest_texts_fit),
	  TEST(contacts_are_equal_but_for_case_outside_the_user), TEST(order_of_requests_is_kept),
	  TEST(an_update_is_all_or_nothing), TEST(the_same_contact_twice_in_a_request_is_one),
	  TEST(find_sorts_by_q_then_by_age), TEST(remove_all_heeds_the_order),
	  TEST(bindings_expire_on_the_second), TEST(expiry_survives_a_long_pause),
	  TEST(a_refresh_moves_the_expiry), TEST(nat_bindings_follow_into_the_keepalive_list),
	  TEST(a_source_is_known_while_a_binding_is_there))
