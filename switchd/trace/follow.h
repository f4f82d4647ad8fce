/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follows calls of the flight recorder while they happen: whole calls, chosen by a filter. A call
 * that is only found to match in its midst is told from its beginning on, as far as the ring still
 * has it.
 *
 * A follower reads; nobody who writes knows of it. What it has found waits in it, within bounds,
 * until somebody takes it; what is too much is counted. It belongs to one thread. */
#pragma once

#include "switchd/trace/filter.h"

/* What of the chosen calls is told: messages, and notes by their area. */
#define TRACE_TELL_MESSAGES   (1u << TRACE_AREAS)
#define TRACE_TELL_AREA(area) (1u << (area))
#define TRACE_TELL_ALL        ((TRACE_TELL_MESSAGES << 1) - 1)

/* A record, and what is known of the call that it is of. */
struct trace_told {
	struct trace_told *next;
	struct trace_event event; /* data stands behind this */
	uint64_t key;
	uint64_t first_us; /* of the call */
	uint8_t leg;       /* 0: caller's; n: of attempt n; TRACE_NO_SIDE: of none */
	char party[84];    /* "": not known */
};

struct trace_bounds {
	size_t records; /* that wait at a time */
	size_t bytes;
	size_t reserve; /* of the records: for calls of which some have been told */
};

struct trace_follower;

/* Reads on from what is recorded by then. NULL: out of memory. */
struct trace_follower *trace_follower_create(struct recorder *recorder,
					     const struct trace_filter *filter, unsigned tell,
					     const struct trace_bounds *bounds);
/* NULL is allowed. */
void trace_follower_destroy(struct trace_follower *follower);
/* Reads for a while. True: there is more to be read at once. */
bool trace_follower_run(struct trace_follower *follower);
/* What was recorded before its start has been looked at; calls are told from here on. */
bool trace_follower_is_live(const struct trace_follower *follower);
/* Out of memory; it tells nothing more. */
bool trace_follower_has_failed(const struct trace_follower *follower);
/* Something did not fit. */
bool trace_follower_is_full(const struct trace_follower *follower);
/* Reads no more, and gives up what it knows but for what waits. */
void trace_follower_end(struct trace_follower *follower);

/* The oldest that waits, the others follow by next; NULL: none. */
const struct trace_told *trace_follower_first(const struct trace_follower *follower);
void trace_follower_drop_first(struct trace_follower *follower);
size_t trace_follower_count(const struct trace_follower *follower);
size_t trace_follower_bytes(const struct trace_follower *follower);
/* Calls, or dialogs of no call, of which something was told. */
uint64_t trace_follower_calls(const struct trace_follower *follower);
/* Records that were not told since it was asked for the last time. */
uint64_t trace_follower_take_lost(struct trace_follower *follower);

/* Records a second that came lately, for who wonders whether to follow them all. */
uint32_t trace_busy(struct recorder *recorder, uint64_t now_us);
