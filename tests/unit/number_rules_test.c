/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules on the numbers of a call: sets of exact numbers, pairs, the number that forwarded, phones
 * of our own. Each by itself, and random tables against a restatement that walks over everything.
 */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/call/route.h"
#include "tests/support/changes.h"

#define NOW_US UINT64_C(5000000)

static struct conf *build(struct change_list *list, struct conf *previous)
{
	static const struct secret_key key = {{7}};
	struct snapshot *snapshot = changes_apply(previous ? previous->snapshot : NULL, list);
	struct vos_fault fault = {0};
	struct conf *conf = NULL;

	if (conf_build(snapshot, &key, previous, &conf, &fault))
		fail_msg("%s: %s", fault.path, fault.text);
	return conf;
}

static void member(struct change_list *list, const char *group, const char *number)
{
	changes_create(list, "number-group", group);
	changes_field(list, "number-group", group, "number", number);
}

static void field(struct change_list *list, const char *what, const char *value)
{
	changes_field(list, "routing-gateway", "g", what, value);
}

static const struct conf_number_group *group_of(const struct conf *conf, const char *name)
{
	return conf_number_group_find(&conf_rules(conf)->number_groups, name);
}

/* What becomes of the gateway "g". */
static const char *verdict(const struct conf *conf, const char *caller, const char *callee,
			   const char *forwarded)
{
	const struct route_query query = {.conf = conf,
					  .caller = caller,
					  .callee = callee,
					  .forwarded = forwarded,
					  .now_us = NOW_US};
	struct route_candidate found;

	assert_int_equal(route_find(&query, &found, 1), 1);
	return route_verdict_name(found.verdict);
}

static void open_gateway(struct change_list *list)
{
	changes_create(list, "routing-gateway", "g");
	field(list, "address", "192.0.2.1");
}

/* --- Sets. --- */

static void members_are_whole_numbers(void **state)
{
	struct change_list list = {0};
	char longest[64];
	struct conf *conf;

	(void)state;
	memset(longest, '7', 63);
	longest[63] = '\0';
	changes_create(&list, "number-group", "empty");
	changes_create(&list, "number-group", "g");
	member(&list, "g", "4930");
	member(&list, "g", "+4930");
	member(&list, "g", "*100#");
	member(&list, "g", longest);
	conf = build(&list, NULL);
	assert_null(group_of(conf, ""));
	assert_null(group_of(conf, "h"));
	for (const char *const *yes =
		     (const char *const[]){"4930", "+4930", "*100#", longest, NULL};
	     *yes; yes++)
		assert_true(conf_number_group_has(group_of(conf, "g"), *yes));
	for (const char *const *no =
		     (const char *const[]){"", "493", "49301", "*100", longest + 1, NULL};
	     *no; no++)
		assert_false(conf_number_group_has(group_of(conf, "g"), *no));
	assert_false(conf_number_group_has(group_of(conf, "empty"), ""));
	assert_false(conf_number_group_has(group_of(conf, "empty"), "4930"));
	conf_unref(conf);
}

static uint64_t always_last(void *context, uint64_t n)
{
	(void)context;
	return n - 1;
}

static void numbers_are_taken(void **state)
{
	struct change_list list = {0};
	struct conf *conf;
	struct conf *next;

	(void)state;
	changes_create(&list, "number-group", "empty");
	for (const char *number = "123"; *number; number++)
		member(&list, "g", (const char[]){*number, '\0'});
	conf = build(&list, NULL);
	assert_null(conf_number_group_take(group_of(conf, "empty"), always_last, NULL));
	for (int i = 0; i < 2; i++) /* at random unless it is said otherwise */
		assert_string_equal(conf_number_group_take(group_of(conf, "g"), always_last, NULL),
				    "3");
	changes_param(&list, "FORWARD_SIGNAL_REWRITE_SEQUENCE", "poll");
	next = build(&list, conf);
	conf_unref(conf);
	assert_null(conf_number_group_take(group_of(next, "empty"), NULL, NULL));
	for (const char *number = "12312"; *number; number++)
		assert_string_equal(conf_number_group_take(group_of(next, "g"), NULL, NULL),
				    ((const char[]){*number, '\0'}));
	/* Where it stands outlives a commit. */
	changes_param(&list, "SS_SIP_SESSION_TTL", "700");
	conf = build(&list, next);
	conf_unref(next);
	assert_string_equal(conf_number_group_take(group_of(conf, "g"), NULL, NULL), "3");
	conf_unref(conf);
}

/* Its own numbers first, none twice; the order of all where it has none of its own. */
static void pool_of_a_group(void **state)
{
	static const char *const wanted[] = {"501", "502", "503"};
	struct change_list list = {0};
	const struct conf_pool *pool;
	struct conf *conf;
	struct conf *next;

	(void)state;
	member(&list, "g", "502");
	member(&list, "g", "503");
	changes_create(&list, "number-pool", "p");
	changes_field(&list, "number-pool", "p", "number", "501");
	changes_field(&list, "number-pool", "p", "number", "503");
	changes_field(&list, "number-pool", "p", "number-group", "g");
	changes_field(&list, "number-pool", "p", "reuse-count", "1");
	changes_param(&list, "FORWARD_SIGNAL_REWRITE_SEQUENCE", "poll");
	conf = build(&list, NULL);
	pool = conf_pool_find(conf_rules(conf), "p");
	assert_int_equal(pool->count, 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(conf_pool_take(pool, NULL, NULL, NOW_US)->name, wanted[i]);
	assert_null(conf_pool_take(pool, NULL, NULL, NOW_US));
	changes_field(&list, "number-pool", "p", "order", "random");
	next = build(&list, conf);
	assert_true(pool->in_turn);
	assert_false(conf_pool_find(conf_rules(next), "p")->in_turn);
	conf_unref(conf);
	conf_unref(next);
}

/* --- Each rule. --- */

static void groups_of_a_gateway(void **state)
{
	struct change_list list = {0};
	struct conf *conf;
	struct conf *next;

	(void)state;
	member(&list, "a", "11");
	member(&list, "b", "12");
	member(&list, "c", "21");
	changes_create(&list, "number-group", "empty");
	open_gateway(&list);
	field(&list, "caller-number-groups", "a");
	field(&list, "caller-number-groups", "b");
	field(&list, "callee-number-groups", "c");
	field(&list, "callee-number-group-rule", "deny");
	conf = build(&list, NULL);
	assert_string_equal(verdict(conf, "11", "22", NULL), "in");
	assert_string_equal(verdict(conf, "12", "211", NULL), "in");
	assert_string_equal(verdict(conf, "1", "22", NULL), "caller-group");
	assert_string_equal(verdict(conf, "111", "22", NULL), "caller-group");
	assert_string_equal(verdict(conf, "12", "21", NULL), "callee-group");
	field(&list, "caller-number-group-rule", "deny");
	next = build(&list, conf);
	assert_string_equal(verdict(next, "11", "22", NULL), "caller-group");
	assert_string_equal(verdict(next, "13", "22", NULL), "in");
	conf_unref(conf);
	/* Allowed are the numbers of a group that has none. */
	changes_delete(&list, "routing-gateway", "g");
	open_gateway(&list);
	field(&list, "caller-number-groups", "empty");
	conf = build(&list, next);
	assert_string_equal(verdict(conf, "11", "22", NULL), "caller-group");
	conf_unref(next);
	conf_unref(conf);
}

static void phones_only_or_none(void **state)
{
	struct change_list list = {0};
	struct conf *conf;
	struct conf *next;

	(void)state;
	changes_create(&list, "phone", "1001");
	open_gateway(&list);
	field(&list, "callee-restrict", "phone");
	conf = build(&list, NULL);
	assert_string_equal(verdict(conf, "1", "1001", NULL), "in");
	assert_string_equal(verdict(conf, "1", "100", NULL), "callee-restrict");
	field(&list, "callee-restrict", "no-phone");
	next = build(&list, conf);
	assert_string_equal(verdict(next, "1", "1001", NULL), "callee-restrict");
	assert_string_equal(verdict(next, "1", "10011", NULL), "in");
	conf_unref(conf);
	conf_unref(next);
}

static void pairs_of_beginnings(void **state)
{
	struct change_list list = {0};
	struct conf *conf;
	struct conf *next;

	(void)state;
	open_gateway(&list);
	field(&list, "pairs", "49:43");
	field(&list, "pairs", ":44");
	field(&list, "pairs", "1:*");
	conf = build(&list, NULL);
	assert_string_equal(verdict(conf, "4930", "431", NULL), "pair");
	assert_string_equal(verdict(conf, "49", "43", NULL), "pair");
	assert_string_equal(verdict(conf, "4", "43", NULL), "in");
	assert_string_equal(verdict(conf, "49", "4", NULL), "in");
	assert_string_equal(verdict(conf, "", "441", NULL), "pair");
	assert_string_equal(verdict(conf, "1", "", NULL), "pair");
	assert_string_equal(verdict(conf, "43", "49", NULL), "in");
	field(&list, "pair-rule", "allow");
	next = build(&list, conf);
	assert_string_equal(verdict(next, "4930", "431", NULL), "in");
	assert_string_equal(verdict(next, "43", "49", NULL), "pair");
	conf_unref(conf);
	conf_unref(next);
}

static void pairs_as_text(void **state)
{
	static const char *const texts[][2] = {
		{"49:43", "49:43"},
		{"49:", "49:*"},
		{":43", "*:43"},
		{"*:43", "*:43"},
		{"+49:*", "+49:*"},
		{"*1:#", "*1:#"},
		{":", NULL},
		{"*:*", NULL},
		{"*:", NULL},
		{"49", NULL},
		{"", NULL},
		{"4:5:6", NULL},
		{"a:1", NULL},
		{"+:1", NULL},
		{"4 9:1", NULL},
		{"1:4+9", NULL},
		{"123456789012345678901234567890123:1", NULL},
	};
	const struct value_spec *spec = &field_get(FIELD_ROUTING_GATEWAY_PAIRS)->spec;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct value value = {0};
		enum vos_err err = value_parse(spec, "pairs", span_of(texts[i][0]), &value, NULL);

		assert_int_equal(err, texts[i][1] ? VOS_OK : VOS_EINVAL);
		if (!err)
			assert_string_equal(value.text, texts[i][1]);
		value_clear(&value);
	}
}

static void who_forwarded(void **state)
{
	struct change_list list = {0};
	struct conf *conf;
	struct conf *next;

	(void)state;
	open_gateway(&list);
	field(&list, "forwarded-prefixes", "49");
	conf = build(&list, NULL);
	assert_string_equal(verdict(conf, "1", "2", NULL), "in");
	assert_string_equal(verdict(conf, "1", "2", "4930"), "in");
	assert_string_equal(verdict(conf, "1", "2", "43"), "forwarded-prefix");
	assert_string_equal(verdict(conf, "1", "2", ""), "forwarded-prefix");
	field(&list, "forwarded-prefix-rule", "deny");
	next = build(&list, conf);
	assert_string_equal(verdict(next, "1", "2", NULL), "in");
	assert_string_equal(verdict(next, "1", "2", "49"), "forwarded-prefix");
	assert_string_equal(verdict(next, "1", "2", ""), "in");
	conf_unref(conf);
	conf_unref(next);
}

/* One that is barred by a number is as if it were not there: it stops no shorter prefix. */
static void barred_stops_nothing(void **state)
{
	struct change_list list = {0};
	struct route_candidate found[2];
	struct conf *conf;

	(void)state;
	open_gateway(&list);
	changes_create(&list, "routing-gateway", "long");
	changes_field(&list, "routing-gateway", "long", "address", "192.0.2.2");
	changes_field(&list, "routing-gateway", "long", "prefixes", "2");
	changes_field(&list, "routing-gateway", "long", "prefix-mode", "terminate");
	changes_field(&list, "routing-gateway", "long", "pairs", "*:22");
	conf = build(&list, NULL);
	for (int barred = 0; barred < 2; barred++) {
		const struct route_query query = {.conf = conf,
						  .caller = "1",
						  .callee = barred ? "22" : "21",
						  .now_us = NOW_US};

		assert_int_equal(route_find(&query, found, 2), 2);
		assert_string_equal(found[0].gateway->name, barred ? "g" : "long");
		assert_int_equal(found[1].verdict, barred ? ROUTE_PAIR : ROUTE_PREFIX_STOPS);
	}
	conf_unref(conf);
}

/* --- Random tables. --- */

#define TABLES 250
#define CALLS  40
#define SETS   3
#define MOST   4

/* The gateway as the naive side knows it: numbers of three digits 1 and 2. */
struct plain {
	char sets[SETS][MOST][4];
	int set_counts[SETS];
	unsigned caller_sets, callee_sets; /* bit sets */
	bool denies_callers, denies_callees, denies_pairs, denies_forwarded;
	char pairs[MOST][2][3];
	int pair_count;
	char forwarded[MOST][3];
	int forwarded_count;
	int restriction; /* as WORD_CALLEE_RESTRICT_... */
	char phones[MOST][4];
};

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void random_number(uint32_t *seed, char *out, uint32_t least, uint32_t most)
{
	uint32_t len = least + next_random(seed) % (most - least + 1);

	for (uint32_t i = 0; i < len; i++)
		out[i] = (char)('1' + next_random(seed) % 2);
	out[len] = '\0';
}

static void make_plain(uint32_t *seed, struct plain *plain)
{
	*plain = (struct plain){
		.caller_sets = next_random(seed) % 2 ? next_random(seed) % (1u << SETS) : 0,
		.callee_sets = next_random(seed) % 2 ? next_random(seed) % (1u << SETS) : 0,
		.denies_callers = next_random(seed) % 2,
		.denies_callees = next_random(seed) % 2,
		.denies_pairs = next_random(seed) % 2,
		.denies_forwarded = next_random(seed) % 2,
		.pair_count = (int)(next_random(seed) % MOST),
		.forwarded_count = (int)(next_random(seed) % MOST),
		.restriction = (int)(next_random(seed) % 3),
	};
	for (int set = 0; set < SETS; set++) {
		plain->set_counts[set] = (int)(next_random(seed) % (MOST + 1));
		for (int i = 0; i < plain->set_counts[set]; i++)
			random_number(seed, plain->sets[set][i], 1, 3);
	}
	for (int i = 0; i < MOST; i++) {
		random_number(seed, plain->pairs[i][0], 0, 2);
		random_number(seed, plain->pairs[i][1], plain->pairs[i][0][0] ? 0 : 1, 2);
		random_number(seed, plain->forwarded[i], 1, 2);
		random_number(seed, plain->phones[i], 1, 3);
	}
}

static void configure(struct change_list *list, const struct plain *plain)
{
	static const char *const words[] = {"none", "phone", "no-phone"};
	char text[16];

	open_gateway(list);
	for (int set = 0; set < SETS; set++) {
		const char name[] = {(char)('a' + set), '\0'};

		changes_create(list, "number-group", name);
		for (int i = 0; i < plain->set_counts[set]; i++)
			member(list, name, plain->sets[set][i]);
		if (plain->caller_sets >> set & 1)
			field(list, "caller-number-groups", name);
		if (plain->callee_sets >> set & 1)
			field(list, "callee-number-groups", name);
	}
	field(list, "caller-number-group-rule", plain->denies_callers ? "deny" : "allow");
	field(list, "callee-number-group-rule", plain->denies_callees ? "deny" : "allow");
	field(list, "pair-rule", plain->denies_pairs ? "deny" : "allow");
	field(list, "forwarded-prefix-rule", plain->denies_forwarded ? "deny" : "allow");
	field(list, "callee-restrict", words[plain->restriction]);
	for (int i = 0; i < plain->pair_count; i++) {
		snprintf(text, sizeof(text), "%s:%s", plain->pairs[i][0], plain->pairs[i][1]);
		field(list, "pairs", text);
	}
	for (int i = 0; i < plain->forwarded_count; i++)
		field(list, "forwarded-prefixes", plain->forwarded[i]);
	for (int i = 0; i < MOST; i++)
		changes_create(list, "phone", plain->phones[i]);
}

static bool begins(const char *number, const char *prefix)
{
	return strncmp(number, prefix, strlen(prefix)) == 0;
}

static bool is_in_sets(const struct plain *plain, unsigned sets, const char *number)
{
	for (int set = 0; set < SETS; set++)
		for (int i = 0; sets >> set & 1 && i < plain->set_counts[set]; i++)
			if (strcmp(plain->sets[set][i], number) == 0)
				return true;
	return false;
}

/* Rules that are empty say nothing; the first that bars is the one that is told. */
static const char *naive(const struct plain *plain, const char *caller, const char *callee,
			 const char *forwarded)
{
	bool is_phone = false;
	bool is_pair = false;
	bool is_listed = false;

	for (int i = 0; i < MOST; i++)
		is_phone |= strcmp(plain->phones[i], callee) == 0;
	for (int i = 0; i < plain->pair_count; i++)
		is_pair |= begins(caller, plain->pairs[i][0]) && begins(callee, plain->pairs[i][1]);
	for (int i = 0; forwarded && i < plain->forwarded_count; i++)
		is_listed |= begins(forwarded, plain->forwarded[i]);
	if (plain->caller_sets &&
	    is_in_sets(plain, plain->caller_sets, caller) == plain->denies_callers)
		return "caller-group";
	if (plain->callee_sets &&
	    is_in_sets(plain, plain->callee_sets, callee) == plain->denies_callees)
		return "callee-group";
	if ((plain->restriction == 1 && !is_phone) || (plain->restriction == 2 && is_phone))
		return "callee-restrict";
	if (plain->pair_count && is_pair == plain->denies_pairs)
		return "pair";
	if (forwarded && plain->forwarded_count && is_listed == plain->denies_forwarded)
		return "forwarded-prefix";
	return "in";
}

static void random_tables(void **state)
{
	uint32_t seed = 20817;

	(void)state;
	for (int table = 0; table < TABLES; table++) {
		struct change_list list = {0};
		struct plain plain;
		struct conf *conf;

		make_plain(&seed, &plain);
		configure(&list, &plain);
		conf = build(&list, NULL);
		for (int call = 0; call < CALLS; call++) {
			char caller[4], callee[4], forwarded[4];
			const char *by = next_random(&seed) % 3 ? forwarded : NULL;

			random_number(&seed, caller, 0, 3);
			random_number(&seed, callee, 0, 3);
			random_number(&seed, forwarded, 0, 3);
			if (strcmp(verdict(conf, caller, callee, by),
				   naive(&plain, caller, callee, by)) != 0)
				fail_msg("table %d: %s calls %s, by %s: %s, not %s", table, caller,
					 callee, by ? by : "nobody",
					 verdict(conf, caller, callee, by),
					 naive(&plain, caller, callee, by));
		}
		conf_unref(conf);
	}
}

TEST_MAIN(cmocka_unit_test(members_are_whole_numbers), cmocka_unit_test(numbers_are_taken),
	  cmocka_unit_test(pool_of_a_group), cmocka_unit_test(groups_of_a_gateway),
	  cmocka_unit_test(phones_only_or_none), cmocka_unit_test(pairs_of_beginnings),
	  cmocka_unit_test(pairs_as_text), cmocka_unit_test(who_forwarded),
	  cmocka_unit_test(barred_stops_nothing), cmocka_unit_test(random_tables))
