/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media proxy decision: every combination of its inputs against the rules written down a second
 * time, as a list of conditions of which the first that holds decides. */
#include "tests/support/test.h"

#include "switchd/media/decide_private.h"
#include "tests/support/config.h"

#define MODES 4
#define RULES 13

struct rule {
	bool holds;
	bool relay;
	enum decide_step step;
};

/* One bit an input, so that a number names a party. */
static struct decide_party party_of(unsigned bits, const char *network, const struct addr *source)
{
	return (struct decide_party){
		.mode = (enum conf_media_mode)(bits & 3),
		.has_local_ring = bits >> 2 & 1,
		.has_encryption = bits >> 3 & 1,
		.is_dynamic = bits >> 4 & 1,
		.is_nat = bits >> 5 & 1,
		.network = network,
		.source = *source,
	};
}

static struct decide_result expected(const struct decide_global *g, unsigned a, unsigned b,
				     bool same_network, bool same_source, bool same_family)
{
	enum { AUTO, ON, OFF, MUST };
	unsigned ma = a & 3, mb = b & 3;
	bool nat_a = a & 32, nat_b = b & 32;
	bool one_nat = nat_a && nat_b && same_source;
	bool scrambled = (a & 24) == 24 || (b & 24) == 24;
	const struct rule rules[RULES] = {
		{g->mode == CONF_MEDIA_MUST_ON, true, DECIDE_GLOBAL_MUST_ON},
		{ma == MUST || mb == MUST, true, DECIDE_PARTY_MUST_ON},
		{(ma == OFF || mb == OFF) && !same_family, true, DECIDE_ADDRESS_FAMILY},
		{ma == OFF || mb == OFF, false, DECIDE_PARTY_OFF},
		{ma == ON || mb == ON, true, DECIDE_PARTY_ON},
		{g->mode == CONF_MEDIA_ON, true, DECIDE_GLOBAL_ON},
		{g->mode == CONF_MEDIA_OFF, !same_family,
		 same_family ? DECIDE_GLOBAL_OFF : DECIDE_ADDRESS_FAMILY},
		{b & 4, true, DECIDE_LOCAL_RING},
		{scrambled, true, DECIDE_ENCRYPTION},
		{g->between_net && !same_network, true, DECIDE_BETWEEN_NET},
		{g->behind_nat && one_nat && g->same_nat, true, DECIDE_SAME_NAT},
		{g->behind_nat && !one_nat && (nat_a || nat_b), true, DECIDE_BEHIND_NAT},
		{!same_family, true, DECIDE_ADDRESS_FAMILY},
	};

	for (size_t i = 0; i < RULES; i++)
		if (rules[i].holds)
			return (struct decide_result){.relay = rules[i].relay, .step = rules[i].step};
	return (struct decide_result){.step = DECIDE_DIRECT};
}

static struct addr address(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(span_of(text), &addr));
	return addr;
}

static void walk_parties(const struct decide_global *global, const char *network,
			 const struct addr *source_a, const struct addr *source_b)
{
	bool same_network = network[0] == '\0';
	bool same_source = addr_ip_eq(source_a, source_b);
	bool same_family = source_a->family == source_b->family;

	for (unsigned a = 0; a < 64; a++) {
		struct decide_party caller = party_of(a, "", source_a);

		for (unsigned b = 0; b < 64; b++) {
			struct decide_party callee = party_of(b, network, source_b);
			struct decide_result want =
				expected(global, a, b, same_network, same_source, same_family);
			struct decide_result got = decide_by(global, &caller, &callee);

			if (got.relay != want.relay || got.step != want.step)
				fail_msg("global %d/%d%d%d caller %u callee %u: %s %d, want %s %d",
					 global->mode, global->between_net, global->behind_nat,
					 global->same_nat, a, b, decide_step_name(got.step),
					 got.relay, decide_step_name(want.step), want.relay);
		}
	}
}

static void every_combination(void **state)
{
	const struct addr source = address("198.51.100.7:5060");
	/* The port is not part of "the same NAT". */
	const struct addr others[] = {address("198.51.100.7:1024"), address("203.0.113.9:5060"),
				      address("[2001:db8::9]:5060")};

	(void)state;
	for (unsigned g = 0; g < MODES * 8; g++) {
		const struct decide_global global = {
			.mode = (enum conf_media_mode)(g & 3),
			.between_net = g >> 2 & 1,
			.behind_nat = g >> 3 & 1,
			.same_nat = g >> 4 & 1,
		};

		for (size_t i = 0; i < 3; i++) {
			walk_parties(&global, "", &source, &others[i]);
			walk_parties(&global, "office", &source, &others[i]);
		}
	}
}

/* An address that is not known is no reason to relay. */
static void unknown_family_is_no_mismatch(void **state)
{
	const struct decide_global global = {.mode = CONF_MEDIA_OFF};
	const struct decide_party caller = {.network = "", .source = address("2001:db8::1")};
	const struct decide_party callee = {.network = ""};
	struct decide_result result = decide_by(&global, &caller, &callee);

	(void)state;
	assert_false(result.relay);
	assert_int_equal(result.step, DECIDE_GLOBAL_OFF);
}

static struct decide_result with_params(const char *const *params,
					const struct decide_party *caller,
					const struct decide_party *callee)
{
	struct snapshot *snapshot = test_snapshot(params);
	struct decide_result result = media_decide(snapshot, caller, callee);

	snapshot_unref(snapshot);
	return result;
}

/* The parameters reach the decision: each is seen to change the answer. */
static void settings_come_from_the_configuration(void **state)
{
	const struct decide_party plain = {.network = "", .source = address("192.0.2.1")};
	struct decide_party nat = plain;
	struct decide_party office = plain;

	(void)state;
	nat.is_nat = true;
	office.network = "office";
	assert_int_equal(with_params(NULL, &plain, &plain).step, DECIDE_DIRECT);
	assert_int_equal(with_params(NULL, &plain, &nat).step, DECIDE_BEHIND_NAT);
	assert_int_equal(with_params(NULL, &nat, &nat).step, DECIDE_DIRECT);
	assert_int_equal(with_params(NULL, &plain, &office).step, DECIDE_BETWEEN_NET);
	assert_int_equal(with_params((const char *[]){"SS_MEDIA_PROXY_BEHIND_NAT", "off", NULL},
				     &plain, &nat)
				 .step,
			 DECIDE_DIRECT);
	assert_int_equal(
		with_params((const char *[]){"SS_MEDIA_PROXY_SAME_NAT", "on", NULL}, &nat, &nat)
			.step,
		DECIDE_SAME_NAT);
	assert_int_equal(with_params((const char *[]){"SS_MEDIA_PROXY_BETWEEN_NET", "off", NULL},
				     &plain, &office)
				 .step,
			 DECIDE_DIRECT);
	assert_int_equal(
		with_params((const char *[]){"SS_MEDIA_PROXY_MODE", "on", NULL}, &plain, &plain)
			.step,
		DECIDE_GLOBAL_ON);
	assert_int_equal(
		with_params((const char *[]){"SS_MEDIA_PROXY_MODE", "off", NULL}, &plain, &nat)
			.step,
		DECIDE_GLOBAL_OFF);
	assert_int_equal(with_params((const char *[]){"SS_MEDIA_PROXY_MODE", "must-on", NULL},
				     &plain, &plain)
				 .step,
			 DECIDE_GLOBAL_MUST_ON);
}

/* Names are words of the control protocol: short, distinct, and each has a sentence. */
static void every_step_is_named(void **state)
{
	(void)state;
	for (int i = 0; i <= DECIDE_ADDRESS_FAMILY; i++) {
		const char *name = decide_step_name((enum decide_step)i);

		assert_non_null(name);
		assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz-") == strlen(name));
		assert_true(strlen(decide_step_text((enum decide_step)i)) > strlen(name));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, decide_step_name((enum decide_step)j));
	}
}

TEST_MAIN(cmocka_unit_test(every_combination), cmocka_unit_test(unknown_family_is_no_mismatch),
	  cmocka_unit_test(settings_come_from_the_configuration),
	  cmocka_unit_test(every_step_is_named))
