/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who follows the flight recorder: named traces, debug, and how many there may be. Of the control
 * thread; what they cost, it pays, and no signalling thread. */
#pragma once

#include "switchd/ctl/follow.h"
#include "switchd/trace/named.h"

#define TRACE_FOLLOWERS_MAX 16 /* monitor trace and debug, of all sessions together */

struct ctl;
struct debug;
struct session;

struct trace_watch {
	struct named_traces named;
	struct debug *debugs; /* of all sessions */
	int follower_count;
};

/* How much waits for a screen: little, as who looks wants to see what is, and the rest of what he
 * has seen the beginning of. For a file it is more. */
struct trace_bounds trace_watch_bounds(bool is_screen);
/* Lines of a record in full, as far as a second may have them. */
unsigned trace_watch_lines(const struct trace_told *told);

/* Microseconds until it is to be called again; UINT64_MAX: not before something happens. */
uint64_t trace_watch_run(struct ctl *ctl, uint64_t now_us);
/* Ends what the session debugs. */
void debug_end(struct session *session);
/* New records to the sessions that debug; as trace_watch_run(). */
uint64_t debug_run(struct ctl *ctl, uint64_t now_us);
