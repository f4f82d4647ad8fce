/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/loop/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_IS_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_IS_HEAP 1
#endif
#endif

size_t pool_room(size_t size)
{
	if (size <= POOL_SMALL_MAX)
		return size ? (size + POOL_STEP - 1) / POOL_STEP * POOL_STEP : POOL_STEP;
	if (size <= POOL_BLOCK_MAX)
		return (size + POOL_WIDE_STEP - 1) / POOL_WIDE_STEP * POOL_WIDE_STEP;
	return size;
}

#ifdef POOL_IS_HEAP

void *pool_take(struct pool *pool, size_t size)
{
	(void)pool;
	return malloc(pool_room(size));
}

void pool_give(struct pool *pool, void *block, size_t size)
{
	(void)pool;
	(void)size;
	free(block);
}

void pool_end(struct pool *pool)
{
	(void)pool;
}

#else

#define MAP_CHUNKS 4u /* at once; at most POOL_SPARES_MAX */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define LINE    64u /* of the cache */
#define COLOURS 16u

/* Near the start of each chunk: a line further on than in the one before, as the caches have room
 * for few lines that lie at the same place of their chunk. */
struct pool_chunk {
	struct pool_chunk *next;
	struct pool_chunk **prev; /* NULL: not in its class's list, because it is full */
	void *free;               /* blocks given back, each pointing at the next */
	char *fresh;              /* from here no block was ever taken */
	uint32_t room;
	uint32_t used;
};

static unsigned class_of(size_t room)
{
	if (room <= POOL_SMALL_MAX)
		return (unsigned)(room / POOL_STEP - 1);
	return (unsigned)(POOL_SMALL_MAX / POOL_STEP + (room - POOL_SMALL_MAX) / POOL_WIDE_STEP -
			  1);
}

static char *memory_of(void *block)
{
	return (char *)((uintptr_t)block & ~(uintptr_t)(POOL_CHUNK - 1));
}

static struct pool_chunk *chunk_of(void *block)
{
	char *memory = memory_of(block);
	size_t colour = (uintptr_t)memory / POOL_CHUNK % COLOURS;

	return (struct pool_chunk *)(void *)(memory + colour * LINE);
}

static void add_spare(struct pool *pool, struct pool_chunk *chunk)
{
	chunk->next = pool->spares;
	pool->spares = chunk;
	pool->spare_count++;
}

/* Some chunks at once, which wait as spares. Address space costs nothing, so it is asked for with
 * room to align, which is cut off below: the kernel goes downwards, so the next ones lie beside
 * these. Only what stays is backed by memory, at once rather than at the first touch of each page;
 * a kernel that cannot do that (before 5.14) does it by touch. */
static bool map_chunks(struct pool *pool)
{
	const size_t size = MAP_CHUNKS * (size_t)POOL_CHUNK;
	char *memory = mmap(NULL, size + POOL_CHUNK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (memory == MAP_FAILED)
		return false;
	before = POOL_CHUNK - (uintptr_t)memory % POOL_CHUNK;
	munmap(memory, before);
	memory += before;
	if (before < POOL_CHUNK)
		munmap(memory + size, POOL_CHUNK - before);
	(void)madvise(memory, size, MADV_POPULATE_WRITE);
	for (size_t i = MAP_CHUNKS; i-- > 0;)
		add_spare(pool, chunk_of(memory + i * POOL_CHUNK));
	pool->chunk_count += MAP_CHUNKS;
	return true;
}

static void open_chunk(struct pool *pool, struct pool_chunk *chunk)
{
	struct pool_chunk **list = &pool->open[class_of(chunk->room)];

	chunk->next = *list;
	chunk->prev = list;
	if (chunk->next)
		chunk->next->prev = &chunk->next;
	*list = chunk;
}

static void close_chunk(struct pool_chunk *chunk)
{
	*chunk->prev = chunk->next;
	if (chunk->next)
		chunk->next->prev = chunk->prev;
	chunk->prev = NULL;
}

static struct pool_chunk *add_chunk(struct pool *pool, size_t room)
{
	struct pool_chunk *chunk;

	if (!pool->spares && !map_chunks(pool))
		return NULL;
	chunk = pool->spares;
	pool->spares = chunk->next;
	pool->spare_count--;
	*chunk = (struct pool_chunk){.room = (uint32_t)room};
	/* Blocks start at multiples of 16, as malloc's do. */
	chunk->fresh = (char *)chunk + (sizeof(*chunk) + 15) / 16 * 16;
	open_chunk(pool, chunk);
	return chunk;
}

static void drop_chunk(struct pool *pool, struct pool_chunk *chunk)
{
	if (pool->spare_count < POOL_SPARES_MAX) {
		add_spare(pool, chunk);
		return;
	}
	pool->chunk_count--;
	munmap(memory_of(chunk), POOL_CHUNK);
}

void *pool_take(struct pool *pool, size_t size)
{
	size_t room = pool_room(size);
	struct pool_chunk *chunk;
	void *block;

	if (room > POOL_BLOCK_MAX)
		return malloc(room);
	chunk = pool->open[class_of(room)];
	if (!chunk)
		chunk = add_chunk(pool, room);
	if (!chunk)
		return NULL;
	block = chunk->free;
	if (block) {
		memcpy(&chunk->free, block, sizeof(chunk->free));
		__builtin_prefetch(chunk->free, 1); /* to be read by the next */
	} else {
		block = chunk->fresh;
		chunk->fresh += room;
	}
	chunk->used++;
	if (!chunk->free && chunk->fresh + room > memory_of(chunk) + POOL_CHUNK)
		close_chunk(chunk);
	return block;
}

void pool_give(struct pool *pool, void *block, size_t size)
{
	struct pool_chunk *chunk;

	if (!block)
		return;
	if (pool_room(size) > POOL_BLOCK_MAX) {
		free(block);
		return;
	}
	chunk = chunk_of(block);
	memcpy(block, &chunk->free, sizeof(chunk->free));
	chunk->free = block;
	if (!chunk->prev)
		open_chunk(pool, chunk);
	if (--chunk->used == 0) {
		close_chunk(chunk);
		drop_chunk(pool, chunk);
	}
}

void pool_end(struct pool *pool)
{
	while (pool->spares) {
		struct pool_chunk *chunk = pool->spares;

		pool->spares = chunk->next;
		pool->chunk_count--;
		munmap(memory_of(chunk), POOL_CHUNK);
	}
	pool->spare_count = 0;
}

#endif

void *pool_take_zeroed(struct pool *pool, size_t size)
{
	void *block = pool_take(pool, size);

	if (block)
		memset(block, 0, size);
	return block;
}
