/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/loop/ring.h"

#include <stdlib.h>
#include <string.h>

enum vos_err ring_init(struct ring *ring, uint32_t size)
{
	ring->bytes = malloc(size);
	if (!ring->bytes)
		return VOS_ENOMEM;
	ring->size = size;
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	return VOS_OK;
}

void ring_destroy(struct ring *ring)
{
	free(ring->bytes);
	ring->bytes = NULL;
}

static void copy_in(struct ring *ring, uint64_t at, const void *data, size_t len)
{
	size_t offset = at & (ring->size - 1);
	size_t first = ring->size - offset < len ? ring->size - offset : len;

	if (len == 0)
		return;
	memcpy(ring->bytes + offset, data, first);
	memcpy(ring->bytes, (const uint8_t *)data + first, len - first);
}

static void copy_out(const struct ring *ring, uint64_t at, void *data, size_t len)
{
	size_t offset = at & (ring->size - 1);
	size_t first = ring->size - offset < len ? ring->size - offset : len;

	memcpy(data, ring->bytes + offset, first);
	memcpy((uint8_t *)data + first, ring->bytes, len - first);
}

bool ring_push(struct ring *ring, const void *head, size_t head_len, const void *data,
	       size_t data_len)
{
	uint64_t at = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	uint32_t len = (uint32_t)(head_len + data_len);

	if (ring->size - (at - tail) < sizeof(len) + len)
		return false;
	copy_in(ring, at, &len, sizeof(len));
	copy_in(ring, at + sizeof(len), head, head_len);
	copy_in(ring, at + sizeof(len) + head_len, data, data_len);
	/* Sequentially consistent: the producer looks next whether the consumer sleeps. */
	atomic_store(&ring->head, at + sizeof(len) + len);
	return true;
}

size_t ring_pop(struct ring *ring, void *out, size_t size)
{
	uint64_t at = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint32_t len = 0;

	while (at != head) {
		copy_out(ring, at, &len, sizeof(len));
		if (len <= size)
			copy_out(ring, at + sizeof(len), out, len);
		at += sizeof(len) + len;
		atomic_store_explicit(&ring->tail, at, memory_order_release);
		if (len <= size)
			return len;
	}
	return 0;
}

bool ring_is_empty(const struct ring *ring)
{
	return atomic_load(&ring->head) == atomic_load_explicit(&ring->tail, memory_order_relaxed);
}
