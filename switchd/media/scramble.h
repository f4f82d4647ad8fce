/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scrambling of RTP payloads between two switches that share a key. The wire format is described in
 * vos-scramble(7); it is ours, as that of the product is not public.
 *
 * XOR and RC4 hide what is said from a casual look and do not protect it. AES128 (counter mode)
 * protects it from being heard, not from being altered; for both there is SRTP. */
#pragma once

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "switchd/media/relay_work.h"

enum scramble_mode { SCRAMBLE_NONE, SCRAMBLE_XOR, SCRAMBLE_RC4, SCRAMBLE_AES128, SCRAMBLE_MODES };

#define SCRAMBLE_NONCE_BYTES 16
#define SCRAMBLE_CHECK_BYTES 4

/* The attribute of a stream in SDP: how who writes it scrambles what he sends. */
struct scramble {
	enum scramble_mode mode;
	uint8_t nonce[SCRAMBLE_NONCE_BYTES];
	uint8_t check[SCRAMBLE_CHECK_BYTES]; /* of the key: tells who has another one */
};

#define SCRAMBLE_ATTRIBUTE "x-vos-scramble"

/* A new one, for what we send under the key. */
void scramble_renew(struct scramble *scramble, enum scramble_mode mode, struct span key);
/* The value behind "x-vos-scramble:". False: it cannot be read. */
bool scramble_parse(struct span value, struct scramble *out);
void scramble_print(const struct scramble *scramble, struct buf *out);
/* Whoever wrote it has this key. */
bool scramble_check(const struct scramble *scramble, struct span key);

/* For RELAY_PROTECT with our own attribute, for RELAY_UNPROTECT with the peer's: the two are the
 * same. RTCP passes as it is. */
VOS_CHECK enum vos_err scramble_new(const struct scramble *scramble, struct span key,
				    struct relay_work **out);
