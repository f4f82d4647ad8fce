/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One walk over each ring gathers records into groups: a record that names a call belongs to that
 * call's group, one that only names a dialog to the dialog's, and when a note says that a dialog is
 * a leg of a call, its group becomes part of the call's. A call never leaves its thread, so groups
 * do not cross rings. */
#include "switchd/trace/find.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#define HEAD_BYTES 2048 /* of a message, where a filter looks at it */

struct group {
	struct trace_call call;
	struct group *into; /* it is part of that one; NULL: it stands for itself */
	bool has_address;   /* what a filter asks of messages: some had it */
	bool has_status;
	bool has_method;
	bool has_call_id;
	bool has_party;
	bool has_gateway;
	struct group *next; /* in order of their first records */
	struct group *all;  /* for freeing */
};

/* From a key or a dialog to its group. */
struct entry {
	uint64_t id;
	struct group *group;
	UT_hash_handle hh;
};

struct walk {
	const struct trace_filter *filter;
	int ring;
	struct entry *calls;
	struct entry *dialogs;
	struct group *first;
	struct group *last;
	struct group *all;
	bool failed; /* out of memory */
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

/* --- Groups. --- */

static struct group *resolve(struct group *group)
{
	while (group && group->into)
		group = group->into;
	return group;
}

static struct group *find(struct entry *table, uint64_t id)
{
	struct entry *entry = NULL;

	HASH_FIND(hh, table, &id, sizeof(id), entry);
	return entry ? resolve(entry->group) : NULL;
}

static void enter(struct walk *walk, struct entry **table, uint64_t id, struct group *group)
{
	struct entry *entry = malloc(sizeof(*entry));

	if (!entry) {
		walk->failed = true;
		return;
	}
	entry->id = id;
	entry->group = group;
	HASH_ADD(hh, *table, id, sizeof(entry->id), entry);
}

static struct group *group_new(struct walk *walk, const struct trace_event *event, uint64_t at)
{
	struct group *group = calloc(1, sizeof(*group));

	if (!group) {
		walk->failed = true;
		return NULL;
	}
	group->call.first_us = event->time_us;
	group->call.begins_at = at;
	group->call.ring = walk->ring;
	group->call.by = TRACE_NO_SIDE;
	group->all = walk->all;
	walk->all = group;
	if (walk->last)
		walk->last->next = group;
	else
		walk->first = group;
	walk->last = group;
	return group;
}

static void add_dialog(struct trace_call *call, uint64_t dialog)
{
	for (uint32_t i = 0; i < call->dialog_count; i++)
		if (call->dialogs[i] == dialog)
			return;
	if (call->dialog_count < TRACE_DIALOGS_MAX)
		call->dialogs[call->dialog_count++] = dialog;
}

static void merge(struct group *from, struct group *to)
{
	struct trace_call *a = &to->call;
	const struct trace_call *b = &from->call;

	from->into = to;
	if (b->begins_at < a->begins_at)
		a->begins_at = b->begins_at;
	if (b->first_us < a->first_us)
		a->first_us = b->first_us;
	if (b->last_us > a->last_us)
		a->last_us = b->last_us;
	a->messages += b->messages;
	to->has_address |= from->has_address;
	to->has_status |= from->has_status;
	to->has_method |= from->has_method;
	to->has_call_id |= from->has_call_id;
}

static struct group *group_of(struct walk *walk, const struct trace_event *event, uint64_t at)
{
	struct group *by_key = event->key ? find(walk->calls, event->key) : NULL;
	struct group *by_dialog = event->dialog ? find(walk->dialogs, event->dialog) : NULL;
	struct group *group = by_key ? by_key : by_dialog;

	if (!group)
		group = group_new(walk, event, at);
	if (!group)
		return NULL;
	if (event->key && !by_key) {
		group->call.key = event->key;
		enter(walk, &walk->calls, event->key, group);
	}
	if (event->dialog && !by_dialog)
		enter(walk, &walk->dialogs, event->dialog, group);
	else if (by_dialog && by_dialog != group && !by_dialog->call.key)
		merge(by_dialog, group);
	if (event->dialog)
		add_dialog(&group->call, event->dialog);
	return group;
}

/* --- What a record tells of its group. --- */

static bool is_like(const char *text, const char *wanted)
{
	size_t len = strlen(wanted);

	if (len && wanted[len - 1] == '*')
		return strncmp(text, wanted, len - 1) == 0;
	return strcmp(text, wanted) == 0;
}

/* "routing-gateway a" for a. */
static bool is_gateway(const char *party, const char *name)
{
	const char *blank = strchr(party, ' ');

	return blank && strstr(party, "gateway") == party + (blank - party) - 7 &&
	       is_like(blank + 1, name);
}

static void look_at_party(struct walk *walk, struct group *group, const char *party)
{
	const struct trace_filter *filter = walk->filter;

	if (filter->party && is_like(party, filter->party))
		group->has_party = true;
	if (filter->gateway && is_gateway(party, filter->gateway))
		group->has_gateway = true;
}

static void take_note(struct walk *walk, struct group *group, const struct trace_event *event)
{
	struct trace_call *call = &group->call;
	char text[84];

	switch ((enum trace_note)event->note) {
	case TRACE_CALL_START:
		call->is_whole = true;
		span_copy(event->data, call->caller, sizeof(call->caller));
		break;
	case TRACE_CALLED:
		span_copy(event->data, call->callee, sizeof(call->callee));
		break;
	case TRACE_LEG:
		span_copy(event->data, text, sizeof(text));
		look_at_party(walk, group, text);
		if (event->b == 0)
			span_copy(event->data, call->caller_party, sizeof(call->caller_party));
		else
			span_copy(event->data, call->callee_party, sizeof(call->callee_party));
		if (event->b > call->attempts)
			call->attempts = (uint32_t)event->b;
		break;
	case TRACE_ANSWERED:
		call->answer_us = event->time_us;
		span_copy(event->data, call->callee_party, sizeof(call->callee_party));
		break;
	case TRACE_CALL_END:
		call->end_us = event->time_us;
		call->cause = event->a;
		call->by = event->side;
		break;
	default:
		break;
	}
}

static bool has_call_id(struct span message, const char *wanted)
{
	return memmem(message.ptr, message.len, wanted, strlen(wanted)) != NULL;
}

static void take_message(struct walk *walk, struct group *group, const struct trace_event *event)
{
	const struct trace_filter *filter = walk->filter;
	struct trace_call *call = &group->call;
	int status = trace_message_status(event->data);

	if (call->messages++ == 0) {
		span_copy(trace_message_name(event->data), call->method, sizeof(call->method));
		call->peer = event->peer;
	}
	if (filter->address.base.family && prefix_contains(&filter->address, &event->peer))
		group->has_address = true;
	if (filter->status_low && status >= filter->status_low && status <= filter->status_high)
		group->has_status = true;
	if (filter->method && !status &&
	    span_ieq(trace_message_name(event->data), span_of(filter->method)))
		group->has_method = true;
	if (filter->call_id && has_call_id(event->data, filter->call_id))
		group->has_call_id = true;
}

static void take(struct walk *walk, const struct trace_event *event, uint64_t at)
{
	struct group *group = group_of(walk, event, at);

	if (!group)
		return;
	group->call.last_us = event->time_us;
	if (event->kind == TRACE_NOTE)
		take_note(walk, group, event);
	else
		take_message(walk, group, event);
}

static void walk_ring(struct walk *walk, const struct recorder_ring *ring)
{
	struct recorder_cursor cursor = {0};
	struct trace_event event;
	char memory[HEAD_BYTES];

	while (!walk->failed && recorder_next(ring, &cursor, &event, memory, sizeof(memory)))
		take(walk, &event, event.position);
}

/* --- The result. --- */

static bool is_cause(const struct trace_call *call, const char *wanted)
{
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)call->cause);
	return call->end_us && strcmp(number, wanted) == 0;
}

static bool is_chosen(const struct trace_filter *filter, const struct group *group)
{
	const struct trace_call *call = &group->call;

	return (!filter->key || call->key == filter->key) && (!filter->calls_only || call->key) &&
	       call->last_us >= filter->since_us &&
	       (!filter->caller || is_like(call->caller, filter->caller)) &&
	       (!filter->callee || is_like(call->callee, filter->callee)) &&
	       (!filter->number || is_like(call->caller, filter->number) ||
		is_like(call->callee, filter->number)) &&
	       (!filter->party || group->has_party) && (!filter->gateway || group->has_gateway) &&
	       (!filter->call_id || group->has_call_id) && (!filter->method || group->has_method) &&
	       (!filter->address.base.family || group->has_address) &&
	       (!filter->status_low || group->has_status) &&
	       (!filter->cause || is_cause(call, filter->cause)) &&
	       (!filter->is_failed || (call->end_us && !call->answer_us));
}

static void free_entries(struct entry **table)
{
	struct entry *entry;
	struct entry *next;

	HASH_ITER (hh, *table, entry, next) {
		HASH_DEL(*table, entry);
		free(entry);
	}
}

static void free_walk(struct walk *walk)
{
	free_entries(&walk->calls);
	free_entries(&walk->dialogs);
	while (walk->all) {
		struct group *group = walk->all;

		walk->all = group->all;
		free(group);
	}
}

/* Appends those that are chosen; false when out of memory. */
static bool collect(const struct walk *walk, struct trace_call **out, size_t *count, size_t *room)
{
	for (const struct group *group = walk->first; group; group = group->next) {
		if (group->into || !is_chosen(walk->filter, group))
			continue;
		if (*count == *room) {
			size_t more = *room ? *room * 2 : 64;
			struct trace_call *calls = realloc(*out, more * sizeof(*calls));

			if (!calls)
				return false;
			*out = calls;
			*room = more;
		}
		(*out)[*count] = group->call;
		(*out)[(*count)++].group = group->call.begins_at;
	}
	return true;
}

static int by_time(const void *a, const void *b)
{
	const struct trace_call *one = a;
	const struct trace_call *other = b;

	return (one->first_us > other->first_us) - (one->first_us < other->first_us);
}

struct trace_call *trace_find(struct recorder *recorder, const struct trace_filter *filter,
			      size_t max, size_t *count)
{
	struct trace_call *out = NULL;
	size_t room = 0;
	bool is_good = true;

	*count = 0;
	for (int i = 0; is_good && i < recorder_rings(recorder); i++) {
		struct walk walk = {.filter = filter, .ring = i};

		walk_ring(&walk, recorder_ring(recorder, i));
		is_good = !walk.failed && collect(&walk, &out, count, &room);
		free_walk(&walk);
	}
	if (!is_good || !*count) {
		free(out);
		*count = 0;
		return NULL;
	}
	qsort(out, *count, sizeof(*out), by_time);
	if (*count > max) {
		memmove(out, out + (*count - max), max * sizeof(*out));
		*count = max;
	}
	return out;
}
