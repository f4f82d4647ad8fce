/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/trace_watch.h"

#include "switchd/ctl/ctl_private.h"
#include "switchd/ctl/trace_media.h"
#include "switchd/ctl/trace_rows.h"

struct trace_bounds trace_watch_bounds(bool is_screen)
{
	if (is_screen)
		return (struct trace_bounds){.records = 1000, .bytes = 2u << 20, .reserve = 900};
	return (struct trace_bounds){.records = 16384, .bytes = 16u << 20, .reserve = 4096};
}

/* A line in front, its own, and a blank one. */
unsigned trace_watch_lines(const struct trace_told *told)
{
	unsigned lines = 2;

	if (told->event.kind == TRACE_NOTE)
		return 1;
	for (size_t i = 0; i < told->event.data.len && lines < FOLLOW_A_SECOND; i++)
		lines += told->event.data.ptr[i] == '\n';
	return lines;
}

bool trace_may_follow(struct request *request)
{
	if (!trace_is_on(request))
		return false;
	if (request->ctl->trace_watch.follower_count < TRACE_FOLLOWERS_MAX)
		return true;
	request_refuse(request, FAULT_STATE, 0,
		       "%d follow the recorder already; see show debugging", TRACE_FOLLOWERS_MAX);
	return false;
}

/* Calls that traces with media have found since. */
static void capture_media(struct ctl *ctl)
{
	struct named_trace *trace = ctl->trace_watch.named.list;
	uint64_t key;

	for (; trace; trace = trace->next)
		while ((key = named_trace_next_call(trace)))
			trace_media_capture(ctl, key);
}

uint64_t trace_watch_run(struct ctl *ctl, uint64_t now_us)
{
	uint64_t named_us = named_traces_run(&ctl->trace_watch.named, now_us);
	uint64_t debug_us = debug_run(ctl, now_us);

	capture_media(ctl);

	return named_us < debug_us ? named_us : debug_us;
}
