/* SPDX-License-Identifier: GPL-2.0-or-later */
/* URIs, name-addr and Via: the structured header values (RFC 3261 sections 19.1, 20.10, 20.42). */
#include "switchd/sip/syntax_private.h"

static bool parse_port(struct span text, uint16_t *out)
{
	uint64_t port;

	if (!span_to_u64(text, UINT16_MAX, &port) || port == 0)
		return false;
	*out = (uint16_t)port;
	return true;
}

/* Host at the start of s, brackets of an IPv6 address taken off; *end is the offset after it. */
static bool parse_host(struct span s, struct span *host, size_t *end)
{
	size_t len = 0;

	if (s.len && s.ptr[0] == '[') {
		struct addr addr;

		len = span_find(s, ']');
		if (len == s.len)
			return false;
		*host = (struct span){s.ptr + 1, len - 1};
		*end = len + 1;
		/* A colon, so that "[192.0.2.1]" is refused. */
		return span_find(*host, ':') < host->len && addr_parse(*host, &addr);
	}
	while (len < s.len && sip_char_is(s.ptr[len], SIP_CHAR_HOST))
		len++;
	*host = (struct span){s.ptr, len};
	*end = len;
	return len > 0;
}

/* tel:+1-201-555-0123;phone-context=... (RFC 3966): the number stands in user. */
static bool parse_tel(struct span rest, struct sip_uri *out)
{
	size_t semicolon = span_find(rest, ';');

	out->user = (struct span){rest.ptr, semicolon};
	if (semicolon < rest.len)
		out->params = span_from(rest, semicolon + 1);
	return out->user.len > 0;
}

static bool parse_hostport(struct span rest, struct sip_uri *out)
{
	size_t end;
	size_t question;

	if (!parse_host(rest, &out->host, &end))
		return false;
	rest = span_from(rest, end);
	if (rest.len && rest.ptr[0] == ':') {
		end = 1;
		while (end < rest.len && rest.ptr[end] != ';' && rest.ptr[end] != '?')
			end++;
		if (!parse_port((struct span){rest.ptr + 1, end - 1}, &out->port))
			return false;
		rest = span_from(rest, end);
	}
	if (rest.len == 0)
		return true;
	if (rest.ptr[0] != ';' && rest.ptr[0] != '?')
		return false;
	question = span_find(rest, '?');
	if (question > 0)
		out->params = (struct span){rest.ptr + 1, question - 1};
	if (question < rest.len)
		out->headers = span_from(rest, question + 1);
	return true;
}

/* Of a text whose characters may all stand in a URI. */
static bool parse_uri(struct span text, struct sip_uri *out)
{
	struct sip_uri uri = {0};
	size_t colon = span_find(text, ':');
	struct span rest;
	size_t at;

	if (colon == text.len)
		return false;
	uri.scheme = (struct span){text.ptr, colon};
	rest = span_from(text, colon + 1);
	if (SIP_TOKEN_IS(uri.scheme, "sip") || SIP_TOKEN_IS(uri.scheme, "sips")) {
		/* The user part may hold ; ? and /, so '@' is looked for first; it stands nowhere
		 * else in a valid URI, and a second one fails as a host. */
		at = span_find(rest, '@');
		if (at < rest.len) {
			size_t password = span_find((struct span){rest.ptr, at}, ':');

			uri.user = (struct span){rest.ptr, password};
			if (password < at)
				uri.password =
					(struct span){rest.ptr + password + 1, at - password - 1};
			if (uri.user.len == 0)
				return false;
			rest = span_from(rest, at + 1);
		}
		if (!parse_hostport(rest, &uri))
			return false;
	} else if (SIP_TOKEN_IS(uri.scheme, "tel")) {
		if (!parse_tel(rest, &uri))
			return false;
	} else if (!sip_span_is(uri.scheme, SIP_CHAR_SCHEME)) {
		return false;
	}
	*out = uri;
	return true;
}

bool sip_uri_parse(struct span text, struct sip_uri *out)
{
	return sip_span_is(text, SIP_CHAR_URI) && parse_uri(text, out);
}

/* Text before '<' without quotes: RFC 3261 wants tokens. Other printable text, as phones send it,
 * is taken; not what can be read as another structure. */
static bool is_display(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == ',' || c == ';' || c == '"' || c == '\\' || c == '>' || c == '\0')
			return false;
	}
	return true;
}

/* After the URI: nothing, or ';' and parameters. */
static bool take_params(struct span rest, struct sip_name_addr *out)
{
	rest = sip_trim(rest);
	if (rest.len == 0)
		return true;
	if (rest.ptr[0] != ';')
		return false;
	out->params = sip_trim(span_from(rest, 1));
	return true;
}

static bool split_bracketed(struct span rest, struct sip_name_addr *out)
{
	size_t close = span_find(rest, '>');

	if (close == rest.len)
		return false;
	out->uri_text = (struct span){rest.ptr + 1, close - 1};
	/* Blanks inside <> are no part of addr-spec. */
	return sip_span_is(out->uri_text, SIP_CHAR_URI) &&
	       take_params(span_from(rest, close + 1), out);
}

bool sip_name_addr_split(struct span element, struct sip_name_addr *out)
{
	struct span s = sip_trim(element);
	size_t end = 0;

	*out = (struct sip_name_addr){0};
	if (s.len == 0)
		return false;
	if (s.ptr[0] == '"') {
		end = sip_quoted_end(s, 0);
		if (end == 0)
			return false;
		out->display = (struct span){s.ptr + 1, end - 2};
		s = sip_trim(span_from(s, end));
		return s.len && s.ptr[0] == '<' && split_bracketed(s, out);
	}
	while (end < s.len && s.ptr[end] != '<' && s.ptr[end] != ';')
		end++;
	if (end < s.len && s.ptr[end] == '<') {
		out->display = sip_trim((struct span){s.ptr, end});
		return is_display(out->display) && split_bracketed(span_from(s, end), out);
	}
	out->uri_text = sip_trim((struct span){s.ptr, end});
	if (span_eq(out->uri_text, SPAN_LIT("*"))) {
		out->is_star = true;
		return s.len == 1;
	}
	/* RFC 3261 section 20: a URI with a comma, question mark or semicolon stands in <>. */
	if (!sip_span_is(out->uri_text, SIP_CHAR_URI) ||
	    span_find(out->uri_text, ',') < out->uri_text.len ||
	    span_find(out->uri_text, '?') < out->uri_text.len)
		return false;
	return take_params(span_from(s, end), out);
}

bool sip_name_addr_parse(struct span element, struct sip_name_addr *out)
{
	struct sip_name_addr parsed;

	if (!sip_name_addr_split(element, &parsed))
		return false;
	if (!parsed.is_star && !parse_uri(parsed.uri_text, &parsed.uri))
		return false;
	*out = parsed;
	return true;
}

/* Takes "word LWS sep LWS" off s. */
static bool take_until(struct span *s, char separator, struct span *word)
{
	size_t end = span_find(*s, separator);

	if (end == s->len)
		return false;
	*word = sip_trim((struct span){s->ptr, end});
	*s = sip_trim(span_from(*s, end + 1));
	return true;
}

static void take_via_param(const struct sip_param *param, struct sip_via *out, bool *is_strict)
{
	if (SIP_TOKEN_IS(param->name, "branch")) {
		/* One branch, a token: two of them would let two parsers see two transactions. */
		*is_strict &= out->branch.ptr == NULL && param->is_token;
		if (!out->branch.ptr)
			out->branch = param->value;
	} else if (SIP_TOKEN_IS(param->name, "rport")) {
		out->has_rport = true;
		if (param->value.len && !parse_port(param->value, &out->rport))
			*is_strict = false;
	} else if (SIP_TOKEN_IS(param->name, "received")) {
		struct span value = param->value;

		/* RFC 5118 section 4.5: with and without brackets are both in use. */
		if (value.len >= 2 && value.ptr[0] == '[' && value.ptr[value.len - 1] == ']')
			value = (struct span){value.ptr + 1, value.len - 2};
		out->received = value;
	}
}

static bool scan_sent_by(struct span *rest, struct sip_via *out)
{
	size_t end;

	if (!parse_host(*rest, &out->host, &end))
		return false;
	*rest = sip_trim(span_from(*rest, end));
	if (rest->len == 0 || rest->ptr[0] != ':')
		return true;
	end = span_find(*rest, ';');
	if (!parse_port(sip_trim((struct span){rest->ptr + 1, end - 1}), &out->port))
		return false;
	*rest = span_from(*rest, end);
	return true;
}

/* "SIP/2.0/", which may have blanks around the slashes, and any version. */
static bool take_protocol(struct span *s)
{
	struct span protocol;
	struct span version;

	if (span_starts_with(*s, SPAN_LIT("SIP/2.0/"))) {
		*s = sip_trim(span_from(*s, 8));
		return true;
	}
	return take_until(s, '/', &protocol) && SIP_TOKEN_IS(protocol, "SIP") &&
	       take_until(s, '/', &version) && sip_span_is(version, SIP_CHAR_TOKEN);
}

bool sip_via_scan(struct span element, struct sip_via *out, bool *is_strict)
{
	struct span rest = sip_trim(element);
	enum sip_param_result result;
	struct sip_param param;
	struct sip_via via = {0};
	size_t end = 0;

	*is_strict = true;
	if (!take_protocol(&rest))
		return false;
	while (end < rest.len && sip_char_is(rest.ptr[end], SIP_CHAR_TOKEN))
		end++;
	via.transport = (struct span){rest.ptr, end};
	if (end == 0 || end == rest.len || !sip_char_is(rest.ptr[end], SIP_CHAR_BLANK))
		return false;
	rest = sip_trim(span_from(rest, end));
	if (!scan_sent_by(&rest, &via) || (rest.len && rest.ptr[0] != ';'))
		return false;
	rest = rest.len ? span_from(rest, 1) : SPAN_NONE;
	while ((result = sip_param_next(&rest, &param)) != SIP_PARAM_END) {
		if (result == SIP_PARAM_OK)
			take_via_param(&param, &via, is_strict);
		else
			*is_strict = false;
	}
	*out = via;
	return true;
}

bool sip_via_parse(struct span element, struct sip_via *out)
{
	bool is_strict;

	return sip_via_scan(element, out, &is_strict);
}
