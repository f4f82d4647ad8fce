/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Named traces: calls that are copied out of the ring while they happen and kept under a name,
 * until somebody has exported and cleared them. They are in memory, bounded each, and end with
 * switchd.
 *
 * A trace ends at its time, when it is full, or by hand; what it has kept stays. One thread's. */
#pragma once

#include "switchd/trace/follow.h"

#define NAMED_TRACES_MAX 8
#define NAMED_BYTES_MAX  (16u * 1024u * 1024u) /* of one */
#define NAMED_DURATION_S 1800u
#define NAMED_LIMIT      5000u /* records */

enum named_state { NAMED_RUNS, NAMED_TIME_OVER, NAMED_FULL, NAMED_STOPPED, NAMED_NO_MEMORY };

struct named_wish {
	char name[32];
	char user[64]; /* who wants it */
	struct trace_filter filter;
	uint32_t duration_s;
	size_t limit;
	bool has_media; /* the media of its calls is kept, too (media/capture.h) */
};

struct named_trace {
	struct named_trace *next;
	struct named_wish wish;
	enum named_state state;
	uint64_t start_us;
	uint64_t end_us; /* it ended, or is going to */
	uint64_t lost;   /* records that the ring no longer had */
	struct trace_follower *follower;
	const struct trace_told *looked_at; /* the last for calls to be captured; NULL: none yet */
	unsigned readers;                   /* it outlives its name until they are done */
	bool is_cleared;
};

struct named_traces {
	struct named_trace *list;
	size_t count;
	uint64_t due_us;
};

/* Faults: VOS_EEXIST there is one of that name, VOS_EFULL there are too many, VOS_ENOMEM. */
VOS_CHECK enum vos_err named_trace_start(struct named_traces *traces, struct recorder *recorder,
					 const struct named_wish *wish, uint64_t now_us);
/* NULL: there is none. */
struct named_trace *named_trace_find(const struct named_traces *traces, const char *name);
/* What was recorded until now is kept. */
void named_trace_stop(struct named_trace *trace, uint64_t now_us);
void named_trace_clear(struct named_traces *traces, struct named_trace *trace);
/* Lets go of a trace whose readers were counted. */
void named_trace_done(struct named_trace *trace);
/* Reads what is new. Microseconds until it is to be called again; UINT64_MAX: none runs. */
uint64_t named_traces_run(struct named_traces *traces, uint64_t now_us);
/* Key of the next call of a trace with media that has begun to be told; 0: there is none now. */
uint64_t named_trace_next_call(struct named_trace *trace);
void named_traces_destroy(struct named_traces *traces);
/* The record is a call's first one that names it, of which each call has one. */
static inline bool named_is_beginning(const struct trace_told *told)
{
	return told->event.kind == TRACE_NOTE && told->event.note == TRACE_CALL_START;
}

const char *named_state_word(enum named_state state);
