/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of the stream thread by listen address and peer, and their number by source. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"
#include "shared/base/hash.h"

struct stream_conn;

/* Connections from a source: an IPv4 address, or an IPv6 /64. */
struct stream_source {
	struct stream_source *next;
	struct addr source;
	uint32_t count;
};

struct stream_table {
	struct hash_key key;
	struct stream_conn **buckets;
	unsigned bits;
	size_t count;
	struct stream_source **sources;
	unsigned source_bits;
	size_t source_count;
};

VOS_CHECK enum vos_err stream_table_create(struct stream_table *table);
void stream_table_destroy(struct stream_table *table);
void stream_table_add(struct stream_table *table, struct stream_conn *conn);
void stream_table_remove(struct stream_table *table, struct stream_conn *conn);
struct stream_conn *stream_table_find(const struct stream_table *table, uint8_t socket_index,
				      const struct addr *remote);
/* One more connection of a source. False: it has that many already (0: any number), or there is no
 * memory. */
bool stream_source_enter(struct stream_table *table, const struct addr *remote, uint32_t max);
void stream_source_leave(struct stream_table *table, const struct addr *remote);
