/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that go on to another number: by what the called phone's configuration says (always, when
 * it is busy, does not answer, or is not registered; behaviour B4), or by a 3xx of whoever was
 * called. A list of numbers is tried in order; a number may be forwarded as well. Never in a
 * circle, and at most CALL_FORWARDS_MAX deep.
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

const struct conf_names *call_forward_always(const struct conf_phone *phone)
{
	return rule(phone, CONF_FORWARD_ALWAYS);
}

/* The kind of rule for the way in which a call ended; CONF_FORWARDS: none. */
static enum conf_forward kind_for(struct cause cause)
{
	if (cause.received)
		return cause.received == 486 || cause.received == 600   ? CONF_FORWARD_BUSY
		       : cause.received == 408 || cause.received == 480 ? CONF_FORWARD_NO_ANSWER
									: CONF_FORWARDS;
	switch (cause.id) {
	case CAUSE_FORWARDED:
		return CONF_FORWARD_ALWAYS;
	case CAUSE_CALLEE_BUSY:
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

/* Sent on before: the number, or, when it is at a gateway, that number by that gateway. */
static bool was_called(const struct call_hunt *hunt, const char *number,
		       const struct conf_routing_gateway *via)
{
	for (unsigned i = 0; i < hunt->depth; i++)
		if (hunt->forwards[i].via == via && strcmp(hunt->forwards[i].from, number) == 0)
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
	if (!hunt->forwarded[0])
		memcpy(hunt->forwarded, hunt->callee_number, sizeof(hunt->forwarded));
	return forward;
}

/* The present number's list becomes the one in use, if it has one. */
static void push_rule(struct call_hunt *hunt, struct cause *cause)
{
	static const enum call_diversion_reason reasons[CONF_FORWARDS] = {
		[CONF_FORWARD_ALWAYS] = CALL_DIVERSION_UNCONDITIONAL,
		[CONF_FORWARD_BUSY] = CALL_DIVERSION_BUSY,
		[CONF_FORWARD_NO_ANSWER] = CALL_DIVERSION_NO_ANSWER,
		[CONF_FORWARD_OFFLINE] = CALL_DIVERSION_UNAVAILABLE,
	};
	enum conf_forward kind = kind_for(*cause);
	const struct conf_names *numbers = kind == CONF_FORWARDS ? NULL : rule(hunt->called, kind);
	struct call_forward *forward;

	if (!numbers)
		return;
	forward = push(hunt, cause);
	if (!forward)
		return;
	forward->numbers = numbers;
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
	if (contact->is_ours || conf_phone_find(hunt->conf, span_of(contact->number)))
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
	const char *number;
	const struct conf_routing_gateway *gateway; /* NULL: routed */
	const struct addr *address;                 /* of the gateway */
};

static bool next_of(struct call_hunt *hunt, struct call_forward *forward, struct goal *goal,
		    struct cause *cause)
{
	*goal = (struct goal){0};
	if (forward->numbers) {
		if (forward->next == forward->numbers->count)
			return false;
		goal->number = forward->numbers->names[forward->next++];
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
			if (!was_called(hunt, goal->number, goal->gateway))
				return true;
			*cause = cause_of(forward->numbers ? CAUSE_FORWARD_LOOP
							   : CAUSE_REDIRECT_LOOP);
		}
		pop(hunt);
	}
	return false;
}

/* Whom the callee sees: the caller, or the phone that forwards. */
static void show_caller(struct call_hunt *hunt)
{
	const struct value *original =
		snapshot_param(hunt->conf->snapshot, PARAM_SS_CALL_FORWARD_USING_ORIGINAL_CALLER);
	const struct call_forward *forward = &hunt->forwards[hunt->depth - 1];

	if (original->type == VALUE_BOOL && !original->boolean && !forward->via)
		snprintf(hunt->caller_number, sizeof(hunt->caller_number), "%s", forward->from);
}

bool call_forward_next(struct call *call, struct cause *cause)
{
	struct call_hunt *hunt = call->hunt;
	struct goal goal;

	push_rule(hunt, cause);
	while (next_goal(hunt, &goal, cause)) {
		call_note(call,
			  hunt->forwards[hunt->depth - 1].numbers ? TRACE_FORWARD : TRACE_REDIRECT,
			  MEDIA_B, 0, 0, goal.number);
		snprintf(hunt->callee_number, sizeof(hunt->callee_number), "%s", goal.number);
		show_caller(hunt);
		*cause = goal.gateway ? call_hunt_aim_at(call, goal.gateway, goal.address)
				      : call_hunt_aim(call, SPAN_NONE);
		if (cause->id == CAUSE_NORMAL)
			return true;
		push_rule(hunt, cause);
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
