/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbered places for things whose number travels in a tag or branch, so that what comes back is
 * found without a search. Numbers are used again; a stranger can guess one, so the finder compares
 * the whole tag. One thread's. Zeroed with max set is ready for use. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

struct slots {
	void **items;
	uint32_t *free_numbers;
	uint32_t used; /* numbers ever given */
	uint32_t cap;
	uint32_t free_count;
	uint32_t count; /* items now */
	uint32_t max;
};

/* False: out of memory, or max items are there. */
bool slots_add(struct slots *slots, void *item, uint32_t *number);
void slots_remove(struct slots *slots, uint32_t number);
/* The item with the number that the first 8 characters say in hexadecimal; NULL when there is none.
 */
void *slots_find(const struct slots *slots, struct span hex);
/* Frees the table, not the items. */
void slots_free(struct slots *slots);
