/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random bytes for tags, branches and Call-IDs without a system call each: taken from the kernel
 * (through libsodium) a block at a time, wiped as they are handed out. One thread's; zeroed is
 * ready for use. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RANDOM_POOL_BYTES 2048

struct random_pool {
	uint8_t bytes[RANDOM_POOL_BYTES];
	size_t left; /* unused bytes at the start */
};

/* len at most RANDOM_POOL_BYTES. */
void random_take(struct random_pool *pool, void *out, size_t len);
