/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/call_why.h"

#include <stdlib.h>

#include "switchd/ctl/trace_rows.h"
#include "switchd/trace/words.h"

#define CALLS_MAX 100000u
#define NOTES_MAX 500 /* of one call; a call that has more is not told to its end */

const struct member why_members[] = {
	{"offset_ms", CELL_INT, MEMBER_ALWAYS, NULL},
	{"area", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"text", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{0},
};

/* Notes of one call, as they are found. */
struct why {
	struct request *request;
	json_t *list;
	uint64_t key;
	uint64_t first_us;
	int count;
};

static void item_note(struct why *why, const struct trace_event *event)
{
	struct buf text = buf_new();
	json_t *item;

	if (!why->first_us)
		why->first_us = event->time_us;
	trace_note_print(event, &text);
	item = item_child(why->list);
	item_int(why->request, item, "offset_ms", (int64_t)(event->time_us - why->first_us) / 1000);
	item_str(why->request, item, "area",
		 trace_area_name(trace_note_area((enum trace_note)event->note)));
	item_str(why->request, item, "text", buf_cstr(&text));
	buf_free(&text);
	why->count++;
}

static void read_ring(struct why *why, const struct recorder_ring *ring)
{
	struct recorder_cursor cursor = {0};
	struct trace_event event;
	char text[1024];

	while (why->count < NOTES_MAX && recorder_next(ring, &cursor, &event, NULL, 0)) {
		struct recorder_cursor again = cursor;

		/* Which dialog is which leg is for who reads messages. */
		if (event.key != why->key || event.kind != TRACE_NOTE || event.note == TRACE_LEG ||
		    event.note >= TRACE_NOTES)
			continue;
		again.position = event.position;
		if (recorder_next(ring, &again, &event, text, sizeof(text)) &&
		    event.key == why->key && event.kind == TRACE_NOTE)
			item_note(why, &event);
	}
}

void item_why(struct request *request, uint64_t key, int ring)
{
	struct recorder *recorder = request->ctl->context.recorder;
	struct why why = {
		.request = request,
		.list = item_list(request, NULL, "why"),
		.key = key,
	};

	for (int i = 0; recorder && i < recorder_rings(recorder); i++)
		if (ring < 0 || ring == i)
			read_ring(&why, recorder_ring(recorder, i));
}

/* --- Calls that are over. --- */

static void item_ms_or_null(struct request *request, const char *name, uint64_t from_us,
			    uint64_t to_us)
{
	if (from_us && to_us >= from_us)
		item_int(request, NULL, name, (int64_t)((to_us - from_us) / 1000000));
	else
		item_str(request, NULL, name, NULL);
}

static void item_cause(struct request *request, const struct trace_call *call)
{
	struct trace_event end = {.note = TRACE_CALL_END, .a = call->cause, .b = call->by};
	struct buf text = buf_new();

	trace_note_print(&end, &text);
	item_str(request, NULL, "cause", buf_cstr(&text));
	buf_free(&text);
}

static void item_call_over(struct request *request, const struct trace_call *call)
{
	static const char *const unknown[] = {"is_relayed", "media_step", "media_reason"};
	int64_t offset_us = trace_wall_offset_us();
	char id[CALL_ID_TEXT];

	item_begin(request);
	item_str(request, NULL, "id", call_id_text(call->key, id));
	item_str(request, NULL, "state", call->end_us ? "over" : "unknown");
	item_str(request, NULL, "caller", call->caller);
	item_str(request, NULL, "callee", call->callee);
	item_time(request, NULL, "start_time", ((int64_t)call->first_us + offset_us) / 1000);
	item_time(request, NULL, "answer_time",
		  call->answer_us ? ((int64_t)call->answer_us + offset_us) / 1000 : 0);
	item_ms_or_null(request, "age_s", call->first_us, call->end_us);
	item_ms_or_null(request, "talk_s", call->answer_us, call->end_us);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		item_str(request, NULL, unknown[i], NULL);
	item_cause(request, call);
	item_str(request, NULL, "timers", NULL);
	item_list(request, NULL, "attempts");
	item_list(request, NULL, "legs");
	item_why(request, call->key, call->ring);
	item_end(request);
}

enum step show_call_over(struct request *request, uint64_t low, uint64_t high)
{
	struct recorder *recorder = request->ctl->context.recorder;
	struct trace_filter filter = {.calls_only = true, .key = low == high ? low : 0};
	const char *text = match_text(&request->match, "id");
	const struct trace_call *found = NULL;
	struct trace_call *calls = NULL;
	size_t count = 0;
	size_t fits = 0;

	if (recorder)
		calls = trace_find(recorder, &filter, CALLS_MAX, &count);
	for (size_t i = 0; i < count; i++) {
		if (calls[i].key < low || calls[i].key > high)
			continue;
		found = &calls[i];
		fits++;
	}
	if (fits == 1)
		item_call_over(request, found);
	else if (fits)
		request_refuse(request, FAULT_SYNTAX_AMBIGUOUS,
			       match_arg(&request->match, "id")->column,
			       "several calls begin with %s", text);
	else
		request_refuse(request, FAULT_NOT_FOUND, 0, "there is no call %s", text);
	free(calls);
	return STEP_DONE;
}
