/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Call-ID of a datagram that is not parsed yet: what decides which thread it belongs to. It reads
 * lines as msg.c does, so that both find the same value in every message that the gate accepts. */
#include "switchd/sip/syntax_private.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Offset of the value when the line is "Call-ID:" or "i:"; 0 when it is another header. */
static size_t value_at(struct span line)
{
	size_t at;

	switch (line.len ? line.ptr[0] : 0) {
	case 'i':
	case 'I':
		at = 1;
		break;
	case 'c':
	case 'C':
		if (line.len < 7 || (line.ptr[1] | 0x20) != 'a' ||
		    !span_istarts_with(line, SPAN_LIT("Call-ID")))
			return 0;
		at = 7;
		break;
	default:
		return 0;
	}
	while (at < line.len && is_blank(line.ptr[at]))
		at++;
	return at < line.len && line.ptr[at] == ':' ? at + 1 : 0;
}

/* Value at the start of s: after blanks and folds, up to a blank or the line's end. */
static struct span read_value(struct span s)
{
	size_t start = 0;
	size_t end;

	while (start < s.len) {
		size_t line_end = start;

		if (is_blank(s.ptr[start])) {
			start++;
			continue;
		}
		if (s.ptr[line_end] == '\r')
			line_end++;
		if (line_end + 1 < s.len && s.ptr[line_end] == '\n' &&
		    is_blank(s.ptr[line_end + 1]))
			start = line_end + 1;
		else
			break;
	}
	end = start;
	while (end < s.len && (uint8_t)s.ptr[end] > ' ')
		end++;
	return (struct span){s.ptr + start, end - start};
}

struct span sip_scan_call_id(const char *data, size_t len)
{
	struct span s = {data, len};

	while (s.len && (s.ptr[0] == '\r' || s.ptr[0] == '\n'))
		s = span_from(s, 1);
	for (;;) {
		size_t lf = span_find(s, '\n');
		size_t at;

		if (lf == s.len)
			return SPAN_NONE;
		s = span_from(s, lf + 1);
		if (s.len == 0 || s.ptr[0] == '\n' || s.ptr[0] == '\r')
			return SPAN_NONE; /* end of the header */
		at = value_at(s);
		if (at)
			return read_value(span_from(s, at));
	}
}
