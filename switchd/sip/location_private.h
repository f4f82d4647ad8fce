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

struct user;

/* One binding: fixed part, then contact and user agent without terminators. */
struct slot {
	struct slot *next; /* of the same user */
	struct slot *due_next;
	struct slot **due_prev;
	struct user *user;
	uint64_t call_id_hash;
	int64_t registered_ms;
	int64_t expires_ms;
	struct addr source;
	struct addr local;
	uint32_t cseq;
	keepalive_id keepalive;
	uint16_t q_thousandths;
	uint8_t contact_len;
	uint8_t agent_len;
	uint8_t socket_index;
	uint8_t keepalive_kind; /* WORD_PHONE_KEEPALIVE_... */
	bool is_nat;
	bool is_source_counted;
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
	int64_t next_tick; /* first second not yet expired */
	struct slot *due[EXPIRY_SLOTS];
};

#define LISTENS_MAX 16

struct location {
	struct stripe stripes[STRIPES];
	struct source_table sources; /* of all bindings */
	struct keepalive *keepalive; /* may be NULL */
	struct hash_key key;
	struct addr listens[LISTENS_MAX]; /* set before the threads start */
	size_t listen_count;
	uint32_t streams; /* bit n: listen n is TCP or TLS */
	atomic_size_t count;
	atomic_size_t nat_count;
	atomic_size_t memory;
	atomic_uint drain_stripe; /* where the next drain starts */
};

uint64_t location_hash(const struct location *location, struct span user);
static inline bool location_is_stream(const struct location *location, uint8_t socket_index)
{
	return socket_index < LISTENS_MAX && location->streams >> socket_index & 1;
}

static inline struct stripe *location_stripe(struct location *location, uint64_t hash)
{
	return &location->stripes[hash >> 56];
}

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
/* Takes over everything of the binding but contact and user agent. */
void slot_refresh(struct location *location, struct stripe *stripe, struct slot *slot,
		  const struct binding *binding);
bool slot_has_text(const struct slot *slot, const struct binding *binding);
struct slot *slot_find(const struct user *user, struct span contact);
bool slot_is_unreachable(const struct location *location, const struct slot *slot);
/* Brings the keepalive list and the count of NAT devices in step; was_nat: before the change. */
void slot_follow_keepalive(struct location *location, struct slot *slot, bool was_nat);
void slot_copy(const struct location *location, const struct slot *slot, struct binding *out);
