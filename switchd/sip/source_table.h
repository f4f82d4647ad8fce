/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many live bindings stand behind a source address: an IPv4 address, or an IPv6 /64.
 *
 * One word of 64 bits a source, in open addressing under a keyed hash, in stripes with a lock of
 * their own; so the table is bounded by the bindings, and asking costs a hash and one short lock.
 * A source is known by 48 bits of its hash: that a stranger's address is taken for one with a
 * binding has a chance of one in 2^28 at a million of them, and nobody can aim at it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "shared/base/addr.h"
#include "shared/base/err.h"
#include "shared/base/hash.h"

#define SOURCE_STRIPES 256u

struct source_stripe {
	_Alignas(64) pthread_mutex_t lock;
	uint64_t *words;
	unsigned bits;
	uint32_t used;
};

struct source_table {
	struct source_stripe stripes[SOURCE_STRIPES];
	struct hash_key key;
	atomic_size_t memory; /* of the words */
};

VOS_CHECK enum vos_err source_table_init(struct source_table *table);
void source_table_destroy(struct source_table *table);

/* One binding more. False, and not counted, without memory. */
bool source_table_add(struct source_table *table, const struct addr *source);
/* One less; only for what was counted. */
void source_table_remove(struct source_table *table, const struct addr *source);
/* Bindings behind it. */
uint32_t source_table_count(struct source_table *table, const struct addr *source);
