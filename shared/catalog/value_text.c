/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/catalog/value_text.h"

#include "shared/base/secret.h"

static char fold(char c)
{
	if (c == ' ' || c == '_')
		return '-';
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool value_words_equal(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (fold(a.ptr[i]) != fold(b.ptr[i]))
			return false;
	return true;
}

bool value_is_alias(const char *aliases, struct span text)
{
	struct span rest = span_of(aliases);

	while (rest.len) {
		size_t bar = span_find(rest, '|');

		if (value_words_equal((struct span){rest.ptr, bar}, text))
			return true;
		if (bar == rest.len)
			break;
		rest = (struct span){rest.ptr + bar + 1, rest.len - bar - 1};
	}
	return false;
}

static bool is_tail(struct span text, size_t at)
{
	return at < text.len && ((uint8_t)text.ptr[at] & 0xc0) == 0x80;
}

/* Bytes of the printable character that begins at `at`; 0 when there is none: a control character,
 * or not UTF-8 (RFC 3629 section 3: no overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t char_len(struct span text, size_t at)
{
	uint8_t lead = (uint8_t)text.ptr[at];
	uint8_t next = at + 1 < text.len ? (uint8_t)text.ptr[at + 1] : 0;

	if (lead < 0x80)
		return lead >= 0x20 && lead != 0x7f;
	if (lead < 0xc2 || lead > 0xf4 || !is_tail(text, at + 1))
		return 0;
	if (lead < 0xe0) /* U+0080..U+009F are controls as well */
		return lead == 0xc2 && next < 0xa0 ? 0 : 2;
	if (!is_tail(text, at + 2))
		return 0;
	if (lead < 0xf0)
		return (lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) ? 0 : 3;
	if (!is_tail(text, at + 3))
		return 0;
	return (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f) ? 0 : 4;
}

bool value_text_is_clean(struct span text)
{
	size_t len;

	for (size_t i = 0; i < text.len; i += len) {
		len = char_len(text, i);
		if (len == 0)
			return false;
	}
	return true;
}

void value_print_excerpt(struct span text, size_t max, struct buf *out)
{
	size_t i = 0;

	while (i < text.len) {
		size_t len = char_len(text, i);

		if (i + (len ? len : 1) > max) {
			buf_add_lit(out, "...");
			return;
		}
		if (len)
			buf_add(out, text.ptr + i, len);
		else
			buf_add_char(out, '?');
		i += len ? len : 1;
	}
}

/* "v1:" and base64url of a 24-byte nonce, a 16-byte tag and the text. */
bool value_text_is_sealed(struct span text)
{
	if (!span_starts_with(text, SPAN_LIT("v1:")) || text.len < 3 + 54 ||
	    text.len >= SECRET_SEALED_MAX)
		return false;
	for (size_t i = 3; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			       (c >= 'A' && c <= 'Z') || c == '-' || c == '_';

		if (!is_word)
			return false;
	}
	return true;
}
