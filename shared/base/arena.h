/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Region memory: many small allocations with one lifetime, freed together. Memory is zeroed. */
#pragma once

#include <stddef.h>

#include "shared/base/span.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;  /* in the newest block */
	size_t total; /* bytes handed out */
};

/* A zeroed struct arena is ready for use. NULL when out of memory. Aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
/* NUL-terminated copy. */
char *arena_dup(struct arena *arena, struct span text);
void arena_free(struct arena *arena);
