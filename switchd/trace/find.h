/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls in the flight recorder: which there are, which of them a filter chooses, and everything
 * that is recorded of one. For whoever reads; the recorder's writers know nothing of it.
 *
 * A filter chooses calls, not messages: when anything of a call matches, the call does. What has no
 * call (REGISTER, OPTIONS, MESSAGE, requests that were refused) is grouped by its dialog in the
 * same way, and has key 0. */
#pragma once

#include "switchd/trace/recorder.h"

#define TRACE_DIALOGS_MAX 48 /* of one call: legs of all attempts; later ones are left out */

/* Each part that is set has to match; text is compared whole unless it ends with "*". */
struct trace_filter {
	const char *caller; /* numbers as received; NULL: any, as with all texts */
	const char *callee;
	const char *number;  /* either */
	const char *party;   /* "phone 1001", "routing-gateway a": of either side */
	const char *gateway; /* name, of either kind */
	const char *call_id;
	const char *method;    /* "INVITE": some message is of it */
	const char *cause;     /* word, or number as text */
	struct prefix address; /* some message came from there or went there; family 0: any */
	int status_low;        /* some response has a status in this range; 0: any */
	int status_high;
	uint64_t since_us; /* what began, or was heard of, since then; 0: any */
	bool is_failed;    /* ended without answer */
	bool calls_only;
	uint64_t key; /* this one; 0: any */
};

struct trace_call {
	uint64_t key;   /* 0: no call */
	uint64_t group; /* names it within this result, and for trace_read() */
	int ring;
	uint64_t first_us;
	uint64_t last_us;
	uint64_t answer_us; /* 0: was not answered, or that is no longer recorded */
	uint64_t end_us;    /* 0: is still up, or that is no longer recorded */
	uint32_t messages;
	uint32_t attempts;
	int64_t cause; /* at the end */
	uint8_t by;    /* enum media_side, TRACE_NO_SIDE: the switch */
	bool is_whole; /* its beginning is recorded */
	char caller[64];
	char callee[64];
	char caller_party[84];
	char callee_party[84];
	char method[16]; /* of what has no call */
	struct addr peer;
	uint64_t begins_at; /* position of its first record */
	uint64_t dialogs[TRACE_DIALOGS_MAX];
	uint32_t dialog_count;
};

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

/* "INVITE", or "200" of a response; what stands in the first line. */
struct span trace_message_name(struct span message);
/* 0: it is a request. */
int trace_message_status(struct span message);
