/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/stream_frame.h"

#include "switchd/sip/syntax_private.h"

static const char PING[] = "\r\n\r\n";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Takes what may stand between two messages; true when a ping is complete. */
static bool skip_between(struct framer *framer, const char *data, size_t len, size_t *at)
{
	while (*at < len) {
		char c = data[*at];

		if (c != '\r' && c != '\n')
			return false;
		(*at)++;
		if (c == PING[framer->crlf])
			framer->crlf++;
		else
			framer->crlf = c == '\r';
		if (framer->crlf == sizeof(PING) - 1) {
			framer->crlf = 0;
			return true;
		}
	}
	return false;
}

/* Length of the header with its empty line; 0 when it is not there, and then *scanned is moved on.
 */
static size_t header_end(const char *data, size_t len, uint32_t *scanned)
{
	size_t at = *scanned;

	while (at < len) {
		const char *lf = memchr(data + at, '\n', len - at);

		if (!lf) {
			at = len;
			break;
		}
		at = (size_t)(lf - data);
		if (at + 1 == len || (data[at + 1] == '\r' && at + 2 == len))
			break; /* this line end is looked at again */
		if (data[at + 1] == '\n')
			return at + 2;
		if (data[at + 1] == '\r' && data[at + 2] == '\n')
			return at + 3;
		at++;
	}
	*scanned = (uint32_t)at;
	return 0;
}

/* Offset behind "Content-Length" HCOLON's colon when the line is that header, else 0. */
static size_t length_value_at(struct span line)
{
	size_t name = 0;
	size_t at;

	while (name < line.len && sip_char_is(line.ptr[name], SIP_CHAR_TOKEN))
		name++;
	at = name;
	while (at < line.len && is_blank(line.ptr[at]))
		at++;
	if (at == line.len || line.ptr[at] != ':' ||
	    sip_header_from_name((struct span){line.ptr, name}) != SIP_HDR_CONTENT_LENGTH)
		return 0;
	return at + 1;
}

/* True at a line end that folds: the next line starts with a blank. */
static bool is_fold(struct span s, size_t at)
{
	if (s.ptr[at] == '\r')
		at++;
	return at + 1 < s.len && s.ptr[at] == '\n' && is_blank(s.ptr[at + 1]);
}

/* A number alone in the value at the start of s, over its folds. */
static bool read_length(struct span s, uint64_t *out)
{
	uint64_t number = 0;
	size_t digits = 0;
	bool is_over = false; /* blanks behind the digits */

	for (size_t at = 0; at < s.len; at++) {
		char c = s.ptr[at];

		if (c == '\r' && (at + 1 == s.len || s.ptr[at + 1] != '\n'))
			return false;
		if (c == '\r' || c == '\n') {
			if (!is_fold(s, at))
				break;
			at += c == '\r'; /* to the LF */
			is_over = digits > 0;
		} else if (is_blank(c)) {
			is_over = digits > 0;
		} else if (c < '0' || c > '9' || is_over) {
			return false;
		} else {
			digits++;
			/* Larger ones are all the same: too large. */
			if (number <= SIP_MSG_MAX)
				number = number * 10 + (uint64_t)(c - '0');
		}
	}
	*out = number;
	return digits > 0;
}

static enum frame_event refuse(struct frame *out, const char *data, size_t len, int status,
			       const char *why)
{
	out->text = (struct span){data, len < SIP_MSG_MAX ? len : SIP_MSG_MAX};
	out->status = status;
	out->why = why;
	return FRAME_REFUSED;
}

/* The header is whole: data[len]. Sets the total, or refuses. */
static enum frame_event find_total(struct framer *framer, const char *data, size_t len,
				   struct frame *out)
{
	struct span rest = {data, len};
	uint64_t length = 0;
	int count = 0;

	if (len > SIP_MSG_MAX)
		return refuse(out, data, len, 513, "Message Too Large");
	for (size_t lf = span_find(rest, '\n'); lf < rest.len; lf = span_find(rest, '\n')) {
		size_t value;

		rest = span_from(rest, lf + 1);
		value = length_value_at((struct span){rest.ptr, span_find(rest, '\n')});
		if (!value)
			continue;
		if (count++ > 0)
			return refuse(out, data, len, 400, "Repeated Content-Length");
		if (!read_length(span_from(rest, value), &length))
			return refuse(out, data, len, 400, "Bad Content-Length");
	}
	if (count == 0)
		return refuse(out, data, len, 400, "Missing Content-Length");
	if (length > SIP_MSG_MAX - len)
		return refuse(out, data, len, 513, "Message Too Large");
	framer->total = (uint32_t)(len + length);
	return FRAME_NONE;
}

enum frame_event framer_next(struct framer *framer, const char *data, size_t len, size_t *consumed,
			     struct frame *out)
{
	enum frame_event event;
	size_t at = 0;
	size_t end;

	*out = (struct frame){0};
	*consumed = 0;
	if (!framer_is_inside(framer)) {
		bool is_ping = skip_between(framer, data, len, &at);

		*consumed = at;
		if (is_ping || at == len)
			return is_ping ? FRAME_PING : FRAME_NONE;
		if (!sip_char_is(data[at], SIP_CHAR_TOKEN))
			return FRAME_GARBAGE;
		framer->crlf = 0;
		data += at;
		len -= at;
	}
	if (!framer->total) {
		end = header_end(data, len, &framer->scanned);
		if (!end && len > SIP_MSG_MAX)
			return refuse(out, data, len, 513, "Message Too Large");
		if (!end)
			return FRAME_NONE;
		event = find_total(framer, data, end, out);
		if (event != FRAME_NONE)
			return event;
	}
	if (len < framer->total)
		return FRAME_NONE;
	out->text = (struct span){data, framer->total};
	*consumed = at + framer->total;
	*framer = (struct framer){0};
	return FRAME_MESSAGE;
}
