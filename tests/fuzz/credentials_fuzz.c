/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as an Authorization value: no crash, what is taken keeps the parser's promises, reads
 * the same when it is written out again, and can be answered under every algorithm. */
#include <stdlib.h>

#include "switchd/auth/answer.h"
#include "switchd/auth/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every span of the result lies inside the text. */
static void hold_inside(struct span text, struct span part)
{
	if (part.ptr && (part.ptr < text.ptr || part.ptr + part.len > text.ptr + text.len))
		abort();
}

static void hold_same(struct span a, struct span b)
{
	if ((a.ptr != NULL) != (b.ptr != NULL) || !span_eq(a, b))
		abort();
}

static void add(struct buf *out, const char *name, struct span value)
{
	if (!value.ptr)
		return;
	buf_add_str(out, out->len > 7 ? ", " : "");
	buf_add_str(out, name);
	buf_add_lit(out, "=\"");
	buf_add_span(out, value);
	buf_add_lit(out, "\"");
}

/* Everything in quotes, in another order. */
static void hold_round_trip(const struct credentials *credentials)
{
	struct credentials again;
	char memory[2 * CREDENTIALS_BYTES_MAX];
	struct buf out = buf_over(memory, sizeof(memory));

	buf_add_lit(&out, "Digest ");
	add(&out, "nc", credentials->nc);
	add(&out, "qop", credentials->qop);
	add(&out, "opaque", credentials->opaque);
	add(&out, "cnonce", credentials->cnonce);
	add(&out, "algorithm", credentials->algorithm);
	add(&out, "response", credentials->response);
	add(&out, "uri", credentials->uri);
	add(&out, "nonce", credentials->nonce);
	add(&out, "realm", credentials->realm);
	add(&out, "username", credentials->username);
	if (out.failed)
		abort();
	/* The quotes may make it longer than is taken. */
	if (out.len > CREDENTIALS_BYTES_MAX)
		return;
	if (credentials_parse(buf_span(&out), &again) != CREDENTIALS_OK)
		abort();
	hold_same(credentials->username, again.username);
	hold_same(credentials->realm, again.realm);
	hold_same(credentials->nonce, again.nonce);
	hold_same(credentials->uri, again.uri);
	hold_same(credentials->response, again.response);
	hold_same(credentials->algorithm, again.algorithm);
	hold_same(credentials->cnonce, again.cnonce);
	hold_same(credentials->opaque, again.opaque);
	hold_same(credentials->qop, again.qop);
	hold_same(credentials->nc, again.nc);
	if (credentials->nonce_count != again.nonce_count ||
	    credentials->qop_kind != again.qop_kind)
		abort();
}

static void hold_answers(const struct credentials *credentials)
{
	static const struct conf_ha1 ha1;

	for (int i = 0; i < DIGEST_ALGORITHM_COUNT; i++) {
		char hex[DIGEST_HEX_MAX];
		struct digest_input input = {
			.algorithm = (enum digest_algorithm)i,
			.ha1 = &ha1,
			.method = "REGISTER",
			.uri = credentials->uri,
			.nonce = credentials->nonce,
			.qop = credentials->qop,
			.nc = credentials->nc,
			.cnonce = credentials->cnonce,
			.body = credentials->realm,
		};

		if (!digest_answer(&input, hex))
			abort();
	}
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
	hold_round_trip(&credentials);
	hold_answers(&credentials);
	return 0;
}
