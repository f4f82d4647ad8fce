/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealing of secrets at rest: libsodium secretbox under the host's key.
 *
 * Text form: "v1:" + base64url(nonce 24 | ciphertext), no padding. The key lives in the state
 * folder (32 random bytes, mode 0600) and never leaves switchd. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/span.h"

#define SECRET_KEY_BYTES  32
#define SECRET_PLAIN_MAX  256
#define SECRET_SEALED_MAX 512 /* text form with NUL */

struct secret_key {
	uint8_t bytes[SECRET_KEY_BYTES];
};

void secret_key_random(struct secret_key *key);
/* VOS_EINVAL when the plain text is longer than SECRET_PLAIN_MAX. */
VOS_CHECK enum vos_err secret_seal(const struct secret_key *key, struct span plain,
				   char out[SECRET_SEALED_MAX]);
/* *out_len excludes the NUL that is added. VOS_EINVAL: not the text form; VOS_EPERM: another host's
 * key or altered. */
VOS_CHECK enum vos_err secret_open(const struct secret_key *key, struct span sealed,
				   char out[SECRET_PLAIN_MAX + 1], size_t *out_len);
void secret_wipe(void *memory, size_t len);
