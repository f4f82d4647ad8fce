/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Things by a 64-bit key: a place holds both, so that neither a search nor a change touches any
 * other thing. What many calls that are up have would else be fetched from memory for each new one.
 *
 * Open addressing, at most half full; keys are numbers or keyed hashes of ours, which no stranger
 * chooses. A key may be there more than once. One thread's; zeroed = empty. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_place;

struct key_table {
	struct key_place *places;
	unsigned bits; /* of the number of places */
	size_t count;
};

/* item is not NULL. False: out of memory. */
bool key_table_add(struct key_table *table, uint64_t key, void *item);
/* One with that key; NULL: there is none. */
void *key_table_find(const struct key_table *table, uint64_t key);
/* Of that key, just this one; it is there. */
void key_table_remove(struct key_table *table, uint64_t key, const void *item);
/* Frees the table, not the items. */
void key_table_free(struct key_table *table);
