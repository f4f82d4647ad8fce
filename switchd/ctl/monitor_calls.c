/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recorder tells nobody that there is something new, so that its writers stay free of it: it is
 * looked at PERIOD_US apart. What is known of a call is kept from its beginning to its end; those
 * that began before are known by what of them is still in the ring. */
#include "switchd/ctl/monitor_calls.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "shared/base/clock.h"
#include "switchd/ctl/trace_rows.h"

#define PERIOD_US  100000u
#define CALLS_MAX  65536u /* followed at a time; of others only the end is told */
#define RECORDS    4096   /* of one step */
#define HEAD_BYTES 256    /* of a message: its first line */

static const struct column columns[] = {
	{"time", CELL_TIME, "", "TIME", 20},       {"time_us", CELL_INT, "us", "", 0},
	{"event", CELL_TEXT, "", "EVENT", 6},      {"call", CELL_TEXT, "", "CALL", 16},
	{"caller", CELL_TEXT, "", "CALLER", 12},   {"callee", CELL_TEXT, "", "CALLEE", 12},
	{"from", CELL_TEXT, "", "FROM", 16},       {"to", CELL_TEXT, "", "TO", 16},
	{"talk_ms", CELL_INT, "ms", "TALK_MS", 8}, {"cause", CELL_TEXT, "", "CAUSE", 10},
	{"lost", CELL_INT, "", "LOST", 4},
};

const struct schema schema_monitor_calls = SCHEMA_OF_ROWS(columns);

struct followed {
	UT_hash_handle by_key;
	UT_hash_handle by_dialog;
	uint64_t key;
	uint64_t dialog; /* of its caller */
	uint64_t answer_us;
	bool has_dialog;
	bool has_rung;
	char caller[64];
	char callee[64];
	char from[84];
	char to[84];
};

struct monitor_calls {
	struct recorder_cursor *cursors; /* one a ring */
	struct followed *by_key;
	struct followed *by_dialog;
	struct rate_bound rate;
	uint64_t due_us;
	uint64_t lost; /* rows that were not shown, or pieces of the ring that were not read */
	int64_t wall_offset_us;
	bool is_live; /* what was there at the start has been read */
	bool no_memory;
};

static void forget(struct monitor_calls *monitor, struct followed *call)
{
	HASH_DELETE(by_key, monitor->by_key, call);
	if (call->has_dialog)
		HASH_DELETE(by_dialog, monitor->by_dialog, call);
	free(call);
}

static void drop_state(void *state)
{
	struct monitor_calls *monitor = state;
	struct followed *call;
	struct followed *next;

	HASH_ITER (by_key, monitor->by_key, call, next)
		forget(monitor, call);
	free(monitor->cursors);
	free(monitor);
}

uint64_t monitor_calls_wake(struct request *request, uint64_t now_us)
{
	const struct monitor_calls *monitor;

	if (!request || request->step != cmd_monitor_calls || !request->state)
		return UINT64_MAX;
	monitor = request->state;
	if (now_us < monitor->due_us)
		return monitor->due_us - now_us;
	request->is_waiting = false;
	return 0;
}

static struct followed *find(struct monitor_calls *monitor, uint64_t key)
{
	struct followed *call;

	HASH_FIND(by_key, monitor->by_key, &key, sizeof(key), call);
	return call;
}

/* NULL: too many, or out of memory. */
static struct followed *find_or_add(struct monitor_calls *monitor, uint64_t key)
{
	struct followed *call = find(monitor, key);

	if (call || HASH_CNT(by_key, monitor->by_key) >= CALLS_MAX)
		return call;
	call = calloc(1, sizeof(*call));
	if (!call) {
		monitor->no_memory = true;
		return NULL;
	}
	call->key = key;
	HASH_ADD(by_key, monitor->by_key, key, sizeof(call->key), call);
	return call;
}

/* Whether the row may be shown now; what may not is counted. */
static bool take_place(struct request *request)
{
	struct monitor_calls *monitor = request->state;

	if (!monitor->is_live)
		return false;
	if (request->batch || rate_bound_take(&monitor->rate, clock_mono_us()))
		return true;
	monitor->lost++;
	return false;
}

static void emit_cause(struct request *request, int64_t number)
{
	struct cause cause;
	char name[64];

	(void)cause_from_number(number, &cause);
	cause_name(cause, name, sizeof(name));
	emit_str(request, name);
}

static void emit_event(struct request *request, const char *name, const struct trace_event *event,
		       const struct followed *call)
{
	struct monitor_calls *monitor = request->state;
	int64_t wall_us = (int64_t)event->time_us + monitor->wall_offset_us;
	bool is_end = strcmp(name, "end") == 0;
	char id[CALL_ID_TEXT];

	if (!take_place(request))
		return;
	emit_time(request, wall_us / 1000);
	emit_int(request, wall_us);
	emit_str(request, name);
	emit_str(request, call_id_text(call->key, id));
	emit_str(request, call->caller);
	emit_str(request, call->callee);
	emit_str(request, call->from);
	emit_str(request, call->to);
	if (is_end && call->answer_us)
		emit_int(request, (int64_t)((event->time_us - call->answer_us) / 1000));
	else
		emit_null(request);
	if (is_end)
		emit_cause(request, event->a);
	else
		emit_null(request);
	emit_int(request, (int64_t)monitor->lost);
	monitor->lost = 0;
	emit_row_end(request);
}

static void take_leg(struct monitor_calls *monitor, struct followed *call,
		     const struct trace_event *event)
{
	struct followed *other;

	if (event->b) {
		span_copy(event->data, call->to, sizeof(call->to));
		return;
	}
	span_copy(event->data, call->from, sizeof(call->from));
	HASH_FIND(by_dialog, monitor->by_dialog, &event->dialog, sizeof(event->dialog), other);
	if (call->has_dialog || other)
		return;
	call->dialog = event->dialog;
	call->has_dialog = true;
	HASH_ADD(by_dialog, monitor->by_dialog, dialog, sizeof(call->dialog), call);
}

static void take_note(struct request *request, const struct trace_event *event)
{
	struct monitor_calls *monitor = request->state;
	struct followed *call = event->key ? find_or_add(monitor, event->key) : NULL;
	const struct followed unknown = {.key = event->key};

	if (!call) {
		if (event->key && event->note == TRACE_CALL_END)
			emit_event(request, "end", event, &unknown);
		return;
	}
	switch ((enum trace_note)event->note) {
	case TRACE_LEG:
		take_leg(monitor, call, event);
		break;
	case TRACE_CALL_START:
		span_copy(event->data, call->caller, sizeof(call->caller));
		break;
	case TRACE_CALLED:
		span_copy(event->data, call->callee, sizeof(call->callee));
		emit_event(request, "begin", event, call);
		break;
	case TRACE_ANSWERED:
		call->answer_us = event->time_us;
		span_copy(event->data, call->to, sizeof(call->to));
		emit_event(request, "answer", event, call);
		break;
	case TRACE_CALL_END:
		emit_event(request, "end", event, call);
		forget(monitor, call);
		break;
	default:
		break;
	}
}

/* That it rings is told by what the caller is told. */
static void take_message(struct request *request, const struct trace_event *event)
{
	struct monitor_calls *monitor = request->state;
	int status = event->kind == TRACE_SENT ? trace_message_status(event->data) : 0;
	struct followed *call;

	if (status < 180 || status > 183 || !event->dialog)
		return;
	HASH_FIND(by_dialog, monitor->by_dialog, &event->dialog, sizeof(event->dialog), call);
	if (!call || call->has_rung || call->answer_us)
		return;
	call->has_rung = true;
	emit_event(request, "ring", event, call);
}

/* True: there is more. */
static bool read_ring(struct request *request, int at)
{
	struct monitor_calls *monitor = request->state;
	struct recorder *recorder = request->ctl->context.recorder;
	struct recorder_cursor *cursor = &monitor->cursors[at];
	uint64_t lost = cursor->lost;
	struct trace_event event;
	char memory[HEAD_BYTES];

	for (int i = 0; i < RECORDS; i++) {
		if (!recorder_next(recorder_ring(recorder, at), cursor, &event, memory,
				   sizeof(memory)))
			return false;
		if (cursor->lost != lost && monitor->is_live)
			monitor->lost++;
		lost = cursor->lost;
		if (event.kind == TRACE_NOTE)
			take_note(request, &event);
		else
			take_message(request, &event);
	}
	return true;
}

static struct monitor_calls *begin(struct request *request)
{
	struct monitor_calls *monitor;
	int rings;

	if (!trace_is_on(request))
		return NULL;
	monitor = request_state(request, sizeof(*monitor));
	if (!monitor) {
		request_no_memory(request);
		return NULL;
	}
	request->drop_state = drop_state;
	rings = recorder_rings(request->ctl->context.recorder);
	monitor->cursors = calloc((size_t)rings, sizeof(*monitor->cursors));
	monitor->wall_offset_us = trace_wall_offset_us();
	if (!monitor->cursors) {
		request_no_memory(request);
		return NULL;
	}
	EMIT_TABLE(request, columns);
	return monitor;
}

enum step cmd_monitor_calls(struct request *request)
{
	struct monitor_calls *monitor = request->state ? request->state : begin(request);
	bool has_more = false;

	if (!monitor)
		return STEP_DONE;
	for (int i = 0; i < recorder_rings(request->ctl->context.recorder); i++)
		has_more |= read_ring(request, i);
	if (monitor->no_memory)
		return request_no_memory(request);
	if (has_more)
		return STEP_MORE;
	/* Who sees the heading is told of everything from here on. */
	if (!monitor->is_live)
		emit_heading(request);
	monitor->is_live = true;
	monitor->due_us = clock_mono_us() + PERIOD_US;
	request->ctl->has_events = true; /* how long the thread may sleep is asked before a turn */
	return STEP_WAIT;
}
