/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections by listen address and peer, and their number by source. Chains under keyed hashes:
 * both keys are a stranger's choice. */
#include <stdlib.h>

#include "switchd/sip/stream_private.h"

#define FIRST_BITS 10

enum vos_err stream_table_create(struct stream_table *table)
{
	hash_key_random(&table->key);
	table->bits = FIRST_BITS;
	table->source_bits = FIRST_BITS;
	table->buckets = calloc((size_t)1 << FIRST_BITS, sizeof(*table->buckets));
	table->sources = calloc((size_t)1 << FIRST_BITS, sizeof(*table->sources));
	return table->buckets && table->sources ? VOS_OK : VOS_ENOMEM;
}

void stream_table_destroy(struct stream_table *table)
{
	for (size_t i = 0; table->sources && i < (size_t)1 << table->source_bits; i++) {
		while (table->sources[i]) {
			struct stream_source *source = table->sources[i];

			table->sources[i] = source->next;
			free(source);
		}
	}
	free(table->buckets);
	free(table->sources);
}

static size_t bucket_of(const struct stream_table *table, unsigned bits, uint8_t socket_index,
			const struct addr *remote)
{
	uint64_t hash = hash_bytes(&table->key, remote, sizeof(*remote)) + socket_index;

	return (size_t)(hash & (((uint64_t)1 << bits) - 1));
}

/* Doubles the buckets; without memory the chains just get longer. */
static void grow(struct stream_table *table)
{
	unsigned bits = table->bits + 1;
	struct stream_conn **buckets = calloc((size_t)1 << bits, sizeof(*buckets));

	if (!buckets)
		return;
	for (size_t i = 0; i < (size_t)1 << table->bits; i++) {
		while (table->buckets[i]) {
			struct stream_conn *conn = table->buckets[i];
			size_t at =
				bucket_of(table, bits, conn->listen->socket_index, &conn->remote);

			table->buckets[i] = conn->hash_next;
			conn->hash_next = buckets[at];
			buckets[at] = conn;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->bits = bits;
}

void stream_table_add(struct stream_table *table, struct stream_conn *conn)
{
	size_t at;

	if (table->count >= (size_t)1 << table->bits)
		grow(table);
	at = bucket_of(table, table->bits, conn->listen->socket_index, &conn->remote);
	conn->hash_next = table->buckets[at];
	table->buckets[at] = conn;
	table->count++;
}

void stream_table_remove(struct stream_table *table, struct stream_conn *conn)
{
	size_t at = bucket_of(table, table->bits, conn->listen->socket_index, &conn->remote);
	struct stream_conn **link = &table->buckets[at];

	while (*link != conn)
		link = &(*link)->hash_next;
	*link = conn->hash_next;
	table->count--;
}

struct stream_conn *stream_table_find(const struct stream_table *table, uint8_t socket_index,
				      const struct addr *remote)
{
	struct stream_conn *conn =
		table->buckets[bucket_of(table, table->bits, socket_index, remote)];

	while (conn &&
	       (conn->listen->socket_index != socket_index || !addr_eq(&conn->remote, remote)))
		conn = conn->hash_next;
	return conn;
}

static struct addr source_of(const struct addr *remote)
{
	struct addr source = *remote;

	source.port = 0;
	if (source.family == ADDR_IP6)
		memset(source.ip + 8, 0, 8);
	return source;
}

static void grow_sources(struct stream_table *table)
{
	unsigned bits = table->source_bits + 1;
	struct stream_source **sources = calloc((size_t)1 << bits, sizeof(*sources));

	if (!sources)
		return;
	for (size_t i = 0; i < (size_t)1 << table->source_bits; i++) {
		while (table->sources[i]) {
			struct stream_source *source = table->sources[i];
			size_t at = bucket_of(table, bits, 0, &source->source);

			table->sources[i] = source->next;
			source->next = sources[at];
			sources[at] = source;
		}
	}
	free(table->sources);
	table->sources = sources;
	table->source_bits = bits;
}

static struct stream_source **source_link(struct stream_table *table, const struct addr *source)
{
	struct stream_source **link =
		&table->sources[bucket_of(table, table->source_bits, 0, source)];

	while (*link && !addr_eq(&(*link)->source, source))
		link = &(*link)->next;
	return link;
}

bool stream_source_enter(struct stream_table *table, const struct addr *remote, uint32_t max)
{
	struct addr address = source_of(remote);
	struct stream_source **link = source_link(table, &address);
	struct stream_source *source = *link;

	if (source) {
		if (max && source->count >= max)
			return false;
		source->count++;
		return true;
	}
	source = calloc(1, sizeof(*source));
	if (!source)
		return false;
	source->source = address;
	source->count = 1;
	*link = source;
	if (++table->source_count > (size_t)1 << table->source_bits)
		grow_sources(table);
	return true;
}

void stream_source_leave(struct stream_table *table, const struct addr *remote)
{
	struct addr address = source_of(remote);
	struct stream_source **link = source_link(table, &address);
	struct stream_source *source = *link;

	if (!source || --source->count > 0)
		return;
	*link = source->next;
	free(source);
	table->source_count--;
}
