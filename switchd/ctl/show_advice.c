/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor says of a call: one that is up, or one that the recorder still has. */
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/ctl/call_id.h"
#include "switchd/ctl/handlers.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"
#include "switchd/trace/doctor.h"

#define CALL_BYTES_MAX (4u << 20) /* of records: a call that has more is a flood */
#define CALLS_MAX      100000u

static const struct column columns[] = {
	{"finding", CELL_TEXT, "", "FINDING", 21},
	{"evidence", CELL_TEXT, "", "EVIDENCE", 40},
	{"advice", CELL_TEXT, "", "ADVICE", 0},
};

const struct schema schema_advice = SCHEMA_OF_ROWS(columns);

/* --- What is known besides the records. --- */

/* Of the contact that is where the phone was called last. */
static bool find_device(struct request *request, const struct trace_call *call,
			struct doctor_device *out)
{
	const struct ctl_context *context = &request->ctl->context;
	struct binding bindings[LOCATION_CONTACTS_MAX];
	struct keepalive_view view;
	uint64_t now_us = clock_mono_us();

	if (!context->location || !context->keepalive ||
	    strncmp(call->callee_party, "phone ", 6) != 0 ||
	    !location_find(context->location, span_of(call->callee_party + 6),
			   location_now_ms(context->location), bindings, LOCATION_CONTACTS_MAX))
		return false;
	*out = (struct doctor_device){.is_nat = bindings[0].is_nat, .sent_ago_s = -1};
	if (!bindings[0].keepalive_id ||
	    !keepalive_view(context->keepalive, bindings[0].keepalive_id, &view))
		return true;
	out->is_unreachable = view.is_unreachable;
	out->unanswered = view.unanswered;
	if (view.last_sent_us && view.last_sent_us <= now_us)
		out->sent_ago_s = (int64_t)((now_us - view.last_sent_us) / 1000000);
	return true;
}

/* --- The advice. --- */

static void emit_advice(struct request *request, const struct doctor_case *what)
{
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t count = doctor_look(what, findings);

	EMIT_TABLE(request, columns);
	for (size_t i = 0; i < count; i++) {
		emit_str(request, findings[i].name);
		emit_str(request, findings[i].evidence);
		emit_str(request, findings[i].sentence);
		emit_row_end(request);
	}
	if (!what->call->is_whole)
		emit_say(request, "the beginning of the call is not recorded any more");
}

static enum step advise(struct request *request, const struct trace_call *call,
			const struct call_detail *live)
{
	struct doctor_device device;
	struct doctor_case what = {.call = call, .live = live};
	struct trace_item **items;
	bool is_cut;

	items = trace_read(request->ctl->context.recorder, call, CALL_BYTES_MAX, &what.count,
			   &is_cut);
	if (!items && !what.count)
		return request_no_memory(request);
	what.items = items;
	if (find_device(request, call, &device))
		what.device = &device;
	emit_advice(request, &what);
	trace_items_free(items, what.count);
	return STEP_DONE;
}

/* --- Which call. --- */

/* False: refused. */
static bool choose(struct request *request, const struct trace_call *calls, size_t count,
		   uint64_t low, uint64_t high, struct trace_call *out)
{
	const char *text = match_text(&request->match, "id");
	size_t fits = 0;

	for (size_t i = 0; i < count; i++) {
		if (calls[i].key < low || calls[i].key > high)
			continue;
		*out = calls[i];
		fits++;
	}
	if (fits > 1)
		request_refuse(request, FAULT_SYNTAX_AMBIGUOUS,
			       match_arg(&request->match, "id")->column,
			       "several calls begin with %s", text);
	else if (!fits)
		request_refuse(request, FAULT_NOT_FOUND, 0, "the recorder has no call %s", text);
	return fits == 1;
}

static bool find_recorded(struct request *request, struct trace_call *out)
{
	struct trace_filter filter = {.calls_only = true};
	struct trace_call *calls;
	uint64_t low;
	uint64_t high;
	size_t count;
	bool is_found;

	if (!call_id_range(match_text(&request->match, "id"), &low, &high)) {
		request_refuse(request, FAULT_VALUE_FORMAT,
			       match_arg(&request->match, "id")->column,
			       "a call id has up to 16 hexadecimal digits");
		return false;
	}
	if (!request->ctl->context.recorder) {
		request_refuse(request, FAULT_NOT_FOUND, 0, "nothing is recorded");
		return false;
	}
	if (low == high)
		filter.key = low;
	calls = trace_find(request->ctl->context.recorder, &filter, CALLS_MAX, &count);
	is_found = choose(request, calls, count, low, high, out);
	free(calls);
	return is_found;
}

/* The answer of the call's thread came; without one it has ended meanwhile. */
static enum step live_came(struct request *request)
{
	struct walk_workers *walk = request->state;
	const struct ask *reply = walk->reply;

	return advise(request, walk->more, reply && reply->is_found ? &reply->detail : NULL);
}

enum step show_advice(struct request *request)
{
	struct walk_workers *walk = walk_state(request);
	struct trace_call *call;

	request->match.command = COMMAND_SHOW_ADVICE; /* names the schema of show call */
	if (walk && !walk->more)
		walk->more = calloc(1, sizeof(*call));
	if (!walk || !walk->more)
		return request_no_memory(request);
	call = walk->more;
	if (!find_recorded(request, call))
		return STEP_DONE;
	if (call->end_us || call->ring >= request->ctl->context.worker_count)
		return advise(request, call, NULL);
	walk->worker = call->ring;
	request->step = live_came;
	return walk_ask(request, walk, ask_call_detail, call->key, 0, 1);
}
