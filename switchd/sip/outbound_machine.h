/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a registration of ours (behaviour C3, RFC 3261 section 10.2) as a table: what is to
 * be done when something happens, and when to act again. It does no I/O and has no clock; who runs
 * it sends, and tells it what came of that. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum outbound_state {
	OUTBOUND_WAITING,     /* for its turn, after the start */
	OUTBOUND_REGISTERING, /* asked, without a registration that is known to hold */
	OUTBOUND_REGISTERED,
	OUTBOUND_REFRESHING, /* asked while the registration holds */
	OUTBOUND_FAILED,     /* until the next try */
	OUTBOUND_LEAVING,    /* asked for its removal */
	OUTBOUND_GONE,
	OUTBOUND_STATES,
};

enum outbound_event {
	OUTBOUND_DUE,         /* the time that was set has come */
	OUTBOUND_GRANTED,     /* 2xx */
	OUTBOUND_CHALLENGED,  /* 401, 407 that can be answered */
	OUTBOUND_TOO_BRIEF,   /* 423 with a Min-Expires that helps */
	OUTBOUND_REFUSED,     /* any other answer, or it could not be sent */
	OUTBOUND_SILENT,      /* no answer to the end of the resend list */
	OUTBOUND_AGAIN,       /* an operator or a commit wants it anew, at once */
	OUTBOUND_LEAVE,       /* it is to end; nothing at the server needs removal */
	OUTBOUND_LEAVE_BOUND, /* it is to end, and may be registered */
	OUTBOUND_EVENTS,
};

enum outbound_action {
	OUTBOUND_NOTHING,
	OUTBOUND_REGISTER,   /* a new REGISTER */
	OUTBOUND_REPEAT,     /* the same again, with what the answer asked for */
	OUTBOUND_KEEP,       /* it holds; refresh when due */
	OUTBOUND_FAIL,       /* it does not; try again when due */
	OUTBOUND_UNREGISTER, /* REGISTER with Expires 0 */
	OUTBOUND_END,        /* nothing is left to do */
};

struct outbound_rules {
	uint32_t expire_s;      /* proposed */
	bool is_auto;           /* a longer grant is good too */
	uint32_t retry_delay_s; /* after a failure */
	uint32_t most_answers;  /* challenges answered in a row */
};

/* What the event brings along. */
struct outbound_news {
	uint32_t granted_s;     /* OUTBOUND_GRANTED */
	uint32_t min_expires_s; /* OUTBOUND_TOO_BRIEF */
	uint32_t retry_after_s; /* OUTBOUND_REFUSED */
};

/* All zero is waiting for its turn; due_us says when that is. */
struct outbound_machine {
	enum outbound_state state;
	uint32_t granted_s;
	uint32_t min_expires_s; /* what a 423 wanted; 0 = none did */
	uint32_t answers;       /* challenges answered since the last new REGISTER */
	uint32_t briefs;        /* 423 obeyed since then */
	uint32_t failures;      /* in a row */
	uint64_t due_us;        /* OUTBOUND_DUE is wanted then; 0: never */
	uint64_t bound_us;      /* the server may hold a registration until then */
};

enum outbound_action outbound_machine_take(struct outbound_machine *machine,
					   const struct outbound_rules *rules,
					   enum outbound_event event,
					   const struct outbound_news *news, uint64_t now_us);
/* Seconds to propose in the next REGISTER; 0 while it is leaving. */
uint32_t outbound_machine_proposes(const struct outbound_machine *machine,
				   const struct outbound_rules *rules);
/* Whether one more challenge may be answered, one more 423 obeyed. */
bool outbound_machine_may_answer(const struct outbound_machine *machine,
				 const struct outbound_rules *rules);
bool outbound_machine_may_lengthen(const struct outbound_machine *machine,
				   const struct outbound_rules *rules, uint32_t min_expires_s);
/* How it is to end: OUTBOUND_LEAVE or OUTBOUND_LEAVE_BOUND. */
enum outbound_event outbound_machine_farewell(const struct outbound_machine *machine,
					      uint64_t now_us);
/* Microseconds from a grant to its refresh. */
uint64_t outbound_refresh_us(uint32_t granted_s);
/* "registered" */
const char *outbound_state_word(enum outbound_state state);
