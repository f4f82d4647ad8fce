/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls in the flight recorder: which there are, which of them a filter chooses, and everything
 * that is recorded of one. For whoever reads; the recorder's writers know nothing of it.
 *
 * A filter chooses calls, not messages: when anything of a call matches, the call does. What has no
 * call (REGISTER, OPTIONS, MESSAGE, requests that were refused) is grouped by its dialog in the
 * same way, and has key 0. */
#pragma once

#include "switchd/trace/group.h"

/* The calls that the filter chooses, oldest first; the newest max of them. *count says how many.
 * Free the result with free(). NULL: out of memory, or none (then *count is 0). */
struct trace_call *trace_find(struct recorder *recorder, const struct trace_filter *filter,
			      size_t max, size_t *count);

/* A record of a call, with its data behind it. */
struct trace_item {
	struct trace_event event; /* data points behind the item */
	uint8_t leg;              /* 0: caller's; n: of attempt n; TRACE_NO_SIDE: of none */
};

/* All records of a call in the order of time, at most max_bytes of them (the first ones); *is_cut
 * says that there were more. Free each and the array with trace_items_free(). */
struct trace_item **trace_read(struct recorder *recorder, const struct trace_call *call,
			       size_t max_bytes, size_t *count, bool *is_cut);
void trace_items_free(struct trace_item **items, size_t count);
