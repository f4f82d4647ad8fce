/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arithmetic of digest authentication (RFC 7616 section 3.4, RFC 8760): what a client answers a
 * challenge with. Credentials that come are compared with it; a client of ours would send it. */
#pragma once

#include "shared/base/digest_algorithm.h"
#include "switchd/conf/conf.h"

#define DIGEST_HEX_MAX (2 * CONF_SHA256_BYTES)

/* Values as they stand between the quotes. */
struct digest_input {
	enum digest_algorithm algorithm;
	const struct conf_ha1 *ha1;
	const char *method;
	struct span uri;
	struct span nonce;
	struct span qop;    /* "auth" or "auth-int"; empty: none, as before RFC 2617 */
	struct span nc;     /* with qop */
	struct span cnonce; /* with qop, and for the algorithms that end in -sess */
	struct span body;   /* for auth-int */
};

/* Hex digits of an answer under that algorithm. */
size_t digest_hex_len(enum digest_algorithm algorithm);
/* Lower-case hex of that length, not terminated. False when the input is longer than credentials
 * may be (CREDENTIALS_BYTES_MAX). */
bool digest_answer(const struct digest_input *input, char out[DIGEST_HEX_MAX]);
