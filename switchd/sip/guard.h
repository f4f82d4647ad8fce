/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands before the parser, and decides on a message by its source and its first words.
 *
 *   suspended source   dropped, unless it belongs to a call that is up (to end it) or is one of the
 *                      few a second that are let through to be answered 403
 *   flood              more than SS_SIP_GUARD_RATE new dialogs and registrations a second from one
 *                      source are dropped; trusted prefixes and gateways may send what they like
 *   overload           registrations of phones that are not registered, and other requests of
 *                      strangers, are refused 503 or dropped; see overload.h
 *
 * The table of suspended sources is read without a lock; the answer of a quiet switch is two loads.
 * Calls are counted against SS_MAX_CPS where it is known who calls, or a stranger could use it up.
 * Its memory does not depend on who sends. */
#pragma once

#include "switchd/sip/overload.h"
#include "switchd/sip/worker.h"

struct guard;

enum guard_counter {
	GUARD_SUSPENDED_DROPPED,
	GUARD_SUSPENDED_ANSWERED, /* let through to be refused */
	GUARD_SUSPENDED_INSIDE,   /* let through: part of a call, or an answer */
	GUARD_FLOOD_DROPPED,
	GUARD_CALLS_ADMITTED,
	GUARD_CPS_REFUSED,
	GUARD_OVERLOAD_CALLS,     /* new calls refused */
	GUARD_OVERLOAD_STRANGERS, /* requests of strangers refused or dropped */
	GUARD_COUNTERS,
};

VOS_CHECK enum vos_err guard_create(int thread_count, struct guard **out);
void guard_destroy(struct guard *guard);

/* False: the message is dealt with. Before the parse, in the thread that received it. */
bool guard_admits(struct sip_worker *worker, const struct sip_socket *socket,
		  const struct addr *source, char *data, size_t len);
/* False: a new call of somebody who may call was refused. */
bool guard_admits_call(struct sip_worker *worker, const struct sip_rx *rx);

/* --- From any thread. --- */

struct guard_state {
	struct overload_state overload;
	uint32_t lag_ms;        /* of the newest sample */
	uint32_t queue_percent; /* of the receive buffer */
	uint64_t counters[GUARD_COUNTERS];
};

void guard_read(const struct guard *guard, int thread, uint64_t now_us, struct guard_state *out);
const char *guard_counter_name(enum guard_counter counter);
/* Sources that have a bucket, and the most that can. */
size_t guard_sources(const struct guard *guard);
