/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that is recorded of one call. */
#include <stdlib.h>

#include "switchd/trace/find.h"

struct reading {
	const struct trace_call *call;
	struct trace_item **items;
	size_t count;
	size_t room;
	size_t bytes;
	bool failed;
	/* Which leg each of the call's dialogs is; TRACE_NO_SIDE: not told. */
	uint8_t legs[TRACE_DIALOGS_MAX];
};

/* Place among the call's dialogs; -1: none of them. */
static int dialog_index(const struct trace_call *call, uint64_t dialog)
{
	for (uint32_t i = 0; i < call->dialog_count; i++)
		if (call->dialogs[i] == dialog)
			return (int)i;
	return -1;
}

static bool is_of(const struct reading *reading, const struct trace_event *event)
{
	if (reading->call->key && event->key == reading->call->key)
		return true;
	return event->dialog && dialog_index(reading->call, event->dialog) >= 0;
}

static void keep(struct reading *reading, const struct trace_event *event)
{
	struct trace_item *item;

	if (reading->count == reading->room) {
		size_t room = reading->room ? reading->room * 2 : 64;
		struct trace_item **items = realloc(reading->items, room * sizeof(void *));

		if (!items) {
			reading->failed = true;
			return;
		}
		reading->items = items;
		reading->room = room;
	}
	item = malloc(sizeof(*item) + event->data.len + 1);
	if (!item) {
		reading->failed = true;
		return;
	}
	item->event = *event;
	item->leg = TRACE_NO_SIDE;
	memcpy(item + 1, event->data.ptr, event->data.len);
	((char *)(item + 1))[event->data.len] = '\0';
	item->event.data.ptr = (const char *)(item + 1);
	reading->items[reading->count++] = item;
	reading->bytes += sizeof(*item) + event->data.len;
}

static void note_leg(struct reading *reading, const struct trace_event *event)
{
	int index = dialog_index(reading->call, event->dialog);

	if (event->kind == TRACE_NOTE && event->note == TRACE_LEG && index >= 0)
		reading->legs[index] = (uint8_t)event->b;
}

/* Stable, and nearly sorted already: records of one thread are in order but for those of one
 * instant. */
static void set_legs(struct reading *reading)
{
	for (size_t i = 0; i < reading->count; i++) {
		struct trace_item *item = reading->items[i];
		int index = dialog_index(reading->call, item->event.dialog);

		if (index >= 0)
			item->leg = reading->legs[index];
	}
}

struct trace_item **trace_read(struct recorder *recorder, const struct trace_call *call,
			       size_t max_bytes, size_t *count, bool *is_cut)
{
	const struct recorder_ring *ring = recorder_ring(recorder, call->ring);
	struct recorder_cursor cursor = {.position = call->begins_at};
	struct reading reading = {.call = call};
	char *memory = malloc(TRACE_DATA_MAX);
	struct trace_event event;

	*count = 0;
	*is_cut = false;
	memset(reading.legs, TRACE_NO_SIDE, sizeof(reading.legs));
	reading.failed = !memory;
	while (!reading.failed && recorder_next(ring, &cursor, &event, NULL, 0)) {
		if (!is_of(&reading, &event))
			continue;
		if (reading.bytes > max_bytes) {
			*is_cut = true;
			break;
		}
		/* Once more, with its data; it may have been overwritten in between. */
		if (!recorder_at(ring, event.position, &event, memory, TRACE_DATA_MAX))
			continue;
		note_leg(&reading, &event);
		keep(&reading, &event);
	}
	free(memory);
	set_legs(&reading);
	if (reading.failed) {
		trace_items_free(reading.items, reading.count);
		return NULL;
	}
	*count = reading.count;
	return reading.items;
}

void trace_items_free(struct trace_item **items, size_t count)
{
	for (size_t i = 0; items && i < count; i++)
		free(items[i]);
	free(items);
}
