/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/hash.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

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

/* SipHash as its paper has it (Aumasson and Bernstein, 2012): one round a word, three at the end.
 */
struct sip_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void sip_round(struct sip_state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32) + s->v3;
	s->v2 += s->v1;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void take_word(struct sip_state *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t load(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

uint64_t hash_lookup(const struct hash_key *key, const void *data, size_t len)
{
	uint64_t k0 = load(key->bytes);
	uint64_t k1 = load(key->bytes + 8);
	struct sip_state s = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
			      k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
	uint64_t last = (uint64_t)len << 56;
	const uint8_t *at = data;

	for (; len >= 8; len -= 8, at += 8)
		take_word(&s, load(at));
	for (unsigned i = 0; i < len; i++)
		last |= (uint64_t)at[i] << 8 * i;
	take_word(&s, last);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
