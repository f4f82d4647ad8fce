/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of digest authentication: what it sends is worked out from the formulas of RFC 7616
 * section 3.4 as text, with none of the code that checks it. */
#pragma once

#include "shared/base/addr.h"

#define AUTH_CLIENT_TEXT 1024

/* A client: what it would put into its credentials. */
struct client {
	const char *user;
	const char *password;
	const char *realm;
	const char *uri;
	const char *method;    /* that it signs */
	const char *algorithm; /* NULL: none named, MD5 */
	const char *qop;       /* NULL: "auth" */
	const char *body;      /* that it signs with auth-int */
	const char *extra;     /* further parameters */
	char nonce[64];
	unsigned count; /* 0 = no qop */
	struct addr source;
};

/* Value of Authorization; the cnonce is "cn1". */
void write_credentials(const struct client *client, char out[AUTH_CLIENT_TEXT]);
