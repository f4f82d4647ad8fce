/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which gateways take a call, in which order, and why not the others: each rule by itself, and
 * random tables against a restatement that looks at every gateway for every rule. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/call/route.h"
#include "tests/support/changes.h"

#define NOON_MONDAY (12 * 60)
#define NOW_US      UINT64_C(5000000)

static struct conf *build(struct change_list *list, const struct conf *previous)
{
	static const struct secret_key key = {{7}};
	struct snapshot *snapshot = changes_apply(previous ? previous->snapshot : NULL, list);
	struct vos_fault fault = {0};
	struct conf *conf = NULL;

	if (conf_build(snapshot, &key, previous, &conf, &fault))
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

static struct live *live_of(const struct conf *conf, const char *name)
{
	return conf_routing_gateway_find(conf, span_of(name))->live;
}

/* "a b(protected) c(capacity)": the candidates in order. */
static void expect(const struct conf *conf, const char *caller, const char *callee,
		   const struct conf_mapping_gateway *from, const char *wanted)
{
	const struct route_query query = {
		.conf = conf,
		.caller = caller,
		.callee = callee,
		.from = from,
		.week_min = NOON_MONDAY,
		.now_us = NOW_US,
	};
	struct route_candidate found[16];
	size_t count = route_find(&query, found, 16);
	struct buf text = buf_new();

	for (size_t i = 0; i < count; i++) {
		buf_printf(&text, "%s%s", i ? " " : "", found[i].gateway->name);
		if (found[i].verdict != ROUTE_IN)
			buf_printf(&text, "(%s)", route_verdict_name(found[i].verdict));
	}
	assert_string_equal(buf_cstr(&text), wanted);
	buf_free(&text);
}

static void order(void **state)
{
	struct change_list list = {0};
	struct conf *conf;

	(void)state;
	gateway(&list, "every");
	gateway(&list, "short");
	field(&list, "short", "prefixes", "4");
	gateway(&list, "long");
	field(&list, "long", "prefixes", "49");
	gateway(&list, "later");
	field(&list, "later", "prefixes", "49");
	field(&list, "later", "priority", "5");
	gateway(&list, "other");
	field(&list, "other", "prefixes", "1");
	conf = build(&list, NULL);
	expect(conf, "1", "4930", NULL, "long later short every");
	expect(conf, "1", "41", NULL, "short every");
	expect(conf, "1", "", NULL, "every");
	conf_unref(conf);
}

static void load_and_attempts(void **state)
{
	struct change_list list = {0};
	struct conf *conf;

	(void)state;
	gateway(&list, "a");
	field(&list, "a", "capacity", "2");
	gateway(&list, "b");
	field(&list, "b", "capacity", "10");
	conf = build(&list, NULL);
	expect(conf, "1", "2", NULL, "a b");
	assert_int_equal(live_begin(live_of(conf, "a"), 2, 0, NOW_US), LIVE_OK);
	expect(conf, "1", "2", NULL, "b a"); /* 500 of a thousand against none */
	for (int i = 0; i < 6; i++)
		assert_int_equal(live_begin(live_of(conf, "b"), 10, 0, NOW_US), LIVE_OK);
	expect(conf, "1", "2", NULL, "a b");
	assert_int_equal(live_begin(live_of(conf, "a"), 2, 0, NOW_US), LIVE_OK);
	expect(conf, "1", "2", NULL, "b a(capacity)");
	for (int i = 0; i < 2; i++)
		live_end(live_of(conf, "a"));
	for (int i = 0; i < 6; i++)
		live_end(live_of(conf, "b"));
	expect(conf, "1", "2", NULL, "a b"); /* equal load: a has had 2 calls, b 6 */
	conf_unref(conf);
}

static void counters_outlive_a_commit(void **state)
{
	struct change_list list = {0};
	struct conf *before;
	struct conf *after;

	(void)state;
	gateway(&list, "a");
	field(&list, "a", "capacity", "1");
	before = build(&list, NULL);
	assert_int_equal(live_begin(live_of(before, "a"), 1, 0, NOW_US), LIVE_OK);
	field(&list, "a", "priority", "3");
	after = build(&list, before);
	assert_ptr_equal(live_of(before, "a"), live_of(after, "a"));
	conf_unref(before);
	expect(after, "1", "2", NULL, "a(capacity)");
	live_end(live_of(after, "a"));
	expect(after, "1", "2", NULL, "a");
	conf_unref(after);
}

static void states(void **state)
{
	struct change_list list = {0};
	struct conf *conf;

	(void)state;
	changes_create(&list, "routing-gateway", "bare");
	gateway(&list, "locked");
	field(&list, "locked", "lock", "all");
	gateway(&list, "out");
	field(&list, "out", "lock", "out");
	gateway(&list, "in");
	field(&list, "in", "lock", "in");
	gateway(&list, "spare");
	field(&list, "spare", "protect", "on");
	conf = build(&list, NULL);
	expect(conf, "1", "2", NULL,
	       "in spare(protected) bare(no-address) locked(locked) out(locked)");
	live_of(conf, "in")->admin = LIVE_DRAINING;
	expect(conf, "1", "2", NULL,
	       "spare(protected) bare(no-address) in(disabled) locked(locked) out(locked)");
	live_of(conf, "in")->admin = LIVE_ENABLED;
	live_of(conf, "in")->is_offline = true;
	live_of(conf, "spare")->down_until_us = NOW_US + 1;
	expect(conf, "1", "2", NULL,
	       "bare(no-address) in(offline) locked(locked) out(locked) spare(retry-after)");
	live_of(conf, "spare")->down_until_us = NOW_US;
	live_of(conf, "in")->is_offline = false;
	expect(conf, "1", "2", NULL,
	       "in spare(protected) bare(no-address) locked(locked) out(locked)");
	conf_unref(conf);
}

static void rate(void **state)
{
	struct change_list list = {0};
	struct conf *conf;

	(void)state;
	gateway(&list, "a");
	field(&list, "a", "rate-limit", "2");
	conf = build(&list, NULL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(live_begin(live_of(conf, "a"), 0, 2, NOW_US), LIVE_OK);
	expect(conf, "1", "2", NULL, "a(rate-limit)");
	conf_unref(conf);
}

static void numbers(void **state)
{
	struct change_list list = {0};
	struct conf *conf;

	(void)state;
	gateway(&list, "a");
	field(&list, "a", "caller-prefixes", "49");
	field(&list, "a", "caller-prefixes", "43");
	field(&list, "a", "callee-prefixes", "4900"); /* denied: the default rule of callees */
	field(&list, "a", "caller-lengths", "4");
	field(&list, "a", "caller-lengths", "6");
	field(&list, "a", "callee-lengths", "5");
	conf = build(&list, NULL);
	expect(conf, "4930", "49301", NULL, "a");
	expect(conf, "430000", "49301", NULL, "a");
	expect(conf, "4130", "49301", NULL, "a(caller-prefix)");
	expect(conf, "49301", "49301", NULL, "a(caller-length)");
	expect(conf, "4930", "49001", NULL, "a(callee-prefix)");
	expect(conf, "4930", "4930", NULL, "a(callee-length)");
	conf_unref(conf);
}

static void periods(void **state)
{
	struct change_list list = {0};
	struct conf *conf;

	(void)state;
	gateway(&list, "day");
	field(&list, "day", "period", "mon-fri 08:00-18:00 allow");
	gateway(&list, "night");
	field(&list, "night", "period", "mon-fri 20:00-06:00 allow");
	gateway(&list, "lunch");
	field(&list, "lunch", "period", "mon-sun 11:30-13:00 deny");
	conf = build(&list, NULL);
	expect(conf, "1", "2", NULL, "day lunch(period) night(period)");
	conf_unref(conf);
}

static void company(void **state)
{
	struct change_list list = {0};
	struct conf_mapping_gateway none = {0};
	const char *names[] = {"a", "c"};
	const char *groups[] = {"gold"};
	struct conf_mapping_gateway listed = {.allowed_gateways = {names, 2}};
	struct conf_mapping_gateway gold = {.groups = {groups, 1}};
	struct conf_mapping_gateway not_gold = {.groups = {groups, 1}, .groups_are_denied = true};
	struct conf *conf;

	(void)state;
	gateway(&list, "a");
	field(&list, "a", "groups", "gold");
	gateway(&list, "b");
	field(&list, "b", "groups", "silver");
	gateway(&list, "c");
	conf = build(&list, NULL);
	expect(conf, "1", "2", &none, "a b c");
	expect(conf, "1", "2", &listed, "a c b(not-allowed)");
	expect(conf, "1", "2", &gold, "a b(group) c(group)");
	expect(conf, "1", "2", &not_gold, "b c a(group)");
	conf_unref(conf);
}

static void prefix_mode(void **state)
{
	struct change_list list = {0};
	struct conf *conf;

	(void)state;
	gateway(&list, "short");
	field(&list, "short", "prefixes", "4");
	gateway(&list, "long");
	field(&list, "long", "prefixes", "49");
	field(&list, "long", "prefix-mode", "terminate");
	gateway(&list, "twin");
	field(&list, "twin", "prefixes", "49");
	conf = build(&list, NULL);
	expect(conf, "1", "491", NULL, "long twin short(prefix-terminated)");
	expect(conf, "1", "41", NULL, "short");
	/* Full, or out of order: its prefix is still its own. Locked: as if it were not there. */
	live_of(conf, "long")->is_offline = true;
	expect(conf, "1", "491", NULL, "twin long(offline) short(prefix-terminated)");
	field(&list, "long", "lock", "all");
	{
		struct conf *locked = build(&list, conf);

		expect(locked, "1", "491", NULL, "twin short long(locked)");
		conf_unref(locked);
	}
	conf_unref(conf);
}

static void answer_ratio(void **state)
{
	static const char *const wanted[] = {"none",
					     "a b c", /* by priority */
					     "before-priority",
					     "c b a",
					     "after-priority",
					     "b a c",
					     NULL};
	struct change_list list = {0};
	struct conf *conf = NULL;

	(void)state;
	gateway(&list, "a");
	gateway(&list, "b");
	gateway(&list, "c");
	field(&list, "c", "priority", "9");
	for (int i = 0; wanted[i]; i += 2) {
		struct conf *next;

		changes_param(&list, "SS_GATEWAY_ASR_ROUTE_SORT_CONFIG", wanted[i]);
		next = build(&list, conf);
		if (conf)
			conf_unref(conf);
		conf = next;
		for (int call = 0; i == 0 && call < 10; call++) {
			live_window_add(live_of(conf, "a"), call < 3, 3600, 10, NOW_US);
			live_window_add(live_of(conf, "b"), call < 6, 3600, 10, NOW_US);
			live_window_add(live_of(conf, "c"), call < 9, 3600, 10, NOW_US);
		}
		expect(conf, "1", "2", NULL, wanted[i + 1]);
	}
	conf_unref(conf);
}

static void pools(void **state)
{
	struct change_list list = {0};
	const struct conf_pool *pool;
	struct live *taken[4];
	struct conf *conf;

	(void)state;
	changes_create(&list, "number-pool", "p");
	for (char digit = '1'; digit <= '3'; digit++) {
		char number[] = {'5', '0', digit, '\0'};

		changes_field(&list, "number-pool", "p", "number", number);
	}
	changes_field(&list, "number-pool", "p", "order", "poll");
	changes_field(&list, "number-pool", "p", "reuse-count", "1");
	conf = build(&list, NULL);
	pool = conf_pool_find(conf_rules(conf), "p");
	assert_null(conf_pool_find(conf_rules(conf), "q"));
	for (int i = 0; i < 3; i++) {
		taken[i] = conf_pool_take(pool, NULL, NULL, NOW_US);
		assert_non_null(taken[i]);
	}
	assert_string_equal(taken[0]->name, "501");
	assert_string_equal(taken[1]->name, "502");
	assert_string_equal(taken[2]->name, "503");
	assert_null(conf_pool_take(pool, NULL, NULL, NOW_US));
	live_end(taken[1]);
	taken[3] = conf_pool_take(pool, NULL, NULL, NOW_US);
	assert_ptr_equal(taken[3], taken[1]);
	conf_unref(conf);
}

static void rewriting(void **state)
{
	struct change_list list = {0};
	const struct conf_dial_plan *plan;
	struct conf *conf;
	char out[64];

	(void)state;
	changes_create(&list, "number-transform", "t");
	changes_field(&list, "number-transform", "t", "rule", "0->49");
	changes_field(&list, "number-transform", "t", "rule", "00->");
	changes_field(&list, "number-transform", "t", "rule", "00/3->9");
	conf = build(&list, NULL);
	plan = conf_plan_find(conf_rules(conf), "t");
	conf_plan_apply(plan, "030", NULL, NULL, out, sizeof(out));
	assert_string_equal(out, "4930");
	conf_plan_apply(plan, "00431", NULL, NULL, out, sizeof(out));
	assert_string_equal(out, "431");
	conf_plan_apply(plan, "001", NULL, NULL, out, sizeof(out));
	assert_string_equal(out, "1"); /* equal sources: the one given first */
	conf_plan_apply(plan, "17", NULL, NULL, out, sizeof(out));
	assert_string_equal(out, "17");
	conf_plan_apply(NULL, "17", NULL, NULL, out, sizeof(out));
	assert_string_equal(out, "17");
	conf_plan_apply(plan, "030", NULL, NULL, out, 4); /* no room for the result */
	assert_string_equal(out, "030");
	conf_unref(conf);
}

/* --- Random tables. --- */

#define GATEWAYS 12
#define TABLES   300
#define GROUPS   2
#define CALLS    20

/* A gateway as the naive side knows it. */
struct plain {
	char name[8];
	char prefixes[3][5];
	int prefix_count;
	int priority;
	int capacity;
	bool is_locked;
	bool is_protected;
	bool stops;
	bool is_offline;
	uint32_t calls;
	char denied[3];
	int group; /* -1: in none */
	int reserve;
};

/* Lines that gateways share. */
struct plain_group {
	int capacity;
	uint32_t calls;
};

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void random_digits(uint32_t *seed, char *out, uint32_t most)
{
	uint32_t len = next_random(seed) % (most + 1);

	for (uint32_t i = 0; i < len; i++)
		out[i] = (char)('1' + next_random(seed) % 3);
	out[len] = '\0';
}

static void make_plain(uint32_t *seed, struct plain *plain, int number)
{
	memset(plain, 0, sizeof(*plain));
	snprintf(plain->name, sizeof(plain->name), "g%02d", number);
	plain->prefix_count = (int)(next_random(seed) % 4);
	for (int i = 0; i < plain->prefix_count; i++) {
		do {
			random_digits(seed, plain->prefixes[i], 3);
		} while (!plain->prefixes[i][0]);
	}
	plain->priority = (int)(next_random(seed) % 3);
	plain->capacity = (int)(next_random(seed) % 4);
	plain->is_locked = next_random(seed) % 8 == 0;
	plain->is_protected = next_random(seed) % 5 == 0;
	plain->stops = next_random(seed) % 4 == 0;
	plain->is_offline = next_random(seed) % 6 == 0;
	plain->calls = next_random(seed) % 4;
	if (next_random(seed) % 4 == 0)
		random_digits(seed, plain->denied, 2);
	plain->group = (int)(next_random(seed) % (GROUPS + 1)) - 1;
	plain->reserve = (int)(next_random(seed) % 4);
}

static void configure(struct change_list *list, const struct plain *plain)
{
	char text[16];

	gateway(list, plain->name);
	for (int i = 0; i < plain->prefix_count; i++) {
		bool is_new = true;

		for (int at = 0; at < i; at++)
			is_new &= strcmp(plain->prefixes[at], plain->prefixes[i]) != 0;
		if (is_new)
			field(list, plain->name, "prefixes", plain->prefixes[i]);
	}
	snprintf(text, sizeof(text), "%d", plain->priority);
	field(list, plain->name, "priority", text);
	snprintf(text, sizeof(text), "%d", plain->capacity);
	field(list, plain->name, "capacity", text);
	field(list, plain->name, "lock", plain->is_locked ? "all" : "none");
	field(list, plain->name, "protect", plain->is_protected ? "on" : "off");
	field(list, plain->name, "prefix-mode", plain->stops ? "terminate" : "extend");
	if (plain->denied[0])
		field(list, plain->name, "callee-prefixes", plain->denied);
	if (plain->group >= 0)
		field(list, plain->name, "groups", plain->group ? "lines1" : "lines0");
	snprintf(text, sizeof(text), "%d", plain->reserve);
	field(list, plain->name, "group-reserve", text);
}

/* Longest of its prefixes that the number has; -1: none. */
static int longest(const struct plain *plain, const char *callee)
{
	int best = plain->prefix_count == 0 ? 0 : -1;

	for (int i = 0; i < plain->prefix_count; i++) {
		int len = (int)strlen(plain->prefixes[i]);

		if (strncmp(callee, plain->prefixes[i], (size_t)len) == 0 && len > best)
			best = len;
	}
	return best;
}

static bool is_barred(const struct plain *plain, const char *callee)
{
	return plain->is_locked ||
	       (plain->denied[0] && strncmp(callee, plain->denied, strlen(plain->denied)) == 0);
}

/* A member is out when its group is full, or has fewer free lines than it reserves. */
static bool has_group_line(const struct plain *plain, const struct plain_group *groups)
{
	const struct plain_group *group = plain->group < 0 ? NULL : &groups[plain->group];
	int free_lines = group ? group->capacity - (int)group->calls : 0;

	return !group || group->capacity == 0 || (free_lines > 0 && free_lines >= plain->reserve);
}

static bool is_usable(const struct plain *all, const struct plain_group *groups, int number,
		      const char *callee)
{
	const struct plain *plain = &all[number];

	if (!has_group_line(plain, groups))
		return false;

	if (longest(plain, callee) < 0 || is_barred(plain, callee) || plain->is_offline ||
	    (plain->capacity && plain->calls >= (uint32_t)plain->capacity))
		return false;
	for (int i = 0; i < GATEWAYS; i++)
		if (all[i].stops && !is_barred(&all[i], callee) &&
		    longest(&all[i], callee) > longest(plain, callee))
			return false;
	return true;
}

static uint32_t load_of(const struct plain *plain)
{
	return plain->capacity ? plain->calls * 1000 / (uint32_t)plain->capacity : 0;
}

/* True when a goes before b, both usable. */
static bool goes_first(const struct plain *a, const struct plain *b, const char *callee)
{
	if (longest(a, callee) != longest(b, callee))
		return longest(a, callee) > longest(b, callee);
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (load_of(a) != load_of(b))
		return load_of(a) < load_of(b);
	if (a->calls != b->calls) /* each call was one attempt */
		return a->calls < b->calls;
	return strcmp(a->name, b->name) < 0;
}

static void compare_with_naive(const struct conf *conf, const struct plain *all,
			       const struct plain_group *groups, const char *callee, uint32_t table)
{
	const struct route_query query = {
		.conf = conf, .caller = "1", .callee = callee, .now_us = NOW_US};
	struct route_candidate found[GATEWAYS];
	size_t count = route_find(&query, found, GATEWAYS);
	size_t matched = 0;
	size_t usable = 0;

	for (int i = 0; i < GATEWAYS; i++) {
		matched += longest(&all[i], callee) >= 0;
		usable += is_usable(all, groups, i, callee);
	}
	if (count != matched)
		fail_msg("table %u, callee %s: %zu candidates, not %zu", table, callee, count,
			 matched);
	for (size_t i = 0; i < count; i++) {
		const struct plain *plain = &all[atoi(found[i].gateway->name + 1)];
		int number = (int)(plain - all);

		if (route_is_in(found[i].verdict) != (i < usable) ||
		    is_usable(all, groups, number, callee) != (i < usable))
			fail_msg("table %u, callee %s: %s is %s", table, callee, plain->name,
				 route_verdict_name(found[i].verdict));
		if ((found[i].verdict == ROUTE_PROTECTED) != (i < usable && plain->is_protected))
			fail_msg("table %u, callee %s: %s and protection", table, callee,
				 plain->name);
		if (i > 0 && i < usable &&
		    !goes_first(&all[atoi(found[i - 1].gateway->name + 1)], plain, callee))
			fail_msg("table %u, callee %s: %s before %s", table, callee,
				 found[i - 1].gateway->name, plain->name);
	}
}

static const char *group_name(int number)
{
	return number ? "lines1" : "lines0";
}

static void configure_group(struct change_list *list, int number, int capacity)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", capacity);
	changes_create(list, "gateway-group", group_name(number));
	changes_field(list, "gateway-group", group_name(number), "capacity", text);
}

static struct live *lines_of(const struct conf *conf, int number)
{
	return live_get(conf_live(conf), LIVE_LINES, group_name(number));
}

static void groups_of_gateways(void **state)
{
	struct change_list list = {0};
	struct live *lines[CONF_GROUPS_MAX];
	const struct conf_membership *greedy, *modest;
	struct conf *conf;
	size_t count;

	(void)state;
	gateway(&list, "greedy");
	field(&list, "greedy", "groups", "lines0");
	gateway(&list, "modest");
	field(&list, "modest", "groups", "lines0");
	field(&list, "modest", "groups", "lines1"); /* that one has no limit */
	field(&list, "modest", "groups", "a-name-only");
	field(&list, "modest", "group-reserve", "2");
	configure_group(&list, 0, 3);
	configure_group(&list, 1, 0);
	conf = build(&list, NULL);
	greedy = &conf_routing_gateway_find(conf, SPAN_LIT("greedy"))->membership;
	modest = &conf_routing_gateway_find(conf, SPAN_LIT("modest"))->membership;
	expect(conf, "1", "2", NULL, "greedy modest");
	assert_int_equal(conf_groups_take(modest, lines, &count, NOW_US), CONF_GROUP_OK);
	assert_int_equal(count, 1);
	expect(conf, "1", "2", NULL, "greedy modest"); /* two are free, as it asks for */
	assert_int_equal(conf_groups_take(modest, lines, &count, NOW_US), CONF_GROUP_OK);
	expect(conf, "1", "2", NULL, "greedy modest(group-reserve)");
	assert_int_equal(conf_groups_take(modest, lines, &count, NOW_US), CONF_GROUP_RESERVED);
	assert_int_equal(count, 0);
	assert_int_equal(conf_groups_take(greedy, lines, &count, NOW_US), CONF_GROUP_OK);
	expect(conf, "1", "2", NULL, "greedy(group-capacity) modest(group-capacity)");
	assert_int_equal(conf_groups_take(greedy, lines, &count, NOW_US), CONF_GROUP_FULL);
	live_end(lines_of(conf, 0));
	expect(conf, "1", "2", NULL, "greedy modest(group-reserve)");
	live_end(lines_of(conf, 0));
	expect(conf, "1", "2", NULL, "greedy modest");
	live_end(lines_of(conf, 0));
	conf_unref(conf);
}

/* One line of the first group is given back when the second has none. */
static void line_of_each_group_or_none(void **state)
{
	struct change_list list = {0};
	struct live *lines[CONF_GROUPS_MAX];
	const struct conf_membership *member;
	struct conf *conf;
	size_t count;

	(void)state;
	gateway(&list, "both");
	field(&list, "both", "groups", "lines0");
	field(&list, "both", "groups", "lines1");
	field(&list, "both", "group-reserve", "9"); /* more than there are: never */
	configure_group(&list, 0, 20);
	configure_group(&list, 1, 8);
	conf = build(&list, NULL);
	member = &conf_routing_gateway_find(conf, SPAN_LIT("both"))->membership;
	expect(conf, "1", "2", NULL, "both(group-reserve)");
	assert_int_equal(conf_groups_take(member, lines, &count, NOW_US), CONF_GROUP_RESERVED);
	assert_int_equal(lines_of(conf, 0)->calls, 0);
	assert_int_equal(lines_of(conf, 1)->calls, 0);
	conf_unref(conf);
}

/* Of mapping gateways with one address the one with the smallest priority has the call. */
static void mapping_priority(void **state)
{
	struct change_list list = {0};
	struct addr source;
	struct conf *conf, *changed;

	(void)state;
	for (char name = 'a'; name <= 'c'; name++) {
		const char text[] = {name, '\0'};

		changes_create(&list, "mapping-gateway", text);
		changes_field(&list, "mapping-gateway", text, "address",
			      name == 'c' ? "192.0.2.0/24" : "192.0.2.7");
		changes_field(&list, "mapping-gateway", text, "priority", name == 'a' ? "5" : "0");
	}
	assert_true(addr_parse(SPAN_LIT("192.0.2.7"), &source));
	conf = build(&list, NULL);
	assert_string_equal(conf_mapping_gateway_find(conf, &source)->name, "b");
	changes_field(&list, "mapping-gateway", "a", "priority", "0");
	changed = build(&list, conf);
	assert_string_equal(conf_mapping_gateway_find(changed, &source)->name, "a");
	conf_unref(changed);
	conf_unref(conf);
}

static void random_tables(void **state)
{
	uint32_t seed = 4711;

	(void)state;
	for (uint32_t table = 0; table < TABLES; table++) {
		struct plain all[GATEWAYS];
		struct plain_group groups[GROUPS];
		struct change_list list = {0};
		struct conf *conf;

		for (int i = 0; i < GATEWAYS; i++) {
			make_plain(&seed, &all[i], i);
			configure(&list, &all[i]);
		}
		for (int i = 0; i < GROUPS; i++) {
			groups[i].capacity = (int)(next_random(&seed) % 5);
			groups[i].calls = next_random(&seed) % 5;
			configure_group(&list, i, groups[i].capacity);
		}
		conf = build(&list, NULL);
		for (int i = 0; i < GROUPS; i++)
			for (uint32_t call = 0; call < groups[i].calls; call++)
				assert_int_equal(live_begin(lines_of(conf, i), 0, 0, NOW_US),
						 LIVE_OK);
		for (int i = 0; i < GATEWAYS; i++) {
			struct live *live = live_of(conf, all[i].name);

			live->is_offline = all[i].is_offline;
			for (uint32_t call = 0; call < all[i].calls; call++)
				assert_int_equal(live_begin(live, 0, 0, NOW_US), LIVE_OK);
		}
		for (int call = 0; call < CALLS; call++) {
			char callee[8];

			random_digits(&seed, callee, 6);
			compare_with_naive(conf, all, groups, callee, table);
		}
		conf_unref(conf);
	}
}

TEST_MAIN(cmocka_unit_test(order), cmocka_unit_test(load_and_attempts),
	  cmocka_unit_test(counters_outlive_a_commit), cmocka_unit_test(states),
	  cmocka_unit_test(rate), cmocka_unit_test(numbers), cmocka_unit_test(periods),
	  cmocka_unit_test(company), cmocka_unit_test(prefix_mode), cmocka_unit_test(answer_ratio),
	  cmocka_unit_test(pools), cmocka_unit_test(rewriting),
	  cmocka_unit_test(groups_of_gateways), cmocka_unit_test(line_of_each_group_or_none),
	  cmocka_unit_test(mapping_priority), cmocka_unit_test(random_tables))
