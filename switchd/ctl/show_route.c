/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a called number would go: the phone of that number, else the candidates of
 * switchd/call/route.h with what became of each, and behind them the gateways that take other
 * numbers only. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/auth/blacklist.h"
#include "switchd/auth/digest.h"
#include "switchd/call/call_lists.h"
#include "switchd/call/route.h"
#include "switchd/ctl/gateway.h"
#include "switchd/ctl/handlers.h"
#include "switchd/sip/location.h"

#define NUMBER_BYTES 64

static const struct column route_columns[] = {
	{"order", CELL_INT, "", "#", 2},
	{"party", CELL_TEXT, "", "CANDIDATE", 24},
	{"is_used", CELL_BOOL, "", "IN", 3},
	{"prefix", CELL_TEXT, "", "PREFIX", 8},
	{"priority", CELL_INT, "", "PRIORITY", -8},
	{"address", CELL_TEXT, "", "ADDRESS", 21},
	{"caller", CELL_TEXT, "", "CALLER", -12},
	{"callee", CELL_TEXT, "", "CALLEE", -12},
	{"calls", CELL_INT, "", "CALLS", -5},
	{"capacity", CELL_INT, "", "CAPACITY", -8},
	{"verdict", CELL_TEXT, "", "RULE", -12},
	{"reason", CELL_TEXT, "", "WHY", 24},
	{"local_address", CELL_TEXT, "", "", 21},
};

const struct schema schema_route = SCHEMA_OF_ROWS(route_columns);

struct walk_route {
	struct conf *conf;
	const struct conf_mapping_gateway *from; /* NULL: from a phone, or from nowhere */
	const char *barred;                      /* why `from` may not call; NULL: it may */
	char caller[NUMBER_BYTES];               /* after the rewriting on the way in */
	char callee[NUMBER_BYTES];
	char looked_up[NUMBER_BYTES]; /* by gateways: behind a proportional prefix */
	struct route_query query;     /* what gateways are asked */
	struct route_candidate *list;
	size_t count;
	size_t at;
	size_t other; /* next of all gateways, behind the list */
	int order;
	const struct conf_phone *phone; /* of the number; NULL: none */
	const struct conf_phone *shown; /* that calls, by its display-number; NULL: as it is */
	bool is_phone;                  /* its contacts are all that may be called */
};

static void drop_route(void *state)
{
	struct walk_route *walk = state;

	conf_unref(walk->conf);
	free(walk->list);
	free(walk);
}

static uint64_t choose(void *context, uint64_t n)
{
	(void)context;
	return randombytes_uniform((uint32_t)n);
}

/* Numbers as they are sent to a gateway. */
static void rewrite(const struct walk_route *walk, const struct conf_routing_gateway *gateway,
		    const struct conf_terms *terms, char caller[NUMBER_BYTES],
		    char callee[NUMBER_BYTES])
{
	const char *shown = walk->shown && gateway->shows_display_number
				    ? walk->shown->display_number
				    : walk->caller;

	conf_plan_apply(terms->caller_plan, shown, choose, NULL, caller, NUMBER_BYTES);
	conf_plan_apply(terms->callee_plan, walk->looked_up, choose, NULL, callee, NUMBER_BYTES);
}

/* The reason, and the period rules that say what the gateway has for the call. */
static void emit_reason(struct request *request, const char *reason, const struct conf_terms *terms)
{
	struct buf text = buf_new();

	buf_add_str(&text, reason);
	for (int i = 0; i < PERIOD_ACTIONS; i++)
		if (terms->rules[i])
			buf_printf(&text, "; now %s", terms->rules[i]);
	emit_str(request, buf_cstr(&text));
	buf_free(&text);
}

static void emit_order(struct request *request, struct walk_route *walk, bool is_used)
{
	if (is_used)
		emit_int(request, ++walk->order);
	else
		emit_null(request);
}

/* Where it has to be called from; null: by any listen address, or as it is registered. */
static void emit_local(struct request *request, const struct addr *address)
{
	if (address)
		emit_addr(request, address);
	else
		emit_null(request);
}

static void emit_gateway(struct request *request, struct walk_route *walk,
			 const struct conf_routing_gateway *gateway, struct span prefix,
			 const struct addr *address, bool is_used, const char *verdict,
			 const char *reason)
{
	char caller[NUMBER_BYTES];
	char callee[NUMBER_BYTES];
	char party[160];
	struct conf_terms terms;

	snprintf(party, sizeof(party), "routing-gateway %s", gateway->name);
	route_terms(&walk->query, gateway, &terms);
	rewrite(walk, gateway, &terms, caller, callee);
	emit_order(request, walk, is_used);
	emit_str(request, party);
	emit_bool(request, is_used);
	if (prefix.ptr)
		emit_text(request, prefix);
	else
		emit_null(request);
	emit_int(request, gateway->priority);
	if (address)
		emit_addr(request, address);
	else
		emit_null(request);
	emit_str(request, caller);
	emit_str(request, callee);
	emit_int(request, atomic_load_explicit(&gateway->live->calls, memory_order_relaxed));
	if (terms.capacity)
		emit_int(request, terms.capacity);
	else
		emit_null(request);
	emit_str(request, verdict);
	emit_reason(request, reason, &terms);
	emit_local(request, gateway->reach == CONF_REACH_STATIC ? &gateway->local_address : NULL);
	emit_row_end(request);
}

/* A row for each address that would be tried or is dead, one for a gateway that is out. */
static void emit_candidate(struct request *request, struct walk_route *walk,
			   const struct route_candidate *candidate)
{
	const struct conf_routing_gateway *gateway = candidate->gateway;
	struct span prefix = {walk->looked_up, candidate->prefix_len};
	bool is_in = route_is_in(candidate->verdict) && !walk->barred;
	const char *verdict = route_verdict_name(candidate->verdict);
	const char *reason = route_verdict_text(candidate->verdict);
	int addresses = is_in ? gateway->address_count : gateway->address_count > 0;

	if (route_is_in(candidate->verdict) && walk->barred) {
		verdict = "source";
		reason = walk->barred;
	}
	if (candidate->verdict == ROUTE_IN && is_in)
		reason = "prefix fits";
	for (int i = 0; i < addresses; i++) {
		bool is_dead = is_in && live_address_is_dead(gateway->live, (size_t)i);

		emit_gateway(request, walk, gateway, prefix, &gateway->addresses[i],
			     is_in && !is_dead, is_dead ? "dead-address" : verdict,
			     is_dead ? "this address does not answer OPTIONS" : reason);
	}
	if (!addresses)
		emit_gateway(request, walk, gateway, prefix, NULL, is_in, verdict, reason);
}

static void emit_other(struct request *request, struct walk_route *walk, const char *name)
{
	const struct conf_routing_gateway *gateway =
		conf_routing_gateway_find(walk->conf, span_of(name));

	if (gateway && !conf_matches(gateway, walk->looked_up))
		emit_gateway(request, walk, gateway, SPAN_NONE, NULL, false, "no-prefix",
			     "no prefix of it begins the number");
}

/* --- The phone of that number: it goes before every gateway. --- */

static void emit_phone_row(struct request *request, struct walk_route *walk,
			   const struct addr *address, const char *verdict, const char *reason)
{
	bool is_used = address && !walk->barred;
	char party[160];

	snprintf(party, sizeof(party), "phone %s", walk->phone->number);
	emit_order(request, walk, is_used);
	emit_str(request, party);
	emit_bool(request, is_used);
	emit_null(request);
	emit_null(request);
	if (address)
		emit_addr(request, address);
	else
		emit_null(request);
	emit_str(request, walk->shown ? walk->shown->display_number : walk->caller);
	emit_str(request, walk->callee);
	emit_null(request);
	emit_null(request);
	emit_str(request, address && walk->barred ? "source" : verdict);
	emit_str(request, address && walk->barred ? walk->barred : reason);
	emit_local(request, walk->phone->is_static ? &walk->phone->local_address : NULL);
	emit_row_end(request);
}

/* Why it is not called, whether it could be reached or not; NULL: it is. */
static const char *barred_callee(const struct walk_route *walk, const struct conf_phone *phone,
				 const char **verdict)
{
	switch (conf_phone_forwards(phone, clock_wall_ms(), walk->caller)) {
	case CONF_FORWARD_PERIOD:
		*verdict = "forwarded";
		return "calls to it are forwarded at this time of the week";
	case CONF_FORWARD_ALWAYS:
		*verdict = "forwarded";
		return "all calls to it are forwarded";
	default:
		break;
	}
	*verdict = "do-not-disturb";
	if (phone->is_busy)
		return "the phone is not to be disturbed";
	*verdict = "capacity";
	switch (conf_phone_line_ask(phone, CONF_WAY_IN, clock_mono_us())) {
	case CONF_LINE_FULL:
		return "all its lines are taken";
	case CONF_LINE_WAY_FULL:
		return "all its lines for calls to it are taken";
	case CONF_LINE_OK:
		break;
	}
	return NULL;
}

/* False: the gateways of its number are asked. */
static bool emit_phone(struct request *request, struct walk_route *walk,
		       const struct conf_phone *phone)
{
	bool is_did = strcmp(phone->number, walk->callee) != 0;
	struct location *location = request->ctl->context.location;
	struct binding bindings[LOCATION_CONTACTS_MAX];
	const char *verdict = "locked";
	const char *why = "locked for incoming calls";
	size_t count = 0;

	walk->phone = phone;
	if (phone->lock != CONF_LOCK_IN && phone->lock != CONF_LOCK_ALL)
		why = barred_callee(walk, phone, &verdict);
	if (why) {
		emit_phone_row(request, walk, NULL, verdict, why);
		return true;
	}
	if (phone->is_static) {
		emit_phone_row(request, walk, &phone->static_address, "in",
			       is_did ? "by its did, static address" : "static address");
		return true;
	}
	if (location)
		count = location_find(location, span_of(phone->number), location_now_ms(location),
				      bindings, LOCATION_CONTACTS_MAX);
	for (size_t i = 0; i < count; i++)
		emit_phone_row(request, walk, &bindings[i].source, "in",
			       is_did ? "by its did, registered" : "registered");
	if (!count && conf_phone_goes_out(phone))
		emit_phone_row(request, walk, NULL, "offline",
			       "not registered: routing gateways are tried");
	else if (!count)
		emit_phone_row(request, walk, NULL, "offline", "not registered");
	return count || !conf_phone_goes_out(phone);
}

/* --- The question. --- */

static const char *barred_numbers(const struct walk_route *walk, const char *caller,
				  const char *callee)
{
	const struct conf_mapping_gateway *from = walk->from;
	enum conf_number_verdict verdict = conf_number_check(&from->caller_rule, caller);

	if (verdict == CONF_NUMBER_GROUP)
		return "the number groups of the mapping gateway bar the caller";
	if (verdict != CONF_NUMBER_OK)
		return "the mapping gateway may not call from this number";
	verdict = conf_number_check(&from->callee_rule, callee);
	if (verdict == CONF_NUMBER_GROUP)
		return "the number groups of the mapping gateway bar the called number";
	if (verdict != CONF_NUMBER_OK)
		return "the mapping gateway may not call this number";
	if (!conf_callee_check(walk->conf, from->callee_restrict, walk->callee))
		return from->callee_restrict == WORD_CALLEE_RESTRICT_PHONE
			       ? "the mapping gateway may call phones only"
			       : "the mapping gateway may call no phone";
	return NULL;
}

/* Why a mapping gateway may not bring this call in; NULL: it may. The numbers are as received. */
static const char *barred_source(const struct walk_route *walk, const char *caller,
				 const char *callee)
{
	const struct conf_mapping_gateway *from = walk->from;
	const char *why;

	if (from->lock == CONF_LOCK_IN || from->lock == CONF_LOCK_ALL)
		return "the mapping gateway is locked";
	switch (gateway_admin(from->live)) {
	case LIVE_DRAINING:
		return "the mapping gateway is being drained";
	case LIVE_DISABLED:
		return "the mapping gateway is disabled";
	case LIVE_ENABLED:
		break;
	}
	why = barred_numbers(walk, caller, callee);
	if (why)
		return why;
	switch (live_would_admit(from->live, from->capacity, from->rate_limit, clock_mono_us())) {
	case LIVE_FULL:
		return "all lines of the mapping gateway are taken";
	case LIVE_TOO_FAST:
		return "the mapping gateway's calls of this second are taken";
	case LIVE_OK:
		break;
	}
	switch (conf_groups_would_admit(&from->membership, clock_mono_us())) {
	case CONF_GROUP_FULL:
		return "all lines of a group of the mapping gateway are taken";
	case CONF_GROUP_RESERVED:
		return "the free lines of a group are reserved for others";
	case CONF_GROUP_OK:
		break;
	}
	return NULL;
}

/* The same of a phone; where several things bar it, what a call finds first. */
static const char *barred_phone(const struct conf_phone *phone)
{
	if (phone->lock == CONF_LOCK_OUT || phone->lock == CONF_LOCK_ALL)
		return "the phone is locked for outgoing calls";
	switch (conf_phone_line_ask(phone, CONF_WAY_OUT, clock_mono_us())) {
	case CONF_LINE_FULL:
		return "all lines of the phone are taken";
	case CONF_LINE_WAY_FULL:
		return "all lines of the phone for calls from it are taken";
	case CONF_LINE_OK:
		break;
	}
	return NULL;
}

/* What the source makes of the numbers before they are routed; without a gateway the caller may be
 * a phone. */
static void rewrite_in(struct walk_route *walk, const char *caller, const char *callee)
{
	const struct conf_phone *phone =
		walk->from ? NULL : conf_phone_find(walk->conf, span_of(caller));
	const struct conf_dial_plan *caller_plan = walk->from ? walk->from->caller_plan
						   : phone    ? phone->caller_plan
							      : NULL;
	const struct conf_dial_plan *callee_plan = walk->from ? walk->from->callee_plan
						   : phone    ? phone->callee_plan
							      : NULL;

	conf_plan_apply(caller_plan, caller, choose, NULL, walk->caller, sizeof(walk->caller));
	conf_plan_apply(callee_plan, callee, choose, NULL, walk->callee, sizeof(walk->callee));
}

/* Why a black list refuses the call; NULL: none does. */
static const char *listed(struct request *request, const struct walk_route *walk)
{
	const char *caller = request_arg(request, "caller");
	const struct conf_phone *phone = conf_phone_find(walk->conf, span_of(caller ? caller : ""));
	struct auth *auth = request->ctl->context.auth;
	bool has_list = walk->from ? walk->from->has_black_list : phone && phone->has_black_list;
	struct call_lists lists = {
		.config = walk->conf->snapshot,
		.blacklist = has_list && auth ? auth_blacklist(auth) : NULL,
		.caller = walk->caller,
		.callee = walk->callee,
	};
	enum cause_id id = call_lists_ask(&lists, clock_mono_us());

	return id == CAUSE_NORMAL ? NULL : cause_text(cause_of(id));
}

/* False, with the request refused, when the gateway that was named does not exist. */
static bool take_source(struct request *request, struct walk_route *walk)
{
	const char *name = request_arg(request, "mapping");
	const char *caller = request_arg(request, "caller");
	const char *callee = match_text(&request->match, "callee");
	const struct conf_phone *phone = conf_phone_find(walk->conf, span_of(caller ? caller : ""));

	if (name) {
		walk->from = conf_mapping_named(walk->conf, span_of(name));
		if (!walk->from) {
			request_refuse(request, FAULT_NOT_FOUND,
				       match_arg(&request->match, "mapping")->column,
				       "there is no mapping-gateway %s", name);
			return false;
		}
	}
	rewrite_in(walk, caller ? caller : "", callee);
	if (walk->from)
		walk->barred = barred_source(walk, caller ? caller : "", callee);
	else if (phone)
		walk->barred = barred_phone(phone);
	if (phone && !walk->from && phone->display_number[0])
		walk->shown = phone;
	if (!walk->barred)
		walk->barred = listed(request, walk);
	return true;
}

static uint8_t sort_of(const struct walk_route *walk, const char *caller)
{
	const struct conf_phone *phone = conf_phone_find(walk->conf, span_of(caller));

	if (walk->from)
		return walk->from->route_sort;
	return phone ? phone->route_sort : WORD_ROUTE_SORT_NONE;
}

/* The candidates, however many; one of the proportional prefixes, as a call would have one. */
static bool find(struct request *request, struct walk_route *walk)
{
	const char *caller = request_arg(request, "caller");
	struct span prefix =
		walk->from ? conf_prefixing_pick(&walk->from->prefixing, choose, NULL) : SPAN_NONE;
	size_t room = conf_routing_gateway_count(walk->conf);

	if (prefix.len + strlen(walk->callee) >= sizeof(walk->looked_up))
		prefix = SPAN_NONE;
	span_join(prefix, span_of(walk->callee), walk->looked_up, sizeof(walk->looked_up));
	walk->query = (struct route_query){
		.conf = walk->conf,
		.caller = walk->caller,
		.callee = walk->looked_up,
		.from = walk->from,
		.sort = sort_of(walk, caller ? caller : ""),
		.forwarded = request_arg(request, "forwarded"),
		.week_min = conf_week_minute(clock_wall_ms()),
		.now_us = clock_mono_us(),
	};
	walk->list = calloc(room + 1, sizeof(*walk->list));
	if (!walk->list) {
		request_no_memory(request);
		return false;
	}
	walk->count = route_find(&walk->query, walk->list, room);
	return true;
}

static bool ask(struct request *request, struct walk_route *walk)
{
	const struct conf_phone *phone;

	walk->conf = conf_ref(request->ctl->conf);
	request->drop_state = drop_route;
	if (!take_source(request, walk))
		return false;
	EMIT_TABLE(request, route_columns);
	phone = conf_phone_called(walk->conf, span_of(walk->callee));
	walk->is_phone = phone && emit_phone(request, walk, phone);
	if (walk->is_phone)
		return true;
	return find(request, walk);
}

enum step show_route(struct request *request)
{
	struct walk_route *walk = request_state(request, sizeof(*walk));
	size_t all;

	if (!walk)
		return request_no_memory(request);
	if ((!walk->conf && !ask(request, walk)) || walk->is_phone)
		return STEP_DONE;
	all = snapshot_object_count(walk->conf->snapshot, OBJECT_ROUTING_GATEWAY);
	for (int i = 0; i < CTL_SLICE && walk->at < walk->count; i++)
		emit_candidate(request, walk, &walk->list[walk->at++]);
	for (int i = 0; i < CTL_SLICE && walk->at == walk->count && walk->other < all; i++)
		emit_other(request, walk,
			   object_key(snapshot_object_at(walk->conf->snapshot,
							 OBJECT_ROUTING_GATEWAY, walk->other++)));
	return walk->at < walk->count || walk->other < all ? STEP_MORE : STEP_DONE;
}
