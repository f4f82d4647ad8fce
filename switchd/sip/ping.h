/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One OPTIONS to an address that somebody wants to know about (RFC 3261 section 11), with the
 * answer and the time it took. It is a transaction of its own, repeated as every request, and given
 * up after the time its asker has. */
#pragma once

#include "switchd/sip/worker.h"

struct ping_order {
	uint64_t id; /* the asker's, for sip_ping_cancel() */
	struct addr to;
	struct addr
		from; /* listen address to use, port 0: any; family ADDR_NONE: one of its kind */
	enum conf_transport transport;
	uint32_t timeout_ms;
};

enum ping_outcome {
	PING_ANSWERED,
	PING_TIMEOUT,   /* nothing came in time */
	PING_UNSENT,    /* no listen address of that family and transport, or no memory */
	PING_CANCELLED, /* by the asker */
};

struct ping_result {
	enum ping_outcome outcome;
	int status;        /* of the answer; this and the next three only when one came */
	uint64_t rtt_us;   /* from the sending to the answer, repetitions included */
	char reason[64];   /* phrase of the answer */
	char agent[64];    /* its User-Agent, "" = none */
	struct addr local; /* where it was sent from */
};

/* Called once in the thread of the worker. */
typedef void ping_fn(void *user, const struct ping_result *result);

/* In the worker's thread. fn may be called before this returns. */
void sip_ping_start(struct sip_worker *worker, const struct ping_order *order, ping_fn *fn,
		    void *user);
/* Gives up the one with that id, if it is still under way. */
void sip_ping_cancel(struct sip_worker *worker, uint64_t id);
/* Frees those under way without a word to anybody; at the end of the worker. */
void sip_pings_destroy(struct sip_worker *worker);
