/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is likely to be wrong with a call, judged by what the recorder has of it: a table of rules,
 * each a pure function over the call's records. A rule names the fields that it went by, so that
 * nobody has to believe it. It fires on evidence alone; a call of which nothing is known has no
 * findings. */
#pragma once

#include "switchd/call/call.h"
#include "switchd/trace/find.h"

#define DOCTOR_FINDINGS_MAX 24 /* rules there may be */
#define DOCTOR_EVIDENCE_MAX 400

/* What keepalive knows of the phone that was called. */
struct doctor_device {
	bool is_nat;
	bool is_unreachable; /* its probes met silence */
	uint8_t unanswered;  /* probes since its last sign of life */
	int64_t sent_ago_s;  /* since the last keepalive; < 0: none was sent */
};

struct doctor_case {
	const struct trace_call *call;
	struct trace_item *const *items;
	size_t count;
	const struct call_detail *live;     /* NULL: it is over, or was not asked */
	const struct doctor_device *device; /* NULL: nothing is known of it */
};

struct doctor_finding {
	const char *name;                   /* "missing-ack" */
	const char *sentence;               /* what is likely, and what to do */
	char evidence[DOCTOR_EVIDENCE_MAX]; /* "200 sent=7; ACK received=0" */
};

/* Returns how many findings there are, the most telling first. */
size_t doctor_look(const struct doctor_case *what,
		   struct doctor_finding findings[DOCTOR_FINDINGS_MAX]);
