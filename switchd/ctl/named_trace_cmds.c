/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace start, stop, export and clear of named traces, and which there are. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/ctl/trace_cmds.h"
#include "switchd/ctl/trace_media.h"
#include "switchd/ctl/trace_rows.h"

static const struct column columns[] = {
	{"name", CELL_TEXT, "", "NAME", 12},        {"state", CELL_TEXT, "", "STATE", 10},
	{"filter", CELL_TEXT, "", "FILTER", 30},    {"user", CELL_TEXT, "", "USER", -10},
	{"start_time", CELL_TIME, "", "START", 20}, {"end_time", CELL_TIME, "", "END", 20},
	{"calls", CELL_INT, "", "CALLS", 6},        {"records", CELL_INT, "", "RECORDS", 7},
	{"limit", CELL_INT, "", "LIMIT", -7},       {"size_bytes", CELL_INT, "bytes", "BYTES", 9},
	{"lost", CELL_INT, "", "LOST", 5},          {"has_media", CELL_BOOL, "", "MEDIA", -5},
};

const struct schema schema_traces = SCHEMA_OF_ROWS(columns);

static uint32_t duration_of(const struct request *request)
{
	uint64_t seconds = trace_seconds_of(request, "duration");

	return seconds ? (uint32_t)seconds : NAMED_DURATION_S;
}

enum step cmd_trace_start(struct request *request)
{
	const char *limit = request_arg(request, "limit");
	struct ctl *ctl = request->ctl;
	struct named_wish wish = {.duration_s = duration_of(request),
				  .limit = limit ? strtoul(limit, NULL, 10) : NAMED_LIMIT,
				  .has_media = request_has(request, "media")};

	if (wish.has_media && !trace_media_prepare(request))
		return STEP_DONE;
	if (!trace_is_on(request) || !trace_filter_of(request, true, &wish.filter))
		return STEP_DONE;
	snprintf(wish.name, sizeof(wish.name), "%s", request_arg(request, "trace"));
	snprintf(wish.user, sizeof(wish.user), "%s", request->session->login);
	switch (named_trace_start(&ctl->trace_watch.named, ctl->context.recorder, &wish,
				  clock_mono_us())) {
	case VOS_OK:
		ctl->has_events = true;
		return STEP_DONE;
	case VOS_EEXIST:
		return request_refuse(request, FAULT_STATE,
				      match_arg(&request->match, "trace")->column,
				      "there is a trace %s already; clear trace %s forgets it",
				      wish.name, wish.name);
	case VOS_EFULL:
		return request_refuse(request, FAULT_STATE, 0,
				      "there are %d traces already; clear one of show traces",
				      NAMED_TRACES_MAX);
	default:
		return request_no_memory(request);
	}
}

/* NULL, and refused. */
static struct named_trace *find(struct request *request)
{
	const char *name = request_arg(request, "trace");
	struct named_trace *trace = named_trace_find(&request->ctl->trace_watch.named, name);

	if (!trace)
		request_refuse(request, FAULT_NOT_FOUND,
			       match_arg(&request->match, "trace")->column, "there is no trace %s",
			       name);
	return trace;
}

enum step cmd_trace_stop(struct request *request)
{
	struct named_trace *trace = find(request);

	if (!trace)
		return STEP_DONE;
	if (trace->state != NAMED_RUNS)
		return request_refuse(request, FAULT_STATE, 0, "trace %s has ended: %s",
				      trace->wish.name, named_state_word(trace->state));
	named_trace_stop(trace, clock_mono_us());
	emit_say(request, "%zu records of %llu calls are kept",
		 trace_follower_count(trace->follower),
		 (unsigned long long)trace_follower_calls(trace->follower));
	return STEP_DONE;
}

enum step cmd_clear_trace(struct request *request)
{
	struct named_traces *traces = &request->ctl->trace_watch.named;
	struct named_trace *trace;

	if (request_has(request, "all")) {
		named_traces_destroy(traces);
		return STEP_DONE;
	}
	trace = find(request);
	if (trace)
		named_trace_clear(traces, trace);
	return STEP_DONE;
}

enum step show_traces(struct request *request)
{
	int64_t offset_us = trace_wall_offset_us();
	const struct named_trace *trace = request->ctl->trace_watch.named.list;

	EMIT_TABLE(request, columns);
	for (; trace; trace = trace->next) {
		struct buf filter = buf_new();

		trace_filter_print(&trace->wish.filter, &filter);
		emit_str(request, trace->wish.name);
		emit_str(request, named_state_word(trace->state));
		emit_text(request, buf_span(&filter));
		emit_str(request, trace->wish.user);
		emit_time(request, ((int64_t)trace->start_us + offset_us) / 1000);
		emit_time(request, ((int64_t)trace->end_us + offset_us) / 1000);
		emit_int(request, (int64_t)trace_follower_calls(trace->follower));
		emit_int(request, (int64_t)trace_follower_count(trace->follower));
		emit_int(request, (int64_t)trace->wish.limit);
		emit_int(request, (int64_t)trace_follower_bytes(trace->follower));
		emit_int(request, (int64_t)trace->lost);
		emit_bool(request, trace->wish.has_media);
		emit_row_end(request);
		buf_free(&filter);
	}
	return STEP_DONE;
}

/* --- trace export NAME. --- */

struct named_export {
	struct named_trace *trace;
	const struct trace_told *at;
	size_t left; /* what comes meanwhile is not waited for */
	int64_t wall_offset_us;
	struct trace_media *media; /* behind the records, of a capture file; NULL: none */
};

static void drop_export(void *state)
{
	struct named_export *export = state;

	if (export->trace)
		named_trace_done(export->trace);
	trace_media_free(export->media);
	free(export);
}

static enum step begin_export(struct request *request)
{
	struct named_trace *trace = find(request);
	struct named_export *export;

	if (!trace)
		return STEP_DONE;
	export = request_state(request, sizeof(*export));
	if (!export)
		return request_no_memory(request);
	request->drop_state = drop_export;
	request->step = export_named_trace;
	trace->readers++;
	*export = (struct named_export){
		.trace = trace,
		.at = trace_follower_first(trace->follower),
		.left = trace_follower_count(trace->follower),
		.wall_offset_us = trace_wall_offset_us(),
	};
	if (request_has(request, "pcap"))
		export->media = trace_media_new(request, trace_follower_calls(trace->follower));
	emit_table(request, trace_columns, trace_column_count);
	return STEP_MORE;
}

enum step export_named_trace(struct request *request)
{
	struct named_export *export = request->state;

	if (!export)
		return begin_export(request);
	for (int i = 0; i < CTL_SLICE && export->left; i++) {
		trace_emit_told(request, export->at, export->wall_offset_us);
		if (export->media && named_is_beginning(export->at))
			trace_media_add(export->media, export->at->key, export->at->first_us);
		export->at = export->at->next;
		export->left--;
	}
	if (export->left)
		return STEP_MORE;
	return export->media && trace_media_emit(request, export->media, export->wall_offset_us)
		       ? STEP_MORE
		       : STEP_DONE;
}
