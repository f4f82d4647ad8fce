/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One pass over the text, bounded by its length; nothing is copied. */
#include "switchd/auth/credentials.h"

#include "switchd/auth/params_private.h"

struct param_row {
	struct span name;
	size_t offset;
	bool is_needed;
};

#define SPAN_CONST(text)               \
	{                              \
		text, sizeof(text) - 1 \
	}
#define ROW(name, needed)                                                     \
	{                                                                     \
		SPAN_CONST(#name), offsetof(struct credentials, name), needed \
	}

static const struct param_row PARAMS[] = {
	ROW(username, true), ROW(realm, true),      ROW(nonce, true),   ROW(uri, true),
	ROW(response, true), ROW(algorithm, false), ROW(cnonce, false), ROW(opaque, false),
	ROW(qop, false),     ROW(nc, false),
};

#define PARAM_ROWS (sizeof(PARAMS) / sizeof(PARAMS[0]))

static struct span *slot_of(struct credentials *credentials, const struct param_row *row)
{
	return (struct span *)(void *)((char *)credentials + row->offset);
}

/* Length and first letter leave one row but for nonce and a stranger's name of five letters; most
 * comparisons need no call. */
static bool is_row(const struct param_row *row, struct span name)
{
	return name.len == row->name.len && (name.ptr[0] | 0x20) == row->name.ptr[0] &&
	       span_ieq(name, row->name);
}

/* False when a known parameter comes twice. */
static bool store_param(struct credentials *out, struct span name, struct span value)
{
	for (size_t i = 0; i < PARAM_ROWS; i++) {
		struct span *slot = slot_of(out, &PARAMS[i]);

		if (!is_row(&PARAMS[i], name))
			continue;
		if (slot->ptr)
			return false;
		*slot = value;
		return true;
	}
	return true;
}

static bool take_param(struct span *rest, struct credentials *out)
{
	struct span name = auth_take_token(rest);
	struct span value;

	auth_skip_blanks(rest);
	if (!name.len || !auth_take_char(rest, '='))
		return false;
	auth_skip_blanks(rest);
	if (auth_take_char(rest, '"')) {
		if (!auth_take_quoted(rest, &value))
			return false;
	} else {
		value = auth_take_token(rest);
		if (!value.len)
			return false;
	}
	auth_skip_blanks(rest);
	return store_param(out, name, value);
}

static bool is_hex(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (hex_digit(text.ptr[i]) < 0)
			return false;
	}
	return text.len > 0;
}

static bool is_nonce_count(struct span text)
{
	return text.len == 8 && is_hex(text);
}

static enum credentials_qop qop_of(struct span text)
{
	if (!text.ptr)
		return QOP_NONE;
	if (span_ieq(text, SPAN_LIT("auth")))
		return QOP_AUTH;
	return span_ieq(text, SPAN_LIT("auth-int")) ? QOP_AUTH_INT : QOP_OTHER;
}

static uint32_t hex_value(struct span text)
{
	uint32_t number = 0;

	for (size_t i = 0; i < text.len; i++)
		number = number << 4 | (uint32_t)hex_digit(text.ptr[i]);
	return number;
}

/* What holds between the parameters. */
static bool is_complete(struct credentials *credentials)
{
	for (size_t i = 0; i < PARAM_ROWS; i++) {
		if (PARAMS[i].is_needed && !slot_of(credentials, &PARAMS[i])->ptr)
			return false;
	}
	if (!is_hex(credentials->response) || credentials->response.len > CREDENTIALS_HEX_MAX ||
	    !credentials->uri.len)
		return false;
	credentials->qop_kind = qop_of(credentials->qop);
	if (credentials->qop_kind == QOP_NONE)
		return !credentials->nc.ptr || is_nonce_count(credentials->nc);
	/* RFC 7616 3.4: nc and cnonce must stand with qop. */
	if (!credentials->qop.len || !credentials->cnonce.ptr || !is_nonce_count(credentials->nc))
		return false;
	credentials->nonce_count = hex_value(credentials->nc);
	return credentials->nonce_count > 0;
}

enum credentials_verdict credentials_parse(struct span text, struct credentials *out)
{
	struct credentials credentials = {0};
	struct span rest = text;
	struct span scheme;
	size_t count = 0;

	auth_skip_blanks(&rest);
	scheme = auth_take_token(&rest);
	if (!scheme.len || text.len > CREDENTIALS_BYTES_MAX)
		return CREDENTIALS_MALFORMED;
	if (!span_ieq(scheme, SPAN_LIT("Digest")))
		return CREDENTIALS_OTHER_SCHEME;
	if (rest.len && *rest.ptr != ' ' && *rest.ptr != '\t' && *rest.ptr != '\r' &&
	    *rest.ptr != '\n')
		return CREDENTIALS_MALFORMED;
	auth_skip_blanks(&rest);
	while (rest.len) {
		if (count++ == CREDENTIALS_PARAMS_MAX || !take_param(&rest, &credentials))
			return CREDENTIALS_MALFORMED;
		if (!rest.len)
			break;
		if (!auth_take_char(&rest, ','))
			return CREDENTIALS_MALFORMED;
		auth_skip_blanks(&rest);
		if (!rest.len)
			return CREDENTIALS_MALFORMED;
	}
	if (!is_complete(&credentials))
		return CREDENTIALS_MALFORMED;
	*out = credentials;
	return CREDENTIALS_OK;
}

bool credentials_unquote(struct span quoted, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < quoted.len; i++) {
		if (quoted.ptr[i] == '\\' && i + 1 < quoted.len)
			i++;
		if (len + 1 >= size)
			return false;
		out[len++] = quoted.ptr[i];
	}
	if (size == 0)
		return false;
	out[len] = '\0';
	return true;
}

bool credentials_are_for(struct span text, struct span realm)
{
	struct credentials credentials;
	char plain[128];

	return credentials_parse(text, &credentials) == CREDENTIALS_OK &&
	       credentials_unquote(credentials.realm, plain, sizeof(plain)) &&
	       span_eq(span_of(plain), realm);
}
