/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registrations of ours at other servers (RFC 3261 section 10.2, behaviour C3). Each belongs to one
 * signalling thread, whose number its Call-ID carries; that thread sends, hears the answers, and
 * tells all others by the trunk of the configuration (switchd/conf/trunk.h) and by the gateway's
 * live counters whether calls may leave by it. */
#pragma once

#include "switchd/sip/outbound_machine.h"
#include "switchd/sip/worker.h"

struct outbound;

VOS_CHECK enum vos_err outbound_create(struct sip_worker *worker, struct outbound **out);
/* Frees; nobody is told. */
void outbound_destroy(struct outbound *outbound);
/* Makes the registrations of the thread those of the worker's conf: new ones begin, changed ones
 * begin anew, those that are gone are removed at their server. `before` is the conf they were of
 * (NULL at the start), and stays as long as any of them needs it. */
void outbound_configure(struct outbound *outbound, struct conf *before);
/* Removes all at their servers, if SS_SIP_USER_AGENT_SEND_UNREGISTER says so; some at a time, so to
 * be called at every turn. True once all have ended, or the time for that is over. */
bool outbound_stop(struct outbound *outbound);
/* A new REGISTER at once, whatever the state: of that name, or (empty) of all. Returns how many. */
size_t outbound_again(struct outbound *outbound, struct span name);

/* The connection to a server has gone, and with it the way that its calls come in by: what was
 * registered over it is registered anew. */
void outbound_peer_lost(struct outbound *outbound, const struct sip_socket *socket,
			const struct addr *peer);

/* A momentary copy, for show. */
struct outbound_info {
	char name[128];
	enum outbound_state state;
	struct addr server;   /* family ADDR_NONE: not looked up yet */
	struct addr local;    /* ADDR_NONE: no listen address of its kind */
	uint32_t granted_s;   /* 0 = it does not hold */
	uint64_t next_us;     /* monotonic: of the next REGISTER; 0 = none is planned */
	uint64_t answered_us; /* monotonic: of the last answer, or of giving up the wait for one; 0
			       */
	uint64_t since_us;    /* monotonic: up since then; 0 = it is not */
	uint32_t failures;    /* in a row */
	char answer[80];      /* "200 OK", "no answer"; "" = none yet */
};

/* Those with names behind `after` in their order, at most max. Returns how many. */
size_t outbound_list(const struct outbound *outbound, const char *after, struct outbound_info *out,
		     size_t max);
/* Whether the routing gateways of the worker's conf take calls by their registrations, and those
 * that have none at all; after a commit, by one thread. */
void outbound_tell_gateways(struct sip_worker *worker);
/* Which thread a registration belongs to. */
int outbound_owner(const struct sip_shared *shared, const char *name);
