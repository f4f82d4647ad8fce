/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forwarding of calls to a phone: always, when it is busy, does not answer, or is not registered
 * (behaviour B4). A list of numbers is tried in order; a number may be a phone that forwards as
 * well. Never in a circle, and at most CALL_FORWARDS_MAX deep. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/call/call_hunt.h"

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

/* The rule of the called phone for the way in which the call to it ended. */
static const struct conf_names *rule_for(const struct conf_phone *phone, struct cause cause)
{
	if (cause.received)
		return cause.received == 486 || cause.received == 600
			       ? rule(phone, CONF_FORWARD_BUSY)
		       : cause.received == 408 || cause.received == 480
			       ? rule(phone, CONF_FORWARD_NO_ANSWER)
			       : NULL;
	switch (cause.id) {
	case CAUSE_FORWARDED:
		return rule(phone, CONF_FORWARD_ALWAYS);
	case CAUSE_CALLEE_BUSY:
		return rule(phone, CONF_FORWARD_BUSY);
	case CAUSE_NO_ANSWER:
		return rule(phone, CONF_FORWARD_NO_ANSWER);
	case CAUSE_OFFLINE:
	case CAUSE_TIMEOUT_INVITE: /* registered, and not there */
	case CAUSE_GATEWAY_UNREACHABLE:
		return rule(phone, CONF_FORWARD_OFFLINE);
	default:
		return NULL;
	}
}

static bool was_called(const struct call_hunt *hunt, const char *number)
{
	for (unsigned i = 0; i < hunt->depth; i++)
		if (strcmp(hunt->forwards[i].from, number) == 0)
			return true;
	return false;
}

/* The present number's list becomes the one in use. False: there is none, or no more depth. */
static bool push(struct call_hunt *hunt, struct cause *cause)
{
	const struct conf_names *numbers = rule_for(hunt->called, *cause);
	struct call_forward *forward;

	if (!numbers)
		return false;
	if (hunt->depth == CALL_FORWARDS_MAX) {
		*cause = cause_of(CAUSE_FORWARD_LOOP);
		return false;
	}
	if (!hunt->forwards)
		hunt->forwards = calloc(CALL_FORWARDS_MAX, sizeof(*hunt->forwards));
	if (!hunt->forwards) {
		*cause = cause_of(CAUSE_NO_MEMORY);
		return false;
	}
	forward = &hunt->forwards[hunt->depth++];
	*forward = (struct call_forward){.numbers = numbers};
	snprintf(forward->from, sizeof(forward->from), "%s", hunt->callee_number);
	return true;
}

/* The next number of the lists in use, the newest first. */
static const char *next_number(struct call_hunt *hunt, struct cause *cause)
{
	while (hunt->depth > 0) {
		struct call_forward *forward = &hunt->forwards[hunt->depth - 1];

		while (forward->next < forward->numbers->count) {
			const char *number = forward->numbers->names[forward->next++];

			if (!was_called(hunt, number))
				return number;
			*cause = cause_of(CAUSE_FORWARD_LOOP);
		}
		hunt->depth--;
	}
	return NULL;
}

/* Whom the callee sees: the caller, or the phone that forwards. */
static void show_caller(struct call_hunt *hunt)
{
	const struct value *original =
		snapshot_param(hunt->conf->snapshot, PARAM_SS_CALL_FORWARD_USING_ORIGINAL_CALLER);
	const struct call_forward *forward = &hunt->forwards[hunt->depth - 1];

	if (original->type == VALUE_BOOL && !original->boolean)
		snprintf(hunt->caller_number, sizeof(hunt->caller_number), "%s", forward->from);
}

bool call_forward_next(struct call *call, struct cause *cause)
{
	struct call_hunt *hunt = call->hunt;
	const char *number;

	(void)push(hunt, cause);
	while ((number = next_number(hunt, cause))) {
		snprintf(hunt->callee_number, sizeof(hunt->callee_number), "%s", number);
		show_caller(hunt);
		*cause = call_hunt_aim(call, SPAN_NONE);
		if (cause->id == CAUSE_NORMAL)
			return true;
		(void)push(hunt, cause);
	}
	return false;
}
