/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters behind lockout.h: lockout.c moves them, lockout_list.c shows and clears them. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "shared/base/hash.h"
#include "switchd/auth/auth_private.h"

#define LOCKOUT_WAYS  8u
#define LOCKOUT_LOCKS 64u
#define TALLY_USER    32 /* bytes of a user that a counter keeps */

struct tally {
	uint64_t key;      /* 0 = free */
	uint64_t first_us; /* of the window, where there is one */
	uint64_t last_us;
	struct addr source;
	uint32_t failures;
	char user[TALLY_USER]; /* "" = counts the source */
};

struct tally_set {
	struct tally ways[LOCKOUT_WAYS];
};

struct tally_table {
	atomic_size_t used; /* so that a quiet switch looks nothing up */
	size_t set_count;
	pthread_mutex_t locks[LOCKOUT_LOCKS];
	struct tally_set *sets;
};

struct lockout {
	struct hash_key hash_key;
	struct tally_table sources;
	struct tally_table calls;
	struct suspensions *suspensions;
	struct security_events *events;
};

/* Of a set, by its number. */
pthread_mutex_t *tally_lock(struct tally_table *table, size_t set);
/* Under that lock. */
void tally_drop(struct tally_table *table, struct tally *tally);
bool tally_table_is_empty(struct tally_table *table);
/* Of a user at a source, "" = the source itself. */
uint64_t lockout_key_of(const struct lockout *lockout, const struct addr *source, const char *user);
