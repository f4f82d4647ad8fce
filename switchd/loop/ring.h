/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bounded byte ring between two threads: one producer, one consumer, no lock. Carries datagrams
 * that belong to another signalling thread. When it is full the record is refused (and a peer that
 * sent it over UDP will send it again). */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"

struct ring {
	uint8_t *bytes;
	uint32_t size; /* power of two */
	/* Free-running positions, each written by one side only, on cache lines of their own. */
	_Alignas(64) atomic_uint_fast64_t head; /* producer */
	_Alignas(64) atomic_uint_fast64_t tail; /* consumer */
};

VOS_CHECK enum vos_err ring_init(struct ring *ring, uint32_t size);
void ring_destroy(struct ring *ring);
/* One record of two parts. False when there is no room. */
bool ring_push(struct ring *ring, const void *head, size_t head_len, const void *data,
	       size_t data_len);
/* Copies the next record; its length, 0 when the ring is empty. A record longer than size is
 * dropped and the next one is taken. */
size_t ring_pop(struct ring *ring, void *out, size_t size);
bool ring_is_empty(const struct ring *ring);
