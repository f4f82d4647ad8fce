/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields that say which of many gateways has a call at this time: period rules, route policies,
 * proportional prefixes, and any number of candidates; against restatements that look at every
 * rule and every gateway. */
#include "tests/support/test.h"

#include <stdio.h>
#include <time.h>

#include "switchd/call/route.h"
#include "tests/support/changes.h"

#define NOW_US UINT64_C(5000000)

static struct conf *build(struct change_list *list)
{
	static const struct secret_key key = {{7}};
	struct vos_fault fault = {0};
	struct conf *conf = NULL;

	if (conf_build(changes_apply(NULL, list), &key, NULL, &conf, &fault))
		fail_msg("%s: %s", fault.path, fault.text);
	return conf;
}

static void gateway(struct change_list *list, const char *name)
{
	changes_create(list, "routing-gateway", name);
	changes_field(list, "routing-gateway", name, "address", "192.0.2.1");
}

static void field(struct change_list *list, const char *name, const char *what, const char *value)
{
	changes_field(list, "routing-gateway", name, what, value);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* --- Period rules. --- */

#define RULES  6
#define TABLES 200
#define ASKED  40

static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
static const char *const plans[] = {"own", "p", "q"};

/* A rule as the naive side knows it. */
struct plain_rule {
	int first, last, from, to;
	enum period_action action;
	uint32_t capacity;
	int plan;
	const char *callee;
};

static void make_rule(uint32_t *seed, struct plain_rule *rule, char text[128])
{
	static const char *const words[] = {"allow", "deny", "capacity", "caller-transform",
					    "callee-transform"};
	static const char *const callees[] = {"", "0", "00", "1"};
	char what[32] = "";

	*rule = (struct plain_rule){
		.first = (int)(next_random(seed) % 7),
		.last = (int)(next_random(seed) % 7),
		.from = (int)(next_random(seed) % 24) * 60,
		.to = (int)(next_random(seed) % 25) * 60,
		/* Denials are few, or hardly anything would be let in. */
		.action = (enum period_action)(next_random(seed) % 8 ? 2 + next_random(seed) % 3
								     : next_random(seed) % 2),
		.capacity = next_random(seed) % 4,
		.plan = (int)(1 + next_random(seed) % 2),
		.callee = callees[next_random(seed) % 4],
	};
	if (rule->action == PERIOD_CAPACITY)
		snprintf(what, sizeof(what), " %u", rule->capacity);
	if (rule->action > PERIOD_CAPACITY)
		snprintf(what, sizeof(what), " %s", plans[rule->plan]);
	snprintf(text, 128, "%s-%s %02d:00-%02d:00 %s%s%s%s", days[rule->first], days[rule->last],
		 rule->from / 60, rule->to / 60, words[rule->action], what,
		 *rule->callee ? " callee " : "", rule->callee);
}

/* Minute by minute: whether one of the spans that begin on its days has this minute. */
static bool covers(const struct plain_rule *rule, int week_min)
{
	int length = rule->to > rule->from ? rule->to - rule->from : rule->to - rule->from + 1440;

	for (int day = rule->first;; day = (day + 1) % 7) {
		int begin = day * 1440 + rule->from;

		if ((week_min >= begin && week_min < begin + length) ||
		    week_min + 10080 < begin + length)
			return true;
		if (day == rule->last)
			return false;
	}
}

static bool is_for(const struct plain_rule *rule, const char *callee)
{
	return strncmp(callee, rule->callee, strlen(rule->callee)) == 0;
}

static const struct plain_rule *first_of(const struct plain_rule *rules, enum period_action action,
					 int week_min, const char *callee)
{
	for (int i = 0; i < RULES; i++)
		if (rules[i].action == action && is_for(&rules[i], callee) &&
		    covers(&rules[i], week_min))
			return &rules[i];
	return NULL;
}

static bool is_its_time(const struct plain_rule *rules, int week_min, const char *callee)
{
	bool has_allow = false;

	if (first_of(rules, PERIOD_DENY, week_min, callee))
		return false;
	for (int i = 0; i < RULES; i++)
		has_allow |= rules[i].action == PERIOD_ALLOW && is_for(&rules[i], callee);
	return !has_allow || first_of(rules, PERIOD_ALLOW, week_min, callee);
}

static void expect_plan(const struct conf *conf, const struct conf_dial_plan *plan,
			const struct plain_rule *rule, const char *what)
{
	const char *wanted = plans[rule ? rule->plan : 0];

	if (plan != conf_plan_find(conf_rules(conf), wanted))
		fail_msg("%s, not %s: %s", plan ? plan->name : "none", wanted, what);
}

static void compare_terms(const struct conf *conf, const struct plain_rule *rules, uint32_t calls,
			  int week_min, const char *callee)
{
	const struct route_query query = {.conf = conf,
					  .caller = "1",
					  .callee = callee,
					  .week_min = week_min,
					  .now_us = NOW_US};
	const struct plain_rule *by = first_of(rules, PERIOD_CAPACITY, week_min, callee);
	uint32_t capacity = by ? by->capacity : 2;
	enum route_verdict wanted = !is_its_time(rules, week_min, callee) ? ROUTE_PERIOD
				    : capacity && calls >= capacity       ? ROUTE_FULL
									  : ROUTE_IN;
	struct route_candidate found;
	struct conf_terms terms;

	assert_int_equal(route_find(&query, &found, 1), 1);
	if (found.verdict != wanted)
		fail_msg("minute %d, callee %s: %s, not %s", week_min, callee,
			 route_verdict_name(found.verdict), route_verdict_name(wanted));
	assert_int_equal(found.load, capacity ? calls * 1000 / capacity : 0);
	route_terms(&query, found.gateway, &terms);
	assert_int_equal(terms.capacity, capacity);
	assert_int_equal(terms.rules[PERIOD_CAPACITY] != NULL, by != NULL);
	expect_plan(conf, terms.caller_plan, first_of(rules, PERIOD_CALLER_PLAN, week_min, callee),
		    "caller");
	expect_plan(conf, terms.callee_plan, first_of(rules, PERIOD_CALLEE_PLAN, week_min, callee),
		    "callee");
}

static void random_periods(void **state)
{
	static const char *const callees[] = {"", "0", "00", "007", "1", "2"};
	uint32_t seed = 4712;

	(void)state;
	for (int table = 0; table < TABLES; table++) {
		struct plain_rule rules[RULES];
		struct change_list list = {0};
		uint32_t calls = next_random(&seed) % 4;
		struct conf *conf;

		for (int i = 0; i < 3; i++)
			changes_create(&list, "number-transform", plans[i]);
		gateway(&list, "a");
		field(&list, "a", "capacity", "2");
		field(&list, "a", "caller-transform", "own");
		field(&list, "a", "callee-transform", "own");
		for (int i = 0; i < RULES; i++) {
			char text[128];

			make_rule(&seed, &rules[i], text);
			field(&list, "a", "period", text);
		}
		conf = build(&list);
		for (uint32_t call = 0; call < calls; call++)
			assert_int_equal(
				live_begin(conf_routing_gateway_find(conf, SPAN_LIT("a"))->live, 0,
					   0, NOW_US),
				LIVE_OK);
		for (int i = 0; i < ASKED; i++)
			compare_terms(conf, rules, calls,
				      (int)(next_random(&seed) % PERIOD_WEEK_MINUTES),
				      callees[next_random(&seed) % 6]);
		conf_unref(conf);
	}
}

/* --- Summer time. --- */

static int64_t utc_ms(int year, int month, int day, int hour, int minute)
{
	struct tm parts = {.tm_year = year - 1900,
			   .tm_mon = month - 1,
			   .tm_mday = day,
			   .tm_hour = hour,
			   .tm_min = minute};

	return (int64_t)timegm(&parts) * 1000;
}

/* Of the four hours from that time on (UTC), how many minutes a rule covers. */
static int minutes_covered(const char *text, int64_t from_ms)
{
	struct period_rule rule;
	int count = 0;

	assert_true(period_rule_parse(span_of(text), &rule));
	for (int minute = 0; minute < 240; minute++)
		count += period_rule_covers(&rule, conf_week_minute(from_ms + minute * 60000));
	return count;
}

/* The hour that is left out in spring has no minute, the one that comes twice in autumn has 120;
 * all others go by what the clocks on the wall show. */
static void summer_time(void **state)
{
	static const struct {
		const char *zone;
		int64_t from_ms;
		int hours[5]; /* minutes of 00:00-01:00, 01:00-02:00, ... of Sunday */
	} rows[] = {
		{"CET-1CEST,M3.5.0,M10.5.0/3", 0, {60, 60, 0, 60, 60}},
		{"CET-1CEST,M3.5.0,M10.5.0/3", 0, {60, 60, 120, 0, 0}},
		{"EST5EDT,M3.2.0,M11.1.0", 0, {60, 60, 0, 60, 60}},
		{"EST5EDT,M3.2.0,M11.1.0", 0, {60, 120, 60, 0, 0}},
		{"AEST-10AEDT,M10.1.0,M4.1.0/3", 0, {60, 60, 0, 60, 60}},
		{"UTC0", 0, {60, 60, 60, 60, 0}},
	};
	/* Sunday 00:00 on the wall there. */
	const int64_t from_ms[] = {
		utc_ms(2026, 3, 28, 23, 0), utc_ms(2026, 10, 24, 22, 0), utc_ms(2026, 3, 8, 5, 0),
		utc_ms(2026, 11, 1, 4, 0),  utc_ms(2026, 10, 3, 14, 0),  utc_ms(2026, 3, 29, 0, 0),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(setenv("TZ", rows[i].zone, 1), 0);
		tzset();
		for (int hour = 0; hour < 5; hour++) {
			char text[64];
			int minutes;

			snprintf(text, sizeof(text), "sun %02d:00-%02d:00 deny", hour, hour + 1);
			minutes = minutes_covered(text, from_ms[i]);
			if (minutes != rows[i].hours[hour])
				fail_msg("row %zu: %d minutes of \"%s\"", i, minutes, text);
		}
		/* A night that begins on Saturday goes on for as long as its clock says. */
		assert_int_equal(minutes_covered("sat 22:00-04:00 deny", from_ms[i]),
				 rows[i].hours[0] + rows[i].hours[1] + rows[i].hours[2] +
					 rows[i].hours[3]);
	}
	unsetenv("TZ");
	tzset();
}

/* --- Route policies. --- */

static void expect_order(const struct conf *conf, uint8_t sort, const char *wanted)
{
	const struct route_query query = {
		.conf = conf, .caller = "1", .callee = "2", .sort = sort, .now_us = NOW_US};
	struct route_candidate found[3];
	char text[4] = "";

	assert_int_equal(route_find(&query, found, 3), 3);
	for (int i = 0; i < 3; i++)
		text[i] = found[i].gateway->name[0];
	assert_string_equal(text, wanted);
}

/* By priority abc, of which a and b have the same; by answers cba. */
static void policies(void **state)
{
	static const struct {
		const char *parameter;
		const char *first;
		const char *second;
		const char *wanted;
	} rows[] = {
		{"none", "none", "none", "abc"},
		{"none", "asr", "none", "cba"},
		{"none", "none", "asr", "bac"},
		{"none", "asr", "asr", "cba"},
		{"before-priority", "none", "none", "cba"},
		{"before-priority", "none", "asr", "bac"},
		{"after-load", "asr", "none", "cba"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct change_list list = {0};
		struct conf *conf;

		for (int n = 0; n < 3; n++) {
			const char name[] = {(char)('a' + n), '\0'};

			gateway(&list, name);
			field(&list, name, "priority", n == 2 ? "9" : "0");
		}
		changes_param(&list, "SS_GATEWAY_ASR_ROUTE_SORT_CONFIG", rows[i].parameter);
		changes_create(&list, "mapping-gateway", "m");
		changes_field(&list, "mapping-gateway", "m", "first-route-policy", rows[i].first);
		changes_field(&list, "mapping-gateway", "m", "second-route-policy", rows[i].second);
		changes_create(&list, "phone", "7");
		changes_field(&list, "phone", "7", "first-route-policy", rows[i].first);
		changes_field(&list, "phone", "7", "second-route-policy", rows[i].second);
		conf = build(&list);
		for (size_t n = 0; n < 3; n++)
			for (size_t call = 0; call < 4; call++)
				live_window_add(conf_routing_gateway_at(conf, n)->live, call <= n,
						3600, 10, NOW_US);
		expect_order(conf, conf_mapping_named(conf, SPAN_LIT("m"))->route_sort,
			     rows[i].wanted);
		expect_order(conf, conf_phone_find(conf, SPAN_LIT("7"))->route_sort,
			     rows[i].wanted);
		conf_unref(conf);
	}
}

/* --- Proportional prefixes. --- */

static void rows_of_prefixes(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
	} rows[] = {
		{"1:", true},
		{"1000:+49", true},
		{"1000:*12345678901234567890123456789#1", true},
		{"1000:*12345678901234567890123456789#12", false},
		{"1001:1", false},
		{"0:1", false},
		{":1", false},
		{"7", false},
		{"", false},
		{"-1:7", false},
		{"1:7a", false},
		{"1:7+", false},
		{"1:7:8", false},
	};
	struct weighted_prefix row;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (weighted_prefix_parse(span_of(rows[i].text), &row) != rows[i].is_good)
			fail_msg("%s", rows[i].text);
}

/* A chance that comes by every number in turn. */
static uint64_t each(void *context, uint64_t n)
{
	uint64_t *next = context;

	return (*next)++ % n;
}

static void shares(void **state)
{
	static const char *const rows[] = {"70:99", "1:", "29:+4", "900:"};
	struct change_list list = {0};
	const struct conf_prefixing *prefixing;
	struct conf *conf;
	uint64_t next = 0;
	int got[3] = {0}; /* 99, none, +4 */

	(void)state;
	changes_create(&list, "mapping-gateway", "m");
	for (size_t i = 0; i < 4; i++)
		changes_field(&list, "mapping-gateway", "m", "proportional-prefix", rows[i]);
	changes_create(&list, "mapping-gateway", "plain");
	conf = build(&list);
	prefixing = &conf_mapping_named(conf, SPAN_LIT("m"))->prefixing;
	for (int i = 0; i < 2000; i++) {
		struct span prefix = conf_prefixing_pick(prefixing, each, &next);

		got[prefix.len == 0 ? 1 : span_eq(prefix, SPAN_LIT("99")) ? 0 : 2]++;
	}
	assert_int_equal(got[0], 140);
	assert_int_equal(got[1], 1802);
	assert_int_equal(got[2], 58);
	/* Without any, nothing is drawn. */
	prefixing = &conf_mapping_named(conf, SPAN_LIT("plain"))->prefixing;
	assert_int_equal(conf_prefixing_pick(prefixing, NULL, NULL).len, 0);
	conf_unref(conf);
}

/* --- Any number of candidates. --- */

#define MANY 700

/* Every gateway comes once, by its longest prefix, whatever the room was at first. */
static void many(void **state)
{
	struct change_list list = {0};
	struct route_candidate *found = calloc(MANY, sizeof(*found));
	struct route_query query = {.caller = "1", .callee = "4930", .now_us = NOW_US};
	struct conf *conf;
	size_t in = 0;

	(void)state;
	assert_non_null(found);
	for (int i = 0; i < MANY; i++) {
		char name[8];

		snprintf(name, sizeof(name), "g%03d", i);
		gateway(&list, name);
		if (i % 3)
			field(&list, name, "prefixes", "4");
		if (i % 3 == 2) {
			field(&list, name, "prefixes", "493");
			field(&list, name, "prefixes", "5");
		}
		if (i < 300)
			field(&list, name, "lock", "all");
		field(&list, name, "priority", i % 2 ? "1" : "2");
	}
	query.conf = conf = build(&list);
	assert_int_equal(route_find(&query, found, 0), MANY);
	assert_int_equal(route_find(&query, found, 256), MANY);
	assert_int_equal(route_find(&query, found, MANY), MANY);
	while (in < MANY && found[in].verdict == ROUTE_IN)
		in++;
	assert_int_equal(in, MANY - 300);
	for (size_t i = 0; i < MANY; i++) {
		int number = atoi(found[i].gateway->name + 1);
		size_t lens[] = {0, 1, 3};

		assert_int_equal(found[i].verdict, number < 300 ? ROUTE_LOCKED : ROUTE_IN);
		assert_int_equal(found[i].prefix_len, lens[number % 3]);
		assert_true(conf_matches(found[i].gateway, query.callee));
		if (i == 0 || i == in)
			continue;
		if (found[i - 1].prefix_len != found[i].prefix_len)
			assert_true(found[i - 1].prefix_len > found[i].prefix_len);
		else if (found[i - 1].gateway->priority != found[i].gateway->priority)
			assert_true(found[i - 1].gateway->priority < found[i].gateway->priority);
		else
			assert_true(strcmp(found[i - 1].gateway->name, found[i].gateway->name) < 0);
	}
	assert_true(conf_matches(conf_routing_gateway_at(conf, 2), "5"));
	assert_false(conf_matches(conf_routing_gateway_at(conf, 1), "5"));
	assert_true(conf_matches(conf_routing_gateway_at(conf, 0), ""));
	conf_unref(conf);
	free(found);
}

TEST_MAIN(cmocka_unit_test(random_periods), cmocka_unit_test(summer_time),
	  cmocka_unit_test(policies), cmocka_unit_test(shares), cmocka_unit_test(rows_of_prefixes),
	  cmocka_unit_test(many))
