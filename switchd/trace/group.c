/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/trace/group.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

/* From a key or a dialog to its group. */
struct trace_entry {
	uint64_t id;
	struct trace_group *group;
	UT_hash_handle hh;
};

static struct trace_entry *find(struct trace_entry *table, uint64_t id)
{
	struct trace_entry *entry = NULL;

	HASH_FIND(hh, table, &id, sizeof(id), entry);
	return entry;
}

static void enter(struct trace_groups *groups, struct trace_entry **table, uint64_t id,
		  struct trace_group *group)
{
	struct trace_entry *entry = malloc(sizeof(*entry));

	if (!entry) {
		groups->failed = true;
		return;
	}
	entry->id = id;
	entry->group = group;
	HASH_ADD(hh, *table, id, sizeof(entry->id), entry);
}

/* A dialog may have gone over to another call. */
static void leave(struct trace_entry **table, uint64_t id, const struct trace_group *group)
{
	struct trace_entry *entry = find(*table, id);

	if (!entry || entry->group != group)
		return;
	HASH_DEL(*table, entry);
	free(entry);
}

static struct trace_group *group_new(struct trace_groups *groups, const struct trace_event *event)
{
	struct trace_group *group = calloc(1, sizeof(*group));

	if (!group) {
		groups->failed = true;
		return NULL;
	}
	group->call.first_us = event->time_us;
	group->call.begins_at = event->position;
	group->call.ring = groups->ring;
	group->call.by = TRACE_NO_SIDE;
	group->call.registered = TRACE_NOTES;
	memset(group->call.legs, TRACE_NO_SIDE, sizeof(group->call.legs));
	DL_APPEND(groups->list, group);
	groups->count++;
	return group;
}

static void group_free(struct trace_groups *groups, struct trace_group *group)
{
	struct trace_party *party;
	struct trace_party *next;

	LL_FOREACH_SAFE (group->parties, party, next)
		free(party);
	free(group->places);
	DL_DELETE(groups->list, group);
	groups->count--;
	free(group);
}

void trace_groups_forget(struct trace_groups *groups, struct trace_group *group)
{
	if (group->call.key)
		leave(&groups->calls, group->call.key, group);
	for (uint32_t i = 0; i < group->call.dialog_count; i++)
		leave(&groups->dialogs, group->call.dialogs[i], group);
	group_free(groups, group);
}

void trace_groups_clear(struct trace_groups *groups)
{
	while (groups->list)
		trace_groups_forget(groups, groups->list);
}

/* --- Places. --- */

static bool has_room(struct trace_groups *groups, struct trace_group *group, size_t more)
{
	size_t room = group->place_room ? group->place_room : 16;
	uint64_t *places;

	if (group->place_count + more <= group->place_room)
		return true;
	while (room < group->place_count + more)
		room *= 2;
	places = realloc(group->places, room * sizeof(*places));
	if (!places) {
		groups->failed = true;
		return false;
	}
	group->places = places;
	group->place_room = room;
	return true;
}

static int by_place(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a;
	uint64_t other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

static void add_places(struct trace_groups *groups, struct trace_group *group,
		       const uint64_t *places, size_t count)
{
	if (!count || !has_room(groups, group, count))
		return;
	memcpy(group->places + group->place_count, places, count * sizeof(*places));
	group->place_count += count;
	if (count > 1)
		qsort(group->places, group->place_count, sizeof(*places), by_place);
}

/* --- Which group. --- */

static int dialog_index(const struct trace_call *call, uint64_t dialog)
{
	for (uint32_t i = 0; i < call->dialog_count; i++)
		if (call->dialogs[i] == dialog)
			return (int)i;
	return -1;
}

uint8_t trace_call_leg(const struct trace_call *call, uint64_t dialog)
{
	int index = dialog ? dialog_index(call, dialog) : -1;

	return index < 0 ? TRACE_NO_SIDE : call->legs[index];
}

static void add_dialog(struct trace_groups *groups, struct trace_group *group, uint64_t dialog,
		       struct trace_entry *entry)
{
	if (group->call.dialog_count >= TRACE_DIALOGS_MAX)
		return;
	group->call.dialogs[group->call.dialog_count++] = dialog;
	if (entry)
		entry->group = group;
	else
		enter(groups, &groups->dialogs, dialog, group);
}

/* Of one dialog, which is found to be the call's. */
static void merge(struct trace_groups *groups, struct trace_group *from, struct trace_group *to,
		  struct trace_entry *dialog)
{
	struct trace_call *a = &to->call;
	const struct trace_call *b = &from->call;

	if (a->dialog_count >= TRACE_DIALOGS_MAX)
		return;
	if (b->begins_at < a->begins_at)
		a->begins_at = b->begins_at;
	if (b->first_us < a->first_us)
		a->first_us = b->first_us;
	if (b->last_us > a->last_us)
		a->last_us = b->last_us;
	a->messages += b->messages;
	for (int i = 0; i < TRACE_LEG_KINDS; i++)
		to->met[i] |= from->met[i];
	add_places(groups, to, from->places, from->place_count);
	add_dialog(groups, to, dialog->id, dialog);
	if (groups->merged)
		groups->merged(groups->user, from, to);
	group_free(groups, from);
}

static struct trace_group *group_of(struct trace_groups *groups, const struct trace_event *event)
{
	struct trace_entry *key = event->key ? find(groups->calls, event->key) : NULL;
	struct trace_entry *dialog = event->dialog ? find(groups->dialogs, event->dialog) : NULL;
	struct trace_group *group = key ? key->group : dialog ? dialog->group : NULL;

	if (!event->key && !event->dialog)
		return NULL;
	/* Phones use a Call-ID again for the next call. */
	if (!group || (event->key && !key && group->call.key))
		group = group_new(groups, event);
	if (!group)
		return NULL;
	if (event->key && !key) {
		group->call.key = event->key;
		enter(groups, &groups->calls, event->key, group);
	}
	if (event->dialog && !dialog)
		add_dialog(groups, group, event->dialog, NULL);
	else if (dialog && dialog->group != group && !dialog->group->call.key)
		merge(groups, dialog->group, group, dialog);
	else if (dialog && dialog->group != group)
		add_dialog(groups, group, event->dialog, dialog);
	return group;
}

/* --- What a record tells of its group. --- */

static void add_party(struct trace_groups *groups, struct trace_group *group,
		      const struct trace_event *event)
{
	struct trace_party *party = malloc(sizeof(*party));

	if (!party) {
		groups->failed = true;
		return;
	}
	party->leg = (uint8_t)event->b;
	span_copy(event->data, party->text, sizeof(party->text));
	LL_PREPEND(group->parties, party);
}

/* What was met before anybody knew which leg that was on is met there: the group of a dialog has
 * no other. */
static void take_leg(struct trace_groups *groups, struct trace_group *group,
		     const struct trace_event *event)
{
	struct trace_call *call = &group->call;
	enum trace_leg leg = event->b ? TRACE_LEG_B : TRACE_LEG_A;
	int index = dialog_index(call, event->dialog);

	if (index >= 0)
		call->legs[index] = (uint8_t)event->b;
	group->met[leg] |= group->met[TRACE_LEG_ANY];
	group->met[TRACE_LEG_ANY] = 0;
	if (event->b) {
		span_copy(event->data, call->callee_party, sizeof(call->callee_party));
	} else {
		call->has_caller = true;
		span_copy(event->data, call->caller_party, sizeof(call->caller_party));
	}
	if (event->b > call->attempts)
		call->attempts = (uint32_t)event->b;
	if (groups->keeps_places && index >= 0)
		add_party(groups, group, event);
}

static void take_note(struct trace_groups *groups, struct trace_group *group,
		      const struct trace_event *event)
{
	struct trace_call *call = &group->call;

	switch ((enum trace_note)event->note) {
	case TRACE_CALL_START:
		call->is_whole = true;
		span_copy(event->data, call->caller, sizeof(call->caller));
		break;
	case TRACE_CALLED:
		span_copy(event->data, call->callee, sizeof(call->callee));
		break;
	case TRACE_LEG:
		take_leg(groups, group, event);
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
	case TRACE_REGISTERED:
	case TRACE_UNREGISTERED:
	case TRACE_AUTH_FAILED:
	case TRACE_AUTH_SUSPENDED:
		call->registered = event->note;
		span_copy(event->data, call->user, sizeof(call->user));
		break;
	default:
		break;
	}
}

static void take_message(struct trace_group *group, const struct trace_event *event)
{
	struct trace_call *call = &group->call;
	struct span name = trace_message_name(event->data);

	if (call->messages++ == 0) {
		span_copy(name, call->method, sizeof(call->method));
		call->peer = event->peer;
	}
	if (!call->key && span_eq(name, SPAN_LIT("REGISTER")))
		call->is_registration = true;
}

static void note_what_is_met(struct trace_groups *groups, struct trace_group *group,
			     const struct trace_event *event)
{
	uint8_t met = trace_filter_meets(groups->filter, event);
	uint8_t leg = met ? trace_call_leg(&group->call, event->dialog) : TRACE_NO_SIDE;

	if (met)
		group->met[leg == TRACE_NO_SIDE ? TRACE_LEG_ANY
			   : leg == 0           ? TRACE_LEG_A
						: TRACE_LEG_B] |= met;
}

struct trace_group *trace_groups_take(struct trace_groups *groups, const struct trace_event *event)
{
	struct trace_group *group = group_of(groups, event);

	if (!group || groups->failed)
		return NULL;
	group->call.last_us = event->time_us;
	group->last_at = event->position;
	if (group->next) {
		DL_DELETE(groups->list, group);
		DL_APPEND(groups->list, group);
	}
	if (groups->keeps_places)
		add_places(groups, group, &event->position, 1);
	if (event->kind == TRACE_NOTE)
		take_note(groups, group, event);
	else
		take_message(group, event);
	note_what_is_met(groups, group, event);
	return group;
}
