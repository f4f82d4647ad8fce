/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gateways of a number, one after the other: which is next (behaviour C7, C9), what it is told
 * to dial (C10, C15), and its counters. */
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/call/call_diversion.h"
#include "switchd/call/call_trace.h"
#include "switchd/conf/conf_registrations.h"

#define CANDIDATES_NOTED 16
#define CANDIDATES_FEW   256 /* nearly always: the stack has room for them */

/* --- Which ones. --- */

/* Why none can be used: what an operator would look at first. */
static struct cause why_none(const struct route_candidate *list, size_t count)
{
	bool is_full = false;
	bool is_offline = false;

	if (count == 0)
		return cause_of(CAUSE_NOT_FOUND);
	for (size_t i = 0; i < count; i++) {
		is_full |= list[i].verdict == ROUTE_FULL || list[i].verdict == ROUTE_TOO_FAST ||
			   list[i].verdict == ROUTE_GROUP_FULL ||
			   list[i].verdict == ROUTE_GROUP_RESERVED ||
			   list[i].verdict == ROUTE_NO_TRUNK_LINE;
		is_offline |= list[i].verdict == ROUTE_OFFLINE ||
			      list[i].verdict == ROUTE_RETRY_AFTER ||
			      list[i].verdict == ROUTE_DISABLED;
	}
	if (is_full)
		return cause_of(CAUSE_GATEWAYS_FULL);
	return cause_of(is_offline ? CAUSE_GATEWAYS_OFFLINE : CAUSE_NO_ROUTE);
}

static struct route_query query_of(const struct call *call)
{
	const struct call_hunt *hunt = call->hunt;

	return (struct route_query){
		.conf = hunt->conf,
		.caller = hunt->caller_number,
		.callee = hunt->looked_up,
		.forwarded = call_forwarded_number(hunt),
		.from = hunt->mapping,
		.sort = hunt->mapping ? hunt->mapping->route_sort
			: hunt->phone ? hunt->phone->route_sort
				      : WORD_ROUTE_SORT_NONE,
		.week_min = conf_week_minute(call->start_ms),
		.now_us = *call->table->env.now_us,
	};
}

/* What was found, for the recorder: the best ones; a long list would push out other calls. */
static void note_found(const struct call *call, const struct route_candidate *found, size_t count)
{
	for (size_t i = 0; i < count && i < CANDIDATES_NOTED; i++) {
		bool is_in = route_is_in(found[i].verdict);

		call_note(call, is_in ? TRACE_CANDIDATE_IN : TRACE_CANDIDATE_OUT, MEDIA_B,
			  found[i].verdict, (int64_t)found[i].prefix_len, found[i].gateway->name);
	}
}

static struct cause use(struct call_gateways *gateways, const struct route_candidate *found,
			size_t count)
{
	*gateways = (struct call_gateways){.count = count};
	gateways->list = malloc(count * (sizeof(*gateways->list) + sizeof(bool)));
	if (!gateways->list)
		return cause_of(CAUSE_NO_MEMORY);
	memcpy(gateways->list, found, count * sizeof(*gateways->list));
	gateways->is_tried = (bool *)(gateways->list + count);
	memset(gateways->is_tried, 0, count * sizeof(bool));
	return cause_of(CAUSE_NORMAL);
}

/* The prefix is for the number that was called, not for one that it was forwarded to. One that
 * would not fit is left out, as with dial plans. */
static void set_looked_up(struct call *call)
{
	struct call_hunt *hunt = call->hunt;
	struct span number = span_of(hunt->callee_number);
	struct span prefix = hunt->depth == 0 ? hunt->prefix : SPAN_NONE;

	if (prefix.len + number.len >= sizeof(hunt->looked_up))
		prefix = SPAN_NONE;
	span_join(prefix, number, hunt->looked_up, sizeof(hunt->looked_up));
	if (prefix.len)
		call_note(call, TRACE_PREFIXED, MEDIA_B, 0, 0, hunt->looked_up);
}

/* All that have the number; `many` is to be freed. */
struct found {
	struct route_candidate few[CANDIDATES_FEW];
	struct route_candidate *many; /* NULL: the few are all */
	const struct route_candidate *list;
	size_t count;
};

static bool find(struct call *call, struct found *out)
{
	struct route_query query;

	set_looked_up(call);
	query = query_of(call);
	out->many = NULL;
	out->list = out->few;
	out->count = route_find(&query, out->few, CANDIDATES_FEW);
	if (out->count > CANDIDATES_FEW) {
		out->many = malloc(out->count * sizeof(*out->many));
		if (!out->many)
			return false;
		out->list = out->many;
		(void)route_find(&query, out->many, out->count);
	}
	note_found(call, out->list, out->count);
	return true;
}

/* Those that are in come first. */
static struct cause use_those_in(struct call *call, const struct found *found)
{
	size_t count = 0;

	while (count < found->count && route_is_in(found->list[count].verdict))
		count++;
	if (count == 0)
		return why_none(found->list, found->count);
	return use(&call->hunt->gateways, found->list, count);
}

struct cause call_gateways_fill(struct call *call)
{
	struct found found;
	struct cause cause;

	if (!find(call, &found))
		return cause_of(CAUSE_NO_MEMORY);
	cause = use_those_in(call, &found);
	free(found.many);
	return cause;
}

struct cause call_gateways_fill_one(struct call *call, const struct conf_routing_gateway *gateway,
				    const struct addr *address)
{
	struct route_candidate found = {.gateway = gateway};
	struct call_gateways *gateways = &call->hunt->gateways;
	struct route_query query;
	struct cause cause;

	set_looked_up(call);
	query = query_of(call);
	found.verdict = route_judge(&query, gateway);
	note_found(call, &found, 1);
	if (!route_is_in(found.verdict))
		return why_none(&found, 1);
	cause = use(gateways, &found, 1);
	for (size_t i = 0; i < gateway->address_count; i++)
		if (addr_eq(&gateway->addresses[i], address))
			gateways->first_address = i;
	return cause;
}

void call_gateways_end(struct call_gateways *gateways)
{
	free(gateways->list);
	gateways->list = NULL;
}

static const struct route_candidate *take_first(struct call_gateways *gateways, bool with_protected)
{
	for (size_t i = 0; i < gateways->count; i++) {
		if (gateways->is_tried[i] ||
		    (gateways->list[i].verdict == ROUTE_PROTECTED && !with_protected))
			continue;
		gateways->is_tried[i] = true;
		return &gateways->list[i];
	}
	return NULL;
}

/* C9: protected ones once no other is left, or set-up has taken SS_TRY_PROTECT_ROUTE_DELAY. */
static const struct route_candidate *choose(struct call *call)
{
	struct call_gateways *gateways = &call->hunt->gateways;
	int64_t delay_s =
		snapshot_number(call->hunt->conf->snapshot, PARAM_SS_TRY_PROTECT_ROUTE_DELAY);
	uint64_t elapsed_us = *call->table->env.now_us - call->start_us;
	bool is_long = delay_s > 0 && elapsed_us >= (uint64_t)delay_s * 1000000;
	const struct route_candidate *chosen = take_first(gateways, is_long);

	return chosen ? chosen : take_first(gateways, true);
}

/* --- The next one as a candidate. --- */

static void note_terms(const struct call *call, const struct conf_terms *terms)
{
	for (int i = 0; i < PERIOD_ACTIONS; i++)
		if (terms->rules[i])
			call_note(call, TRACE_PERIOD, MEDIA_B, 0, 0, terms->rules[i]);
}

static void reach(struct call *call, struct call_target *target, size_t address)
{
	const struct conf_routing_gateway *gateway = target->gateway;

	call_gateway_reach(call, gateway, address, target);
	decide_party_from(&gateway->party, &target->decide);
	target->decide.is_nat = target->is_nat;
	target->decide.source = target->address;
	if (!target->decide.network[0])
		target->decide.network = conf_network_of(call->hunt->conf, &target->address, NULL);
}

void call_gateways_reach_again(struct call *call, struct call_target *target)
{
	if (target->registration)
		reach(call, target, 0);
}

static void aim(struct call *call, struct call_candidate *candidate,
		const struct conf_routing_gateway *gateway, size_t address)
{
	const struct route_query query = query_of(call);
	struct call_hunt *hunt = call->hunt;
	struct call_target *target = &candidate->target;
	struct conf_terms terms;

	free(target->route);
	memset(candidate, 0, sizeof(*candidate));
	span_join(SPAN_LIT("routing-gateway "), span_of(gateway->name), target->party,
		  sizeof(target->party));
	route_terms(&query, gateway, &terms);
	note_terms(call, &terms);
	target->capacity = terms.capacity;
	conf_plan_apply(terms.callee_plan, hunt->looked_up, call_chance, NULL, target->number,
			sizeof(target->number));
	conf_plan_apply(terms.caller_plan, call_hunt_shown(hunt, gateway->shows_display_number),
			call_chance, NULL, target->caller, sizeof(target->caller));
	target->gateway = gateway;
	target->max_duration = gateway->max_duration;
	target->has_session_timer = gateway->party.has_session_timer;
	target->has_100rel = gateway->party.has_100rel;
	target->reply_address = gateway->party.reply_address;
	target->request_address = gateway->party.request_address;
	reach(call, target, address);
}

/* Found fit when the call came, and since then taken out of service, dead, or left alone for a
 * while. How full it is shows when a line is taken. */
static bool has_gone(const struct call *call, const struct route_candidate *candidate)
{
	const struct route_query query = query_of(call);
	enum route_verdict verdict = route_judge(&query, candidate->gateway);

	if (verdict != ROUTE_DISABLED && verdict != ROUTE_OFFLINE && verdict != ROUTE_RETRY_AFTER)
		return false;
	call_note(call, TRACE_CANDIDATE_OUT, MEDIA_B, verdict, (int64_t)candidate->prefix_len,
		  candidate->gateway->name);
	return true;
}

bool call_gateways_next(struct call *call)
{
	struct call_gateways *gateways = &call->hunt->gateways;
	const struct route_candidate *next;

	if (gateways->wants_address) {
		gateways->wants_address = false;
		gateways->address++;
		(void)call_gateway_next_place(call, gateways->current, &gateways->address);
		aim(call, &call->hunt->candidates[0], gateways->current, gateways->address);
		return true;
	}
	do
		next = choose(call);
	while (next && gateways->current && has_gone(call, next));
	if (!next)
		return false;
	gateways->switches += gateways->was_called;
	gateways->was_called = false;
	gateways->current = next->gateway;
	gateways->address = gateways->first_address;
	if (!call_gateway_next_place(call, next->gateway, &gateways->address))
		gateways->address = gateways->first_address; /* it has died since then */
	aim(call, &call->hunt->candidates[0], next->gateway, gateways->address);
	return true;
}

static struct cause add_first(struct call *call, const struct found *found)
{
	struct call_candidate *candidate;
	size_t address = 0;

	if (found->count == 0 || !route_is_in(found->list[0].verdict))
		return why_none(found->list, found->count);
	candidate = call_hunt_add(call->hunt);
	if (!candidate)
		return cause_of(CAUSE_NO_ROUTE);
	if (!call_gateway_next_place(call, found->list[0].gateway, &address))
		address = 0;
	aim(call, candidate, found->list[0].gateway, address);
	return cause_of(CAUSE_NORMAL);
}

struct cause call_gateways_add(struct call *call)
{
	struct found found;
	struct cause cause;

	if (!find(call, &found))
		return cause_of(CAUSE_NO_MEMORY);
	cause = add_first(call, &found);
	free(found.many);
	return cause;
}

/* Nobody there, or nobody who can: another address of the same gateway may do better. */
static bool is_of_the_address(struct cause cause)
{
	return cause.received == 503 || cause.received == 408 ||
	       (!cause.received &&
		(cause.id == CAUSE_TIMEOUT_INVITE || cause.id == CAUSE_GATEWAY_UNREACHABLE));
}

bool call_gateways_may_go_on(struct call *call, struct cause cause)
{
	struct call_hunt *hunt = call->hunt;
	struct call_gateways *gateways = &hunt->gateways;
	const struct conf_routing_gateway *current = gateways->current;
	size_t address = gateways->address + 1;

	gateways->failed.cause = cause;
	gateways->failed.switches = gateways->switches;
	gateways->failed.is_registered = current->reach == CONF_REACH_REGISTER;
	gateways->wants_address = is_of_the_address(cause) && !cause.retry_after_s &&
				  call_gateway_next_place(call, current, &address);
	gateways->rule =
		switch_decide(hunt->conf->snapshot, &current->switching, &gateways->failed);
	/* The limit is one of gateways. */
	if (gateways->wants_address && gateways->rule == SWITCH_STOP_LIMIT)
		gateways->rule = SWITCH_GO_ON;
	call_note(call, gateways->rule == SWITCH_GO_ON ? TRACE_SWITCH : TRACE_NO_SWITCH, MEDIA_B,
		  gateways->rule, 0, switch_rule_text(gateways->rule));
	return gateways->rule == SWITCH_GO_ON;
}

/* --- Counters. --- */

struct cause call_gateways_take_line(struct call *call, struct call_attempt *attempt)
{
	struct call_target *target = &attempt->candidate->target;
	const struct conf_routing_gateway *gateway = target->gateway;
	uint64_t now_us = *call->table->env.now_us;

	if (!gateway)
		return cause_of(CAUSE_NORMAL);
	switch (live_begin(gateway->live, target->capacity, gateway->rate_limit, now_us)) {
	case LIVE_OK:
		attempt->line = gateway->live;
		break;
	case LIVE_FULL:
		return cause_of(CAUSE_GATEWAY_FULL);
	case LIVE_TOO_FAST:
		return cause_of(CAUSE_GATEWAY_RATE);
	}
	if (!call_lines_take(&attempt->groups, &gateway->membership, now_us))
		return cause_of(CAUSE_GROUP_FULL);
	if (!call_lines_take_trunk(&attempt->groups, target->registration, now_us) ||
	    (!target->registration && conf_registrations_are_full(gateway, now_us)))
		return cause_of(CAUSE_REGISTRATION_FULL);
	if (!gateway->pool)
		return cause_of(CAUSE_NORMAL);
	attempt->pool_number = conf_pool_take(gateway->pool, call_chance, NULL, now_us);
	if (!attempt->pool_number)
		return cause_of(CAUSE_POOL_EMPTY);
	span_join(span_of(attempt->pool_number->name), SPAN_NONE, target->caller,
		  sizeof(target->caller));
	return cause_of(CAUSE_NORMAL);
}

static void count_answer(struct call *call, const struct live *line, bool is_answered)
{
	const struct snapshot *config = (*call->table->env.conf)->snapshot;

	if (line->kind == LIVE_ROUTING_GATEWAY &&
	    snapshot_bool(config, PARAM_SS_GATEWAY_ASR_CALCULATE))
		live_window_add(
			(struct live *)line, is_answered,
			(uint32_t)snapshot_number(config, PARAM_SS_GATEWAY_ASR_RESERVE_TIME),
			(uint32_t)snapshot_number(config, PARAM_SS_GATEWAY_ASR_RESERVE_SEPARATE),
			*call->table->env.now_us);
}

void call_gateways_give_line(struct call *call, struct call_attempt *attempt, bool is_answered)
{
	struct live *line = attempt->line;

	if (attempt->pool_number && !is_answered)
		live_end(attempt->pool_number);
	if (!is_answered) {
		attempt->pool_number = NULL;
		call_lines_end(&attempt->groups);
	}
	if (!line)
		return;
	if (attempt->ring_ms)
		atomic_fetch_add_explicit(&line->rang, 1, memory_order_relaxed);
	count_answer(call, line, is_answered);
	if (is_answered) {
		atomic_fetch_add_explicit(&line->answered, 1, memory_order_relaxed);
		return; /* both are the call's until it ends */
	}
	if (attempt->outcome.retry_after_s)
		atomic_store_explicit(&line->down_until_us,
				      *call->table->env.now_us +
					      attempt->outcome.retry_after_s * UINT64_C(1000000),
				      memory_order_relaxed);
	live_end(line);
	attempt->line = NULL;
}
