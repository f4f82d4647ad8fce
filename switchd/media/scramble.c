/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/scramble.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>

#define KEY_BYTES   16
#define NONCE_TEXT  22 /* base64url of the nonce, without padding */
#define CHECK_TEXT  (2 * SCRAMBLE_CHECK_BYTES)
#define RC4_STATE   256
#define RC4_SKIPPED 256 /* the first bytes tell most of the key */

struct scramble_work {
	struct relay_work base; /* first */
	enum scramble_mode mode;
	uint8_t key[KEY_BYTES];
	EVP_CIPHER_CTX *aes; /* AES128 */
};

static const char *const modes[SCRAMBLE_MODES] = {
	[SCRAMBLE_NONE] = "none",
	[SCRAMBLE_XOR] = "xor",
	[SCRAMBLE_RC4] = "rc4",
	[SCRAMBLE_AES128] = "aes128",
};

/* HMAC-SHA-256 under the shared key of purpose, mode and nonce. */
static void derive(const struct scramble *scramble, struct span key, const char *purpose,
		   uint8_t *out, size_t len)
{
	uint8_t digest[crypto_auth_hmacsha256_BYTES];
	const char *mode = modes[scramble->mode];
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const uint8_t *)key.ptr, key.len);
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)purpose, strlen(purpose));
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)mode, strlen(mode));
	crypto_auth_hmacsha256_update(&state, scramble->nonce, sizeof(scramble->nonce));
	crypto_auth_hmacsha256_final(&state, digest);
	memcpy(out, digest, len);
	sodium_memzero(digest, sizeof(digest));
	sodium_memzero(&state, sizeof(state));
}

void scramble_renew(struct scramble *scramble, enum scramble_mode mode, struct span key)
{
	scramble->mode = mode;
	randombytes_buf(scramble->nonce, sizeof(scramble->nonce));
	derive(scramble, key, "check ", scramble->check, sizeof(scramble->check));
}

bool scramble_check(const struct scramble *scramble, struct span key)
{
	uint8_t check[SCRAMBLE_CHECK_BYTES];

	derive(scramble, key, "check ", check, sizeof(check));
	return sodium_memcmp(check, scramble->check, sizeof(check)) == 0;
}

static struct span word(struct span *rest)
{
	size_t len = span_find(*rest, ' ');
	struct span found = {rest->ptr, len};

	len += len < rest->len;
	*rest = (struct span){rest->ptr + len, rest->len - len};
	return found;
}

/* "aes128 <nonce> <check>", one blank between. */
bool scramble_parse(struct span value, struct scramble *out)
{
	struct span mode = word(&value);
	struct span nonce = word(&value);
	struct scramble scramble = {.mode = SCRAMBLE_NONE};
	size_t len;

	for (int i = SCRAMBLE_XOR; i < SCRAMBLE_MODES; i++)
		if (span_eq(mode, span_of(modes[i])))
			scramble.mode = (enum scramble_mode)i;
	if (scramble.mode == SCRAMBLE_NONE || nonce.len != NONCE_TEXT || value.len != CHECK_TEXT)
		return false;
	if (sodium_base642bin(scramble.nonce, sizeof(scramble.nonce), nonce.ptr, nonce.len, NULL,
			      &len, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    len != sizeof(scramble.nonce))
		return false;
	if (sodium_hex2bin(scramble.check, sizeof(scramble.check), value.ptr, value.len, NULL, &len,
			   NULL) != 0 ||
	    len != sizeof(scramble.check))
		return false;
	*out = scramble;
	return true;
}

void scramble_print(const struct scramble *scramble, struct buf *out)
{
	char nonce[NONCE_TEXT + 1];

	sodium_bin2base64(nonce, sizeof(nonce), scramble->nonce, sizeof(scramble->nonce),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	buf_printf(out, "%s %s ", modes[scramble->mode], nonce);
	buf_add_hex(out, scramble->check, sizeof(scramble->check));
}

/* Where the payload begins (RFC 3550 sections 5.1 and 5.3.1); 0: the header does not fit. */
static size_t payload_at(const struct relay_packet *packet)
{
	size_t at = RTP_HEADER_BYTES + 4 * (size_t)(packet->data[0] & 15);

	if (packet->data[0] & 0x10) {
		if (packet->len < at + 4)
			return 0;
		at += 4 + 4 * ((size_t)packet->data[at + 2] << 8 | packet->data[at + 3]);
	}
	return at <= packet->len ? at : 0;
}

/* The key over and over, from a place that the sequence number tells. */
static void run_xor(const struct scramble_work *work, const uint8_t *header, uint8_t *data,
		    size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] ^= work->key[(i + header[3]) % KEY_BYTES];
}

/* Keyed anew for each packet with the key, then its sequence number, timestamp and SSRC. */
static void run_rc4(const struct scramble_work *work, const uint8_t *header, uint8_t *data,
		    size_t len)
{
	uint8_t seed[KEY_BYTES + 10];
	uint8_t state[RC4_STATE];
	uint8_t i = 0;
	uint8_t j = 0;

	memcpy(seed, work->key, KEY_BYTES);
	memcpy(seed + KEY_BYTES, header + 2, 10);
	for (int k = 0; k < RC4_STATE; k++)
		state[k] = (uint8_t)k;
	for (int k = 0; k < RC4_STATE; k++) {
		uint8_t swapped = state[k];

		j = (uint8_t)(j + swapped + seed[k % (int)sizeof(seed)]);
		state[k] = state[j];
		state[j] = swapped;
	}
	j = 0;
	for (size_t k = 0; k < RC4_SKIPPED + len; k++) {
		uint8_t swapped;

		i++;
		swapped = state[i];
		j = (uint8_t)(j + swapped);
		state[i] = state[j];
		state[j] = swapped;
		if (k >= RC4_SKIPPED)
			data[k - RC4_SKIPPED] ^= state[(uint8_t)(state[i] + swapped)];
	}
}

/* The counter block: SSRC, timestamp, sequence number, 4 zeros, and the count of blocks in 16 bits.
 */
static bool run_aes(const struct scramble_work *work, const uint8_t *header, uint8_t *data,
		    size_t len)
{
	uint8_t block[16] = {0};
	int done;

	memcpy(block, header + 8, 4);
	memcpy(block + 4, header + 4, 4);
	memcpy(block + 8, header + 2, 2);
	return EVP_EncryptInit_ex(work->aes, NULL, NULL, NULL, block) == 1 &&
	       EVP_EncryptUpdate(work->aes, data, &done, data, (int)len) == 1;
}

static bool run(struct relay_work *base, struct media_thread *thread, struct relay_side *side,
		struct relay_packet *packet)
{
	const struct scramble_work *work = (const struct scramble_work *)base;
	size_t at;

	(void)thread;
	(void)side;
	if (packet->kind != PACKET_RTP)
		return true;
	at = payload_at(packet);
	if (at == 0)
		return false;
	switch (work->mode) {
	case SCRAMBLE_XOR:
		run_xor(work, packet->data, packet->data + at, packet->len - at);
		return true;
	case SCRAMBLE_RC4:
		run_rc4(work, packet->data, packet->data + at, packet->len - at);
		return true;
	default:
		return run_aes(work, packet->data, packet->data + at, packet->len - at);
	}
}

static void destroy(struct relay_work *base)
{
	struct scramble_work *work = (struct scramble_work *)base;

	EVP_CIPHER_CTX_free(work->aes);
	sodium_memzero(work->key, sizeof(work->key));
	free(work);
}

static const struct relay_work_ops scramble_ops = {.packet = run, .destroy = destroy};

enum vos_err scramble_new(const struct scramble *scramble, struct span key, struct relay_work **out)
{
	struct scramble_work *work = calloc(1, sizeof(*work));

	if (!work)
		return VOS_ENOMEM;
	work->base.ops = &scramble_ops;
	work->mode = scramble->mode;
	derive(scramble, key, "media ", work->key, sizeof(work->key));
	if (work->mode == SCRAMBLE_AES128) {
		work->aes = EVP_CIPHER_CTX_new();
		if (!work->aes ||
		    EVP_EncryptInit_ex(work->aes, EVP_aes_128_ctr(), NULL, work->key, NULL) != 1) {
			destroy(&work->base);
			return VOS_ENOMEM;
		}
	}
	*out = &work->base;
	return VOS_OK;
}
