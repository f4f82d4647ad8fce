/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/secret.h"

#include <sodium.h>
#include <string.h>

#define NONCE_BYTES crypto_secretbox_NONCEBYTES
#define BOX_MAX     (NONCE_BYTES + crypto_secretbox_MACBYTES + SECRET_PLAIN_MAX)
#define VARIANT     sodium_base64_VARIANT_URLSAFE_NO_PADDING

static const char version[] = "v1:";

void secret_key_random(struct secret_key *key)
{
	randombytes_buf(key->bytes, sizeof(key->bytes));
}

enum vos_err secret_seal(const struct secret_key *key, struct span plain,
			 char out[SECRET_SEALED_MAX])
{
	unsigned char box[BOX_MAX];
	size_t len = NONCE_BYTES + crypto_secretbox_MACBYTES + plain.len;

	if (plain.len > SECRET_PLAIN_MAX)
		return VOS_EINVAL;
	randombytes_buf(box, NONCE_BYTES);
	crypto_secretbox_easy(box + NONCE_BYTES, (const unsigned char *)plain.ptr, plain.len, box,
			      key->bytes);
	memcpy(out, version, sizeof(version) - 1);
	sodium_bin2base64(out + sizeof(version) - 1, SECRET_SEALED_MAX - sizeof(version) + 1, box,
			  len, VARIANT);
	return VOS_OK;
}

enum vos_err secret_open(const struct secret_key *key, struct span sealed,
			 char out[SECRET_PLAIN_MAX + 1], size_t *out_len)
{
	unsigned char box[BOX_MAX];
	struct span text = sealed;
	size_t len;

	if (!span_starts_with(sealed, SPAN_LIT("v1:")))
		return VOS_EINVAL;
	text.ptr += sizeof(version) - 1;
	text.len -= sizeof(version) - 1;
	if (sodium_base642bin(box, sizeof(box), text.ptr, text.len, NULL, &len, NULL, VARIANT) != 0)
		return VOS_EINVAL;
	if (len < NONCE_BYTES + crypto_secretbox_MACBYTES)
		return VOS_EINVAL;
	if (crypto_secretbox_open_easy((unsigned char *)out, box + NONCE_BYTES, len - NONCE_BYTES,
				       box, key->bytes) != 0)
		return VOS_EPERM;
	*out_len = len - NONCE_BYTES - crypto_secretbox_MACBYTES;
	out[*out_len] = '\0';
	return VOS_OK;
}

void secret_wipe(void *memory, size_t len)
{
	sodium_memzero(memory, len);
}
