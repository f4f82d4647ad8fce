/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of a line: splitting, quotes, the bytes that are allowed. */
#include "shared/grammar/token.h"

#include "shared/grammar/grammar.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Length of the well-formed UTF-8 sequence at s (RFC 3629: no overlong forms, no surrogates,
 * nothing above U+10FFFF), 0 when there is none. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
	size_t need;
	unsigned low = 0x80;
	unsigned high = 0xbf;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		need = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		need = 3;
		if (s[0] == 0xe0)
			low = 0xa0;
		if (s[0] == 0xed)
			high = 0x9f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		need = 4;
		if (s[0] == 0xf0)
			low = 0x90;
		if (s[0] == 0xf4)
			high = 0x8f;
	} else {
		return 0;
	}
	if (len < need || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return need;
}

enum vos_err token_check_line(struct span line, struct vos_fault *fault)
{
	const unsigned char *bytes = (const unsigned char *)line.ptr;

	if (line.len > GRAMMAR_LINE_MAX) {
		fault_set(fault, FAULT_SYNTAX_UNKNOWN_WORD, GRAMMAR_LINE_MAX + 1,
			  "the line is longer than %d bytes", GRAMMAR_LINE_MAX);
		return VOS_EINVAL;
	}
	for (size_t i = 0; i < line.len;) {
		size_t length = utf8_length(bytes + i, line.len - i);

		if (length == 0) {
			fault_set(fault, FAULT_SYNTAX_UNKNOWN_WORD, (int)i + 1,
				  "byte 0x%02x is not UTF-8", bytes[i]);
			return VOS_EINVAL;
		}
		if ((bytes[i] < 0x20 && bytes[i] != '\t') || bytes[i] == 0x7f) {
			fault_set(fault, FAULT_SYNTAX_UNKNOWN_WORD, (int)i + 1,
				  "control character 0x%02x; write it as \\x%02x in quotes",
				  bytes[i], bytes[i]);
			return VOS_EINVAL;
		}
		i += length;
	}
	return VOS_OK;
}

bool token_next(struct span line, size_t *pos, struct token *out)
{
	size_t i = *pos;
	size_t start;

	while (i < line.len && is_blank(line.ptr[i]))
		i++;
	*pos = i;
	if (i >= line.len)
		return false;
	start = i;
	out->column = (int)start + 1;
	out->is_quoted = line.ptr[i] == '"';
	out->is_closed = true;
	if (line.ptr[i] == '|') {
		i++;
	} else if (out->is_quoted) {
		out->is_closed = false;
		for (i++; i < line.len && !out->is_closed; i++) {
			if (line.ptr[i] == '\\')
				i++;
			else if (line.ptr[i] == '"')
				out->is_closed = true;
		}
		if (i > line.len)
			i = line.len;
		/* What is glued to the closing quote belongs to the word, and token_text refuses
		 * it. */
		while (i < line.len && !is_blank(line.ptr[i]))
			i++;
	} else {
		while (i < line.len && !is_blank(line.ptr[i]))
			i++;
	}
	out->raw = (struct span){line.ptr + start, i - start};
	*pos = i;
	return true;
}

/* One escape at raw[*i] == '\\'; *i moves to its last byte. */
static enum vos_err escape_text(const struct token *token, size_t *i, struct buf *out,
				struct vos_fault *fault)
{
	struct span raw = token->raw;
	char c = *i + 1 < raw.len ? raw.ptr[*i + 1] : 0;

	if (c == '"' || c == '\\') {
		buf_add_char(out, c);
		*i += 1;
		return VOS_OK;
	}
	if (c == 'n') {
		buf_add_char(out, '\n');
		*i += 1;
		return VOS_OK;
	}
	if (c == 'x' && *i + 3 < raw.len) {
		int high = hex_digit(raw.ptr[*i + 2]);
		int low = hex_digit(raw.ptr[*i + 3]);

		if (high >= 0 && low >= 0 && high + low > 0) {
			buf_add_char(out, (char)(high * 16 + low));
			*i += 3;
			return VOS_OK;
		}
	}
	fault_set(fault, FAULT_VALUE_FORMAT, token->column + (int)*i,
		  "unknown escape in quotes; allowed are \\\" \\\\ \\n and \\xNN (not 00)");
	return VOS_EINVAL;
}

enum vos_err token_text(const struct token *token, struct buf *out, struct vos_fault *fault)
{
	struct span raw = token->raw;
	size_t begin = out->len;

	if (!token->is_quoted) {
		buf_add_span(out, raw);
		return out->failed ? VOS_ENOMEM : VOS_OK;
	}
	if (!token->is_closed) {
		fault_set(fault, FAULT_SYNTAX_INCOMPLETE, token->column, "the quote is not closed");
		return VOS_EINVAL;
	}
	for (size_t i = 1; i < raw.len; i++) {
		if (raw.ptr[i] == '"') {
			if (i + 1 == raw.len)
				break;
			fault_set(fault, FAULT_VALUE_FORMAT, token->column + (int)i + 1,
				  "a blank must follow the closing quote; a quote inside is \\\"");
			return VOS_EINVAL;
		}
		if (raw.ptr[i] != '\\')
			buf_add_char(out, raw.ptr[i]);
		else if (escape_text(token, &i, out, fault) != VOS_OK)
			return VOS_EINVAL;
	}
	if (out->failed)
		return VOS_ENOMEM;
	/* \xNN could build what is not UTF-8, which no reader of ours could take. */
	for (size_t i = begin; i < out->len;) {
		size_t length = utf8_length((const unsigned char *)out->data + i, out->len - i);

		if (length == 0) {
			fault_set(fault, FAULT_VALUE_FORMAT, token->column,
				  "the text is not UTF-8 once its \\x escapes are taken");
			return VOS_EINVAL;
		}
		i += length;
	}
	return VOS_OK;
}

bool token_is_pipe(const struct token *token)
{
	return !token->is_quoted && token->raw.len == 1 && token->raw.ptr[0] == '|';
}

bool token_line_is_comment(struct span line)
{
	size_t i = 0;

	while (i < line.len && is_blank(line.ptr[i]))
		i++;
	return i == line.len || line.ptr[i] == '!' || line.ptr[i] == '#';
}

void token_quote(struct span text, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	bool is_plain = text.len > 0 && text.ptr[0] != '"' && text.ptr[0] != '|' &&
			text.ptr[0] != '!' && text.ptr[0] != '#';

	for (size_t i = 0; i < text.len && is_plain; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		is_plain = c > 0x20 && c != 0x7f;
	}
	if (is_plain) {
		buf_add_span(out, text);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c == '"' || c == '\\') {
			buf_add_char(out, '\\');
			buf_add_char(out, (char)c);
		} else if (c == '\n') {
			buf_add_lit(out, "\\n");
		} else if (c < 0x20 || c == 0x7f) {
			char escape[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};

			buf_add(out, escape, sizeof(escape));
		} else {
			buf_add_char(out, (char)c);
		}
	}
	buf_add_char(out, '"');
}
