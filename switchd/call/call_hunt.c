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

/* Each is a group of its own unless who calls this says otherwise. */
struct call_candidate *call_hunt_add(struct call_hunt *hunt)
{
	struct call_candidate *candidate;

	if (hunt->count == hunt->capacity)
		return NULL;
	candidate = &hunt->candidates[hunt->count];
	candidate->group = (unsigned)hunt->count++;
	return candidate;
}

static struct call_target *add_target(struct call_hunt *hunt)
{
	struct call_candidate *candidate = call_hunt_add(hunt);

	return candidate ? &candidate->target : NULL;
}

const char *call_hunt_shown(const struct call_hunt *hunt, bool with_display_number)
{
	return with_display_number && hunt->shown && hunt->shown->display_number[0]
		       ? hunt->shown->display_number
		       : hunt->caller_number;
}

static void set_numbers(const struct call *call, const struct conf_phone *phone,
			struct call_target *target)
{
	/* Its own, or a did. */
	span_join(span_of(call->hunt->callee_number), SPAN_NONE, target->number,
		  sizeof(target->number));
	span_join(span_of(call_hunt_shown(call->hunt, true)), SPAN_NONE, target->caller,
		  sizeof(target->caller));
	target->max_duration = phone->max_duration;
	target->has_session_timer = phone->party.has_session_timer;
	target->has_100rel = phone->party.has_100rel;
	target->reply_address = phone->party.reply_address;
	target->request_address = phone->party.request_address;
	target->presentation = &phone->presentation;
	if (call->hunt->called && phone->forwarding &&
	    phone->forwarding->numbers[CONF_FORWARD_NO_ANSWER].count)
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
	target->from = phone->local_address;
	target->transports = 1u << phone->transport;
	decide_party_from(&phone->party, &target->decide);
	target->decide.source = target->address;
	if (!target->decide.network[0])
		target->decide.network = conf_network_of(call->hunt->conf, &target->address, NULL);
}

/* Why it is not to be called, whether it could be reached or not. */
static struct cause bars(const struct call *call, const struct conf_phone *phone)
{
	if (phone->lock == CONF_LOCK_IN || phone->lock == CONF_LOCK_ALL)
		return cause_of(CAUSE_LOCKED);
	if (call_forward_at_once(call, phone) != CONF_FORWARDS)
		return cause_of(CAUSE_FORWARDED);
	return cause_of(phone->is_busy ? CAUSE_DO_NOT_DISTURB : CAUSE_NORMAL);
}

static struct cause take_line(const struct call *call, const struct conf_phone *phone,
			      struct live **line)
{
	switch (conf_phone_line_take(phone, CONF_WAY_IN, *call->table->env.now_us, line)) {
	case CONF_LINE_FULL:
		return cause_of(CAUSE_CALLEE_BUSY);
	case CONF_LINE_WAY_FULL:
		return cause_of(CAUSE_CALLEE_IN_BUSY);
	case CONF_LINE_OK:
		break;
	}
	return cause_of(CAUSE_NORMAL);
}

/* Its contacts as candidates; room is made for them where there is none yet. */
static struct cause add_contacts(struct call *call, const struct conf_phone *phone,
				 struct span instance)
{
	struct location *location = call->table->env.location;
	struct binding bindings[LOCATION_CONTACTS_MAX];
	struct call_hunt *hunt = call->hunt;
	size_t before = hunt->count;
	size_t count = 1;

	if (!phone->is_static) {
		count = location_find(location, span_of(phone->number), location_now_ms(location),
				      bindings, LOCATION_CONTACTS_MAX);
		count = location_keep_instance(bindings, count, instance);
	}
	if (!hunt->candidates && !reserve_candidates(call, count))
		return cause_of(CAUSE_NO_MEMORY);
	if (phone->is_static) {
		add_static(call, phone);
		return cause_of(CAUSE_NORMAL);
	}
	for (size_t i = 0; i < count; i++)
		add_binding(call, phone, &bindings[i]);
	/* Equal q is one group (RFC 3261 16.6); location_find() has sorted by it. Those that answer
	 * no probe come behind all others, whatever their q. */
	for (size_t i = 1; phone->rings_at_once && before + i < hunt->count; i++)
		if (bindings[i].q_thousandths == bindings[i - 1].q_thousandths &&
		    bindings[i].is_unreachable == bindings[i - 1].is_unreachable)
			hunt->candidates[before + i].group = hunt->candidates[before + i - 1].group;
	return cause_of(count ? CAUSE_NORMAL : CAUSE_OFFLINE);
}

static struct cause add_phone(struct call *call, const struct conf_phone *phone,
			      struct span instance)
{
	struct call_hunt *hunt = call->hunt;
	size_t before = hunt->count;
	struct live *line = NULL;
	struct cause cause = bars(call, phone);

	if (cause.id == CAUSE_NORMAL)
		cause = take_line(call, phone, &line);
	if (cause.id == CAUSE_NORMAL)
		cause = add_contacts(call, phone, instance);
	for (size_t i = before; i < hunt->count; i++)
		hunt->candidates[i].phone = phone;
	if (hunt->count > before)
		hunt->candidates[before].line = line;
	else if (line)
		live_end(line);
	return cause;
}

struct live *call_hunt_take_line(struct call_hunt *hunt, const struct call_candidate *candidate)
{
	struct live *line = NULL;

	for (size_t i = 0; i < hunt->count && !line && candidate->phone; i++) {
		if (hunt->candidates[i].phone != candidate->phone)
			continue;
		line = hunt->candidates[i].line;
		hunt->candidates[i].line = NULL;
	}
	return line;
}

static bool may_answer(const struct call *call, const struct conf_phone *phone)
{
	const struct call_hunt *hunt = call->hunt;
	const struct call_attempt *attempt;

	for (size_t i = 0; i < hunt->count; i++)
		if (hunt->candidates[i].phone == phone && hunt->candidates[i].path == 0)
			return true; /* to be called yet */
	DL_FOREACH (call->attempts, attempt)
		if (attempt->leg && attempt->candidate && attempt->candidate->phone == phone)
			return true;
	return false;
}

void call_hunt_left(struct call *call, const struct call_candidate *candidate)
{
	struct live *line;

	if (!candidate->phone || !candidate->phone->live || may_answer(call, candidate->phone))
		return;
	/* More than one where it is in a list by several numbers. */
	while ((line = call_hunt_take_line(call->hunt, candidate)) != NULL)
		live_end(line);
}

struct cause call_hunt_add_phone(struct call *call, const struct conf_phone *phone)
{
	return add_phone(call, phone, SPAN_NONE);
}

static void drop_candidates(struct call *call)
{
	struct call_hunt *hunt = call->hunt;

	for (size_t i = 0; i < hunt->count; i++) {
		call_media_close(&hunt->candidates[i].media, 0);
		if (hunt->candidates[i].line)
			live_end(hunt->candidates[i].line);
		call_early_sdp_drop(call, &hunt->candidates[i]);
		free(hunt->candidates[i].target.route);
	}
	pool_give(&call->table->setups_pool, hunt->candidates,
		  hunt->capacity * sizeof(*hunt->candidates));
	hunt->candidates = NULL;
	hunt->count = 0;
	hunt->next = 0;
	call_gateways_end(&hunt->gateways);
}

static struct cause fill_gateways(struct call *call)
{
	/* One, made anew for each gateway. */
	if (!reserve_candidates(call, 1))
		return cause_of(CAUSE_NO_MEMORY);
	call->hunt->count = 1;
	return call_gateways_fill(call);
}

/* By the gateways of its number, while it is not registered. */
static struct cause fill_offline(struct call *call)
{
	struct call_hunt *hunt = call->hunt;
	struct cause cause;

	drop_candidates(call);
	call_note(call, TRACE_OFFLINE_ROUTED, MEDIA_B, 0, 0, hunt->callee_number);
	hunt->called = NULL;
	hunt->is_one_party = false;
	cause = fill_gateways(call);
	if (cause.id == CAUSE_NOT_FOUND || cause.id == CAUSE_NO_ROUTE)
		return cause_of(CAUSE_OFFLINE);
	return cause;
}

static struct cause fill_phone(struct call *call, struct span instance)
{
	const struct conf_phone *phone = call->hunt->called;
	struct cause cause;

	if (strcmp(phone->number, call->hunt->callee_number) != 0)
		call_note(call, TRACE_DID, MEDIA_B, 0, 0, phone->number);
	call->hunt->is_one_party = true;
	cause = add_phone(call, phone, instance);
	if (cause.id == CAUSE_OFFLINE && conf_phone_goes_out(phone))
		return fill_offline(call);
	return cause;
}

struct cause call_hunt_aim(struct call *call, struct span instance)
{
	struct call_hunt *hunt = call->hunt;

	drop_candidates(call);
	hunt->has_answer = false;
	hunt->is_one_party = false;
	hunt->called = conf_phone_called(hunt->conf, span_of(hunt->callee_number));
	return hunt->called ? fill_phone(call, instance) : fill_gateways(call);
}

struct cause call_hunt_aim_at_none(struct call *call)
{
	struct call_hunt *hunt = call->hunt;

	drop_candidates(call);
	hunt->has_answer = false;
	hunt->is_one_party = true; /* every one counts, as with the contacts of one */
	hunt->called = NULL;
	return cause_of(reserve_candidates(call, CALL_TARGETS_MAX) ? CAUSE_NORMAL
								   : CAUSE_NO_MEMORY);
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
			call_gateways_reach_again(call, &hunt->candidates[i].target);
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
