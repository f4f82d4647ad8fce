/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parser of Authorization and Proxy-Authorization values (RFC 3261 section 25.1, credentials). */
#pragma once

#include "shared/base/span.h"

#define CREDENTIALS_PARAMS_MAX 32
#define CREDENTIALS_BYTES_MAX  2048
#define CREDENTIALS_HEX_MAX    128 /* digits of a response: those of SHA-512 */

enum credentials_qop {
	QOP_NONE, /* none named: RFC 2069 */
	QOP_AUTH,
	QOP_AUTH_INT,
	QOP_OTHER,
};

/* Values are without quotes, escapes still in. Absent parameters are empty with ptr NULL. */
struct credentials {
	struct span username;
	struct span realm;
	struct span nonce;
	struct span uri;
	struct span response; /* hex digits; how many the algorithm says */
	struct span algorithm;
	struct span cnonce;
	struct span opaque;
	struct span qop;
	struct span nc;       /* 8 hex digits, as they stand */
	uint32_t nonce_count; /* their value; 0 without qop */
	enum credentials_qop qop_kind;
};

enum credentials_verdict {
	CREDENTIALS_OK,
	CREDENTIALS_OTHER_SCHEME, /* not Digest; nothing else is said */
	CREDENTIALS_MALFORMED,
};

/* Checks shape and completeness: one of each known parameter, those that RFC 7616 section 3.4 wants
 * present, nc and cnonce with qop. Unknown parameters are skipped; algorithms and kinds of qop that
 * are unknown are not this function's business. */
enum credentials_verdict credentials_parse(struct span text, struct credentials *out);
/* Undoes backslash escapes of a quoted string; false when it does not fit with its NUL. */
bool credentials_unquote(struct span quoted, char *out, size_t size);
/* True when the text is digest credentials for that realm; for choosing between header lines. */
bool credentials_are_for(struct span text, struct span realm);
