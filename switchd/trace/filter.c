/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/trace/filter.h"

#include <stdio.h>

#include "switchd/trace/group.h"

enum met {
	MET_ADDRESS = 1,
	MET_STATUS = 2,
	MET_METHOD = 4,
	MET_CALL_ID = 8,
	MET_PARTY = 16,
	MET_GATEWAY = 32,
};

struct span trace_message_name(struct span message)
{
	size_t end = 0;

	if (span_starts_with(message, SPAN_LIT("SIP/2.0 ")))
		return (struct span){message.ptr + 8, message.len >= 11 ? 3 : 0};
	while (end < message.len && message.ptr[end] != ' ' && message.ptr[end] != '\r')
		end++;
	return (struct span){message.ptr, end};
}

int trace_message_status(struct span message)
{
	struct span name = trace_message_name(message);
	int status = 0;

	if (name.ptr == message.ptr || name.len != 3)
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (name.ptr[i] < '0' || name.ptr[i] > '9')
			return 0;
		status = status * 10 + (name.ptr[i] - '0');
	}
	return status;
}

static bool is_like(struct span text, struct span wanted)
{
	if (wanted.len && wanted.ptr[wanted.len - 1] == '*')
		return span_starts_with(text, (struct span){wanted.ptr, wanted.len - 1});
	return span_eq(text, wanted);
}

/* "routing-gateway a" for a. */
static bool is_gateway(struct span party, const char *name)
{
	static const char word[] = "gateway ";
	size_t blank = span_find(party, ' ');
	size_t len = sizeof(word) - 1;

	if (blank >= party.len || blank + 1 < len ||
	    memcmp(party.ptr + blank + 1 - len, word, len) != 0)
		return false;
	return is_like((struct span){party.ptr + blank + 1, party.len - blank - 1}, span_of(name));
}

/* What was said of a phone when there was no call yet names it by its number alone. */
static bool is_phone(struct span user, const char *party)
{
	static const char word[] = "phone ";
	struct span wanted = span_of(party);

	if (!span_starts_with(wanted, SPAN_LIT(word)))
		return false;
	wanted.ptr += sizeof(word) - 1;
	wanted.len -= sizeof(word) - 1;
	return is_like(user, wanted);
}

static uint8_t note_meets(const struct trace_filter *filter, const struct trace_event *event)
{
	uint8_t met = 0;

	switch ((enum trace_note)event->note) {
	case TRACE_LEG:
		if (filter->party[0] && is_like(event->data, span_of(filter->party)))
			met |= MET_PARTY;
		if (filter->gateway[0] && is_gateway(event->data, filter->gateway))
			met |= MET_GATEWAY;
		return met;
	case TRACE_AUTH_CHALLENGED:
	case TRACE_AUTH_OK:
	case TRACE_AUTH_FAILED:
	case TRACE_AUTH_SUSPENDED:
	case TRACE_REGISTERED:
	case TRACE_UNREGISTERED:
		return filter->party[0] && is_phone(event->data, filter->party) ? MET_PARTY : 0;
	default:
		return 0;
	}
}

static bool has_call_id(struct span message, const char *wanted)
{
	return message.len && memmem(message.ptr, message.len, wanted, strlen(wanted)) != NULL;
}

static uint8_t message_meets(const struct trace_filter *filter, const struct trace_event *event)
{
	int status =
		filter->status_low || filter->method[0] ? trace_message_status(event->data) : 0;
	uint8_t met = 0;

	if (filter->address.base.family && prefix_contains(&filter->address, &event->peer))
		met |= MET_ADDRESS;
	if (filter->status_low && status >= filter->status_low && status <= filter->status_high)
		met |= MET_STATUS;
	if (filter->method[0] && !status &&
	    span_ieq(trace_message_name(event->data), span_of(filter->method)))
		met |= MET_METHOD;
	if (filter->call_id[0] && has_call_id(event->data, filter->call_id))
		met |= MET_CALL_ID;
	return met;
}

uint8_t trace_filter_meets(const struct trace_filter *filter, const struct trace_event *event)
{
	return event->kind == TRACE_NOTE ? note_meets(filter, event) : message_meets(filter, event);
}

static uint8_t asked_for(const struct trace_filter *filter)
{
	return (uint8_t)((filter->address.base.family ? MET_ADDRESS : 0) |
			 (filter->status_low ? MET_STATUS : 0) |
			 (filter->method[0] ? MET_METHOD : 0) |
			 (filter->call_id[0] ? MET_CALL_ID : 0) |
			 (filter->party[0] ? MET_PARTY : 0) |
			 (filter->gateway[0] ? MET_GATEWAY : 0));
}

static bool is_met(const struct trace_filter *filter, const uint8_t met[TRACE_LEG_KINDS])
{
	uint8_t asked = asked_for(filter);
	uint8_t all = met[filter->leg];

	for (int i = 0; filter->leg == TRACE_LEG_ANY && i < TRACE_LEG_KINDS; i++)
		all |= met[i];
	return (all & asked) == asked;
}

static bool has_leg(const struct trace_call *call, enum trace_leg leg)
{
	return leg == TRACE_LEG_ANY || (leg == TRACE_LEG_A ? call->has_caller : call->attempts > 0);
}

static bool is_number(const char *text, const char *wanted)
{
	return is_like(span_of(text), span_of(wanted));
}

static bool is_cause(const struct trace_call *call, const char *wanted)
{
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)call->cause);
	return call->end_us && strcmp(number, wanted) == 0;
}

bool trace_filter_chooses(const struct trace_filter *filter, const struct trace_call *call,
			  const uint8_t met[TRACE_LEG_KINDS])
{
	return (!filter->key || call->key == filter->key) && (!filter->calls_only || call->key) &&
	       (!filter->registrations_only || call->is_registration) &&
	       call->last_us >= filter->since_us && is_met(filter, met) &&
	       has_leg(call, filter->leg) &&
	       (!filter->caller[0] || is_number(call->caller, filter->caller)) &&
	       (!filter->callee[0] || is_number(call->callee, filter->callee)) &&
	       (!filter->number[0] || is_number(call->caller, filter->number) ||
		is_number(call->callee, filter->number)) &&
	       (!filter->cause[0] || is_cause(call, filter->cause)) &&
	       (!filter->is_failed || (call->end_us && !call->answer_us));
}

bool trace_filter_is_any(const struct trace_filter *filter)
{
	return !asked_for(filter) && !filter->caller[0] && !filter->callee[0] &&
	       !filter->number[0] && !filter->cause[0] && !filter->is_failed && !filter->key &&
	       filter->leg == TRACE_LEG_ANY;
}

static void print_part(struct buf *out, const char *word, const char *text)
{
	if (*text)
		buf_printf(out, "%s%s %s", out->len ? " " : "", word, text);
}

static void print_status(struct buf *out, const struct trace_filter *filter)
{
	char text[16];

	if (!filter->status_low)
		return;
	if (filter->status_low == filter->status_high)
		snprintf(text, sizeof(text), "%d", filter->status_low);
	else
		snprintf(text, sizeof(text), "%dxx", filter->status_low / 100);
	print_part(out, "status", text);
}

void trace_filter_print(const struct trace_filter *filter, struct buf *out)
{
	static const char *const legs[TRACE_LEG_KINDS] = {"", "a", "b"};
	const char *blank = strchr(filter->party, ' ');
	char network[ADDR_TEXT_MAX] = "";

	if (filter->address.base.family)
		prefix_print(&filter->address, network);
	print_part(out, "caller", filter->caller);
	print_part(out, "callee", filter->callee);
	print_part(out, "number", filter->number);
	print_part(out, "phone", blank ? blank + 1 : "");
	print_part(out, "gateway", filter->gateway);
	print_part(out, "address", network);
	print_part(out, "method", filter->method);
	print_status(out, filter);
	print_part(out, "cause", filter->cause);
	print_part(out, "call-id", filter->call_id);
	if (filter->is_failed)
		buf_printf(out, "%sfailed", out->len ? " " : "");
	print_part(out, "leg", legs[filter->leg]);
}
