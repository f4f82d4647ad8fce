/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/loop/slots.h"

#include <stdlib.h>

#define SLOTS_START 1024u

static bool grow(struct slots *slots)
{
	uint32_t cap = slots->cap ? slots->cap * 2 : SLOTS_START;
	uint32_t *free_numbers;
	void **items;

	items = realloc(slots->items, cap * sizeof(void *));
	if (!items)
		return false;
	slots->items = items;
	free_numbers = realloc(slots->free_numbers, cap * sizeof(*free_numbers));
	if (!free_numbers)
		return false;
	slots->free_numbers = free_numbers;
	slots->cap = cap;
	return true;
}

bool slots_add(struct slots *slots, void *item, uint32_t *number)
{
	if (slots->count >= slots->max)
		return false;
	if (slots->free_count)
		*number = slots->free_numbers[--slots->free_count];
	else if (slots->used < slots->cap || grow(slots))
		*number = slots->used++;
	else
		return false;
	slots->items[*number] = item;
	slots->count++;
	return true;
}

void slots_remove(struct slots *slots, uint32_t number)
{
	slots->items[number] = NULL;
	slots->free_numbers[slots->free_count++] = number;
	slots->count--;
}

void *slots_find(const struct slots *slots, struct span hex)
{
	uint32_t number = 0;

	if (hex.len < 8)
		return NULL;
	for (int i = 0; i < 8; i++) {
		int digit = hex_digit(hex.ptr[i]);

		if (digit < 0)
			return NULL;
		number = number << 4 | (uint32_t)digit;
	}
	return number < slots->used ? slots->items[number] : NULL;
}

void slots_free(struct slots *slots)
{
	free(slots->items);
	free(slots->free_numbers);
	*slots = (struct slots){.max = slots->max};
}
