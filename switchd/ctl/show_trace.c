/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flight recorder as operators see it: which calls are recorded, and everything of one or of
 * many. A ring is walked in one step; its reader copies nothing that it does not want. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/ctl/trace_cmds.h"
#include "switchd/ctl/trace_media.h"
#include "switchd/ctl/trace_rows.h"
#include "switchd/trace/words.h"

#define CALLS_SHOWN    50
#define CALLS_EXPORTED 10000
#define BYTES_OF_CALL  (8u * 1024u * 1024u)

static const struct column calls_columns[] = {
	{"id", CELL_TEXT, "", "ID", 16},
	{"start_time", CELL_TIME, "", "START", 20},
	{"start_us", CELL_INT, "us", "", 0},
	{"caller", CELL_TEXT, "", "CALLER", 12},
	{"callee", CELL_TEXT, "", "CALLEE", 12},
	{"from", CELL_TEXT, "", "FROM", 16},
	{"to", CELL_TEXT, "", "TO", 16},
	{"method", CELL_TEXT, "", "METHOD", -8},
	{"peer_address", CELL_TEXT, "", "PEER", -21},
	{"state", CELL_TEXT, "", "STATE", 8},
	{"cause", CELL_TEXT, "", "CAUSE", 10},
	{"ended_by", CELL_TEXT, "", "BY", 6},
	{"attempts", CELL_INT, "", "ATTEMPTS", 8},
	{"messages", CELL_INT, "", "MESSAGES", 8},
	{"setup_ms", CELL_INT, "ms", "SETUP_MS", -8},
	{"talk_ms", CELL_INT, "ms", "TALK_MS", -8},
	{"is_whole", CELL_BOOL, "", "WHOLE", 5},
};

const struct schema schema_trace_calls = SCHEMA_OF_ROWS(calls_columns);

struct walk_trace {
	struct trace_filter filter;
	struct trace_call *calls;
	int64_t wall_offset_us;
	size_t count;
	size_t at;
	struct trace_item **items; /* of calls[at]; NULL: not read yet */
	size_t item_count;
	size_t item_at;
	struct trace_media *media; /* behind all calls of a capture file; NULL: not yet */
};

static void drop_walk(void *state)
{
	struct walk_trace *walk = state;

	trace_items_free(walk->items, walk->item_count);
	trace_media_free(walk->media);
	free(walk->calls);
	free(walk);
}

/* The state, with its wish to be filled in; NULL, and refused. */
static struct walk_trace *begin(struct request *request)
{
	struct walk_trace *walk;

	if (!trace_is_on(request))
		return NULL;
	walk = request_state(request, sizeof(*walk));
	if (walk)
		request->drop_state = drop_walk;
	else
		request_no_memory(request);
	return walk;
}

static void find(struct request *request, struct walk_trace *walk, size_t max)
{
	walk->wall_offset_us = trace_wall_offset_us();
	walk->calls = trace_find(request->ctl->context.recorder, &walk->filter, max, &walk->count);
}

/* --- show trace calls. --- */

static const char *state_of(const struct trace_call *call)
{
	if (!call->key)
		return NULL;
	if (call->end_us)
		return call->answer_us ? "ended" : "failed";
	return call->answer_us ? "up" : "dialling";
}

static void emit_cause(struct request *request, const struct trace_call *call)
{
	struct cause cause;
	char name[64];

	if (!call->end_us) {
		emit_null(request);
		return;
	}
	(void)cause_from_number(call->cause, &cause);
	cause_name(cause, name, sizeof(name));
	emit_str(request, name);
}

static void emit_span_ms(struct request *request, uint64_t from_us, uint64_t to_us)
{
	if (from_us && to_us >= from_us)
		emit_int(request, (int64_t)((to_us - from_us) / 1000));
	else
		emit_null(request);
}

static void emit_call(struct request *request, const struct trace_call *call,
		      int64_t wall_offset_us)
{
	int64_t start_us = (int64_t)call->first_us + wall_offset_us;
	char id[CALL_ID_TEXT];

	emit_str(request, call->key ? call_id_text(call->key, id) : NULL);
	emit_time(request, start_us / 1000);
	emit_int(request, start_us);
	emit_text(request, span_of(call->caller));
	emit_text(request, span_of(call->callee));
	emit_str(request, call->caller_party);
	emit_str(request, call->callee_party);
	emit_text(request, span_of(call->method));
	emit_addr(request, &call->peer);
	emit_str(request, state_of(call));
	emit_cause(request, call);
	emit_str(request, !call->end_us               ? NULL
			  : call->by == TRACE_NO_SIDE ? "switch"
			  : call->by == MEDIA_A       ? "caller"
						      : "callee");
	emit_int(request, call->attempts);
	emit_int(request, call->messages);
	emit_span_ms(request, call->answer_us ? call->first_us : 0, call->answer_us);
	emit_span_ms(request, call->answer_us, call->end_us);
	emit_bool(request, call->is_whole);
	emit_row_end(request);
}

enum step show_trace_calls(struct request *request)
{
	struct walk_trace *walk = request->state;

	if (!walk) {
		const char *latest = request_arg(request, "latest");

		walk = begin(request);
		if (!walk || !trace_filter_of(request, false, &walk->filter))
			return STEP_DONE;
		EMIT_TABLE(request, calls_columns);
		find(request, walk,
		     latest                  ? strtoul(latest, NULL, 10)
		     : walk->filter.since_us ? CALLS_EXPORTED
					     : CALLS_SHOWN);
	}
	for (int i = 0; i < CTL_SLICE && walk->at < walk->count; i++)
		emit_call(request, &walk->calls[walk->at++], walk->wall_offset_us);
	return walk->at < walk->count ? STEP_MORE : STEP_DONE;
}

/* --- show trace registrations. --- */

static const struct column registrations_columns[] = {
	{"start_time", CELL_TIME, "", "START", 20}, {"last_time", CELL_TIME, "", "LAST", 20},
	{"phone", CELL_TEXT, "", "PHONE", 12},      {"peer_address", CELL_TEXT, "", "PEER", 21},
	{"state", CELL_TEXT, "", "STATE", 12},      {"messages", CELL_INT, "", "MESSAGES", 8},
	{"call_id", CELL_TEXT, "", "CALL-ID", 30},
};

const struct schema schema_trace_registrations = SCHEMA_OF_ROWS(registrations_columns);

static const char *registration_state(const struct trace_call *call)
{
	switch ((enum trace_note)call->registered) {
	case TRACE_REGISTERED:
		return "registered";
	case TRACE_UNREGISTERED:
		return "unregistered";
	case TRACE_AUTH_FAILED:
		return "failed";
	case TRACE_AUTH_SUSPENDED:
		return "suspended";
	default:
		return NULL;
	}
}

/* For show trace call, which takes it. */
static void emit_call_id(struct request *request, const struct trace_call *call)
{
	const struct recorder_ring *ring =
		recorder_ring(request->ctl->context.recorder, call->ring);
	char memory[TRACE_HEAD_BYTES];
	struct trace_event event;

	if (recorder_at(ring, call->begins_at, &event, memory, sizeof(memory)) &&
	    event.kind != TRACE_NOTE)
		emit_text(request, trace_message_call_id(event.data));
	else
		emit_null(request);
}

static void emit_registration(struct request *request, const struct trace_call *call,
			      int64_t wall_offset_us)
{
	emit_time(request, ((int64_t)call->first_us + wall_offset_us) / 1000);
	emit_time(request, ((int64_t)call->last_us + wall_offset_us) / 1000);
	emit_text(request, span_of(call->user));
	emit_addr(request, &call->peer);
	emit_str(request, registration_state(call));
	emit_int(request, call->messages);
	emit_call_id(request, call);
	emit_row_end(request);
}

enum step show_trace_registrations(struct request *request)
{
	struct walk_trace *walk = request->state;

	if (!walk) {
		const char *latest = request_arg(request, "latest");

		walk = begin(request);
		if (!walk || !trace_filter_of(request, true, &walk->filter))
			return STEP_DONE;
		walk->filter.calls_only = false;
		walk->filter.registrations_only = true;
		EMIT_TABLE(request, registrations_columns);
		find(request, walk, latest ? strtoul(latest, NULL, 10) : CALLS_SHOWN);
	}
	for (int i = 0; i < CTL_SLICE && walk->at < walk->count; i++)
		emit_registration(request, &walk->calls[walk->at++], walk->wall_offset_us);
	return walk->at < walk->count ? STEP_MORE : STEP_DONE;
}

/* --- Everything of a call. --- */

static void emit_item(struct request *request, const struct walk_trace *walk)
{
	const struct trace_call *call = &walk->calls[walk->at];
	const struct trace_item *item = walk->items[walk->item_at];
	const struct trace_frame frame = {
		.key = call->key,
		.party = item->leg == TRACE_NO_SIDE
				 ? NULL
				 : trace_party(walk->items, walk->item_count, item->leg),
		.first_us = call->first_us,
		.wall_offset_us = walk->wall_offset_us,
	};

	trace_emit(request, item, &frame);
}

/* Behind the messages: the packets, in one walk for all calls. Other forms have none. */
static enum step emit_media(struct request *request)
{
	struct walk_trace *walk = request->state;

	if (!request_has(request, "pcap") || !walk->count)
		return STEP_DONE;
	if (!walk->media) {
		walk->media = trace_media_new(request, walk->count);
		for (size_t i = 0; walk->media && i < walk->count; i++)
			trace_media_add(walk->media, walk->calls[i].key, walk->calls[i].first_us);
	}
	if (!walk->media)
		return STEP_DONE;
	return trace_media_emit(request, walk->media, walk->wall_offset_us) ? STEP_MORE : STEP_DONE;
}

/* One step: the items of a call are read in one, and emitted in the next ones. */
static enum step emit_calls(struct request *request)
{
	struct walk_trace *walk = request->state;
	bool is_cut;

	if (walk->at >= walk->count)
		return emit_media(request);
	if (!walk->items) {
		walk->items = trace_read(request->ctl->context.recorder, &walk->calls[walk->at],
					 BYTES_OF_CALL, &walk->item_count, &is_cut);
		walk->item_at = 0;
	}
	for (int i = 0; i < CTL_SLICE && walk->item_at < walk->item_count; i++) {
		emit_item(request, walk);
		walk->item_at++;
	}
	if (walk->item_at < walk->item_count)
		return STEP_MORE;
	trace_items_free(walk->items, walk->item_count);
	walk->items = NULL;
	walk->item_count = 0;
	walk->at++;
	return STEP_MORE;
}

static enum step begin_call(struct request *request)
{
	struct walk_trace *walk = begin(request);

	if (!walk)
		return STEP_DONE;
	trace_filter_of_id(request_arg(request, "id"), &walk->filter);
	find(request, walk, 1);
	if (!walk->count && walk->filter.key) {
		/* Some Call-IDs look like a key. */
		walk->filter.key = 0;
		snprintf(walk->filter.call_id, sizeof(walk->filter.call_id), "%s",
			 request_arg(request, "id"));
		find(request, walk, 1);
	}
	if (!walk->count)
		return request_refuse(request, FAULT_NOT_FOUND,
				      match_arg(&request->match, "id")->column,
				      "nothing is recorded of call %s", request_arg(request, "id"));
	emit_table(request, trace_columns, trace_column_count);
	return emit_calls(request);
}

enum step show_trace_call(struct request *request)
{
	return request->state ? emit_calls(request) : begin_call(request);
}

enum step cmd_trace_export(struct request *request)
{
	struct walk_trace *walk = request->state;

	if (walk)
		return emit_calls(request);
	if (request_has(request, "id"))
		return begin_call(request);
	if (request_has(request, "trace"))
		return export_named_trace(request);
	walk = begin(request);
	if (!walk || !trace_filter_of(request, true, &walk->filter))
		return STEP_DONE;
	find(request, walk, CALLS_EXPORTED);
	emit_table(request, trace_columns, trace_column_count);
	return emit_calls(request);
}
