/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What chooses calls of the flight recorder. A filter chooses calls, not messages: when anything of
 * a call is what a part of the filter asks for, that part is met, by whatever record that was. */
#pragma once

#include "shared/base/buf.h"
#include "switchd/trace/recorder.h"

struct trace_call;

enum trace_leg { TRACE_LEG_ANY, TRACE_LEG_A, TRACE_LEG_B, TRACE_LEG_KINDS };

/* Each part that is set has to match; text is compared whole unless it ends with "*". */
struct trace_filter {
	char caller[128]; /* numbers as received; "": any, as with all texts */
	char callee[128];
	char number[128];  /* either */
	char party[144];   /* "phone 1001", "routing-gateway a": of either side */
	char gateway[128]; /* name, of either kind */
	char call_id[256];
	char method[16];       /* "INVITE": some message is of it */
	char cause[24];        /* number as text */
	struct prefix address; /* some message came from there or went there; family 0: any */
	int status_low;        /* some response has a status in this range; 0: any */
	int status_high;
	uint64_t since_us; /* what began, or was heard of, since then; 0: any */
	bool is_failed;    /* ended without answer */
	bool calls_only;
	bool registrations_only;
	/* There is such a leg, and what party, gateway, call_id, method, address and status ask
	 * for was on that one. */
	enum trace_leg leg;
	uint64_t key; /* this one; 0: any */
};

/* What a record can meet, as bits. */
uint8_t trace_filter_meets(const struct trace_filter *filter, const struct trace_event *event);
/* Whether a call is chosen: by what is known of it, and by what its records have met so far, by
 * their leg. */
bool trace_filter_chooses(const struct trace_filter *filter, const struct trace_call *call,
			  const uint8_t met[TRACE_LEG_KINDS]);

/* Chooses all calls, or all that is of its kind. */
bool trace_filter_is_any(const struct trace_filter *filter);

/* As it is typed: "caller 1001 status 4xx failed". */
void trace_filter_print(const struct trace_filter *filter, struct buf *out);

/* "INVITE", or "200" of a response; what stands in the first line. */
struct span trace_message_name(struct span message);
/* 0: it is a request. */
int trace_message_status(struct span message);
