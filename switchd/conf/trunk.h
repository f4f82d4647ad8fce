/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a registration of ours at another server is good for right now: whether it is up, where that
 * server was reached last, and from which of our addresses.
 *
 * It stands beside the configuration as live.h does: found by name, the same one in every conf,
 * kept until the switch stops. One signalling thread owns the registration and writes; every other
 * reads without a lock. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "shared/base/addr.h"
#include "shared/base/err.h"

/* How the server is reached. */
struct trunk_way {
	struct addr server; /* where it answered from */
	struct addr local;  /* our listen address */
};

#define TRUNK_WORDS ((sizeof(struct trunk_way) + 7) / 8)

struct trunk {
	_Atomic uint32_t is_up;
	_Atomic uint32_t turn; /* odd: way is being written; 0: there is none yet */
	_Atomic uint64_t way[TRUNK_WORDS];
	char name[];
};

struct trunk_table;

/* Reference-counted: every conf of a switch holds the same one. */
VOS_CHECK enum vos_err trunk_table_create(struct trunk_table **out);
struct trunk_table *trunk_table_ref(struct trunk_table *table);
void trunk_table_unref(struct trunk_table *table);
/* The entry of that name, made when there is none; NULL: out of memory. Any thread. */
struct trunk *trunk_get(struct trunk_table *table, const char *name);

/* By the owner only. */
void trunk_set_way(struct trunk *trunk, const struct trunk_way *way);
/* False: the server never answered. Any thread. */
bool trunk_get_way(const struct trunk *trunk, struct trunk_way *out);
