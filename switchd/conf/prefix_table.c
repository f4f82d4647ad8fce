/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/conf/prefix_table.h"

#include <stdlib.h>

enum vos_err prefix_table_add(struct prefix_table *table, const struct prefix_entry *entry)
{
	if (table->count == table->cap) {
		size_t cap = table->cap ? table->cap * 2 : 16;
		struct prefix_entry *grown = realloc(table->entries, cap * sizeof(*grown));

		if (!grown)
			return VOS_ENOMEM;
		table->entries = grown;
		table->cap = cap;
	}
	table->entries[table->count++] = *entry;
	return VOS_OK;
}

static int compare_prefix(const struct prefix *a, const struct prefix *b)
{
	if (a->base.family != b->base.family)
		return a->base.family < b->base.family ? -1 : 1;
	if (a->bits != b->bits)
		return a->bits > b->bits ? -1 : 1;
	return memcmp(a->base.ip, b->base.ip, sizeof(a->base.ip));
}

/* Longest first; of one prefix those with a port first, then by priority and target. */
static int compare_entry(const void *a, const void *b)
{
	const struct prefix_entry *left = a;
	const struct prefix_entry *right = b;
	int order = compare_prefix(&left->prefix, &right->prefix);

	if (order != 0)
		return order;
	if ((left->port != 0) != (right->port != 0))
		return left->port != 0 ? -1 : 1;
	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	if (left->target != right->target)
		return left->target < right->target ? -1 : 1;
	return (int)left->port - (int)right->port;
}

void prefix_table_sort(struct prefix_table *table)
{
	if (table->count)
		qsort(table->entries, table->count, sizeof(*table->entries), compare_entry);
	for (size_t i = 0; i < table->count; i++) {
		const struct prefix *prefix = &table->entries[i].prefix;
		bool is_ip4 = prefix->base.family == ADDR_IP4;
		uint8_t *lengths = is_ip4 ? table->lengths4 : table->lengths6;
		uint8_t *count = is_ip4 ? &table->length4_count : &table->length6_count;

		if (*count == 0 || lengths[*count - 1] != prefix->bits)
			lengths[(*count)++] = prefix->bits;
	}
}

void prefix_cut(const struct addr *address, uint8_t bits, struct prefix *out)
{
	*out = (struct prefix){.base = *address, .bits = bits};
	out->base.port = 0;
	for (size_t i = 0; i < sizeof(out->base.ip); i++) {
		unsigned first = (unsigned)i * 8;

		if (first >= bits)
			out->base.ip[i] = 0;
		else if (bits - first < 8)
			out->base.ip[i] &= (uint8_t)(0xff << (8 - (bits - first)));
	}
}

/* First entry with exactly that prefix, or count. */
static size_t first_of(const struct prefix_table *table, const struct prefix *prefix)
{
	size_t low = 0;
	size_t high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_prefix(&table->entries[middle].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct prefix_entry *prefix_table_find(const struct prefix_table *table,
					     const struct addr *address)
{
	bool is_ip4 = address->family == ADDR_IP4;
	const uint8_t *lengths = is_ip4 ? table->lengths4 : table->lengths6;
	uint8_t count = is_ip4 ? table->length4_count : table->length6_count;

	for (uint8_t i = 0; i < count; i++) {
		struct prefix wanted;

		prefix_cut(address, lengths[i], &wanted);
		for (size_t at = first_of(table, &wanted); at < table->count; at++) {
			const struct prefix_entry *entry = &table->entries[at];

			if (compare_prefix(&entry->prefix, &wanted) != 0)
				break;
			if (entry->port == 0 || entry->port == address->port)
				return entry;
		}
	}
	return NULL;
}

void prefix_table_free(struct prefix_table *table)
{
	free(table->entries);
	*table = (struct prefix_table){0};
}
