/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How bindings are held. 256 stripes by the top byte of the user's keyed hash; in a stripe the
 * buckets are the next bits of the hash and chains are sorted by it, so that all users stand in
 * hash order: a walk needs no more than the last hash, also when a stripe has grown meanwhile. For
 * location*.c only. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "shared/base/hash.h"
#include "shared/catalog/catalog.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"
#include "switchd/sip/source_table.h"

#define STRIPES      256u
#define EXPIRY_SLOTS 256u /* of one second; what expires later waits for its round */
#define LISTENS_MAX  16u
#define LOCALS_MAX   256u /* listen addresses, also of earlier runs */

struct user;

/* One binding: fixed part, then contact, user agent, instance and path without terminators. */
struct slot {
	struct slot *next; /* of the same user */
	struct slot *due_next;
	struct slot **due_prev;
	struct user *user;
	uint64_t call_id_hash;
	int64_t registered_ms;
	int64_t expires_ms;
	struct addr source;
	uint32_t cseq;
	keepalive_id keepalive;
	uint16_t q_thousandths;
	uint16_t reg_id;
	uint16_t path_len;
	uint8_t contact_len;
	uint8_t agent_len;
	uint8_t instance_len;
	uint8_t socket_index;
	uint8_t local;          /* in the table's list */
	uint8_t keepalive_kind; /* WORD_PHONE_KEEPALIVE_... */
	bool is_nat : 1;
	bool is_source_counted : 1;
	char text[];
};

/* One address of record. Lives while it has bindings or is dirty (a tombstone). */
struct user {
	struct user *next; /* in the bucket */
	struct user *dirty_next;
	struct slot *slots;
	uint64_t hash;
	uint8_t count;
	uint8_t name_len;
	bool is_dirty;
	char name[];
};

struct stripe {
	_Alignas(64) pthread_mutex_t lock;
	struct user **buckets;
	unsigned bits;
	size_t users;
	struct user *dirty_first;
	struct user **dirty_last;
	int64_t next_tick;    /* first second not yet begun */
	struct slot *pending; /* of the seconds before it: still to be looked at */
	struct slot *due[EXPIRY_SLOTS];
};

/* An address that bindings registered to. */
struct local {
	struct addr address;
	bool is_stream; /* TCP or TLS */
};

/* All of them. Entry 0 is none; then the listens of this run, then
 * those that only stored bindings know. Entries never change once they are counted. */
struct locals {
	pthread_mutex_t lock; /* of adding */
	atomic_uint count;
	unsigned listen_count;
	struct local entries[LOCALS_MAX];
};

struct location {
	struct stripe stripes[STRIPES];
	struct source_table sources; /* of all bindings */
	struct locals locals;
	struct keepalive *keepalive; /* may be NULL */
	struct hash_key key;
	int64_t epoch_ms; /* wall time at monotonic 0, as it was at the table's making */
	atomic_size_t count;
	atomic_size_t nat_count;
	atomic_size_t memory;
	atomic_uint drain_stripe; /* where the next drain starts */
	unsigned expiry_stripe;   /* where the next slice of expiry starts */
};

uint64_t location_hash(const struct location *location, struct span user);
static inline struct stripe *location_stripe(struct location *location, uint64_t hash)
{
	return &location->stripes[hash >> 56];
}

/* The number of the binding's listen address, made when it is new; 0 when the list is full. */
uint8_t location_local(struct location *location, const struct binding *binding);

/* Everything below is called with the stripe's lock held. */

struct user *user_find(const struct stripe *stripe, uint64_t hash, struct span name);
/* First user of the stripe with a hash not below the given one, or NULL. */
struct user *user_first_from(const struct stripe *stripe, uint64_t hash);
struct user *user_create(struct location *location, struct stripe *stripe, uint64_t hash,
			 struct span name);
/* Frees a user that nothing holds any more. */
void user_release(struct location *location, struct stripe *stripe, struct user *user);
void user_mark_dirty(struct stripe *stripe, struct user *user);

/* Not linked yet, without a keepalive entry. */
struct slot *slot_create(struct location *location, const struct binding *binding);
void slot_free(struct location *location, struct slot *slot);
/* Makes it one of the user's; slot_refresh() does the rest. */
void slot_link(struct location *location, struct user *user, struct slot *slot);
/* Takes it out of everything and frees it. */
void slot_remove(struct location *location, struct slot *slot);
/* Takes over everything of the binding but its texts. */
void slot_refresh(struct location *location, struct stripe *stripe, struct slot *slot,
		  const struct binding *binding);
/* Puts it where the wheel comes by in the second that it expires in. */
void slot_await_expiry(struct stripe *stripe, struct slot *slot);
void slot_stop_expiry(struct slot *slot);
static inline int64_t slot_due_tick(const struct slot *slot)
{
	return (slot->expires_ms + 999) / 1000;
}
struct span slot_contact(const struct slot *slot);
struct span slot_agent(const struct slot *slot);
struct span slot_instance(const struct slot *slot);
struct span slot_path(const struct slot *slot);
/* Contact, user agent, instance and path are those of the binding, byte for byte. */
bool slot_has_texts(const struct slot *slot, const struct binding *binding);
/* The user's binding of an equal contact: the same bytes before what is equal by RFC 3261 19.1.4.
 */
struct slot *slot_find(const struct user *user, struct span contact);
bool slot_is_unreachable(const struct location *location, const struct slot *slot);
/* Brings the keepalive list and the count of NAT devices in step; was_nat: before the change. */
void slot_follow_keepalive(struct location *location, struct slot *slot, bool was_nat);
void slot_copy(const struct location *location, const struct slot *slot, struct binding *out);

/* Which of a user's bindings give way to a REGISTER, by its instances and by the rule. */
struct location_plan {
	struct slot *leaving[LOCATION_CONTACTS_MAX];
	size_t count;
};

/* LOCATION_OK or LOCATION_ELSEWHERE. For Contact: * there are no updates; `request` is what all
 * bindings of a request have in common. */
enum location_result location_make_plan(const struct user *user,
					const struct location_update *updates, size_t count,
					const struct binding *request,
					const struct location_rule *rule,
					struct location_plan *out);
bool location_plan_has(const struct location_plan *plan, const struct slot *slot);
