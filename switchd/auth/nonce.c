/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signing and remembering of nonces. The table is 65,536 sets of four, a lock for 256 sets; its
 * pages are the kernel's zero page until they are written. */
#include "switchd/auth/nonce.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shared/base/hash.h"

#define SETS       65536u
#define WAYS       4u
#define LOCKS      256u
#define TIME_BYTES 6u
#define BODY_BYTES 10u
#define NET_BYTES  8u  /* of an address: IPv4, or an IPv6 /64 */
#define REPEAT_S   32u /* 64 * T1 */
#define TIME_MASK  ((UINT64_C(1) << (8 * TIME_BYTES)) - 1)

struct used {
	uint64_t id; /* 0 = free */
	uint64_t issued_ms;
	uint64_t use_hash; /* Call-ID, source, CSeq of the highest count */
	uint32_t count;    /* highest seen */
	uint32_t first_s;  /* when that was */
};

struct set {
	struct used ways[WAYS];
	uint64_t floor_ms; /* nonces of this set issued until then are no longer told apart */
};

struct nonces {
	struct hash_key sign_key;
	struct hash_key use_key;
	uint64_t
		time_offset_ms; /* so that a nonce does not tell how long the machine has been up */
	atomic_uint_fast32_t number;
	pthread_mutex_t locks[LOCKS];
	struct set *sets;
};

enum vos_err nonces_create(struct nonces **out)
{
	struct nonces *nonces = calloc(1, sizeof(*nonces));

	if (!nonces)
		return VOS_ENOMEM;
	nonces->sets = calloc(SETS, sizeof(*nonces->sets));
	if (!nonces->sets) {
		free(nonces);
		return VOS_ENOMEM;
	}
	hash_key_random(&nonces->sign_key);
	hash_key_random(&nonces->use_key);
	atomic_init(&nonces->number, randombytes_random());
	randombytes_buf(&nonces->time_offset_ms, sizeof(nonces->time_offset_ms));
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&nonces->locks[i], NULL);
	*out = nonces;
	return VOS_OK;
}

void nonces_destroy(struct nonces *nonces)
{
	if (!nonces)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&nonces->locks[i]);
	free(nonces->sets);
	sodium_memzero(nonces, sizeof(*nonces));
	free(nonces);
}

static uint64_t sign(const struct nonces *nonces, const uint8_t *body, const struct addr *source)
{
	uint8_t text[BODY_BYTES + 1 + NET_BYTES];

	memcpy(text, body, BODY_BYTES);
	text[BODY_BYTES] = source->family;
	memcpy(text + BODY_BYTES + 1, source->ip, NET_BYTES);
	return hash_bytes(&nonces->sign_key, text, sizeof(text));
}

void nonce_write(struct nonces *nonces, const struct addr *source, uint64_t now_us,
		 char out[NONCE_TEXT_LEN + 1])
{
	uint8_t raw[NONCE_RAW_BYTES];
	uint64_t time_ms = now_us / 1000 + nonces->time_offset_ms;
	uint32_t number =
		(uint32_t)atomic_fetch_add_explicit(&nonces->number, 1, memory_order_relaxed);
	uint64_t mac;

	for (size_t i = 0; i < TIME_BYTES; i++)
		raw[i] = (uint8_t)(time_ms >> (8 * (TIME_BYTES - 1 - i)));
	memcpy(raw + TIME_BYTES, &number, sizeof(number));
	mac = sign(nonces, raw, source);
	memcpy(raw + BODY_BYTES, &mac, sizeof(mac));
	_Static_assert(sodium_base64_ENCODED_LEN(NONCE_RAW_BYTES,
						 sodium_base64_VARIANT_URLSAFE_NO_PADDING) ==
			       NONCE_TEXT_LEN + 1,
		       "text form");
	sodium_bin2base64(out, NONCE_TEXT_LEN + 1, raw, sizeof(raw),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool nonce_read(const struct nonces *nonces, struct span text, const struct addr *source,
		uint64_t now_us, uint64_t life_s, struct nonce *out)
{
	uint8_t raw[NONCE_RAW_BYTES];
	uint64_t issued_ms = 0;
	uint64_t now_ms = now_us / 1000;
	uint64_t mac;
	size_t len;

	if (text.len != NONCE_TEXT_LEN ||
	    sodium_base642bin(raw, sizeof(raw), text.ptr, text.len, NULL, &len, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    len != sizeof(raw))
		return false;
	mac = sign(nonces, raw, source);
	if (sodium_memcmp(&mac, raw + BODY_BYTES, sizeof(mac)) != 0)
		return false;
	for (size_t i = 0; i < TIME_BYTES; i++)
		issued_ms = issued_ms << 8 | raw[i];
	issued_ms = (issued_ms - nonces->time_offset_ms) & TIME_MASK;
	/* A nonce of ours may be of a thread whose clock reading is a moment ahead: age 0. */
	if (issued_ms < now_ms && now_ms - issued_ms > life_s * 1000)
		return false;
	out->id = mac ? mac : 1;
	out->issued_ms = issued_ms;
	return true;
}

static uint64_t use_hash(const struct nonces *nonces, const struct nonce_use *use)
{
	struct {
		uint64_t call_id;
		uint64_t cseq;
		struct addr source;
		uint32_t pad;
	} text = {
		.call_id = hash_bytes(&nonces->use_key, use->call_id.ptr, use->call_id.len),
		.cseq = use->cseq,
		.source = *use->source,
	};

	_Static_assert(sizeof(text) == 40, "no padding, so that the whole may be hashed");
	return hash_bytes(&nonces->use_key, &text, sizeof(text));
}

/* A free way, or that of the oldest nonce, which raises the floor. */
static struct used *make_room(struct set *set)
{
	struct used *oldest = &set->ways[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (!set->ways[i].id)
			return &set->ways[i];
		if (set->ways[i].issued_ms < oldest->issued_ms)
			oldest = &set->ways[i];
	}
	if (set->floor_ms < oldest->issued_ms)
		set->floor_ms = oldest->issued_ms;
	return oldest;
}

bool nonce_take(struct nonces *nonces, const struct nonce *nonce, const struct nonce_use *use)
{
	size_t number = nonce->id % SETS;
	struct set *set = &nonces->sets[number];
	uint64_t hash = use_hash(nonces, use);
	uint32_t now_s = (uint32_t)(use->now_us / 1000000);
	uint32_t first_s = now_s;
	struct used *used = NULL;
	bool is_fresh;

	pthread_mutex_lock(&nonces->locks[number % LOCKS]);
	for (size_t i = 0; i < WAYS && !used; i++) {
		if (set->ways[i].id == nonce->id)
			used = &set->ways[i];
	}
	if (used) {
		bool is_repeat = use->count == used->count && hash == used->use_hash &&
				 now_s - used->first_s <= REPEAT_S;

		if (is_repeat)
			first_s = used->first_s;
		is_fresh = use->count > used->count || is_repeat;
	} else {
		is_fresh = nonce->issued_ms > set->floor_ms;
		if (is_fresh)
			used = make_room(set);
	}
	if (is_fresh)
		*used = (struct used){
			.id = nonce->id,
			.issued_ms = nonce->issued_ms,
			.use_hash = hash,
			.count = use->count,
			.first_s = first_s,
		};
	pthread_mutex_unlock(&nonces->locks[number % LOCKS]);
	return is_fresh;
}
