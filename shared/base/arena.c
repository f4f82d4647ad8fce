/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define ARENA_BLOCK 4096u

struct arena_block {
	struct arena_block *next;
	size_t cap;
	alignas(max_align_t) char data[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block = arena->blocks;
	void *memory;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + align - 1) & ~(align - 1);
	if (!block || block->cap - arena->used < size) {
		size_t cap = size > ARENA_BLOCK ? size : ARENA_BLOCK;

		block = calloc(1, sizeof(*block) + cap);
		if (!block)
			return NULL;
		block->cap = cap;
		block->next = arena->blocks;
		arena->blocks = block;
		arena->used = 0;
	}
	memory = block->data + arena->used;
	arena->used += size;
	arena->total += size;
	return memory;
}

char *arena_dup(struct arena *arena, struct span text)
{
	char *copy = arena_alloc(arena, text.len + 1);

	if (copy && text.len)
		memcpy(copy, text.ptr, text.len);
	return copy;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	*arena = (struct arena){0};
}
