/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bindings are in the keepalive list, and what the list knows of them when they are looked
 * up. */
#include "tests/support/location_fixture.h"

#include "shared/catalog/catalog.h"
#include "shared/config/snapshot.h"
#include "tests/support/config.h"

#define S 1000000u /* us in a second */

static enum location_result put_as(struct fixture *fixture, const char *contact, bool is_nat,
				   uint8_t kind, bool is_stream)
{
	struct location_update update = update_of("1001", contact, NOW + 300000);
	static uint32_t cseq;

	update.binding.cseq = ++cseq;
	update.binding.is_nat = is_nat;
	update.binding.keepalive_kind = kind;
	update.binding.is_stream = is_stream;
	return put(fixture->location, update);
}

static size_t kept(struct fixture *fixture)
{
	assert_int_equal(location_kept_count(fixture->location),
			 keepalive_count(fixture->keepalive));
	return location_kept_count(fixture->location);
}

static void who_is_in_the_list(void **state)
{
	static const struct {
		bool is_nat;
		uint8_t kind;
		bool is_stream;
		bool is_kept;
	} CASES[] = {
		{true, WORD_PHONE_KEEPALIVE_MESSAGE, false, true},
		{false, WORD_PHONE_KEEPALIVE_MESSAGE, false, false},
		{true, WORD_PHONE_KEEPALIVE_MESSAGE, true, false},
		{true, WORD_PHONE_KEEPALIVE_OPTIONS, false, true},
		{false, WORD_PHONE_KEEPALIVE_OPTIONS, false, true},
		{false, WORD_PHONE_KEEPALIVE_OPTIONS, true, true},
		{true, WORD_PHONE_KEEPALIVE_NONE, false, false},
		{false, WORD_PHONE_KEEPALIVE_NONE, false, false},
	};
	struct fixture *fixture = *state;

	/* From each to each, as one binding that registers again. */
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		for (size_t j = 0; j < sizeof(CASES) / sizeof(CASES[0]); j++) {
			assert_int_equal(put_as(fixture, "sip:a@h", CASES[i].is_nat, CASES[i].kind,
						CASES[i].is_stream),
					 LOCATION_OK);
			assert_int_equal(kept(fixture), CASES[i].is_kept);
			assert_int_equal(put_as(fixture, "sip:a@h", CASES[j].is_nat, CASES[j].kind,
						CASES[j].is_stream),
					 LOCATION_OK);
			assert_int_equal(kept(fixture), CASES[j].is_kept);
		}
	location_clear(fixture->location, SPAN_LIT("1001"));
	assert_int_equal(kept(fixture), 0);
	assert_int_equal(location_nat_count(fixture->location), 0);
}

/* Nothing leaves from another port than the one that the phone knows. */
static void not_those_whose_listen_address_has_gone(void **state)
{
	struct fixture *fixture = *state;
	struct location_update update = update_of("1001", "sip:a@h", NOW + 300000);
	struct addr listens[2];

	assert_true(addr_parse(SPAN_LIT("192.0.2.7:5060"), &listens[0]));
	listens[1] = update.binding.local;
	update.binding.is_nat = true;
	location_set_listens(fixture->location, listens, 1);
	assert_int_equal(location_restore(fixture->location, &update.binding, NOW), VOS_OK);
	assert_int_equal(kept(fixture), 0);
	location_clear(fixture->location, SPAN_LIT("1001"));
	location_set_listens(fixture->location, listens, 2);
	assert_int_equal(location_restore(fixture->location, &update.binding, NOW), VOS_OK);
	assert_int_equal(kept(fixture), 1);
}

static void a_kind_that_is_set_later(void **state)
{
	struct fixture *fixture = *state;
	struct binding out[LOCATION_CONTACTS_MAX];

	put_as(fixture, "sip:a@h", true, 0, false);
	put_as(fixture, "sip:b@h", false, 0, false);
	assert_int_equal(kept(fixture), 1);
	location_set_keepalive(fixture->location, SPAN_LIT("1001"), WORD_PHONE_KEEPALIVE_OPTIONS);
	assert_int_equal(kept(fixture), 2);
	assert_int_equal(find(fixture->location, "1001", out), 2);
	assert_int_equal(out[0].keepalive_kind, WORD_PHONE_KEEPALIVE_OPTIONS);
	assert_int_not_equal(out[0].keepalive_id, 0);
	location_set_keepalive(fixture->location, SPAN_LIT("1001"), WORD_PHONE_KEEPALIVE_NONE);
	assert_int_equal(kept(fixture), 0);
	location_set_keepalive(fixture->location, SPAN_LIT("none"), WORD_PHONE_KEEPALIVE_OPTIONS);
	assert_int_equal(kept(fixture), 0);
	assert_int_equal(location_nat_count(fixture->location), 1);
}

/* One round of all that are in the list. */
static size_t round_of(struct fixture *fixture, const struct snapshot *config, uint64_t round,
		       struct keepalive_target out[8])
{
	uint64_t wait_us;

	return keepalive_turn(fixture->keepalive, config, (1000 + round * 10) * (uint64_t)S, out, 8,
			      &wait_us);
}

static struct snapshot *settings(void)
{
	const char *const params[] = {"SS_SIP_NAT_KEEP_ALIVE_PERIOD", "10",
				      "SS_SIP_NAT_KEEP_ALIVE_PROBE_FAILS", "1", NULL};

	return test_snapshot(params);
}

static void a_target_leads_to_its_binding(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot *config = settings();
	struct keepalive_target targets[8];
	struct binding binding;

	put_as(fixture, "sip:a@h", true, 0, false);
	put_as(fixture, "sip:b@h", false, WORD_PHONE_KEEPALIVE_OPTIONS, false);
	assert_int_equal(round_of(fixture, config, 0, targets), 2);
	assert_true(location_of_target(fixture->location, &targets[0], &binding));
	assert_string_equal(binding.contact, "sip:a@h");
	assert_true(location_of_target(fixture->location, &targets[1], &binding));
	assert_string_equal(binding.contact, "sip:b@h");
	assert_string_equal(binding.user, "1001");
	targets[0].owner++;
	assert_false(location_of_target(fixture->location, &targets[0], &binding));
	location_clear(fixture->location, SPAN_LIT("1001"));
	assert_false(location_of_target(fixture->location, &targets[1], &binding));
	snapshot_unref(config);
}

static void expect_order(struct fixture *fixture, const char *first, const char *second)
{
	struct binding out[LOCATION_CONTACTS_MAX];

	assert_int_equal(find(fixture->location, "1001", out), 2);
	assert_string_equal(out[0].contact, first);
	assert_string_equal(out[1].contact, second);
	assert_false(out[0].is_unreachable);
}

static void silent_ones_come_last(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot *config = settings();
	struct keepalive_target targets[8];
	struct location_update best = update_of("1001", "sip:best@h", NOW + 300000);
	struct location_update other = update_of("1001", "sip:other@h", NOW + 300000);
	struct binding out[LOCATION_CONTACTS_MAX];

	best.binding.keepalive_kind = WORD_PHONE_KEEPALIVE_OPTIONS;
	other.binding.keepalive_kind = WORD_PHONE_KEEPALIVE_OPTIONS;
	other.binding.q_thousandths = 100;
	assert_int_equal(put(fixture->location, best), LOCATION_OK);
	assert_int_equal(put(fixture->location, other), LOCATION_OK);
	expect_order(fixture, "sip:best@h", "sip:other@h");
	for (uint64_t round = 0; round < 2; round++) {
		assert_int_equal(round_of(fixture, config, round, targets), 2);
		/* The other one answers. */
		assert_true(keepalive_answered(fixture->keepalive, targets[1].id, targets[1].mark));
	}
	expect_order(fixture, "sip:other@h", "sip:best@h");
	/* When nobody answers, all is as if nothing were known. */
	for (uint64_t round = 2; round < 4; round++)
		round_of(fixture, config, round, targets);
	assert_int_equal(find(fixture->location, "1001", out), 2);
	assert_string_equal(out[0].contact, "sip:best@h");
	assert_true(out[0].is_unreachable && out[1].is_unreachable);
	/* A REGISTER is a sign of life. */
	best.binding.cseq++;
	assert_int_equal(put(fixture->location, best), LOCATION_OK);
	expect_order(fixture, "sip:best@h", "sip:other@h");
	snapshot_unref(config);
}

TEST_MAIN(TEST(who_is_in_the_list), TEST(not_those_whose_listen_address_has_gone),
	  TEST(a_kind_that_is_set_later), TEST(a_target_leads_to_its_binding),
	  TEST(silent_ones_come_last))
