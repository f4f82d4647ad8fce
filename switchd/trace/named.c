/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/trace/named.h"

#include <stdlib.h>
#include <utlist.h>

#define PERIOD_US 100000u

static const char *const state_words[] = {
	[NAMED_RUNS] = "running",    [NAMED_TIME_OVER] = "time over",     [NAMED_FULL] = "full",
	[NAMED_STOPPED] = "stopped", [NAMED_NO_MEMORY] = "out of memory",
};

const char *named_state_word(enum named_state state)
{
	return state_words[state];
}

enum vos_err named_trace_start(struct named_traces *traces, struct recorder *recorder,
			       const struct named_wish *wish, uint64_t now_us)
{
	const struct trace_bounds bounds = {.records = wish->limit, .bytes = NAMED_BYTES_MAX};
	struct named_trace *trace;

	if (named_trace_find(traces, wish->name))
		return VOS_EEXIST;
	if (traces->count == NAMED_TRACES_MAX)
		return VOS_EFULL;
	trace = calloc(1, sizeof(*trace));
	if (!trace)
		return VOS_ENOMEM;
	trace->wish = *wish;
	trace->start_us = now_us;
	trace->end_us = now_us + wish->duration_s * 1000000ull;
	trace->follower =
		trace_follower_create(recorder, &trace->wish.filter, TRACE_TELL_ALL, &bounds);
	if (!trace->follower) {
		free(trace);
		return VOS_ENOMEM;
	}
	/* What is recorded from here on belongs to it. */
	while (!trace_follower_is_live(trace->follower) &&
	       !trace_follower_has_failed(trace->follower))
		trace_follower_run(trace->follower);
	LL_APPEND(traces->list, trace);
	traces->count++;
	traces->due_us = now_us;
	return VOS_OK;
}

struct named_trace *named_trace_find(const struct named_traces *traces, const char *name)
{
	struct named_trace *trace;

	LL_FOREACH (traces->list, trace)
		if (strcmp(trace->wish.name, name) == 0)
			return trace;
	return NULL;
}

static void end(struct named_trace *trace, enum named_state state, uint64_t now_us)
{
	trace->state = state;
	trace->end_us = now_us;
	trace_follower_end(trace->follower);
}

/* False: it has ended. */
static bool run(struct named_trace *trace, uint64_t now_us)
{
	struct trace_follower *follower = trace->follower;

	trace_follower_run(follower);
	if (trace_follower_has_failed(follower))
		end(trace, NAMED_NO_MEMORY, now_us);
	else if (trace_follower_is_full(follower))
		end(trace, NAMED_FULL, now_us);
	else
		trace->lost += trace_follower_take_lost(follower);
	return trace->state == NAMED_RUNS;
}

void named_trace_stop(struct named_trace *trace, uint64_t now_us)
{
	if (trace->state == NAMED_RUNS && run(trace, now_us))
		end(trace, NAMED_STOPPED, now_us);
}

static void destroy(struct named_trace *trace)
{
	trace_follower_destroy(trace->follower);
	free(trace);
}

void named_trace_clear(struct named_traces *traces, struct named_trace *trace)
{
	LL_DELETE(traces->list, trace);
	traces->count--;
	trace->is_cleared = true;
	if (!trace->readers)
		destroy(trace);
}

void named_trace_done(struct named_trace *trace)
{
	if (--trace->readers == 0 && trace->is_cleared)
		destroy(trace);
}

uint64_t named_traces_run(struct named_traces *traces, uint64_t now_us)
{
	struct named_trace *trace;
	bool is_any = false;

	LL_FOREACH (traces->list, trace)
		is_any |= trace->state == NAMED_RUNS;
	if (!is_any)
		return UINT64_MAX;
	if (now_us < traces->due_us)
		return traces->due_us - now_us;
	LL_FOREACH (traces->list, trace)
		if (trace->state == NAMED_RUNS && run(trace, now_us) && now_us >= trace->end_us)
			end(trace, NAMED_TIME_OVER, trace->end_us);
	traces->due_us = now_us + PERIOD_US;
	return PERIOD_US;
}

uint64_t named_trace_next_call(struct named_trace *trace)
{
	if (!trace->wish.has_media)
		return 0;
	for (;;) {
		const struct trace_told *next = trace->looked_at
							? trace->looked_at->next
							: trace_follower_first(trace->follower);

		if (!next)
			return 0;
		trace->looked_at = next;
		if (named_is_beginning(next))
			return next->key;
	}
}

void named_traces_destroy(struct named_traces *traces)
{
	while (traces->list)
		named_trace_clear(traces, traces->list);
}
