/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/uri_equal.h"

#include <ctype.h>
#include <string.h>

#include "switchd/sip/syntax_private.h"

/* RFC 2396 "reserved": one of these and its escape are not the same. */
static bool is_reserved(char c)
{
	return c != '\0' && strchr(";/?:@&=+$,", c) != NULL;
}

/* The next character with its escape undone; an escaped reserved one, or an escaped NUL, stays
 * apart from the plain one. */
static int next_char(struct span *text)
{
	int c = (uint8_t)text->ptr[0];
	size_t len = 1;

	if (c == '%' && text->len >= 3) {
		int high = hex_digit(text->ptr[1]);
		int low = hex_digit(text->ptr[2]);

		if (high >= 0 && low >= 0) {
			c = high << 4 | low;
			if (c == 0 || is_reserved((char)c))
				c |= 0x100;
			len = 3;
		}
	}
	text->ptr += len;
	text->len -= len;
	return c;
}

static int fold(int c)
{
	return c < 0x100 ? tolower(c) : c;
}

static bool text_equal(struct span a, struct span b, bool has_case)
{
	while (a.len && b.len) {
		int x = next_char(&a);
		int y = next_char(&b);

		if (has_case ? x != y : fold(x) != fold(y))
			return false;
	}
	return a.len == b.len;
}

/* Parameters that never match when only one URI has them: those that the section names, and
 * transport, as its examples say. */
static bool is_decisive(struct span name)
{
	return SIP_TOKEN_IS(name, "user") || SIP_TOKEN_IS(name, "ttl") ||
	       SIP_TOKEN_IS(name, "method") || SIP_TOKEN_IS(name, "maddr") ||
	       SIP_TOKEN_IS(name, "transport");
}

static bool find_param(struct span params, struct span name, struct span *value)
{
	enum sip_param_result result;
	struct sip_param param;

	while ((result = sip_param_next(&params, &param)) != SIP_PARAM_END) {
		if (result == SIP_PARAM_OK && text_equal(param.name, name, false)) {
			*value = param.value;
			return true;
		}
	}
	return false;
}

/* Each of a's parameters against b's. */
static bool params_agree(struct span a, struct span b)
{
	enum sip_param_result result;
	struct sip_param param;
	struct span value;

	while ((result = sip_param_next(&a, &param)) != SIP_PARAM_END) {
		if (result != SIP_PARAM_OK)
			continue;
		if (!find_param(b, param.name, &value)) {
			if (is_decisive(param.name))
				return false;
		} else if (!text_equal(param.value, value, false)) {
			return false;
		}
	}
	return true;
}

static struct span next_header(struct span *rest)
{
	size_t end = span_find(*rest, '&');
	struct span header = {rest->ptr, end};

	*rest = end < rest->len ? span_from(*rest, end + 1) : SPAN_NONE;
	return header;
}

/* Header fields have no order, and none may be missing. */
static bool headers_agree(struct span a, struct span b)
{
	while (a.len) {
		struct span header = next_header(&a);
		struct span name = {header.ptr, span_find(header, '=')};
		struct span rest = b;
		bool is_there = false;

		while (rest.len && !is_there) {
			struct span other = next_header(&rest);
			size_t equals = span_find(other, '=');

			is_there = text_equal(name, (struct span){other.ptr, equals}, false) &&
				   text_equal(span_from(header, name.len), span_from(other, equals),
					      true);
		}
		if (!is_there)
			return false;
	}
	return true;
}

static bool is_sip(const struct sip_uri *uri)
{
	return SIP_TOKEN_IS(uri->scheme, "sip") || SIP_TOKEN_IS(uri->scheme, "sips");
}

/* An IPv6 address has more than one text. */
static bool host_equal(struct span a, struct span b)
{
	struct addr x;
	struct addr y;

	if (span_ieq(a, b))
		return true;
	return addr_parse(a, &x) && addr_parse(b, &y) && addr_ip_eq(&x, &y);
}

bool sip_uri_equal(struct span a, struct span b)
{
	struct sip_uri x;
	struct sip_uri y;

	if (span_eq(a, b))
		return true;
	if (!sip_uri_parse(a, &x) || !sip_uri_parse(b, &y) || !is_sip(&x) || !is_sip(&y))
		return false;
	return x.scheme.len == y.scheme.len && x.port == y.port && host_equal(x.host, y.host) &&
	       text_equal(x.user, y.user, true) && text_equal(x.password, y.password, true) &&
	       params_agree(x.params, y.params) && params_agree(y.params, x.params) &&
	       headers_agree(x.headers, y.headers) && headers_agree(y.headers, x.headers);
}
