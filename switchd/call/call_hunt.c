/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hunt: candidates for a callee (the contacts of a phone, or gateways by prefix), called in
 * turn, or those of a group at once, until one answers or the rules say stop (behaviour C7,
 * RFC 3261 16.6 and 16.7). */
#include <stdlib.h>
#include <utlist.h>

#include "switchd/call/call_diversion.h"
#include "switchd/call/call_forward.h"
#include "switchd/call/call_ringback.h"
#include "switchd/call/call_trace.h"
#include "switchd/sip/location.h"

/* Makes room for the candidates once their number is known. */
static bool reserve_candidates(struct call *call, size_t count)
{
	struct call_hunt *hunt = call->hunt;

	hunt->capacity = count < CALL_TARGETS_MAX ? count : CALL_TARGETS_MAX;
	hunt->candidates = pool_take_zeroed(&call->table->setups_pool,
					    hunt->capacity * sizeof(*hunt->candidates));
	return hunt->candidates != NULL;
}

/* NULL: the list is full. Each is a group of its own unless the caller of this says otherwise. */
static struct call_target *add_target(struct call_hunt *hunt)
{
	struct call_candidate *candidate;

	if (hunt->count == hunt->capacity)
		return NULL;
	candidate = &hunt->candidates[hunt->count];
	candidate->group = (unsigned)hunt->count++;
	return &candidate->target;
}

static void set_numbers(const struct call *call, const struct conf_phone *phone,
			struct call_target *target)
{
	span_join(span_of(phone->number), SPAN_NONE, target->number, sizeof(target->number));
	span_join(span_of(call->hunt->caller_number), SPAN_NONE, target->caller,
		  sizeof(target->caller));
	target->max_duration_s = phone->max_duration_s;
	target->has_session_timer = phone->party.has_session_timer;
	target->has_100rel = phone->party.has_100rel;
	target->presentation = &phone->presentation;
	if (phone->forwarding && phone->forwarding->numbers[CONF_FORWARD_NO_ANSWER].count)
		target->ring_s = phone->forwarding->ring_s;
}

static void add_binding(struct call *call, const struct conf_phone *phone,
			const struct binding *binding)
{
	struct call_target *target = add_target(call->hunt);

	if (!target)
		return;
	span_join(SPAN_LIT("phone "), span_of(phone->number), target->party, sizeof(target->party));
	span_join(span_of(binding->contact), SPAN_NONE, target->request_uri,
		  sizeof(target->request_uri));
	set_numbers(call, phone, target);
	target->address = binding->source;
	target->local = binding->local;
	target->transports = binding->is_stream ? 1u << CONF_TCP | 1u << CONF_TLS : 1u << CONF_UDP;
	target->is_nat = binding->is_nat;
	/* Without memory the call takes the direct way, and mostly fails. */
	target->route = binding->path[0] ? strdup(binding->path) : NULL;
	call_note(call, TRACE_CANDIDATE_IN, MEDIA_B, ROUTE_IN, 0, target->request_uri);
	decide_party_from(&phone->party, &target->decide);
	target->decide.is_nat = binding->is_nat;
	target->decide.source = binding->source;
	if (!target->decide.network[0])
		target->decide.network =
			conf_network_of(call->hunt->conf, &binding->source, &binding->local);
}

static void add_static(struct call *call, const struct conf_phone *phone)
{
	struct call_target *target = add_target(call->hunt);

	if (!target)
		return;
	span_join(SPAN_LIT("phone "), span_of(phone->number), target->party, sizeof(target->party));
	set_numbers(call, phone, target);
	target->address = phone->static_address;
	target->transports = 1u << CONF_UDP;
	decide_party_from(&phone->party, &target->decide);
	target->decide.source = target->address;
	if (!target->decide.network[0])
		target->decide.network = conf_network_of(call->hunt->conf, &target->address, NULL);
}

static struct cause fill_phone(struct call *call, const struct conf_phone *phone,
			       struct span instance)
{
	struct location *location = call->table->env.location;
	struct binding bindings[LOCATION_CONTACTS_MAX];
	struct call_hunt *hunt = call->hunt;
	size_t count;

	hunt->is_one_party = true;
	if (phone->lock == CONF_LOCK_IN || phone->lock == CONF_LOCK_ALL)
		return cause_of(CAUSE_LOCKED);
	if (call_forward_always(phone))
		return cause_of(CAUSE_FORWARDED);
	if (phone->live &&
	    live_begin(phone->live, phone->capacity, 0, *call->table->env.now_us) != LIVE_OK)
		return cause_of(CAUSE_CALLEE_BUSY);
	hunt->called_line = phone->live;
	if (phone->is_static) {
		if (!reserve_candidates(call, 1))
			return cause_of(CAUSE_NO_MEMORY);
		add_static(call, phone);
		return cause_of(CAUSE_NORMAL);
	}
	count = location_find(location, span_of(phone->number), location_now_ms(location), bindings,
			      LOCATION_CONTACTS_MAX);
	count = location_keep_instance(bindings, count, instance);
	if (!reserve_candidates(call, count))
		return cause_of(CAUSE_NO_MEMORY);
	for (size_t i = 0; i < count; i++)
		add_binding(call, phone, &bindings[i]);
	/* Equal q is one group (RFC 3261 16.6); location_find() has sorted by it. Those that answer
	 * no probe come behind all others, whatever their q. */
	for (size_t i = 1; phone->rings_at_once && i < hunt->count; i++)
		if (bindings[i].q_thousandths == bindings[i - 1].q_thousandths &&
		    bindings[i].is_unreachable == bindings[i - 1].is_unreachable)
			hunt->candidates[i].group = hunt->candidates[i - 1].group;
	return cause_of(count ? CAUSE_NORMAL : CAUSE_OFFLINE);
}

static void drop_candidates(struct call *call)
{
	struct call_hunt *hunt = call->hunt;

	for (size_t i = 0; i < hunt->count; i++) {
		call_media_close(&hunt->candidates[i].media, 0);
		call_early_sdp_drop(call, &hunt->candidates[i]);
		free(hunt->candidates[i].target.route);
	}
	if (hunt->called_line)
		live_end(hunt->called_line);
	hunt->called_line = NULL;
	pool_give(&call->table->setups_pool, hunt->candidates,
		  hunt->capacity * sizeof(*hunt->candidates));
	hunt->candidates = NULL;
	hunt->count = 0;
	hunt->next = 0;
	call_gateways_end(&hunt->gateways);
}

struct cause call_hunt_aim(struct call *call, struct span instance)
{
	struct call_hunt *hunt = call->hunt;

	drop_candidates(call);
	hunt->has_answer = false;
	hunt->is_one_party = false;
	hunt->called = conf_phone_find(hunt->conf, span_of(hunt->callee_number));
	if (hunt->called)
		return fill_phone(call, hunt->called, instance);
	/* One, made anew for each gateway. */
	if (!reserve_candidates(call, 1))
		return cause_of(CAUSE_NO_MEMORY);
	hunt->count = 1;
	return call_gateways_fill(call);
}

struct cause call_hunt_aim_at(struct call *call, const struct conf_routing_gateway *gateway,
			      const struct addr *address)
{
	struct call_hunt *hunt = call->hunt;

	drop_candidates(call);
	hunt->has_answer = false;
	hunt->is_one_party = false;
	hunt->called = NULL;
	if (!reserve_candidates(call, 1))
		return cause_of(CAUSE_NO_MEMORY);
	hunt->count = 1;
	return call_gateways_fill_one(call, gateway, address);
}

bool call_hunt_keep_sdp(struct call *call, struct span sdp)
{
	struct pool *pool = &call->table->setups_pool;
	struct call_hunt *hunt = call->hunt;
	char *copy = pool_take(pool, sdp.len);

	if (!copy)
		return false;
	pool_give(pool, hunt->sdp, hunt->sdp_len);
	memcpy(copy, sdp.ptr, sdp.len);
	hunt->sdp = copy;
	hunt->sdp_len = sdp.len;
	return true;
}

struct cause call_hunt_fill(struct call *call, const struct call_setup *setup)
{
	struct call_hunt *hunt = call->hunt;
	struct cause cause;

	span_join(span_of(setup->display), SPAN_NONE, hunt->display, sizeof(hunt->display));
	hunt->identity = setup->identity;
	call_diversion_received(call);
	hunt->max_forwards = setup->max_forwards;
	hunt->caller = setup->decide;
	if (setup->sdp.len && !call_hunt_keep_sdp(call, setup->sdp))
		return cause_of(CAUSE_NO_MEMORY);
	cause = call_hunt_aim(call, setup->instance);
	if (cause.id != CAUSE_NORMAL && call_forward_next(call, &cause))
		return cause_of(CAUSE_NORMAL);
	return cause;
}

/* Where the caller takes media, kept for attempts whose SDP it may never see. */
static bool hold_peers(struct call_hunt *hunt)
{
	if (!hunt->held)
		hunt->held = calloc(1, sizeof(*hunt->held));
	return hunt->held != NULL;
}

/* The contacts of a phone that are to be called together. */
static bool next_group(struct call_hunt *hunt, size_t *first)
{
	unsigned group;

	*first = hunt->next;
	if (hunt->next == hunt->count)
		return false;
	group = hunt->candidates[hunt->next].group;
	while (hunt->next < hunt->count && hunt->candidates[hunt->next].group == group)
		hunt->next++;
	return true;
}

bool call_hunt_next(struct call *call)
{
	struct call_hunt *hunt = call->hunt;
	size_t first;

	if (hunt->gateways.list) {
		while (hunt->running == 0 && call_gateways_next(call))
			call_attempt_dial(call, &hunt->candidates[0]);
		return hunt->running > 0;
	}
	while (hunt->running == 0 && next_group(hunt, &first)) {
		if (hunt->next - first > 1 && !hold_peers(hunt)) {
			hunt->answer = cause_of(CAUSE_NO_MEMORY);
			return false;
		}
		for (size_t i = first; i < hunt->next; i++) {
			hunt->candidates[i].is_fork = hunt->next - first > 1;
			call_attempt_dial(call, &hunt->candidates[i]);
		}
	}
	return hunt->running > 0;
}

/* The contacts of a phone are all tried, unless somebody there says 6xx. */
bool call_hunt_may_go_on(struct call *call, struct cause cause)
{
	if (call->hunt->gateways.list)
		return call_gateways_may_go_on(call, cause);
	return cause.received < 600;
}

void call_hunt_end(struct call *call)
{
	struct call_hunt *hunt = call->hunt;
	struct call_attempt *attempt;

	if (!hunt)
		return;
	DL_FOREACH (call->attempts, attempt)
		attempt->candidate = NULL;
	call_ringback_end(call);
	drop_candidates(call);
	call_media_close(&hunt->spare, 0);
	conf_unref(hunt->conf);
	free(hunt->held);
	call_forward_end(hunt);
	pool_give(&call->table->setups_pool, hunt->sdp, hunt->sdp_len);
	pool_give(&call->table->setups_pool, hunt, sizeof(*hunt));
	call->hunt = NULL;
}
