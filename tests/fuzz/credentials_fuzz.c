/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as an Authorization value: no crash, and what is taken keeps the parser's promises. */
#include <stdlib.h>

#include "switchd/auth/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every span of the result lies inside the text. */
static void hold_inside(struct span text, struct span part)
{
	if (part.ptr && (part.ptr < text.ptr || part.ptr + part.len > text.ptr + text.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct credentials credentials;
	char plain[64];

	if (credentials_parse(text, &credentials) != CREDENTIALS_OK)
		return 0;
	hold_inside(text, credentials.username);
	hold_inside(text, credentials.realm);
	hold_inside(text, credentials.nonce);
	hold_inside(text, credentials.uri);
	hold_inside(text, credentials.response);
	hold_inside(text, credentials.algorithm);
	hold_inside(text, credentials.cnonce);
	hold_inside(text, credentials.opaque);
	hold_inside(text, credentials.qop);
	hold_inside(text, credentials.nc);
	if (!credentials.response.len || credentials.response.len > CREDENTIALS_HEX_MAX ||
	    !credentials.username.ptr || !credentials.uri.len ||
	    (credentials.qop.ptr != NULL) != (credentials.nonce_count != 0))
		abort();
	if (credentials_unquote(credentials.username, plain, sizeof(plain)) &&
	    strlen(plain) >= sizeof(plain))
		abort();
	credentials_are_for(text, SPAN_LIT("sw"));
	return 0;
}
