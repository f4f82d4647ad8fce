/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keyed hash (SipHash-2-4) for every table whose keys a stranger chooses: without the process's
 * random key nobody can aim many keys at one bucket. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_KEY_BYTES 16

struct hash_key {
	uint8_t bytes[HASH_KEY_BYTES];
};

void hash_key_random(struct hash_key *key);
uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);
/* The same by SipHash-1-3, at half the cost: for what no stranger is ever told and nothing keeps.
 */
uint64_t hash_lookup(const struct hash_key *key, const void *data, size_t len);
