/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that go on to another number: by what the called phone's configuration says (always, at
 * some times, when it is busy, does not answer, or is not registered; behaviour B4), or by a 3xx of
 * whoever was called. A list of numbers is tried in order, at random or all at once; a number may
 * be forwarded as well. Never in a circle, and at most CALL_FORWARDS_MAX deep.
 *
 * A contact of a 3xx is not called where it points. It is a number of ours, routed like any other,
 * or one at an address of a routing gateway, if that may be used; anything else is refused, or
 * every phone could have calls sent to any host of the network. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/call/call_forward.h"
#include "switchd/call/call_trace.h"

static const struct conf_names *rule(const struct conf_phone *phone, enum conf_forward kind)
{
	const struct conf_names *numbers;

	if (!phone || !phone->forwarding)
		return NULL;
	numbers = &phone->forwarding->numbers[kind];
	return numbers->count ? numbers : NULL;
}

enum conf_forward call_forward_at_once(const struct call *call, const struct conf_phone *phone)
{
	return conf_phone_forwards(phone, call->start_ms, call->hunt->caller_number);
}

/* The kind of rule for the way in which a call ended; CONF_FORWARDS: none. */
static enum conf_forward kind_for(const struct call *call, struct cause cause)
{
	if (cause.received)
		return cause.received == 486 || cause.received == 600   ? CONF_FORWARD_BUSY
		       : cause.received == 408 || cause.received == 480 ? CONF_FORWARD_NO_ANSWER
									: CONF_FORWARDS;
	switch (cause.id) {
	case CAUSE_FORWARDED:
		return call->hunt->called ? call_forward_at_once(call, call->hunt->called)
					  : CONF_FORWARDS;
	case CAUSE_CALLEE_BUSY:
	case CAUSE_CALLEE_IN_BUSY:
	case CAUSE_DO_NOT_DISTURB:
		return CONF_FORWARD_BUSY;
	case CAUSE_NO_ANSWER:
		return CONF_FORWARD_NO_ANSWER;
	case CAUSE_OFFLINE:
	case CAUSE_TIMEOUT_INVITE: /* registered, and not there */
	case CAUSE_GATEWAY_UNREACHABLE:
		return CONF_FORWARD_OFFLINE;
	default:
		return CONF_FORWARDS;
	}
}

/* The same number, or two that reach one phone. */
static bool is_same(const struct call_hunt *hunt, const char *a, const char *b)
{
	const struct conf_phone *phone;

	if (strcmp(a, b) == 0)
		return true;
	phone = conf_phone_called(hunt->conf, span_of(a));
	return phone && phone == conf_phone_called(hunt->conf, span_of(b));
}

/* Sent on before: the number, or, when it is at a gateway, that number by that gateway. */
static bool was_called(const struct call_hunt *hunt, const char *number,
		       const struct conf_routing_gateway *via)
{
	for (unsigned i = 0; i < hunt->depth; i++)
		if (hunt->forwards[i].via == via && is_same(hunt, hunt->forwards[i].from, number))
			return true;
	return false;
}

/* NULL: *cause says why there is no more depth. */
static struct call_forward *push(struct call_hunt *hunt, struct cause *cause)
{
	struct call_forward *forward;

	if (hunt->depth + hunt->identity.diverted.count >= CALL_FORWARDS_MAX) {
		*cause = cause_of(CAUSE_FORWARD_LOOP);
		return NULL;
	}
	if (!hunt->forwards)
		hunt->forwards = calloc(CALL_FORWARDS_MAX, sizeof(*hunt->forwards));
	if (!hunt->forwards) {
		*cause = cause_of(CAUSE_NO_MEMORY);
		return NULL;
	}
	forward = &hunt->forwards[hunt->depth++];
	*forward = (struct call_forward){0};
	memcpy(forward->from, hunt->callee_number, sizeof(forward->from));
	forward->phone = hunt->called;
	memcpy(forward->caller, hunt->caller_number, sizeof(forward->caller));
	forward->shown = hunt->shown;
	if (!hunt->forwarded[0])
		memcpy(hunt->forwarded, hunt->callee_number, sizeof(hunt->forwarded));
	return forward;
}

/* The present number's list becomes the one in use, if it has one. */
static void push_rule(const struct call *call, struct cause *cause)
{
	static const enum call_diversion_reason reasons[CONF_FORWARDS] = {
		[CONF_FORWARD_ALWAYS] = CALL_DIVERSION_UNCONDITIONAL,
		[CONF_FORWARD_PERIOD] = CALL_DIVERSION_TIME_OF_DAY,
		[CONF_FORWARD_BUSY] = CALL_DIVERSION_BUSY,
		[CONF_FORWARD_NO_ANSWER] = CALL_DIVERSION_NO_ANSWER,
		[CONF_FORWARD_OFFLINE] = CALL_DIVERSION_UNAVAILABLE,
	};
	enum conf_forward kind = kind_for(call, *cause);
	struct call_hunt *hunt = call->hunt;
	const struct conf_names *numbers = kind == CONF_FORWARDS ? NULL : rule(hunt->called, kind);
	struct call_forward *forward;

	if (!numbers)
		return;
	forward = push(hunt, cause);
	if (!forward)
		return;
	forward->numbers = numbers;
	forward->order = hunt->called->forwarding->order;
	forward->reason = reasons[kind];
}

/* --- Contacts. --- */

/* The gateway at that address, if it may be used. */
static const struct conf_routing_gateway *gateway_at(const struct conf *conf,
						     const struct addr *address)
{
	size_t count = conf_routing_gateway_count(conf);

	if (address->family == ADDR_NONE || !conf_is_gateway(conf, address))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const struct conf_routing_gateway *gateway = conf_routing_gateway_at(conf, i);

		for (size_t j = 0; j < gateway->address_count; j++)
			if (addr_eq(&gateway->addresses[j], address))
				return gateway;
	}
	return NULL;
}

/* Whether calls may go there: to a number of ours (*gateway is NULL), or to a gateway. */
static bool may_follow(const struct call_hunt *hunt, const struct call_contact *contact,
		       const struct conf_routing_gateway **gateway)
{
	*gateway = NULL;
	if (contact->is_ours || conf_phone_called(hunt->conf, span_of(contact->number)))
		return true;
	*gateway = gateway_at(hunt->conf, &contact->address);
	return *gateway != NULL;
}

int call_redirect_mode(const struct call *call, const struct call_attempt *attempt, int status)
{
	const struct conf_routing_gateway *gateway = attempt->candidate->target.gateway;

	if (gateway)
		return switch_is_stop_code(&gateway->switching, status) ? WORD_REDIRECT_FAIL
									: gateway->party.redirect;
	return call->hunt->called ? call->hunt->called->party.redirect : WORD_REDIRECT_FAIL;
}

bool call_forward_redirect(struct call *call, const struct call_attempt *attempt,
			   const struct call_redirect *to, struct cause *cause)
{
	const struct conf_routing_gateway *via = attempt->candidate->target.gateway;
	const struct conf_routing_gateway *gateway;
	struct call_hunt *hunt = call->hunt;
	struct call_forward *forward;
	size_t good = 0;

	for (size_t i = 0; i < to->count; i++)
		good += may_follow(hunt, &to->contacts[i], &gateway);
	if (good == 0) {
		*cause = cause_of(CAUSE_REDIRECT_REFUSED);
		return false;
	}
	if (was_called(hunt, hunt->callee_number, via) || hunt->redirects == CALL_REDIRECTS_MAX) {
		*cause = cause_of(CAUSE_REDIRECT_LOOP);
		return false;
	}
	forward = push(hunt, cause);
	if (!forward)
		return false;
	forward->contacts = malloc(sizeof(*to));
	if (!forward->contacts) {
		hunt->depth--;
		return false;
	}
	hunt->redirects++;
	*forward->contacts = *to;
	forward->via = via;
	forward->reason = via ? CALL_DIVERSION_UNKNOWN : CALL_DIVERSION_DEFLECTION;
	return true;
}

/* --- The next one. --- */

struct goal {
	const char *number;                         /* NULL: all of the list at once */
	const struct conf_routing_gateway *gateway; /* NULL: routed */
	const struct addr *address;                 /* of the gateway */
};

/* In order, or any of those that are left; beyond the first 64 always in order. */
static const char *take_number(struct call_forward *forward)
{
	const struct conf_names *numbers = forward->numbers;
	size_t count = numbers->count < 64 ? numbers->count : 64;
	size_t at = forward->next++;
	uint64_t skip;

	if (forward->order != WORD_FORWARD_ORDER_RANDOM || at >= count)
		return numbers->names[at];
	skip = call_chance(NULL, count - at);
	for (at = 0; forward->taken >> at & 1 || skip-- > 0; at++)
		;
	forward->taken |= UINT64_C(1) << at;
	return numbers->names[at];
}

static bool next_of(struct call_hunt *hunt, struct call_forward *forward, struct goal *goal,
		    struct cause *cause)
{
	*goal = (struct goal){0};
	if (forward->numbers) {
		if (forward->next == forward->numbers->count)
			return false;
		if (forward->order == WORD_FORWARD_ORDER_AT_ONCE)
			forward->next = forward->numbers->count;
		else
			goal->number = take_number(forward);
		return true;
	}
	while (forward->next < forward->contacts->count) {
		const struct call_contact *contact = &forward->contacts->contacts[forward->next++];

		if (may_follow(hunt, contact, &goal->gateway)) {
			goal->number = contact->number;
			goal->address = &contact->address;
			return true;
		}
		*cause = cause_of(CAUSE_REDIRECT_REFUSED);
	}
	return false;
}

static void pop(struct call_hunt *hunt)
{
	free(hunt->forwards[--hunt->depth].contacts);
}

/* The next number of the lists in use, the newest first. */
static bool next_goal(struct call_hunt *hunt, struct goal *goal, struct cause *cause)
{
	while (hunt->depth > 0) {
		struct call_forward *forward = &hunt->forwards[hunt->depth - 1];

		while (next_of(hunt, forward, goal, cause)) {
			if (!goal->number || !was_called(hunt, goal->number, goal->gateway))
				return true;
			*cause = cause_of(forward->numbers ? CAUSE_FORWARD_LOOP
							   : CAUSE_REDIRECT_LOOP);
		}
		pop(hunt);
	}
	return false;
}

/* Whom the callee sees: the caller, or the phone that forwards. */
static bool shows_forwarder(const struct call_hunt *hunt, const struct call_forward *forward)
{
	const struct value *original =
		snapshot_param(hunt->conf->snapshot, PARAM_SS_CALL_FORWARD_USING_ORIGINAL_CALLER);

	if (forward->via)
		return false;
	if (forward->phone && forward->phone->forward_display >= 0)
		return forward->phone->forward_display == WORD_TRANSFER_DISPLAY_LOCAL_NUMBER;
	return original->type == VALUE_BOOL && !original->boolean;
}

/* A number before may have been forwarded on under another name. */
static void show_caller(struct call_hunt *hunt)
{
	const struct call_forward *forward = &hunt->forwards[hunt->depth - 1];
	bool is_forwarder = shows_forwarder(hunt, forward);

	memcpy(hunt->caller_number, is_forwarder ? forward->from : forward->caller,
	       sizeof(hunt->caller_number));
	hunt->shown = is_forwarder ? forward->phone : forward->shown;
}

/* Numbers of the newest list that are called together. None of them forwards on: a phone that would
 * is one that cannot be called, so there is no circle either. */
static struct cause aim_at_all(struct call *call)
{
	struct call_hunt *hunt = call->hunt;
	const struct call_forward *forward = &hunt->forwards[hunt->depth - 1];
	struct cause cause = call_hunt_aim_at_none(call);

	for (size_t i = 0; cause.id != CAUSE_NO_MEMORY && i < forward->numbers->count; i++) {
		const char *number = forward->numbers->names[i];
		const struct conf_phone *phone = conf_phone_called(hunt->conf, span_of(number));

		if (was_called(hunt, number, NULL)) {
			cause = cause_of(CAUSE_FORWARD_LOOP);
			continue;
		}
		call_note(call, TRACE_FORWARD, MEDIA_B, 0, 0, number);
		snprintf(hunt->callee_number, sizeof(hunt->callee_number), "%s", number);
		cause = phone ? call_hunt_add_phone(call, phone) : call_gateways_add(call);
	}
	snprintf(hunt->callee_number, sizeof(hunt->callee_number), "%s", forward->from);
	for (size_t i = 0; i < hunt->count; i++)
		hunt->candidates[i].group = 0;
	return hunt->count ? cause_of(CAUSE_NORMAL) : cause;
}

static struct cause aim_at_number(struct call *call, const struct goal *goal)
{
	struct call_hunt *hunt = call->hunt;
	bool is_configured = hunt->forwards[hunt->depth - 1].numbers != NULL;

	call_note(call, is_configured ? TRACE_FORWARD : TRACE_REDIRECT, MEDIA_B, 0, 0,
		  goal->number);
	snprintf(hunt->callee_number, sizeof(hunt->callee_number), "%s", goal->number);
	return goal->gateway ? call_hunt_aim_at(call, goal->gateway, goal->address)
			     : call_hunt_aim(call, SPAN_NONE);
}

bool call_forward_next(struct call *call, struct cause *cause)
{
	struct call_hunt *hunt = call->hunt;
	struct goal goal;

	push_rule(call, cause);
	while (next_goal(hunt, &goal, cause)) {
		show_caller(hunt);
		*cause = goal.number ? aim_at_number(call, &goal) : aim_at_all(call);
		if (cause->id == CAUSE_NORMAL)
			return true;
		push_rule(call, cause);
	}
	return false;
}

void call_forward_end(struct call_hunt *hunt)
{
	while (hunt->depth > 0)
		pop(hunt);
	free(hunt->forwards);
	hunt->forwards = NULL;
}

/* --- What the callee is told. --- */

void call_forward_diversions(const struct call_hunt *hunt, struct call_diversions *out)
{
	uint8_t count = hunt->identity.diverted.count;

	out->count = 0;
	for (unsigned i = hunt->depth; i > 0; i--) {
		const struct call_forward *forward = &hunt->forwards[i - 1];
		struct call_diversion *diversion = &out->list[out->count++];

		*diversion =
			(struct call_diversion){.reason = (uint8_t)forward->reason, .count = 1};
		snprintf(diversion->number, sizeof(diversion->number), "%s", forward->from);
	}
	if (count)
		out->list[out->count++] = hunt->identity.diverted;
}
