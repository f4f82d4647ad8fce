/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of SRTP in SDP: a=crypto (RFC 4568). Pure text, no state. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"

enum sdes_suite {
	SDES_AES_80, /* AES_CM_128_HMAC_SHA1_80 */
	SDES_AES_32, /* AES_CM_128_HMAC_SHA1_32 */
	SDES_SUITES,
};

#define SDES_KEY_BYTES 30 /* master key of 16, then salt of 14 (section 6.2) */
#define SDES_TAG_MAX   999999999

struct sdes {
	uint32_t tag;
	enum sdes_suite suite;
	uint8_t key[SDES_KEY_BYTES];
};

/* "1 AES_CM_128_HMAC_SHA1_80 inline:<base64>|2^20": the value behind "crypto:". False: it cannot be
 * read, or it asks for what is not done here: another suite, MKI, more keys than one, or a session
 * parameter that must be understood (section 6.3). */
bool sdes_parse(struct span value, struct sdes *out);
/* The same, without lifetime. */
void sdes_print(const struct sdes *sdes, struct buf *out);
/* A new random key. */
void sdes_renew(struct sdes *sdes);
