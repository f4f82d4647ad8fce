/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/route.h"

#include <stdlib.h>

#include "switchd/conf/conf_registrations.h"

static const struct {
	const char *name;
	const char *text;
} words[ROUTE_VERDICT_COUNT] = {
	[ROUTE_IN] = {"in", "can be used"},
	[ROUTE_PROTECTED] = {"protected", "used when the others failed or set-up takes long"},
	[ROUTE_LOCKED] = {"locked", "its lock bars calls to it"},
	[ROUTE_DISABLED] = {"disabled", "disabled or drained by an operator"},
	[ROUTE_NO_ADDRESS] = {"no-address", "it has no address"},
	[ROUTE_OFFLINE] = {"offline", "it does not answer, or is not registered"},
	[ROUTE_RETRY_AFTER] = {"retry-after", "it asked to be left alone for a while"},
	[ROUTE_NOT_ALLOWED] = {"not-allowed", "not in allow-routing-gateways of the caller"},
	[ROUTE_GROUP] = {"group", "its groups are barred for the caller"},
	[ROUTE_CALLER_PREFIX] = {"caller-prefix", "its caller-prefixes bar the caller"},
	[ROUTE_CALLER_LENGTH] = {"caller-length", "the caller number's length is not allowed"},
	[ROUTE_CALLEE_PREFIX] = {"callee-prefix", "its callee-prefixes bar the called number"},
	[ROUTE_CALLEE_LENGTH] = {"callee-length", "the called number's length is not allowed"},
	[ROUTE_CALLER_GROUP] = {"caller-group", "its caller-number-groups bar the caller"},
	[ROUTE_CALLEE_GROUP] = {"callee-group", "its callee-number-groups bar the called number"},
	[ROUTE_CALLEE_RESTRICT] = {"callee-restrict", "its callee-restrict bars the called number"},
	[ROUTE_PAIR] = {"pair", "its pairs bar these two numbers"},
	[ROUTE_FORWARDED_PREFIX] = {"forwarded-prefix",
				    "its forwarded-prefixes bar the number that forwarded"},
	[ROUTE_PERIOD] = {"period", "not at this time of the week"},
	[ROUTE_FULL] = {"capacity", "all its lines are taken"},
	[ROUTE_TOO_FAST] = {"rate-limit", "its calls of this second are taken"},
	[ROUTE_GROUP_FULL] = {"group-capacity", "all lines of one of its groups are taken"},
	[ROUTE_GROUP_RESERVED] = {"group-reserve", "the free lines of a group are reserved"},
	[ROUTE_NO_TRUNK_LINE] = {"registration-capacity",
				 "all lines of its registrations are taken"},
	[ROUTE_NO_POOL_NUMBER] = {"pool-empty", "every number of its pool is taken"},
	[ROUTE_PREFIX_STOPS] = {"prefix-terminated", "a longer prefix ends the search"},
};

const char *route_verdict_name(enum route_verdict verdict)
{
	return words[verdict].name;
}

const char *route_verdict_text(enum route_verdict verdict)
{
	return words[verdict].text;
}

/* --- In or out. --- */

static bool has_name(const struct conf_names *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->names[i], name) == 0)
			return true;
	return false;
}

static enum route_verdict judge_company(const struct conf_mapping_gateway *from,
					const struct conf_routing_gateway *gateway)
{
	bool is_shared = false;

	if (!from)
		return ROUTE_IN;
	if (from->allowed_gateways.count && !has_name(&from->allowed_gateways, gateway->name))
		return ROUTE_NOT_ALLOWED;
	for (size_t i = 0; i < gateway->groups.count && !is_shared; i++)
		is_shared = has_name(&from->groups, gateway->groups.names[i]);
	if (from->groups.count && is_shared == from->groups_are_denied)
		return ROUTE_GROUP;
	return ROUTE_IN;
}

static enum route_verdict judge_numbers(const struct route_query *query,
					const struct conf_routing_gateway *gateway)
{
	static const enum route_verdict callers[] = {[CONF_NUMBER_OK] = ROUTE_IN,
						     [CONF_NUMBER_PREFIX] = ROUTE_CALLER_PREFIX,
						     [CONF_NUMBER_LENGTH] = ROUTE_CALLER_LENGTH,
						     [CONF_NUMBER_GROUP] = ROUTE_CALLER_GROUP};
	static const enum route_verdict callees[] = {[CONF_NUMBER_OK] = ROUTE_IN,
						     [CONF_NUMBER_PREFIX] = ROUTE_CALLEE_PREFIX,
						     [CONF_NUMBER_LENGTH] = ROUTE_CALLEE_LENGTH,
						     [CONF_NUMBER_GROUP] = ROUTE_CALLEE_GROUP};
	enum route_verdict verdict =
		callers[conf_number_check(&gateway->caller_rule, query->caller)];

	if (verdict == ROUTE_IN)
		verdict = callees[conf_number_check(&gateway->callee_rule, query->callee)];
	if (verdict != ROUTE_IN)
		return verdict;
	if (!conf_callee_check(query->conf, gateway->callee_restrict, query->callee))
		return ROUTE_CALLEE_RESTRICT;
	if (!conf_pair_check(&gateway->pair_rule, query->caller, query->callee))
		return ROUTE_PAIR;
	if (query->forwarded &&
	    conf_number_check(&gateway->forwarded_rule, query->forwarded) != CONF_NUMBER_OK)
		return ROUTE_FORWARDED_PREFIX;
	return ROUTE_IN;
}

static struct period_query period_query(const struct route_query *query)
{
	return (struct period_query){
		.week_min = query->week_min,
		.caller = span_of(query->caller),
		.callee = span_of(query->callee),
	};
}

void route_terms(const struct route_query *query, const struct conf_routing_gateway *gateway,
		 struct conf_terms *out)
{
	const struct period_query period = period_query(query);

	*out = (struct conf_terms){
		.capacity = gateway->capacity,
		.caller_plan = gateway->caller_plan,
		.callee_plan = gateway->callee_plan,
	};
	conf_periods_apply(&gateway->periods, &period, out);
}

static enum route_verdict judge_state(const struct route_query *query,
				      const struct conf_routing_gateway *gateway, uint32_t capacity)
{
	const struct live *live = gateway->live;

	if (atomic_load_explicit(&live->is_offline, memory_order_relaxed))
		return ROUTE_OFFLINE;
	if (atomic_load_explicit(&live->down_until_us, memory_order_relaxed) > query->now_us)
		return ROUTE_RETRY_AFTER;
	switch (live_would_admit(live, capacity, gateway->rate_limit, query->now_us)) {
	case LIVE_OK:
		break;
	case LIVE_FULL:
		return ROUTE_FULL;
	case LIVE_TOO_FAST:
		return ROUTE_TOO_FAST;
	}
	switch (conf_groups_would_admit(&gateway->membership, query->now_us)) {
	case CONF_GROUP_OK:
		break;
	case CONF_GROUP_FULL:
		return ROUTE_GROUP_FULL;
	case CONF_GROUP_RESERVED:
		return ROUTE_GROUP_RESERVED;
	}
	if (conf_registrations_are_full(gateway, query->now_us))
		return ROUTE_NO_TRUNK_LINE;
	return ROUTE_IN;
}

/* One that registers here has an address while it is registered: else it is offline. */
static bool has_address(const struct conf_routing_gateway *gateway)
{
	switch (gateway->reach) {
	case CONF_REACH_STATIC:
		return gateway->address_count > 0;
	case CONF_REACH_REGISTER:
		return gateway->registration_count > 0;
	case CONF_REACH_DYNAMIC:
		break;
	}
	return true;
}

static bool is_its_time(const struct route_query *query, const struct conf_routing_gateway *gateway)
{
	const struct period_query period = period_query(query);

	return period_rules_allow(gateway->periods.rules, gateway->periods.count, &period);
}

static enum route_verdict judge(const struct route_query *query,
				const struct conf_routing_gateway *gateway, uint32_t capacity)
{
	enum route_verdict verdict;

	if (gateway->lock == CONF_LOCK_ALL || gateway->lock == CONF_LOCK_OUT)
		return ROUTE_LOCKED;
	if (atomic_load_explicit(&gateway->live->admin, memory_order_relaxed) != LIVE_ENABLED)
		return ROUTE_DISABLED;
	if (!has_address(gateway))
		return ROUTE_NO_ADDRESS;
	verdict = judge_company(query->from, gateway);
	if (verdict == ROUTE_IN)
		verdict = judge_numbers(query, gateway);
	if (verdict == ROUTE_IN && !is_its_time(query, gateway))
		verdict = ROUTE_PERIOD;
	if (verdict == ROUTE_IN)
		verdict = judge_state(query, gateway, capacity);
	if (verdict == ROUTE_IN && gateway->is_protected)
		verdict = ROUTE_PROTECTED;
	return verdict;
}

enum route_verdict route_judge(const struct route_query *query,
			       const struct conf_routing_gateway *gateway)
{
	struct conf_terms terms;

	route_terms(query, gateway, &terms);
	return judge(query, gateway, terms.capacity);
}

/* Whether a gateway that is out was passed over as if it were not there; one that failed or is full
 * keeps its prefix. */
static bool is_as_if_absent(enum route_verdict verdict)
{
	switch (verdict) {
	case ROUTE_LOCKED:
	case ROUTE_DISABLED:
	case ROUTE_NOT_ALLOWED:
	case ROUTE_GROUP:
	case ROUTE_PERIOD:
	case ROUTE_CALLER_PREFIX:
	case ROUTE_CALLER_LENGTH:
	case ROUTE_CALLER_GROUP:
	case ROUTE_CALLEE_PREFIX:
	case ROUTE_CALLEE_LENGTH:
	case ROUTE_CALLEE_GROUP:
	case ROUTE_CALLEE_RESTRICT:
	case ROUTE_PAIR:
	case ROUTE_FORWARDED_PREFIX:
		return true;
	default:
		return false;
	}
}

/* A prefix in mode terminate, while the matches come with the longest first. */
struct stop {
	bool is_set;
	size_t len;
};

static void stop_shorter(struct stop *stop, struct route_candidate *candidate)
{
	if (stop->is_set && candidate->prefix_len < stop->len) {
		if (route_is_in(candidate->verdict))
			candidate->verdict = ROUTE_PREFIX_STOPS;
	} else if (candidate->gateway->stops_prefix && !is_as_if_absent(candidate->verdict)) {
		*stop = (struct stop){true, candidate->prefix_len};
	}
}

/* --- Order. --- */

static uint32_t asr_of(const struct snapshot *config, const struct live *live, uint64_t now_us)
{
	struct live_ratio ratio = live_window_sum(
		live, (uint32_t)snapshot_number(config, PARAM_SS_GATEWAY_ASR_RESERVE_TIME),
		(uint32_t)snapshot_number(config, PARAM_SS_GATEWAY_ASR_RESERVE_SEPARATE), now_us);

	return ratio.attempts ? (uint32_t)(ratio.answers * UINT64_C(1000) / ratio.attempts) : 1000;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Below 0 when a goes first. */
static int compare(const void *left, const void *right, void *context)
{
	const struct route_candidate *a = left;
	const struct route_candidate *b = right;
	int64_t asr_at = *(const int64_t *)context;
	int by_asr = compare_numbers(b->asr, a->asr);
	int order = compare_numbers(!route_is_in(a->verdict), !route_is_in(b->verdict));

	if (!order)
		order = compare_numbers(b->prefix_len, a->prefix_len);
	if (!order && asr_at == WORD_ROUTE_SORT_BEFORE_PRIORITY)
		order = by_asr;
	if (!order && a->gateway->priority != b->gateway->priority)
		order = a->gateway->priority < b->gateway->priority ? -1 : 1;
	if (!order && asr_at == WORD_ROUTE_SORT_AFTER_PRIORITY)
		order = by_asr;
	if (!order)
		order = compare_numbers(a->load, b->load);
	if (!order && asr_at == WORD_ROUTE_SORT_AFTER_LOAD)
		order = by_asr;
	if (!order)
		order = compare_numbers(a->attempts, b->attempts);
	return order ? order : strcmp(a->gateway->name, b->gateway->name);
}

static void fill(const struct route_query *query, const struct conf_match *match, bool wants_asr,
		 struct route_candidate *out)
{
	const struct conf_routing_gateway *gateway = match->gateway;
	struct conf_terms terms;

	route_terms(query, gateway, &terms);
	*out = (struct route_candidate){
		.gateway = gateway,
		.prefix_len = match->prefix_len,
		.verdict = judge(query, gateway, terms.capacity),
		.load = live_load(gateway->live, terms.capacity, query->now_us),
		.asr = wants_asr ? asr_of(query->conf->snapshot, gateway->live, query->now_us) : 0,
		.attempts = atomic_load_explicit(&gateway->live->attempts, memory_order_relaxed),
	};
}

size_t route_find(const struct route_query *query, struct route_candidate *out, size_t max)
{
	int64_t asr_at = query->sort != WORD_ROUTE_SORT_NONE
				 ? query->sort
				 : snapshot_number(query->conf->snapshot,
						   PARAM_SS_GATEWAY_ASR_ROUTE_SORT_CONFIG);
	struct conf_match_walk walk = conf_match_start(query->conf, query->callee);
	struct stop stop = {0};
	struct conf_match match;
	size_t count = 0;

	for (; conf_match_next(&walk, &match); count++) {
		if (count >= max)
			continue;
		fill(query, &match, asr_at != WORD_ROUTE_SORT_NONE, &out[count]);
		stop_shorter(&stop, &out[count]);
	}
	if (count <= max)
		qsort_r(out, count, sizeof(*out), compare, &asr_at);
	return count;
}
