/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media proxy decision: every combination of its inputs against the rules written down a second
 * time, as a table of patterns of which the first that fits decides. */
#include "tests/support/test.h"

#include "switchd/media/decide_private.h"
#include "tests/support/config.h"

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

/* A pattern has a letter for each of these, "." fits any:
 *   0 mode of the switch, 1 of the caller, 2 of the callee: a(uto) n(on) f(off) m(ust-on)
 *   3 the callee has local ring: y, n
 *   4 a party that registers here has encryption: y, n
 *   5 networks: =, or x when they differ; 6 BETWEEN_NET: y, n
 *   7 NAT: 0 neither party, 2 both behind one and the same, 1 otherwise; 8 BEHIND_NAT; 9 SAME_NAT
 *   10 version of IP: = or not known, x when they differ */
#define LETTERS 11

static const struct {
	char pattern[LETTERS + 1];
	bool relay;
	enum decide_step step;
} table[] = {
	{"m..........", true, DECIDE_GLOBAL_MUST_ON},
	{".m.........", true, DECIDE_PARTY_MUST_ON},
	{"..m........", true, DECIDE_PARTY_MUST_ON},
	/* Off wins over On and over all that follows, but IPv4 and IPv6 do not meet. */
	{".f........=", false, DECIDE_PARTY_OFF},
	{"..f.......=", false, DECIDE_PARTY_OFF},
	{".f........x", true, DECIDE_ADDRESS_FAMILY},
	{"..f.......x", true, DECIDE_ADDRESS_FAMILY},
	{".n.........", true, DECIDE_PARTY_ON},
	{"..n........", true, DECIDE_PARTY_ON},
	/* Both auto from here on. */
	{"naa........", true, DECIDE_GLOBAL_ON},
	{"faa.......=", false, DECIDE_GLOBAL_OFF},
	{"faa.......x", true, DECIDE_ADDRESS_FAMILY},
	{"aaay.......", true, DECIDE_LOCAL_RING},
	{"aaany......", true, DECIDE_ENCRYPTION},
	{"aaannxy....", true, DECIDE_BETWEEN_NET},
	{"aaann..2yy.", true, DECIDE_SAME_NAT},
	{"aaann..1y..", true, DECIDE_BEHIND_NAT},
	{"aaa.......x", true, DECIDE_ADDRESS_FAMILY},
	{"aaa.......=", false, DECIDE_DIRECT},
};

static bool fits(const char *pattern, const char *letters)
{
	for (int i = 0; i < LETTERS; i++)
		if (pattern[i] != '.' && pattern[i] != letters[i])
			return false;
	return true;
}

struct surroundings {
	const char *networks[2];
	const struct addr *sources[2];
	bool same_network; /* said here, not computed */
	bool same_ip;
	bool families_differ;
};

static void describe(const struct decide_global *g, unsigned a, unsigned b,
		     const struct surroundings *around, char letters[LETTERS + 1])
{
	static const char modes[] = {'a', 'n', 'f', 'm'};
	unsigned nats = (a >> 5 & 1) + (b >> 5 & 1);
	bool is_one_nat = nats == 2 && around->same_ip;

	letters[0] = modes[g->mode];
	letters[1] = modes[a & 3];
	letters[2] = modes[b & 3];
	letters[3] = b & 4 ? 'y' : 'n';
	letters[4] = (a & 24) == 24 || (b & 24) == 24 ? 'y' : 'n';
	letters[5] = around->same_network ? '=' : 'x';
	letters[6] = g->between_net ? 'y' : 'n';
	letters[7] = nats == 0 ? '0' : is_one_nat ? '2' : '1';
	letters[8] = g->behind_nat ? 'y' : 'n';
	letters[9] = g->same_nat ? 'y' : 'n';
	letters[10] = around->families_differ ? 'x' : '=';
	letters[LETTERS] = '\0';
}

static void walk_parties(const struct decide_global *global, const struct surroundings *around)
{
	for (unsigned n = 0; n < 64 * 64; n++) {
		unsigned a = n / 64;
		unsigned b = n % 64;
		struct decide_party caller = party_of(a, around->networks[0], around->sources[0]);
		struct decide_party callee = party_of(b, around->networks[1], around->sources[1]);
		struct decide_result got = decide_by(global, &caller, &callee);
		char letters[LETTERS + 1];
		size_t row = 0;

		describe(global, a, b, around, letters);
		while (!fits(table[row].pattern, letters))
			row++;
		if (got.relay != table[row].relay || got.step != table[row].step)
			fail_msg("%s: %s %d, want %s %d", letters, decide_step_name(got.step),
				 got.relay, decide_step_name(table[row].step), table[row].relay);
	}
}

static struct addr address(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(span_of(text), &addr));
	return addr;
}

static void walk_globals(const struct surroundings *around)
{
	for (unsigned g = 0; g < 4 * 8; g++) {
		const struct decide_global global = {
			.mode = (enum conf_media_mode)(g & 3),
			.between_net = g >> 2 & 1,
			.behind_nat = g >> 3 & 1,
			.same_nat = g >> 4 & 1,
		};

		walk_parties(&global, around);
	}
}

static void every_combination(void **state)
{
	static const struct {
		const char *caller, *callee;
		bool same;
	} networks[] = {
		{"", "", true},
		{"", "office", false},
		{"office", "", false},
		{"office", "office", true},
		{"office", "branch", false},
		{NULL, "", true},
	};
	const struct addr none = {0};
	const struct addr four = address("198.51.100.7:5060");
	const struct addr port = address("198.51.100.7:1024"); /* no part of "the same NAT" */
	const struct addr other = address("203.0.113.9:5060");
	const struct addr six = address("[2001:db8::9]:5060");
	const struct {
		const struct addr *caller, *callee;
		bool same, differ;
	} sources[] = {
		{&four, &port, true, false},  {&four, &other, false, false},
		{&four, &six, false, true},   {&six, &four, false, true},
		{&six, &six, true, false},    {&none, &six, false, false},
		{&four, &none, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		for (size_t j = 0; j < sizeof(sources) / sizeof(sources[0]); j++) {
			const struct surroundings around = {
				.networks = {networks[i].caller, networks[i].callee},
				.sources = {sources[j].caller, sources[j].callee},
				.same_network = networks[i].same,
				.same_ip = sources[j].same,
				.families_differ = sources[j].differ,
			};

			walk_globals(&around);
		}
	}
}

/* The layout of the ports is either party's to ask for, else the parameter's. */
static void every_layout(void **state)
{
	(void)state;
	for (int global = 0; global < 2; global++) {
		for (int a = -1; a < 2; a++) {
			for (int b = -1; b < 2; b++) {
				const struct decide_global settings = {.is_paired = global};
				const struct decide_party caller = {.network = "",
								    .port_layout = (int8_t)a};
				const struct decide_party callee = {.network = "",
								    .port_layout = (int8_t)b};
				bool wanted = a == 1 || b == 1 || (global && (a < 0 || b < 0));

				assert_int_equal(decide_by(&settings, &caller, &callee).is_paired,
						 wanted);
			}
		}
	}
}

static void reason_is(enum decide_step step, const struct decide_party *caller,
		      const struct decide_party *callee, const char *expected)
{
	struct buf text = buf_new();

	decide_reason(step, caller, callee, &text);
	assert_string_equal(buf_cstr(&text), expected);
	buf_free(&text);
}

/* Whose setting it was, in words. */
static void the_reason_names_the_party(void **state)
{
	const struct decide_party off = {.mode = CONF_MEDIA_OFF, .network = "office"};
	const struct decide_party on = {.mode = CONF_MEDIA_ON,
					.is_nat = true,
					.network = "",
					.source = address("2001:db8::1")};
	const struct decide_party plain = {.network = NULL, .source = address("192.0.2.1")};
	const struct decide_party secret = {.has_encryption = true,
					    .is_dynamic = true,
					    .is_nat = true,
					    .network = "",
					    .source = address("192.0.2.1:5062")};

	(void)state;
	reason_is(DECIDE_PARTY_OFF, &off, &on, "the caller's media-proxy is off");
	reason_is(DECIDE_PARTY_OFF, &on, &off, "the callee's media-proxy is off");
	reason_is(DECIDE_PARTY_ON, &on, &on, "both parties' media-proxy is on");
	reason_is(DECIDE_BETWEEN_NET, &off, &plain,
		  "the caller is in network office, the callee in none");
	reason_is(DECIDE_BEHIND_NAT, &plain, &on, "the callee is behind NAT");
	reason_is(DECIDE_BEHIND_NAT, &secret, &on, "both parties are behind NAT");
	reason_is(DECIDE_SAME_NAT, &secret, &secret, "both parties are behind the NAT 192.0.2.1");
	reason_is(DECIDE_ENCRYPTION, &secret, &plain,
		  "the caller is registered here, with media encryption");
	reason_is(DECIDE_ADDRESS_FAMILY, &plain, &on, "the caller has IPv4, the callee IPv6");
	reason_is(DECIDE_DIRECT, &plain, &plain, decide_step_text(DECIDE_DIRECT));
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

TEST_MAIN(cmocka_unit_test(every_combination), cmocka_unit_test(every_layout),
	  cmocka_unit_test(the_reason_names_the_party),
	  cmocka_unit_test(unknown_family_is_no_mismatch),
	  cmocka_unit_test(settings_come_from_the_configuration),
	  cmocka_unit_test(every_step_is_named))
