/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/trace_media.h"

#include <stdlib.h>

#include "switchd/ctl/trace_rows.h"

#define LOOKED_AT 4096 /* records of one step */

/* A call of which packets are wanted. */
struct wanted {
	uint64_t key;
	uint64_t first_us;
	bool is_begun; /* a packet was found */
};

struct trace_media {
	struct recorder *recorder;
	int ring;
	struct recorder_cursor cursor;
	bool was_full; /* the ring has given up older packets */
	char *memory;
	bool is_sorted;
	size_t room;
	size_t count;
	struct wanted wanted[]; /* by key */
};

static int by_key(const void *one, const void *other)
{
	const struct wanted *a = one;
	const struct wanted *b = other;

	return (a->key > b->key) - (a->key < b->key);
}

static bool is_used(struct recorder *recorder)
{
	for (int i = 0; recorder && i < recorder_rings(recorder); i++) {
		struct recorder_cursor end = {0};

		recorder_cursor_end(recorder_ring(recorder, i), &end);
		if (end.position)
			return true;
	}
	return false;
}

struct trace_media *trace_media_new(struct request *request, size_t room)
{
	struct recorder *recorder = request->ctl->context.media_recorder;
	struct trace_media *walk;

	if (!is_used(recorder))
		return NULL;
	walk = calloc(1, sizeof(*walk) + room * sizeof(walk->wanted[0]));
	if (!walk)
		return NULL;
	walk->memory = malloc(TRACE_DATA_MAX);
	if (!walk->memory) {
		free(walk);
		return NULL;
	}
	walk->recorder = recorder;
	walk->room = room;
	return walk;
}

void trace_media_add(struct trace_media *walk, uint64_t key, uint64_t first_us)
{
	if (key && walk->count < walk->room)
		walk->wanted[walk->count++] = (struct wanted){.key = key, .first_us = first_us};
}

void trace_media_free(struct trace_media *walk)
{
	if (!walk)
		return;
	free(walk->memory);
	free(walk);
}

/* Not the beginning of a call that the ring had to give up: the capture says what it lacks. */
static void say_if_cut(struct request *request, const struct trace_media *walk,
		       struct wanted *wanted)
{
	struct vos_fault cut;
	char id[CALL_ID_TEXT];

	if (!wanted->is_begun && walk->was_full) {
		fault_set(&cut, FAULT_STATE, 0,
			  "media of call %s: its beginning may be overwritten (media-ring-size)",
			  call_id_text(wanted->key, id));
		emit_warning(request, &cut, false);
	}
	wanted->is_begun = true;
}

static void emit_packet(struct request *request, struct trace_media *walk,
			const struct trace_event *found, int64_t wall_offset_us)
{
	const struct wanted key = {.key = found->key};
	struct wanted *wanted = bsearch(&key, walk->wanted, walk->count, sizeof(key), by_key);
	struct recorder_cursor again = {.position = found->position};
	struct trace_frame frame = {.key = found->key, .wall_offset_us = wall_offset_us};
	struct trace_event event;

	/* Once more, with its data; it may have been overwritten in between. */
	if (!wanted ||
	    !recorder_next(recorder_ring(walk->recorder, walk->ring), &again, &event, walk->memory,
			   TRACE_DATA_MAX) ||
	    event.position != found->position)
		return;
	say_if_cut(request, walk, wanted);
	frame.first_us = wanted->first_us;
	trace_emit_packet(request, &event, &frame);
}

bool trace_media_emit(struct request *request, struct trace_media *walk, int64_t wall_offset_us)
{
	if (!walk->is_sorted)
		qsort(walk->wanted, walk->count, sizeof(walk->wanted[0]), by_key);
	walk->is_sorted = true;
	for (int i = 0; i < LOOKED_AT && walk->ring < recorder_rings(walk->recorder); i++) {
		bool is_first = walk->cursor.position == 0;
		struct trace_event event;

		if (!recorder_next(recorder_ring(walk->recorder, walk->ring), &walk->cursor, &event,
				   NULL, 0)) {
			walk->cursor = (struct recorder_cursor){0};
			walk->ring++;
			continue;
		}
		if (is_first)
			walk->was_full = event.position > 0;
		emit_packet(request, walk, &event, wall_offset_us);
	}
	return walk->ring < recorder_rings(walk->recorder);
}

/* --- trace media start, stop. --- */

static void ask_start(struct ask *ask, struct sip_worker *worker)
{
	ask->is_found = call_table_capture(worker->calls, ask->low, true);
}

static void ask_stop(struct ask *ask, struct sip_worker *worker)
{
	ask->is_found = call_table_capture(worker->calls, ask->low, false);
}

bool trace_media_prepare(struct request *request)
{
	struct recorder *recorder = request->ctl->context.media_recorder;

	recorder_touch(recorder);
	if (!recorder)
		request_refuse(request, FAULT_STATE, 0, "the media ring has no memory");
	return recorder;
}

/* In the signalling thread. */
struct capture_letter {
	struct mail mail;
	uint64_t key;
};

static void capture(struct mail *mail, void *receiver)
{
	struct capture_letter *letter = (struct capture_letter *)mail;
	struct sip_worker *worker = receiver;

	(void)call_table_capture(worker->calls, letter->key, true);
	free(letter);
}

void trace_media_capture(struct ctl *ctl, uint64_t key)
{
	for (int i = 0; i < ctl->context.worker_count; i++) {
		struct capture_letter *letter = calloc(1, sizeof(*letter));

		/* Without memory its media is not kept, which the call's notes show. */
		if (!letter)
			return;
		letter->mail.run = capture;
		letter->key = key;
		if (!mailbox_post(&ctl->context.workers[i]->mailbox, &letter->mail))
			free(letter);
	}
}

static enum step call_set(struct request *request)
{
	if (found_call(request))
		emit_say(request, request_has(request, "start") ? "its media is kept from now on"
								: "its media is kept no longer");
	return STEP_DONE;
}

enum step cmd_trace_media(struct request *request)
{
	if (!trace_media_prepare(request))
		return STEP_DONE;
	return find_call(request, call_set, request_has(request, "start") ? ask_start : ask_stop);
}

/* --- show trace media. --- */

/* oldest_time: of the oldest packet that is still there, null without one. */
static const struct member media_members[] = {
	{"streams", CELL_INT, MEMBER_ALWAYS, NULL},
	{"filters", CELL_INT, MEMBER_ALWAYS, NULL},
	{"memory_bytes", CELL_INT, MEMBER_ALWAYS, NULL},
	{"written_bytes", CELL_INT, MEMBER_ALWAYS, NULL},
	{"oldest_time", CELL_TIME, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_trace_media = SCHEMA_OF_ITEM(media_members);

static int64_t oldest_us(struct recorder *recorder)
{
	int64_t oldest = 0;

	for (int i = 0; i < recorder_rings(recorder); i++) {
		struct recorder_cursor cursor = {0};
		struct trace_event event;

		if (recorder_next(recorder_ring(recorder, i), &cursor, &event, NULL, 0) &&
		    (!oldest || (int64_t)event.time_us < oldest))
			oldest = (int64_t)event.time_us;
	}
	return oldest;
}

static uint64_t written(struct recorder *recorder)
{
	uint64_t bytes = 0;

	for (int i = 0; i < recorder_rings(recorder); i++) {
		struct recorder_cursor end = {0};

		recorder_cursor_end(recorder_ring(recorder, i), &end);
		bytes += end.position;
	}
	return bytes;
}

enum step show_trace_media(struct request *request)
{
	const struct ctl_context *context = &request->ctl->context;
	struct recorder *recorder = context->media_recorder;
	int64_t oldest;

	if (!recorder || !context->media)
		return request_refuse(request, FAULT_STATE, 0, "the media relay is not running");
	oldest = oldest_us(recorder);
	item_begin(request);
	item_int(request, NULL, "streams", media_captured(context->media));
	item_int(request, NULL, "filters",
		 (int64_t)snapshot_object_count(request_running(request), OBJECT_TRACE_MEDIA));
	item_int(request, NULL, "memory_bytes", (int64_t)recorder_bytes(recorder));
	item_int(request, NULL, "written_bytes", (int64_t)written(recorder));
	item_time(request, NULL, "oldest_time",
		  oldest ? (oldest + trace_wall_offset_us()) / 1000 : 0);
	item_end(request);
	return STEP_DONE;
}
