/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quoting of one word, the reverse of the shell's tokenizer (shell contract, section 2). */
#include "shared/config/text_write.h"

/* Length of the well-formed UTF-8 character at the start of the text (RFC 3629), 0 when it is none.
 */
static size_t utf8_length(struct span text)
{
	const unsigned char *p = (const unsigned char *)text.ptr;
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (p[0] < 0xc2 || p[0] > 0xf4 || text.len < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* Characters that can stand in a bare word anywhere. */
static bool is_plain(char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != '\0' && strchr("_-.,:;/+*@%()[]{}&~^$=", c) != NULL;
}

static bool is_bare(struct span word)
{
	if (word.len == 0 || word.ptr[0] == '=')
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (!is_plain(word.ptr[i]))
			return false;
	return true;
}

void config_write_word(struct span word, struct buf *out)
{
	if (is_bare(word)) {
		buf_add_span(out, word);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < word.len; i++) {
		unsigned char c = (unsigned char)word.ptr[i];
		struct span rest = {word.ptr + i, word.len - i};

		if (c == '"' || c == '\\') {
			buf_add_char(out, '\\');
			buf_add_char(out, (char)c);
		} else if (c == '\n') {
			buf_add_lit(out, "\\n");
		} else if (c >= 0x80 && utf8_length(rest)) {
			buf_add(out, rest.ptr, utf8_length(rest));
			i += utf8_length(rest) - 1;
		} else if (c < ' ' || c >= 0x7f) {
			buf_add_lit(out, "\\x");
			buf_add_hex(out, &c, 1);
		} else {
			buf_add_char(out, (char)c);
		}
	}
	buf_add_char(out, '"');
}
