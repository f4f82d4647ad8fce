/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/monitor.h"

#include <stdio.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/ctl/handlers.h"
#include "switchd/ctl/monitor_calls.h"
#include "switchd/ctl/monitor_counters.h"
#include "switchd/ctl/trace_cmds.h"

static bool is_streaming(const struct session *session)
{
	return session->active && session->active->step == cmd_monitor_log;
}

static bool has_room(const struct session *session)
{
	return control_conn_backlog(&session->conn) < CTL_SEND_SOFT;
}

/* Takes params. The place in the rate is taken already. */
static void send_event(struct session *session, json_t *params)
{
	json_object_set_new(params, "lost", json_integer((json_int_t)session->follow.lost));
	session->follow.lost = 0;
	session_send(session, control_notice("event", params));
}

static json_t *line_event(const struct log_line *line)
{
	char time[CLOCK_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "kind", "log", "time",
			 clock_print_utc(line->time_ms, time), "level",
			 log_level_name((enum log_level)line->level), "subsystem",
			 control_text(span_of(line->subsystem)), "text",
			 control_text(span_of(line->text)));
}

static void send_lines(struct session *session, uint64_t now_us)
{
	struct log_ring *ring = session->ctl->log_ring;
	struct follow *follow = &session->follow;
	struct log_line line;

	while (!session->is_dead && has_room(session) && follow_line(follow, ring, now_us, &line))
		send_event(session, line_event(&line));
	/* Of what was lost behind the last line nobody else would tell. */
	if (follow->lost && !session->is_dead && has_room(session) &&
	    follow_wait_us(follow, ring, now_us) == 0 && follow_take(follow, now_us))
		send_event(session, json_pack("{s:s}", "kind", "lost"));
}

static int sooner(int wait_ms, uint64_t other_us)
{
	int other_ms = (int)(other_us / 1000) + 1;

	return wait_ms < 0 || other_ms < wait_ms ? other_ms : wait_ms;
}

int monitor_run(struct ctl *ctl)
{
	uint64_t now_us = clock_mono_us();
	bool is_followed = false;
	struct session *session;
	uint64_t trace_us = trace_watch_run(ctl, now_us);
	int wait_ms = trace_us == UINT64_MAX ? -1 : sooner(-1, trace_us);

	DL_FOREACH (ctl->sessions, session) {
		uint64_t wait_us = monitor_counters_wake(session->active, now_us);

		if (wait_us && wait_us != UINT64_MAX)
			wait_ms = sooner(wait_ms, wait_us);
		wait_us = monitor_calls_wake(session->active, now_us);
		if (wait_us && wait_us != UINT64_MAX)
			wait_ms = sooner(wait_ms, wait_us);
		wait_us = monitor_trace_wake(session->active, now_us);
		if (wait_us && wait_us != UINT64_MAX)
			wait_ms = sooner(wait_ms, wait_us);
		if (!session->follow.is_on && !is_streaming(session))
			continue;
		is_followed = true;
		if (is_streaming(session)) {
			if (follow_wait_us(&session->follow, ctl->log_ring, now_us) == 0)
				session->active->is_waiting = false;
		} else {
			send_lines(session, now_us);
		}
		wait_us = follow_wait_us(&session->follow, ctl->log_ring, now_us);
		/* Who has no room is looked at again when the socket takes more. */
		if (wait_us && wait_us != UINT64_MAX && has_room(session))
			wait_ms = sooner(wait_ms, wait_us);
	}
	if (ctl->log_ring && ctl->is_followed && !is_followed)
		log_ring_watch(ctl->log_ring, false);
	ctl->is_followed = is_followed;
	return wait_ms;
}

/* --- Commits. --- */

/* To all that want events, but the one whose doing it is. Takes params. */
static void tell_others(struct ctl *ctl, const struct session *by, json_t *params)
{
	uint64_t now_us = clock_mono_us();
	struct session *session;

	DL_FOREACH (ctl->sessions, session) {
		if (!session->follow.is_on || session == by || session->is_dead)
			continue;
		if (!has_room(session))
			session->follow.lost++;
		else if (follow_take(&session->follow, now_us))
			send_event(session, json_copy(params));
	}
	ctl->has_events = true;
	json_decref(params);
}

void monitor_commit(struct ctl *ctl, const struct commit_note *note, uint64_t generation)
{
	tell_others(ctl, note->session,
		    json_pack("{s:s, s:I, s:o, s:o}", "kind", "commit", "generation",
			      (json_int_t)generation, "user", control_text(span_of(note->author)),
			      "comment",
			      control_text(span_of(note->comment ? note->comment : ""))));
}

void monitor_confirm(struct ctl *ctl, const char *state, const struct store_confirm *record,
		     const struct session *by)
{
	int64_t left_ms = confirm_left_ms(&ctl->confirm, clock_wall_ms(), clock_mono_us());
	json_t *params = json_pack("{s:s, s:s, s:I, s:o, s:I}", "kind", "confirm", "state", state,
				   "generation", (json_int_t)record->generation, "user",
				   control_text(span_of(record->author)), "running",
				   (json_int_t)snapshot_generation(ctl->conf->snapshot));

	if (confirm_is_pending(&ctl->confirm))
		json_object_set_new(params, "confirm_s", json_integer((left_ms + 999) / 1000));
	tell_others(ctl, by, params);
}

/* --- Commands. --- */

/* From now on lines wake the control thread. */
static void start_following(struct request *request)
{
	struct ctl *ctl = request->ctl;

	if (ctl->log_ring)
		log_ring_watch(ctl->log_ring, true);
	ctl->is_followed = true;
	follow_begin(&request->session->follow, ctl->log_ring, !request->batch);
}

enum step cmd_terminal_monitor(struct request *request)
{
	/* Nobody looks at the events of a batch. */
	if (!request->batch && !request->session->follow.is_on) {
		start_following(request);
		request->session->follow.is_on = true;
	}
	return STEP_DONE;
}

enum step cmd_terminal_no_monitor(struct request *request)
{
	request->session->follow.is_on = false;
	return STEP_DONE;
}

static void emit_line(struct request *request, int64_t time_ms, const char *level,
		      const char *subsystem, const char *text)
{
	emit_time(request, time_ms);
	emit_str(request, level);
	emit_str(request, subsystem);
	emit_str(request, text);
	emit_row_end(request);
}

static void emit_lost(struct request *request)
{
	char text[64];

	snprintf(text, sizeof(text), "%llu lines were not shown",
		 (unsigned long long)request->session->follow.lost);
	request->session->follow.lost = 0;
	emit_line(request, clock_wall_ms(), log_level_name(LOG_LEVEL_WARNING), "monitor", text);
}

enum step cmd_monitor_log(struct request *request)
{
	struct follow *follow = &request->session->follow;
	uint64_t now_us = clock_mono_us();
	struct log_line line;

	if (!request->state) {
		if (!request_state(request, sizeof(bool)))
			return request_no_memory(request);
		emit_table(request, schema_logging.columns, schema_logging.column_count);
		emit_heading(request);
		if (!follow->is_on)
			start_following(request);
	}
	for (int i = 0; i < CTL_SLICE; i++) {
		if (!follow_line(follow, request->ctl->log_ring, now_us, &line))
			return STEP_WAIT;
		if (follow->lost)
			emit_lost(request);
		emit_line(request, line.time_ms, log_level_name((enum log_level)line.level),
			  line.subsystem, line.text);
	}
	return STEP_MORE;
}
