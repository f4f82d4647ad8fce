/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where registered phones are: address of record -> bindings (RFC 3261 section 10).
 *
 * An address of record is a phone's number; that of a gateway which registers here is
 * LOCATION_GATEWAY_MARK and its name, which is no phone's number.
 *
 * One table for all threads, striped by user with a short lock a stripe; a binding is one block of
 * memory of its struct and its strings (at most 400 bytes with everything that points to it).
 * Changed users are marked dirty; the storage thread drains them, so that a write is never in a
 * signalling thread's way and the backlog is bounded by the number of users. Expiry is by a coarse
 * wheel a stripe, no scan. NAT bindings are entered in the keepalive list by this module.
 *
 * Times are in milliseconds of the table's own clock, location_now_ms(): it starts at the wall time
 * of its making and runs on with the monotonic clock, so that a step of the wall clock bends no
 * expiry. Only storage and show turn them into wall time. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"
#include "shared/base/span.h"

struct location;
struct keepalive;
struct keepalive_target;

#define LOCATION_CONTACTS_MAX 10  /* of one user */
#define LOCATION_CONTACT_LEN  256 /* bytes of a contact URI */
#define LOCATION_USER_LEN     72
#define LOCATION_AGENT_LEN    64
#define LOCATION_PATH_LEN     512
#define LOCATION_INSTANCE_LEN 64
#define LOCATION_UPDATES_MAX  (2 * LOCATION_CONTACTS_MAX) /* changes of one REGISTER */

#define LOCATION_GATEWAY_MARK '@'

/* A copy of one binding, for lookups, show and storage. */
struct binding {
	char user[LOCATION_USER_LEN];
	char contact[LOCATION_CONTACT_LEN]; /* URI as the phone gave it, without <> */
	char user_agent[LOCATION_AGENT_LEN];
	char path[LOCATION_PATH_LEN];         /* Path (RFC 3327) as a list, "" = none */
	char instance[LOCATION_INSTANCE_LEN]; /* URN of +sip.instance (RFC 5626), "" = none */
	uint16_t reg_id;                      /* RFC 5626; 0 = none */
	struct addr source;   /* observed address; where requests and keepalives go */
	uint8_t socket_index; /* listen address that it registered to */
	struct addr local;    /* that address, so that a restart finds the socket again */
	bool is_stream;       /* by TCP or TLS: source is the far end of its connection */
	bool is_nat;
	uint16_t q_thousandths; /* 0..1000 */
	uint64_t call_id_hash;  /* of the REGISTER */
	uint32_t cseq;
	int64_t registered_ms;
	int64_t expires_ms;
	uint8_t keepalive_kind; /* WORD_PHONE_KEEPALIVE_...; 0 is the message */
	uint32_t keepalive_id;  /* entry in the keepalive list, 0 = none; set by this module only */
	bool is_unreachable;    /* its probes met silence; set by this module only */
};

VOS_CHECK enum vos_err location_create(struct keepalive *keepalive, struct location **out);
void location_destroy(struct location *location);

/* What every now_ms below is, but in tests. */
int64_t location_now_ms(const struct location *location);
/* What is added to a time of the table to have wall time: 0 unless the wall clock was stepped. */
int64_t location_wall_offset_ms(const struct location *location);

/* The address of record of a gateway. False: the name is too long for one. */
bool location_gateway_user(const char *name, char out[LOCATION_USER_LEN]);

/* One change of a REGISTER, applied together under the user's lock, so that it is all or nothing.
 */
struct location_update {
	struct binding binding; /* expires_ms == 0: remove this contact */
};

/* From how many addresses a user may be registered at a time, and what one too many does (behaviour
 * C14). See location_rule.c for what counts as one address. */
struct location_rule {
	uint8_t addresses; /* 0 = any number */
	bool replaces;     /* it takes the place of the oldest one, else it is refused */
};

enum location_result {
	LOCATION_OK,
	LOCATION_STALE, /* a CSeq that is not higher for the same Call-ID (RFC 3261 10.3 step 7) */
	LOCATION_TOO_MANY,  /* more than LOCATION_CONTACTS_MAX */
	LOCATION_ELSEWHERE, /* refused by the rule */
	LOCATION_NO_MEMORY,
};

/* A change that carries the Call-ID and CSeq which the binding already has is a retransmission and
 * leaves it as it is. Contacts are matched as RFC 3261 19.1.4 has it. A contact with an instance
 * takes the place of the same instance's others (of its reg-id) that the request does not name. */
enum location_result location_update(struct location *location, struct span user,
				     const struct location_update *updates, size_t count,
				     const struct location_rule *rule, int64_t now_ms);
/* True when every change is for a contact that the user has already, byte for byte and with the
 * same Path and instance, and none removes one. */
bool location_is_refresh(struct location *location, struct span user,
			 const struct location_update *updates, size_t count);
/* Contact: * with Expires 0 removes all. Of `request` the source, Call-ID and CSeq count, checked
 * as above. */
enum location_result location_remove_all(struct location *location, struct span user,
					 const struct binding *request,
					 const struct location_rule *rule, int64_t now_ms);
/* Live bindings of a user: those that answer no probe last, else best q first, newest first among
 * equals. Returns how many, at most max. */
size_t location_find(struct location *location, struct span user, int64_t now_ms,
		     struct binding *out, size_t max);
/* Keeps those of an instance, in their order (RFC 5627 section 5.4); an empty one keeps all.
 * Returns how many are left. */
size_t location_keep_instance(struct binding *bindings, size_t count, struct span instance);
size_t location_count(const struct location *location);
size_t location_nat_count(const struct location *location);
/* Those that are in the keepalive list. */
size_t location_kept_count(const struct location *location);
/* Whether any live binding came from this address (port apart; an IPv6 one counts by its /64). For
 * any thread, on the way of a message. An expired binding counts until the next expiry. */
bool location_source_is_registered(struct location *location, const struct addr *source);
/* Bytes of memory the table holds, for show and the benchmark. */
size_t location_memory(const struct location *location);

/* Looks at no more than about max bindings that may be due, and expires those that are; *expired is
 * increased. True while there is more to do at this time. One thread's: signalling thread 0, once a
 * second and as long as there is more. */
bool location_expire_slice(struct location *location, int64_t now_ms, size_t max, size_t *expired);
/* All that is due at once. Returns how many went. */
size_t location_expire(struct location *location, int64_t now_ms);

/* Walk for show: copies up to max bindings after *cursor (start 0; opaque), true while more may
 * follow. Holds one stripe's lock at a time. Users come in no particular order, each with all its
 * bindings when max is at least LOCATION_CONTACTS_MAX; one that is there during the whole walk
 * comes exactly once. */
bool location_list(struct location *location, uint64_t *cursor, struct binding *out, size_t max,
		   size_t *count);
/* Storage side: takes up to max dirty users; for each, the callback gets all their bindings (count
 * 0: the user has none left). Returns the number of users taken. */
typedef void location_dirty_fn(void *context, const char *user, const struct binding *bindings,
			       size_t count);
size_t location_drain_dirty(struct location *location, size_t max, location_dirty_fn *fn,
			    void *context);
/* Marks a user dirty again after a failed write. */
void location_mark_dirty(struct location *location, const char *user);
/* Marks all: what is stored is wall time, which a step of the clock has made wrong. */
void location_mark_all_dirty(struct location *location);
/* The listen addresses of this run in the order of their socket indexes; before the first restore,
 * so that a restored binding finds the socket that it registered to. At most 16. */
void location_set_listens(struct location *location, const struct addr *listens, size_t count);
/* Which of them are TCP or TLS, bit by index; after location_set_listens(). A datagram holds no
 * pinhole of theirs open, so that only those are in the keepalive list that are to be probed. */
void location_set_streams(struct location *location, uint32_t streams);
/* At start: puts a stored binding in without marking it dirty. One that has expired is left out,
 * and its user is marked dirty, so that storage forgets it too; so is one that is equal to another.
 * None lives longer than it was granted, whatever the wall clock did meanwhile. VOS_EFULL: the user
 * has LOCATION_CONTACTS_MAX. */
VOS_CHECK enum vos_err location_restore(struct location *location, const struct binding *binding,
					int64_t now_ms);
/* How the user's bindings are kept reachable, until they register again: for those restored, with
 * which it is not stored. */
void location_set_keepalive(struct location *location, struct span user, uint8_t kind);
/* The binding behind a target of the keepalive list; false when it has gone. */
bool location_of_target(struct location *location, const struct keepalive_target *target,
			struct binding *out);
/* Administrative removal (clear registration). Returns how many bindings went. */
size_t location_clear(struct location *location, struct span user);
