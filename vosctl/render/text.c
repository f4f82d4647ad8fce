/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text as a terminal may show it: widths, control characters, hidden secrets and numbers. */
#include "vosctl/render/output.h"
#include "vosctl/render/table.h"

#define NUMBER_SHOWN 4 /* first digits of a number that stay */
#define NUMBER_LONG  6 /* digits from which on it is taken for a phone number */

/* Columns of a character where that is not one; without a locale, so that a script gets the same.
 */
static const struct {
	uint32_t first;
	uint32_t last;
	int columns;
} widths[] = {
	{0x0300, 0x036f, 0},   {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},   {0x2e80, 0x303e, 2},
	{0x3041, 0x33ff, 2},   {0x3400, 0x4dbf, 2},   {0x4e00, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},
	{0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},
	{0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1f9ff, 2},
	{0x20000, 0x3fffd, 2},
};

static int char_columns(uint32_t c)
{
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]) && c >= widths[i].first; i++)
		if (c <= widths[i].last)
			return widths[i].columns;
	return 1;
}

/* Takes one character off; a stray byte counts as one. */
static uint32_t take_char(struct span *text)
{
	unsigned char lead = (unsigned char)*text->ptr;
	uint32_t c = lead < 0xc0   ? lead
		     : lead < 0xe0 ? lead & 0x1f
		     : lead < 0xf0 ? lead & 0xf
				   : lead & 7;
	size_t at = 1;

	while (lead >= 0xc0 && at < text->len && ((unsigned char)text->ptr[at] & 0xc0) == 0x80)
		c = c << 6 | ((unsigned char)text->ptr[at++] & 0x3f);
	*text = (struct span){text->ptr + at, text->len - at};
	return c;
}

int render_width(struct span text)
{
	int width = 0;

	while (text.len)
		width += char_columns(take_char(&text));
	return width;
}

size_t render_prefix(struct span text, int width)
{
	struct span rest = text;

	while (rest.len) {
		struct span next = rest;

		width -= char_columns(take_char(&next));
		if (width < 0)
			break;
		rest = next;
	}
	return text.len - rest.len;
}

/* C0 but newline and tab, DEL, and C1 (U+0080..U+009F): a display name must not drive the terminal.
 */
static void add_visible(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f) {
			buf_add_char(out, '?');
		} else if (c == 0xc2 && i + 1 < text.len &&
			   (unsigned char)text.ptr[i + 1] >= 0x80 &&
			   (unsigned char)text.ptr[i + 1] <= 0x9f) {
			buf_add_char(out, '?');
			i++;
		} else {
			buf_add_char(out, (char)c);
		}
	}
}

static size_t digits_at(struct span text, size_t at)
{
	size_t len = 0;

	while (at + len < text.len && text.ptr[at + len] >= '0' && text.ptr[at + len] <= '9')
		len++;
	return len;
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '-';
}

/* Digits inside of a longer word (an id in hexadecimal) are no phone number. */
static bool stands_alone(struct span text, size_t at, size_t len)
{
	return (at == 0 || !is_word(text.ptr[at - 1])) &&
	       (at + len == text.len || !is_word(text.ptr[at + len]));
}

static void add_redacted(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len;) {
		struct span rest = {text.ptr + i, text.len - i};
		size_t digits = digits_at(text, i);

		if (span_starts_with(rest, SPAN_LIT("sealed v1:"))) {
			buf_add_lit(out, "<redacted>");
			i += sizeof("sealed v1:") - 1;
			while (i < text.len && is_word(text.ptr[i]))
				i++;
		} else if (digits >= NUMBER_LONG && stands_alone(text, i, digits)) {
			buf_add(out, text.ptr + i, NUMBER_SHOWN);
			for (size_t k = NUMBER_SHOWN; k < digits; k++)
				buf_add_char(out, 'x');
			i += digits;
		} else {
			buf_add(out, text.ptr + i, digits ? digits : 1);
			i += digits ? digits : 1;
		}
	}
}

void text_clean(struct span text, bool redact, struct buf *out)
{
	struct buf hidden = buf_new();

	if (redact) {
		add_redacted(text, &hidden);
		text = buf_span(&hidden);
	}
	add_visible(text, out);
	buf_free(&hidden);
}

void cell_print(json_t *cell, bool empty_null, bool redact, struct buf *out)
{
	struct buf clean = buf_new();

	if (json_is_integer(cell)) {
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(cell));
	} else if (json_is_boolean(cell)) {
		buf_add_str(out, json_is_true(cell) ? "yes" : "no");
	} else if (json_is_real(cell)) {
		buf_printf(out, "%.3f", json_real_value(cell));
	} else if (json_is_string(cell)) {
		text_clean((struct span){json_string_value(cell), json_string_length(cell)}, redact,
			   &clean);
		/* A row is one line, whatever its cells hold. */
		for (size_t i = 0; i < clean.len; i++)
			if (clean.data[i] == '\n' || clean.data[i] == '\t')
				clean.data[i] = ' ';
		buf_add_span(out, buf_span(&clean));
	} else if (!empty_null) {
		buf_add_char(out, '-');
	}
	buf_free(&clean);
}
