/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gives way to whom: contacts that are equal, one device at another contact, another address.
 */
#include "tests/support/location_fixture.h"

#define HOME  "198.51.100.7:5062"
#define OTHER "203.0.113.9:4000"
#define THIRD "203.0.113.77:4000"

static const struct location_rule one_replaces = {.addresses = 1, .replaces = true};
static const struct location_rule one_refuses = {.addresses = 1, .replaces = false};
static const struct location_rule two_replace = {.addresses = 2, .replaces = true};
static const struct location_rule two_refuse = {.addresses = 2, .replaces = false};

static struct location_update update_at(const char *contact, const char *source, uint64_t call_id)
{
	struct location_update update = update_of("1001", contact, NOW + 60000);

	assert_true(addr_parse(span_of(source), &update.binding.source));
	update.binding.call_id_hash = call_id;
	return update;
}

static enum location_result put_by(struct location *location, struct location_update update,
				   const struct location_rule *rule)
{
	return location_update(location, SPAN_LIT("1001"), &update, 1, rule, NOW);
}

/* The user's contacts, newest or best first, in one line. */
static void assert_contacts(struct location *location, const char *expected)
{
	struct binding out[LOCATION_CONTACTS_MAX];
	size_t count = find(location, "1001", out);
	char text[1024] = "";

	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 out[i].contact);
	assert_string_equal(text, expected);
	assert_int_equal(location_count(location), count);
}

static void equal_contacts_are_one_binding(void **state)
{
	static const char *const FORMS[] = {
		"sip:%311@phone.example;transport=UDP", "sip:11@PHONE.example;transport=udp",
		"SIP:11@phone.example;ob;transport=udp", "sip:11@phone.example;transport=udp"};
	struct location *location = ((struct fixture *)*state)->location;

	for (uint32_t i = 0; i < 4; i++) {
		struct location_update update = update_at(FORMS[i], HOME, 7);

		update.binding.cseq = i + 1;
		assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
		assert_contacts(location, FORMS[i]);
	}
	assert_int_equal(put_by(location, update_at("sip:11@phone.example", HOME, 7), NULL),
			 LOCATION_OK);
	assert_int_equal(location_count(location), 2);
}

static void what_is_equal_is_removed_too(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_at("sip:a@h:5060", HOME, 7);

	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	update = update_at("SIP:%61@H:5060", HOME, 7);
	update.binding.cseq = 2;
	update.binding.expires_ms = 0;
	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	assert_contacts(location, "");
}

static void the_same_bytes_come_before_what_is_equal(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update;

	/* Both are equal to the contact without the parameter, but not to each other. */
	assert_int_equal(put_by(location, update_at("sip:a@h;line=1", HOME, 7), NULL), LOCATION_OK);
	assert_int_equal(put_by(location, update_at("sip:a@h;line=2", HOME, 7), NULL), LOCATION_OK);
	update = update_at("sip:a@h;line=1", HOME, 7);
	update.binding.cseq = 2;
	update.binding.expires_ms = 0;
	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	assert_contacts(location, "sip:a@h;line=2");
}

static void a_refresh_is_known_by_its_bytes(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_at("sip:a@h", HOME, 7);

	snprintf(update.binding.path, sizeof(update.binding.path), "<sip:edge;lr>");
	assert_false(location_is_refresh(location, SPAN_LIT("1001"), &update, 1));
	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	assert_true(location_is_refresh(location, SPAN_LIT("1001"), &update, 1));
	snprintf(update.binding.path, sizeof(update.binding.path), "<sip:edgy;lr>");
	assert_false(location_is_refresh(location, SPAN_LIT("1001"), &update, 1));
	update = update_at("SIP:a@h", HOME, 7);
	assert_false(location_is_refresh(location, SPAN_LIT("1001"), &update, 1));
}

static void path_and_instance_come_back(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_at("sip:a@h", HOME, 7);
	struct binding out[LOCATION_CONTACTS_MAX];
	size_t plain = location_memory(location);

	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	plain = location_memory(location) - plain;
	memset(update.binding.path, 'p', LOCATION_PATH_LEN - 1);
	memset(update.binding.instance, 'i', LOCATION_INSTANCE_LEN - 1);
	update.binding.reg_id = 65535;
	update.binding.cseq = 2;
	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 1);
	assert_string_equal(out[0].path, update.binding.path);
	assert_string_equal(out[0].instance, update.binding.instance);
	assert_int_equal(out[0].reg_id, 65535);
	assert_string_equal(out[0].contact, "sip:a@h");
	assert_string_equal(out[0].user_agent, update.binding.user_agent);
	/* And go, with the memory that they took. */
	update = update_at("sip:a@h", HOME, 7);
	update.binding.cseq = 3;
	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 1);
	assert_string_equal(out[0].path, "");
	assert_string_equal(out[0].instance, "");
	assert_true(plain <= 400);
}

static struct location_update instance_at(const char *contact, const char *source, uint16_t reg_id)
{
	struct location_update update = update_at(contact, source, 7);

	snprintf(update.binding.instance, sizeof(update.binding.instance), "urn:uuid:Aa");
	update.binding.reg_id = reg_id;
	return update;
}

static void an_instance_moves_to_its_new_contact(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update;

	assert_int_equal(put_by(location, instance_at("sip:a@h1", HOME, 0), NULL), LOCATION_OK);
	assert_int_equal(put_by(location, update_at("sip:b@h", HOME, 8), NULL), LOCATION_OK);
	update = instance_at("sip:a@h2", OTHER, 0);
	update.binding.cseq = 2;
	update.binding.registered_ms = NOW + 1;
	snprintf(update.binding.instance, sizeof(update.binding.instance), "URN:uuid:aA");
	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	assert_contacts(location, "sip:a@h2 sip:b@h");
	/* The request from before, late: it is older than what took its place. */
	assert_int_equal(put_by(location, instance_at("sip:a@h1", HOME, 0), NULL), LOCATION_STALE);
	assert_contacts(location, "sip:a@h2 sip:b@h");
	/* To remove one contact of an instance moves nothing. */
	update = instance_at("sip:a@h3", OTHER, 0);
	update.binding.cseq = 3;
	update.binding.expires_ms = 0;
	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	assert_contacts(location, "sip:a@h2 sip:b@h");
}

static void flows_of_an_instance_stand_side_by_side(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update both[2] = {instance_at("sip:a@h1", HOME, 0),
					  instance_at("sip:a@h2", HOME, 0)};
	struct location_update update;

	/* Two contacts of one request. */
	assert_int_equal(location_update(location, SPAN_LIT("1001"), both, 2, NULL, NOW),
			 LOCATION_OK);
	assert_int_equal(location_count(location), 2);
	/* Another reg-id is another flow; the same one is moved. */
	update = instance_at("sip:a@h3", HOME, 1);
	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	assert_int_equal(location_count(location), 3);
	update = instance_at("sip:a@h4", HOME, 1);
	update.binding.cseq = 2;
	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	assert_int_equal(location_count(location), 3);
}

static void a_full_user_has_room_for_its_own_successor(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update;
	char contact[32];

	for (int i = 0; i < LOCATION_CONTACTS_MAX; i++) {
		snprintf(contact, sizeof(contact), "sip:%d@h", i);
		update = update_at(contact, HOME, 7);
		if (i == 4)
			update = instance_at(contact, HOME, 0);
		assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	}
	update = update_at("sip:new@h", HOME, 7);
	update.binding.cseq = 2;
	assert_int_equal(put_by(location, update, NULL), LOCATION_TOO_MANY);
	update = instance_at("sip:new@h", HOME, 0);
	update.binding.cseq = 2;
	assert_int_equal(put_by(location, update, NULL), LOCATION_OK);
	assert_int_equal(location_count(location), LOCATION_CONTACTS_MAX);
}

static void only_the_instance_asked_for_is_kept(void **state)
{
	struct binding bindings[3] = {
		{.instance = "urn:a"}, {.instance = ""}, {.instance = "urn:b"}};

	(void)state;
	assert_int_equal(location_keep_instance(bindings, 3, SPAN_NONE), 3);
	assert_int_equal(location_keep_instance(bindings, 3, SPAN_LIT("urn:c")), 0);
	assert_int_equal(location_keep_instance(bindings, 3, SPAN_LIT("URN:B")), 1);
	assert_string_equal(bindings[0].instance, "urn:b");
	assert_int_equal(location_keep_instance(bindings, 0, SPAN_LIT("urn:b")), 0);
}

static void another_address_replaces(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;

	assert_int_equal(put_by(location, update_at("sip:a@h1", HOME, 1), &one_replaces),
			 LOCATION_OK);
	/* The same address, another port: a second contact of the place. */
	assert_int_equal(
		put_by(location, update_at("sip:b@h1", "198.51.100.7:9", 2), &one_replaces),
		LOCATION_OK);
	assert_int_equal(location_count(location), 2);
	drain(location, 10);
	assert_int_equal(put_by(location, update_at("sip:c@h2", OTHER, 3), &one_replaces),
			 LOCATION_OK);
	assert_contacts(location, "sip:c@h2");
	assert_int_equal(drain(location, 10).last_count, 1);
}

static void another_address_is_refused(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_at("sip:a@h1", OTHER, 2);
	struct binding star = {.call_id_hash = 3, .cseq = 1};

	assert_int_equal(put_by(location, update_at("sip:a@h1", HOME, 1), &one_refuses),
			 LOCATION_OK);
	drain(location, 10);
	/* Also for the same contact, which may be anybody's behind NAT, and to remove it. */
	assert_int_equal(put_by(location, update, &one_refuses), LOCATION_ELSEWHERE);
	update.binding.expires_ms = 0;
	assert_int_equal(put_by(location, update, &one_refuses), LOCATION_ELSEWHERE);
	assert_int_equal(put_by(location, update_at("sip:b@h2", OTHER, 2), &one_refuses),
			 LOCATION_ELSEWHERE);
	star.source = update.binding.source;
	assert_int_equal(location_remove_all(location, SPAN_LIT("1001"), &star, &one_refuses, NOW),
			 LOCATION_ELSEWHERE);
	assert_contacts(location, "sip:a@h1");
	assert_int_equal(drain(location, 10).users, 0);
	/* Until the old one is over. */
	update = update_at("sip:b@h2", OTHER, 2);
	update.binding.expires_ms = NOW + 120000;
	assert_int_equal(
		location_update(location, SPAN_LIT("1001"), &update, 1, &one_refuses, NOW + 60000),
		LOCATION_OK);
	assert_int_equal(location_count(location), 1);
}

static void the_same_device_may_move(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_at("sip:a@h2", OTHER, 1);

	assert_int_equal(put_by(location, update_at("sip:a@h1", HOME, 1), &one_refuses),
			 LOCATION_OK);
	update.binding.cseq = 2;
	assert_int_equal(put_by(location, update, &one_refuses), LOCATION_OK);
	assert_contacts(location, "sip:a@h2");
	/* The request from before, late. */
	assert_int_equal(put_by(location, update_at("sip:a@h1", HOME, 1), &one_refuses),
			 LOCATION_STALE);
	/* With a new Call-ID, but the instance. */
	update = instance_at("sip:a@h2", OTHER, 0);
	update.binding.call_id_hash = 1;
	update.binding.cseq = 3;
	assert_int_equal(put_by(location, update, &one_refuses), LOCATION_OK);
	update = instance_at("sip:a@h3", THIRD, 0);
	update.binding.call_id_hash = 9;
	assert_int_equal(put_by(location, update, &one_refuses), LOCATION_OK);
	assert_contacts(location, "sip:a@h3");
}

static void the_oldest_of_several_addresses_goes(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_at("sip:a@h1", HOME, 1);

	assert_int_equal(put_by(location, update, &two_replace), LOCATION_OK);
	update = update_at("sip:b@h2", OTHER, 2);
	update.binding.registered_ms = NOW + 1;
	assert_int_equal(put_by(location, update, &two_refuse), LOCATION_OK);
	assert_int_equal(put_by(location, update_at("sip:c@h3", THIRD, 3), &two_refuse),
			 LOCATION_ELSEWHERE);
	/* The first one is heard of again, so the second is the oldest now. */
	update = update_at("sip:a@h1", HOME, 1);
	update.binding.cseq = 2;
	update.binding.registered_ms = NOW + 2;
	assert_int_equal(put_by(location, update, &two_replace), LOCATION_OK);
	update = update_at("sip:c@h3", THIRD, 3);
	update.binding.registered_ms = NOW + 3;
	assert_int_equal(put_by(location, update, &two_replace), LOCATION_OK);
	assert_contacts(location, "sip:c@h3 sip:a@h1");
	/* With a rule that allows fewer than there are, all that are too many go. */
	update = update_at("sip:d@h4", "192.0.2.44:5060", 4);
	update.binding.registered_ms = NOW + 4;
	assert_int_equal(put_by(location, update, &one_replaces), LOCATION_OK);
	assert_contacts(location, "sip:d@h4");
}

static void who_removes_replaces_nobody(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_at("sip:b@h2", OTHER, 2);
	struct binding star = {.call_id_hash = 3, .cseq = 1};

	assert_int_equal(put_by(location, update_at("sip:a@h1", HOME, 1), &one_replaces),
			 LOCATION_OK);
	update.binding.expires_ms = 0;
	assert_int_equal(put_by(location, update, &one_replaces), LOCATION_OK);
	assert_contacts(location, "sip:a@h1");
	/* Of the user's own will. */
	star.source = update.binding.source;
	assert_int_equal(location_remove_all(location, SPAN_LIT("1001"), &star, &one_replaces, NOW),
			 LOCATION_OK);
	assert_contacts(location, "");
}

static void an_ip6_address_is_its_network(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;

	assert_int_equal(
		put_by(location, update_at("sip:a@h1", "[2001:db8:0:1::1]:5060", 1), &one_refuses),
		LOCATION_OK);
	assert_int_equal(
		put_by(location, update_at("sip:b@h1", "[2001:db8:0:1::2]:5060", 2), &one_refuses),
		LOCATION_OK);
	assert_int_equal(
		put_by(location, update_at("sip:c@h1", "[2001:db8:0:2::1]:5060", 3), &one_refuses),
		LOCATION_ELSEWHERE);
	assert_int_equal(put_by(location, update_at("sip:c@h1", HOME, 3), &one_refuses),
			 LOCATION_ELSEWHERE);
}

static void behind_a_proxy_the_contact_tells_the_address(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_at("sip:a@10.0.0.1", HOME, 1);

	snprintf(update.binding.path, sizeof(update.binding.path), "<sip:edge;lr>");
	assert_int_equal(put_by(location, update, &one_refuses), LOCATION_OK);
	snprintf(update.binding.contact, sizeof(update.binding.contact), "sip:b@10.0.0.1:5070");
	update.binding.call_id_hash = 2;
	assert_int_equal(put_by(location, update, &one_refuses), LOCATION_OK);
	snprintf(update.binding.contact, sizeof(update.binding.contact), "sip:a@10.0.0.2");
	update.binding.call_id_hash = 3;
	assert_int_equal(put_by(location, update, &one_refuses), LOCATION_ELSEWHERE);
	assert_int_equal(put_by(location, update, &one_replaces), LOCATION_OK);
	assert_contacts(location, "sip:a@10.0.0.2");
}

/* A gateway may have the name of a phone. */
static void a_gateway_is_no_phone(void **state)
{
	struct location *location = ((struct fixture *)*state)->location;
	struct location_update update = update_at("sip:gw@h", OTHER, 1);
	char name[LOCATION_USER_LEN + 1];
	char user[LOCATION_USER_LEN];
	struct binding out[LOCATION_CONTACTS_MAX];

	assert_true(location_gateway_user("1001", user));
	assert_int_equal(put_by(location, update_at("sip:a@h", HOME, 1), NULL), LOCATION_OK);
	assert_int_equal(location_update(location, span_of(user), &update, 1, NULL, NOW),
			 LOCATION_OK);
	assert_int_equal(find(location, "1001", out), 1);
	assert_string_equal(out[0].contact, "sip:a@h");
	assert_int_equal(find(location, user, out), 1);
	assert_string_equal(out[0].contact, "sip:gw@h");
	memset(name, 'n', sizeof(name));
	name[64] = '\0'; /* the longest that the configuration takes */
	assert_true(location_gateway_user(name, user));
	name[64] = 'n';
	name[LOCATION_USER_LEN - 1] = '\0';
	assert_false(location_gateway_user(name, user));
}

TEST_MAIN(TEST(equal_contacts_are_one_binding), TEST(what_is_equal_is_removed_too),
	  TEST(the_same_bytes_come_before_what_is_equal), TEST(a_refresh_is_known_by_its_bytes),
	  TEST(path_and_instance_come_back), TEST(an_instance_moves_to_its_new_contact),
	  TEST(flows_of_an_instance_stand_side_by_side),
	  TEST(a_full_user_has_room_for_its_own_successor),
	  TEST(only_the_instance_asked_for_is_kept), TEST(another_address_replaces),
	  TEST(another_address_is_refused), TEST(the_same_device_may_move),
	  TEST(the_oldest_of_several_addresses_goes), TEST(who_removes_replaces_nobody),
	  TEST(an_ip6_address_is_its_network), TEST(behind_a_proxy_the_contact_tells_the_address),
	  TEST(a_gateway_is_no_phone))
