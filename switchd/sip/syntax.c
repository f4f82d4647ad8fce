/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Character classes, parameter lists, comma lists and escapes (RFC 3261
 * sections 7.3.1, 19.1.2, 25.1). */
#include "switchd/sip/syntax_private.h"

#define TOKEN  SIP_CHAR_TOKEN
#define HOST   SIP_CHAR_HOST
#define URI    SIP_CHAR_URI
#define SCHEME SIP_CHAR_SCHEME
#define ALNUM  (TOKEN | HOST | URI | SCHEME)

const uint8_t sip_char_class[256] = {
	['0'] = ALNUM,
	['1'] = ALNUM,
	['2'] = ALNUM,
	['3'] = ALNUM,
	['4'] = ALNUM,
	['5'] = ALNUM,
	['6'] = ALNUM,
	['7'] = ALNUM,
	['8'] = ALNUM,
	['9'] = ALNUM,
	['A'] = ALNUM,
	['B'] = ALNUM,
	['C'] = ALNUM,
	['D'] = ALNUM,
	['E'] = ALNUM,
	['F'] = ALNUM,
	['G'] = ALNUM,
	['H'] = ALNUM,
	['I'] = ALNUM,
	['J'] = ALNUM,
	['K'] = ALNUM,
	['L'] = ALNUM,
	['M'] = ALNUM,
	['N'] = ALNUM,
	['O'] = ALNUM,
	['P'] = ALNUM,
	['Q'] = ALNUM,
	['R'] = ALNUM,
	['S'] = ALNUM,
	['T'] = ALNUM,
	['U'] = ALNUM,
	['V'] = ALNUM,
	['W'] = ALNUM,
	['X'] = ALNUM,
	['Y'] = ALNUM,
	['Z'] = ALNUM,
	['a'] = ALNUM,
	['b'] = ALNUM,
	['c'] = ALNUM,
	['d'] = ALNUM,
	['e'] = ALNUM,
	['f'] = ALNUM,
	['g'] = ALNUM,
	['h'] = ALNUM,
	['i'] = ALNUM,
	['j'] = ALNUM,
	['k'] = ALNUM,
	['l'] = ALNUM,
	['m'] = ALNUM,
	['n'] = ALNUM,
	['o'] = ALNUM,
	['p'] = ALNUM,
	['q'] = ALNUM,
	['r'] = ALNUM,
	['s'] = ALNUM,
	['t'] = ALNUM,
	['u'] = ALNUM,
	['v'] = ALNUM,
	['w'] = ALNUM,
	['x'] = ALNUM,
	['y'] = ALNUM,
	['z'] = ALNUM,

	['-'] = ALNUM,
	['.'] = ALNUM,

	['+'] = TOKEN | URI | SCHEME,
	['_'] = TOKEN | URI | HOST,

	['!'] = TOKEN | URI,
	['%'] = TOKEN | URI,
	['*'] = TOKEN | URI,
	['\''] = TOKEN | URI,
	['~'] = TOKEN | URI,
	['`'] = TOKEN,

	['#'] = URI,
	['$'] = URI,
	['&'] = URI,
	['('] = URI,
	[')'] = URI,
	[','] = URI,
	['/'] = URI,
	[':'] = URI,
	[';'] = URI,
	['='] = URI,
	['?'] = URI,
	['@'] = URI,
	['['] = URI,
	[']'] = URI,

	[' '] = SIP_CHAR_BLANK,
	['\t'] = SIP_CHAR_BLANK,
};

bool sip_span_is(struct span text, unsigned classes)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!sip_char_is(text.ptr[i], classes))
			return false;
	}
	return text.len > 0;
}

size_t sip_quoted_end(struct span s, size_t at)
{
	for (size_t i = at + 1; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Offset of the first ';' outside quotes, s.len when there is none or a quote stays open. */
static size_t param_end(struct span s)
{
	for (size_t at = 0; at < s.len; at++) {
		if (s.ptr[at] == ';')
			return at;
		if (s.ptr[at] != '"')
			continue;
		at = sip_quoted_end(s, at);
		if (at == 0)
			return s.len;
		at--;
	}
	return s.len;
}

enum sip_param_result sip_param_next(struct span *rest, struct sip_param *out)
{
	struct span s = *rest;
	struct span one;
	size_t end;
	size_t equals;

	if (!s.ptr)
		return SIP_PARAM_END;
	end = param_end(s);
	one = sip_trim((struct span){s.ptr, end});
	*rest = end < s.len ? span_from(s, end + 1) : SPAN_NONE;

	*out = (struct sip_param){0};
	equals = span_find(one, '=');
	out->name = sip_trim((struct span){one.ptr, equals});
	if (equals < one.len)
		out->value = sip_trim(span_from(one, equals + 1));
	if (!sip_span_is(out->name, SIP_CHAR_TOKEN | SIP_CHAR_URI))
		return SIP_PARAM_BAD;
	if (out->value.len && out->value.ptr[0] == '"') {
		if (sip_quoted_end(out->value, 0) != out->value.len)
			return SIP_PARAM_BAD;
		out->value.ptr++;
		out->value.len -= 2;
		out->is_quoted = true;
		return SIP_PARAM_OK;
	}
	if (equals < one.len && out->value.len == 0)
		return SIP_PARAM_BAD;
	for (size_t i = 0; i < out->value.len; i++) {
		if (sip_char_is(out->value.ptr[i], SIP_CHAR_BLANK) || out->value.ptr[i] == '"')
			return SIP_PARAM_BAD;
	}
	return SIP_PARAM_OK;
}

bool sip_param_get(struct span params, struct span name, struct span *value)
{
	enum sip_param_result result;
	struct sip_param param;

	while ((result = sip_param_next(&params, &param)) != SIP_PARAM_END) {
		if (result == SIP_PARAM_OK && span_ieq(param.name, name)) {
			*value = param.value;
			return true;
		}
	}
	return false;
}

bool sip_list_next(struct span *rest, struct span *element)
{
	struct span s = *rest;

	while (s.len > 0) {
		size_t end = 0;

		while (end < s.len && s.ptr[end] != ',') {
			size_t closed = end + 1;

			if (s.ptr[end] == '"')
				closed = sip_quoted_end(s, end);
			else if (s.ptr[end] == '<')
				closed = end + span_find(span_from(s, end), '>') + 1;
			end = closed == 0 || closed > s.len ? s.len : closed;
		}
		*element = sip_trim((struct span){s.ptr, end});
		s = span_from(s, end < s.len ? end + 1 : s.len);
		*rest = s;
		if (element->len)
			return true;
	}
	return false;
}

bool sip_unescape(struct span text, char *out, size_t size, size_t *out_len)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%') {
			int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;

			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0' || len == size)
			return false;
		out[len++] = c;
	}
	*out_len = len;
	return true;
}
