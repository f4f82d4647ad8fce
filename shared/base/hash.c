/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/hash.h"

#include <sodium.h>

void hash_key_random(struct hash_key *key)
{
	randombytes_buf(key->bytes, sizeof(key->bytes));
}

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len)
{
	uint64_t hash;

	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "SipHash-2-4 gives 64 bits");
	crypto_shorthash((unsigned char *)&hash, data, len, key->bytes);
	return hash;
}
