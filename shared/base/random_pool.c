/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/random_pool.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

void random_take(struct random_pool *pool, void *out, size_t len)
{
	assert(len <= sizeof(pool->bytes));
	if (pool->left < len) {
		randombytes_buf(pool->bytes, sizeof(pool->bytes));
		pool->left = sizeof(pool->bytes);
	}
	pool->left -= len;
	memcpy(out, pool->bytes + pool->left, len);
	sodium_memzero(pool->bytes + pool->left, len);
}
