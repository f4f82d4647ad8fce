/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor trace: rows of show trace call, of each chosen call while it happens. A follower reads;
 * its request takes from it what the screen may have now. Who does not read is not waited for: the
 * ring goes on, and what was missed is counted in a row of its own. */
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/ctl/trace_cmds.h"
#include "switchd/ctl/trace_rows.h"

#define PERIOD_US  100000u
#define BYTES_STEP (CTL_SEND_SOFT / 2)

enum view { VIEW_MESSAGES, VIEW_LADDER, VIEW_SUMMARY };

struct monitor_trace {
	struct ctl *ctl;
	struct trace_follower *follower;
	struct rate_bound rate;
	enum view view;
	uint64_t due_us;
	uint64_t lost;
	uint64_t drawn; /* the call of the newest row, which a drawing need not name again */
	int64_t wall_offset_us;
	bool is_begun;
};

static void drop_state(void *state)
{
	struct monitor_trace *monitor = state;

	if (monitor->follower)
		monitor->ctl->trace_watch.follower_count--;
	trace_follower_destroy(monitor->follower);
	free(monitor);
}

uint64_t monitor_trace_wake(struct request *request, uint64_t now_us)
{
	const struct monitor_trace *monitor;

	if (!request || request->step != cmd_monitor_trace || !request->state)
		return UINT64_MAX;
	monitor = request->state;
	if (now_us < monitor->due_us)
		return monitor->due_us - now_us;
	request->is_waiting = false;
	return 0;
}

static unsigned lines_of(const struct monitor_trace *monitor, const struct trace_told *told)
{
	if (monitor->view == VIEW_MESSAGES)
		return trace_watch_lines(told);
	if (monitor->view == VIEW_SUMMARY)
		return 1;
	/* Its arrow and what it offers, and whose drawing goes on. */
	return told->key == monitor->drawn ? 2 : 6;
}

static bool take_place(struct request *request, unsigned lines)
{
	struct monitor_trace *monitor = request->state;
	uint64_t now_us = clock_mono_us();
	uint64_t wait_us;

	if (request->batch)
		return true;
	wait_us = rate_bound_wait_lines_us(&monitor->rate, lines, now_us);
	if (!wait_us) {
		rate_bound_take_lines(&monitor->rate, lines, now_us);
		return true;
	}
	if (now_us + wait_us < monitor->due_us)
		monitor->due_us = now_us + wait_us;
	return false;
}

static void emit_told(struct request *request, const struct trace_told *told)
{
	struct monitor_trace *monitor = request->state;

	trace_emit_told(request, told, monitor->wall_offset_us);
	monitor->drawn = told->key;
}

/* False: not now. */
static bool emit_lost(struct request *request)
{
	struct monitor_trace *monitor = request->state;

	monitor->lost += trace_follower_take_lost(monitor->follower);
	if (!monitor->lost)
		return true;
	if (!take_place(request, 1))
		return false;
	trace_emit_lost(request, monitor->lost);
	monitor->lost = 0;
	return true;
}

/* True: there is more that may be shown at once. */
static bool emit_waiting(struct request *request)
{
	struct monitor_trace *monitor = request->state;
	const struct trace_told *told;
	size_t bytes = 0;

	if (!emit_lost(request))
		return false;
	while ((told = trace_follower_first(monitor->follower)) != NULL) {
		if (bytes > BYTES_STEP)
			return true;
		if (!take_place(request, lines_of(monitor, told)))
			return false;
		bytes += sizeof(*told) + told->event.data.len;
		emit_told(request, told);
		trace_follower_drop_first(monitor->follower);
	}
	return false;
}

static struct monitor_trace *begin(struct request *request)
{
	struct trace_watch *watch = &request->ctl->trace_watch;
	const struct trace_bounds bounds = trace_watch_bounds(!request->batch);
	struct monitor_trace *monitor;
	struct trace_filter filter;

	if (!trace_may_follow(request) || !trace_filter_of(request, true, &filter))
		return NULL;
	monitor = request_state(request, sizeof(*monitor));
	if (!monitor) {
		request_no_memory(request);
		return NULL;
	}
	request->drop_state = drop_state;
	monitor->ctl = request->ctl;
	monitor->view = request_has(request, "ladder")    ? VIEW_LADDER
			: request_has(request, "summary") ? VIEW_SUMMARY
							  : VIEW_MESSAGES;
	monitor->wall_offset_us = trace_wall_offset_us();
	monitor->follower = trace_follower_create(request->ctl->context.recorder, &filter,
						  TRACE_TELL_ALL, &bounds);
	if (!monitor->follower) {
		request_no_memory(request);
		return NULL;
	}
	watch->follower_count++;
	/* Its end may be that of the connection, so its start is what is audited. */
	audit_command(request, request->match.full_line, "ok");
	request->is_audited = false;
	emit_table(request, trace_columns, trace_column_count);
	return monitor;
}

enum step cmd_monitor_trace(struct request *request)
{
	struct monitor_trace *monitor = request->state ? request->state : begin(request);
	bool has_more;

	if (!monitor)
		return STEP_DONE;
	monitor->due_us = clock_mono_us() + PERIOD_US;
	has_more = trace_follower_run(monitor->follower);
	if (trace_follower_has_failed(monitor->follower))
		return request_no_memory(request);
	has_more |= emit_waiting(request);
	if (has_more)
		return STEP_MORE;
	/* Who sees the heading is told of everything from here on. */
	if (!monitor->is_begun && trace_follower_is_live(monitor->follower)) {
		emit_heading(request);
		monitor->is_begun = true;
	}
	request->ctl->has_events = true; /* how long the thread may sleep is asked before a turn */
	return STEP_WAIT;
}
