/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as signalling and media threads read it: a snapshot, and what a commit derives
 * from it once (HA1 of every phone, timer schedules, prefix tables), all immutable.
 *
 * Ownership: reference-counted. The control thread builds one a commit and posts a reference to
 * every thread, which swaps its own pointer between two messages; nobody takes a lock to read. */
#pragma once

#include "shared/base/log.h"
#include "shared/base/secret.h"
#include "shared/config/snapshot.h"
#include "switchd/conf/conf_phone.h"
#include "switchd/conf/conf_rules.h"

#define CONF_SCRAMBLE_KEY_MAX 64

struct conf_listen {
	const char *name;
	enum conf_transport transport;
	struct addr address;
	const char *network;
	struct addr media_address;      /* family ADDR_NONE: the listen address */
	struct addr advertised_address; /* family ADDR_NONE: the listen address */
	const char *certificate;        /* of TLS; "" = not given, as with the next two */
	const char *key;
	const char *ca;
	bool verifies_peer;
};

struct conf_network {
	const char *name;
	struct prefix *prefixes;
	size_t prefix_count;
	struct addr media_address;      /* family ADDR_NONE: that of the interface or the listen */
	struct addr advertised_address; /* family ADDR_NONE: the media address itself */
	const char *interface;          /* "": any, as routes say */
	unsigned device;                /* its index; 0: the machine has none of that name */
	struct addr addresses[2];       /* the first that it has, IPv4 and IPv6 */
};

/* Where something is posted over HTTP; without a URL nowhere. */
struct conf_post {
	char url[256];
	char token[SECRET_PLAIN_MAX + 1]; /* "": none */
	int timeout_s;
};

struct conf {
	struct snapshot *snapshot;
	char hostname[64];
	char realm[64];
	/* Those offered: DIGEST_BITs of shared/base/digest_algorithm.h. */
	unsigned digest_algorithms;
	/* SS_SIP_RESEND_INTERVAL as a schedule: waits in ms, then one more first interval to
	 * failure. */
	uint32_t resend_ms[VALUE_INTERVALS_MAX];
	uint8_t resend_count;
	bool has_reply_addresses; /* of parties: some are not answered as usual */
	char scramble_key[CONF_SCRAMBLE_KEY_MAX + 1]; /* "" = none */
	struct conf_post cdr_push;
	struct conf_post alarm_post;
	const struct conf_listen *listens;
	size_t listen_count;
	const struct conf_network *networks;
	size_t network_count;
	/* the rest is private to conf.c */
	struct conf_private *private;
};

/* Opens secrets with the host key, computes HA1. The snapshot's reference is taken over on success.
 * `previous`, which may be NULL, is the conf in force: what has not changed since (the HA1 of most
 * phones) is copied from it. The fault names the path that cannot be used. */
VOS_CHECK enum vos_err conf_build(struct snapshot *snapshot, const struct secret_key *key,
				  const struct conf *previous, struct conf **out,
				  struct vos_fault *fault);
struct conf *conf_ref(struct conf *conf);
void conf_unref(struct conf *conf);

/* Where confs wait that nobody uses any more. To free 50,000 phones takes milliseconds, and the
 * last reference may go in a signalling thread: there it costs a push, and the control thread
 * frees. All zero is an empty one; it has to outlive its confs. */
struct conf_grave {
	struct conf *_Atomic first;
	_Atomic unsigned alive; /* confs given to it that are not freed yet */
};

/* Before other threads have the conf. Without a grave the last conf_unref() frees at once. */
void conf_set_grave(struct conf *conf, struct conf_grave *grave);
/* Frees what waits; one thread at a time. Returns how many confs of the grave are still in use. */
unsigned conf_grave_sweep(struct conf_grave *grave);

bool conf_post_eq(const struct conf_post *a, const struct conf_post *b);
/* For phones and for whoever else has a user name, a realm and a password. */
void conf_ha1(struct span user, struct span realm, struct span password, struct conf_ha1 *out);
/* By its number: what it authenticates as. */
const struct conf_phone *conf_phone_find(const struct conf *conf, struct span number);
/* Whether a gateway with that callee-restrict (WORD_CALLEE_RESTRICT_...) takes calls to it. */
bool conf_callee_check(const struct conf *conf, uint8_t restriction, const char *callee);
/* Whom a call to that number reaches: by its number or a did. */
const struct conf_phone *conf_phone_called(const struct conf *conf, struct span number);
/* The static phone that calls from there need no password: the only one at that source, or of
 * several the one with that number or did; NULL when none. */
const struct conf_phone *conf_phone_at(const struct conf *conf, const struct addr *source,
				       struct span number);
/* The mapping gateway a request from this source belongs to; longest prefix wins, then a source
 * with a port, then the priority, then the name; NULL when none. Gateways that authenticate by
 * password are not found here. */
const struct conf_mapping_gateway *conf_mapping_gateway_find(const struct conf *conf,
							     const struct addr *source);
const struct conf_mapping_gateway *conf_mapping_named(const struct conf *conf, struct span name);
const struct conf_routing_gateway *conf_routing_gateway_find(const struct conf *conf,
							     struct span name);
/* Routing gateways that register here: how many, and the next one at or behind *index (which is
 * moved on); NULL at the end. */
size_t conf_dynamic_count(const struct conf *conf);
const struct conf_routing_gateway *conf_dynamic_next(const struct conf *conf, size_t *index);
size_t conf_routing_gateway_count(const struct conf *conf);
const struct conf_routing_gateway *conf_routing_gateway_at(const struct conf *conf, size_t index);
/* A `trusted` prefix holds it. */
bool conf_is_trusted(const struct conf *conf, const struct addr *address);
/* A mapping gateway (whatever it authenticates by) or a routing gateway has it, port apart. */
bool conf_is_gateway(const struct conf *conf, const struct addr *address);
/* One gateway whose prefix a number has; each comes once, by its longest. */
struct conf_match {
	const struct conf_routing_gateway *gateway;
	size_t prefix_len;
};
/* Gateways whose prefixes match the callee, whether they can be used or not: longest prefix first,
 * then priority, then name. The callee's text is looked at until the end of the walk. */
struct conf_match_walk {
	const struct conf *conf;
	const char *callee;
	size_t len; /* of the prefixes that are looked at */
	size_t at;
};
struct conf_match_walk conf_match_start(const struct conf *conf, const char *callee);
/* False at the end. */
bool conf_match_next(struct conf_match_walk *walk, struct conf_match *out);
/* Whether a walk would come by it. */
bool conf_matches(const struct conf_routing_gateway *gateway, const char *callee);
/* Dial plans and pools by name, and what they are counted by. */
const struct conf_rules *conf_rules(const struct conf *conf);
struct live_table *conf_live(const struct conf *conf);
/* Network of a party at that address: the network object with the longest prefix that holds it,
 * the subnets of its interface among them; else that of the listen address it came in by (local;
 * NULL = not known), else that of the interface which has the listen address; "" when none says. */
const char *conf_network_of(const struct conf *conf, const struct addr *address,
			    const struct addr *local);
/* Where our side of a party's media is. */
struct conf_media_place {
	struct addr local;
	struct addr shown; /* the same as it stands in SDP; another one behind a NAT of our own */
	unsigned device;   /* index of the interface that it leaves by; 0: as routes say */
};
/* Of those who come in by a listen, that is at `local`. */
struct conf_media_place conf_media_of_listen(const struct conf_listen *listen,
					     const struct addr *local);
/* Of a party of that network, where that of the socket is `usual`. */
struct conf_media_place conf_media_place(const struct conf *conf, const char *network,
					 const struct conf_media_place *usual);
/* The machine's interfaces are not what they were when the conf was built, where that matters. */
bool conf_has_interfaces(const struct conf *conf);
bool conf_interfaces_changed(const struct conf *conf);
/* Every address that media may be at, each once; returns how many were written. */
#define CONF_MEDIA_ADDRESSES_MAX 32
size_t conf_media_addresses(const struct conf *conf, struct addr out[CONF_MEDIA_ADDRESSES_MAX]);
