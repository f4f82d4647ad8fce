/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory for what comes and goes by the thousand: blocks in classes of size, carved from chunks; a
 * chunk whose last block is given back goes back to the kernel, but for some that wait for the next
 * rush. So what a peak has left behind does not stay, as it does on a heap where long-lived things
 * lie between. One pool for each lifetime; one thread's.
 *
 * The giver says the size again: a block has no head. Under AddressSanitizer every block is one of
 * the heap, so that its errors are seen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/span.h"

#define POOL_CHUNK      32768u /* bytes and alignment of a chunk */
#define POOL_STEP       32u    /* sizes up to POOL_SMALL_MAX are rounded up to it */
#define POOL_SMALL_MAX  1024u
#define POOL_WIDE_STEP  256u
#define POOL_BLOCK_MAX  4096u /* what is larger is the heap's */
#define POOL_SPARES_MAX 8u
#define POOL_CLASSES \
	(POOL_SMALL_MAX / POOL_STEP + (POOL_BLOCK_MAX - POOL_SMALL_MAX) / POOL_WIDE_STEP)

struct pool_chunk;

/* Zeroed = ready for use. */
struct pool {
	struct pool_chunk *open[POOL_CLASSES]; /* chunks that have room */
	struct pool_chunk *spares;
	unsigned spare_count;
	size_t chunk_count; /* with the spares */
};

/* NULL: out of memory. The block is not cleared, and aligned for anything. */
void *pool_take(struct pool *pool, size_t size);
/* block may be NULL. */
void pool_give(struct pool *pool, void *block, size_t size);
/* The same, cleared. */
void *pool_take_zeroed(struct pool *pool, size_t size);
/* What the block can hold in truth. */
size_t pool_room(size_t size);
/* Everything must have been given back. */
void pool_end(struct pool *pool);
