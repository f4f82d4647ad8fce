/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Character classes, parameter lists, comma lists and escapes (RFC 3261
 * sections 7.3.1, 19.1.2, 25.1). */
#include "switchd/sip/syntax_private.h"

#define TOKEN  SIP_CHAR_TOKEN
#define HOST   SIP_CHAR_HOST
#define URI    SIP_CHAR_URI
#define SCHEME SIP_CHAR_SCHEME
#define NAME   SIP_CHAR_NAME
#define ALNUM  (TOKEN | HOST | URI | SCHEME | NAME)

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

	['+'] = TOKEN | URI | SCHEME | NAME,
	['_'] = TOKEN | URI | HOST | NAME,

	['!'] = TOKEN | URI | NAME,
	['%'] = TOKEN | URI | NAME,
	['*'] = TOKEN | URI | NAME,
	['\''] = TOKEN | URI | NAME,
	['~'] = TOKEN | URI | NAME,
	['`'] = TOKEN | NAME,

	['#'] = URI | NAME,
	['$'] = URI | NAME,
	['&'] = URI | NAME,
	['('] = URI | NAME,
	[')'] = URI | NAME,
	[','] = URI | NAME | SIP_CHAR_LIST,
	['/'] = URI | NAME,
	[':'] = URI | NAME,
	[';'] = URI | SIP_CHAR_END,
	['='] = URI,
	['?'] = URI | NAME,
	['@'] = URI | NAME,
	['['] = URI | NAME,
	[']'] = URI | NAME,

	['"'] = SIP_CHAR_END | SIP_CHAR_LIST,
	['<'] = SIP_CHAR_LIST,
	[' '] = SIP_CHAR_BLANK | SIP_CHAR_END,
	['\t'] = SIP_CHAR_BLANK | SIP_CHAR_END,
};

bool sip_span_is(struct span text, enum sip_char class)
{
	const uint8_t *at = (const uint8_t *)text.ptr;
	unsigned common = text.len ? class : 0;
	size_t left = text.len;

	/* Some at once, and no look between: nearly every text is what it should be. */
	for (; left >= 4; left -= 4, at += 4)
		common &= (unsigned)sip_char_class[at[0]] & sip_char_class[at[1]] &
			  sip_char_class[at[2]] & sip_char_class[at[3]];
	for (; left > 0; left--)
		common &= sip_char_class[*at++];
	return common;
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

/* Without what may not stand there, or only in quotes. */
static bool is_plain_value(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (sip_char_is(value.ptr[i], SIP_CHAR_END))
			return false;
	return value.len > 0;
}

/* "name" or "name=value" without blanks and quotes, as nearly everybody writes it, in one pass.
 * False: it is something else. */
static bool take_plain_param(struct span *rest, struct sip_param *out)
{
	const struct span s = *rest;
	size_t name_len = 0;
	size_t at;

	while (name_len < s.len && sip_char_is(s.ptr[name_len], NAME))
		name_len++;
	if (name_len == 0)
		return false;
	*out = (struct sip_param){.name = {s.ptr, name_len}};
	at = name_len;
	if (at < s.len && s.ptr[at] == '=') {
		struct span value = span_from(s, at + 1);

		value.len = span_find(value, ';');
		out->value = value;
		out->is_token = sip_span_is(value, TOKEN);
		if (!out->is_token && !is_plain_value(value))
			return false;
		at += 1 + value.len;
	}
	if (at < s.len && s.ptr[at] != ';')
		return false;
	*rest = at < s.len ? span_from(s, at + 1) : SPAN_NONE;
	return true;
}

/* The same with all that the grammar allows. */
static enum sip_param_result take_any_param(struct span *rest, struct sip_param *out)
{
	struct span s = *rest;
	struct span one;
	size_t end = param_end(s);
	size_t equals;

	one = sip_trim((struct span){s.ptr, end});
	*rest = end < s.len ? span_from(s, end + 1) : SPAN_NONE;

	*out = (struct sip_param){0};
	equals = span_find(one, '=');
	out->name = sip_trim((struct span){one.ptr, equals});
	if (equals < one.len)
		out->value = sip_trim(span_from(one, equals + 1));
	/* Neither ';' nor '=' is in it any more. */
	if (!sip_span_is(out->name, NAME))
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
	out->is_token = sip_span_is(out->value, TOKEN);
	return SIP_PARAM_OK;
}

enum sip_param_result sip_param_next(struct span *rest, struct sip_param *out)
{
	if (!rest->ptr)
		return SIP_PARAM_END;
	return take_plain_param(rest, out) ? SIP_PARAM_OK : take_any_param(rest, out);
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

		while (end < s.len) {
			size_t closed;

			if (!sip_char_is(s.ptr[end], SIP_CHAR_LIST)) {
				end++;
				continue;
			}
			if (s.ptr[end] == ',')
				break;
			closed = s.ptr[end] == '"' ? sip_quoted_end(s, end)
						   : end + span_find(span_from(s, end), '>') + 1;
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
