/* SPDX-License-Identifier: GPL-2.0-or-later */
/* End reasons of calls (behaviour D3): the code received from a peer, positive, or one of ours. */
#pragma once

#include "shared/base/buf.h"

enum cause_id {
#define CAUSE(id, number, name, status, q850, text) CAUSE_##id,
#include "switchd/call/cause.def"
#undef CAUSE
	CAUSE_COUNT
};

struct cause {
	enum cause_id id;
	int received;           /* SIP status that a peer gave; 0 = decided here, see id */
	uint32_t retry_after_s; /* with it; 0 = it said nothing of that */
};

static inline struct cause cause_of(enum cause_id id)
{
	return (struct cause){.id = id};
}

static inline struct cause cause_received(int status)
{
	return (struct cause){.received = status};
}

/* Of two contacts of one party, which reason tells the caller more (RFC 3261 16.7 step 6). */
bool cause_is_better(struct cause cause, struct cause than);
/* Number of the CDR: positive as received, negative ours, 0 normal. */
int cause_number(struct cause cause);
/* The cause of that number; false: there is none, it is left normal. */
bool cause_from_number(int64_t number, struct cause *out);
/* SIP status for a caller who still waits. */
int cause_status(struct cause cause);
int cause_q850(struct cause cause);
/* "no-answer", or "486" for a received one. */
void cause_name(struct cause cause, char *out, size_t size);
const char *cause_text(struct cause cause);
