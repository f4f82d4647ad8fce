/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/loop/key_table.h"

#include <stdlib.h>

#define BITS_MIN 8u

struct key_place {
	uint64_t key;
	void *item; /* NULL: the place is free */
};

static size_t mask_of(const struct key_table *table)
{
	return ((size_t)1 << table->bits) - 1;
}

/* The place that a key wants. Keys may be numbers in a row: the product spreads them. */
static size_t home_of(const struct key_table *table, uint64_t key)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - table->bits));
}

static void put(struct key_table *table, uint64_t key, void *item)
{
	size_t at = home_of(table, key);

	while (table->places[at].item)
		at = (at + 1) & mask_of(table);
	table->places[at] = (struct key_place){key, item};
}

static bool resize(struct key_table *table, unsigned bits)
{
	struct key_table old = *table;
	struct key_place *places = calloc((size_t)1 << bits, sizeof(*places));

	if (!places)
		return false;
	table->places = places;
	table->bits = bits;
	for (size_t i = 0; old.places && i <= mask_of(&old); i++)
		if (old.places[i].item)
			put(table, old.places[i].key, old.places[i].item);
	free(old.places);
	return true;
}

bool key_table_add(struct key_table *table, uint64_t key, void *item)
{
	if (!table->places && !resize(table, BITS_MIN))
		return false;
	if (table->count > mask_of(table) / 2 && !resize(table, table->bits + 1))
		return false;
	put(table, key, item);
	table->count++;
	return true;
}

void *key_table_find(const struct key_table *table, uint64_t key)
{
	size_t at;

	if (!table->places)
		return NULL;
	at = home_of(table, key);
	while (table->places[at].item && table->places[at].key != key)
		at = (at + 1) & mask_of(table);
	return table->places[at].item;
}

/* What follows in the row moves up, unless the free place lies before the one that it wants. */
static void close_gap(struct key_table *table, size_t gap)
{
	size_t mask = mask_of(table);

	for (size_t at = (gap + 1) & mask; table->places[at].item; at = (at + 1) & mask) {
		size_t home = home_of(table, table->places[at].key);

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		table->places[gap] = table->places[at];
		gap = at;
	}
	table->places[gap].item = NULL;
}

void key_table_remove(struct key_table *table, uint64_t key, const void *item)
{
	size_t at = home_of(table, key);

	while (table->places[at].item != item)
		at = (at + 1) & mask_of(table);
	close_gap(table, at);
	table->count--;
	/* After a peak the memory goes back; where that fails it stays. */
	if (table->bits > BITS_MIN && table->count < mask_of(table) / 16)
		(void)resize(table, table->bits - 1);
}

void key_table_free(struct key_table *table)
{
	free(table->places);
	*table = (struct key_table){0};
}
