/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debug: parts of what the flight recorder has, sent unasked to the session that wants them, beside
 * its prompt. All of a session's share the lines that a screen gets in a second. */
#include <stdlib.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/ctl/trace_cmds.h"
#include "switchd/ctl/trace_rows.h"

#define PERIOD_US 100000u
#define BUSY      100 /* records a second, of which a person can read no more */

static const struct debug_kind {
	const char *word; /* of the line */
	const char *name;
	unsigned tell;
	bool registrations_only;
} kinds[] = {
	{"messages", "sip messages", TRACE_TELL_MESSAGES, false},
	{"registrations", "sip registrations", TRACE_TELL_ALL, true},
	{"authentication", "authentication",
	 TRACE_TELL_AREA(TRACE_AREA_AUTHENTICATION) | TRACE_TELL_AREA(TRACE_AREA_REGISTRATION),
	 false},
	{"route", "route", TRACE_TELL_AREA(TRACE_AREA_ROUTE), false},
	{"media", "media", TRACE_TELL_AREA(TRACE_AREA_MEDIA), false},
	{"nat", "nat", TRACE_TELL_AREA(TRACE_AREA_NAT), false},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct debug {
	struct debug *prev;
	struct debug *next;
	struct session *session;
	const struct debug_kind *kind;
	struct trace_filter filter;
	struct trace_follower *follower;
	int64_t since_ms;
	uint64_t due_us;
	uint64_t shown;
	uint64_t lost;
	uint64_t lost_told;
};

static void end(struct debug *debug)
{
	struct trace_watch *watch = &debug->session->ctl->trace_watch;

	DL_DELETE(watch->debugs, debug);
	watch->follower_count--;
	trace_follower_destroy(debug->follower);
	free(debug);
}

/* --- Sending. --- */

static void send_told(struct debug *debug, const struct trace_told *told)
{
	json_t *params = trace_event_json(told, trace_wall_offset_us());

	json_object_set_new(params, "kind", json_string("trace"));
	json_object_set_new(params, "debug", json_string(debug->kind->name));
	json_object_set_new(params, "lost",
			    json_integer((json_int_t)(debug->lost - debug->lost_told)));
	debug->lost_told = debug->lost;
	debug->shown++;
	session_send(debug->session, control_notice("event", params));
}

/* Microseconds until there may be more; 0: as soon as the socket takes more. */
static uint64_t send_waiting(struct debug *debug, uint64_t now_us)
{
	struct session *session = debug->session;
	struct rate_bound *rate = &session->follow.rate;
	const struct trace_told *told;

	debug->lost += trace_follower_take_lost(debug->follower);
	while ((told = trace_follower_first(debug->follower)) != NULL) {
		unsigned lines = trace_watch_lines(told);
		uint64_t wait_us = rate_bound_wait_lines_us(rate, lines, now_us);

		if (wait_us)
			return wait_us < PERIOD_US ? wait_us : PERIOD_US;
		if (session->is_dead || control_conn_backlog(&session->conn) >= CTL_SEND_SOFT)
			return PERIOD_US;
		rate_bound_take_lines(rate, lines, now_us);
		send_told(debug, told);
		trace_follower_drop_first(debug->follower);
	}
	return PERIOD_US;
}

uint64_t debug_run(struct ctl *ctl, uint64_t now_us)
{
	uint64_t wait_us = UINT64_MAX;
	struct debug *debug;
	struct debug *next;

	DL_FOREACH_SAFE (ctl->trace_watch.debugs, debug, next) {
		uint64_t own_us = debug->due_us > now_us ? debug->due_us - now_us : 0;

		if (!own_us) {
			bool has_more = trace_follower_run(debug->follower);

			if (trace_follower_has_failed(debug->follower)) {
				end(debug);
				continue;
			}
			own_us = send_waiting(debug, now_us);
			own_us = has_more ? 1 : own_us;
			debug->due_us = now_us + own_us;
		}
		wait_us = own_us < wait_us ? own_us : wait_us;
	}
	return wait_us;
}

void debug_end(struct session *session)
{
	struct debug *debug;
	struct debug *next;

	DL_FOREACH_SAFE (session->ctl->trace_watch.debugs, debug, next)
		if (debug->session == session)
			end(debug);
}

/* --- Commands. --- */

static const struct debug_kind *kind_of(const struct request *request)
{
	size_t i = 0;

	while (i < KINDS && !request_has(request, kinds[i].word))
		i++;
	return i < KINDS ? &kinds[i] : NULL;
}

static struct debug *find(const struct session *session, const struct debug_kind *kind)
{
	struct debug *debug;

	DL_FOREACH (session->ctl->trace_watch.debugs, debug)
		if (debug->session == session && debug->kind == kind)
			return debug;
	return NULL;
}

static enum step start(struct request *request, const struct debug_kind *kind,
		       const struct trace_filter *filter)
{
	struct trace_watch *watch = &request->ctl->trace_watch;
	const struct trace_bounds bounds = trace_watch_bounds(true);
	struct debug *debug = calloc(1, sizeof(*debug));

	if (debug)
		debug->follower = trace_follower_create(request->ctl->context.recorder, filter,
							kind->tell, &bounds);
	if (!debug || !debug->follower) {
		free(debug);
		return request_no_memory(request);
	}
	debug->session = request->session;
	debug->kind = kind;
	debug->filter = *filter;
	debug->since_ms = clock_wall_ms();
	DL_APPEND(watch->debugs, debug);
	watch->follower_count++;
	/* What comes after the reply is told. */
	while (!trace_follower_is_live(debug->follower) &&
	       !trace_follower_has_failed(debug->follower))
		trace_follower_run(debug->follower);
	request->ctl->has_events = true;
	return STEP_DONE;
}

enum step cmd_debug(struct request *request)
{
	const struct debug_kind *kind = kind_of(request);
	struct trace_filter filter;
	struct debug *debug;
	uint32_t busy;

	if (request->batch)
		return request_refuse(request, FAULT_STATE, 0,
				      "debug needs a prompt to print beside; use monitor trace");
	if (!kind || !trace_filter_of(request, true, &filter))
		return STEP_DONE;
	filter.calls_only = false;
	filter.registrations_only = kind->registrations_only;
	busy = !request->yes && trace_filter_is_any(&filter) && trace_is_on(request)
		       ? trace_busy(request->ctl->context.recorder, clock_mono_us())
		       : 0;
	if (busy > BUSY)
		return request_ask(request, "debug everything on a switch that records %u a second",
				   busy);
	debug = find(request->session, kind);
	if (debug)
		end(debug);
	if (!trace_may_follow(request))
		return STEP_DONE;
	return start(request, kind, &filter);
}

enum step cmd_no_debug(struct request *request)
{
	bool is_all = request_has(request, "all");
	bool is_sip = request_has(request, "sip");
	struct debug *debug;
	struct debug *next;
	unsigned count = 0;

	DL_FOREACH_SAFE (request->ctl->trace_watch.debugs, debug, next) {
		bool is_of_sip = debug->kind < &kinds[2];

		if (debug->session != request->session ||
		    !(is_all || (is_sip && is_of_sip) || request_has(request, debug->kind->word)))
			continue;
		end(debug);
		count++;
	}
	if (!count && !is_all)
		emit_say(request, "that was not on");
	return STEP_DONE;
}

/* --- show debugging. --- */

static const struct column columns[] = {
	{"session", CELL_INT, "", "SESSION", 7},    {"user", CELL_TEXT, "", "USER", 10},
	{"debug", CELL_TEXT, "", "DEBUG", 17},      {"filter", CELL_TEXT, "", "FILTER", 30},
	{"start_time", CELL_TIME, "", "START", 20}, {"shown", CELL_INT, "", "SHOWN", 6},
	{"lost", CELL_INT, "", "LOST", 5},
};

const struct schema schema_debugging = SCHEMA_OF_ROWS(columns);

enum step show_debugging(struct request *request)
{
	const struct debug *debug = request->ctl->trace_watch.debugs;

	EMIT_TABLE(request, columns);
	for (; debug; debug = debug->next) {
		struct buf filter = buf_new();

		trace_filter_print(&debug->filter, &filter);
		emit_int(request, (int64_t)debug->session->id);
		emit_str(request, debug->session->login);
		emit_str(request, debug->kind->name);
		emit_text(request, buf_span(&filter));
		emit_time(request, debug->since_ms);
		emit_int(request, (int64_t)debug->shown);
		emit_int(request, (int64_t)debug->lost);
		emit_row_end(request);
		buf_free(&filter);
	}
	return STEP_DONE;
}
