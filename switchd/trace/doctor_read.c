/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/trace/doctor_read.h"

#include <strings.h>

static bool next_line(struct span *rest, struct span *line)
{
	size_t end = 0;

	if (!rest->len)
		return false;
	while (end < rest->len && rest->ptr[end] != '\n')
		end++;
	*line = (struct span){rest->ptr, end};
	if (line->len && line->ptr[line->len - 1] == '\r')
		line->len--;
	end += end < rest->len;
	rest->ptr += end;
	rest->len -= end;
	return true;
}

static struct span skip_blanks(struct span text)
{
	while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
		text.ptr++;
		text.len--;
	}
	return text;
}

struct span doctor_header(struct span message, const char *name, char compact)
{
	size_t len = strlen(name);
	struct span line;

	while (next_line(&message, &line) && line.len) {
		size_t colon = 0;
		size_t end;

		while (colon < line.len && line.ptr[colon] != ':')
			colon++;
		if (colon == line.len)
			continue;
		end = colon;
		while (end && (line.ptr[end - 1] == ' ' || line.ptr[end - 1] == '\t'))
			end--;
		if ((end == len && strncasecmp(line.ptr, name, len) == 0) ||
		    (compact && end == 1 && (line.ptr[0] | 0x20) == compact))
			return skip_blanks(
				(struct span){line.ptr + colon + 1, line.len - colon - 1});
	}
	return SPAN_NONE;
}

struct span doctor_body(struct span message)
{
	struct span line;

	while (next_line(&message, &line))
		if (!line.len)
			return message;
	return SPAN_NONE;
}

struct span doctor_sdp_line(struct span message, const char *start)
{
	struct span body = doctor_body(message);
	size_t len = strlen(start);
	struct span line;

	while (next_line(&body, &line))
		if (span_starts_with(line, span_of(start)))
			return (struct span){line.ptr + len, line.len - len};
	return SPAN_NONE;
}

bool doctor_sdp_address(struct span message, const char *start, struct addr *out)
{
	struct span line = doctor_sdp_line(message, start);
	size_t at = line.len;

	while (at && line.ptr[at - 1] == ' ')
		at--;
	line.len = at;
	while (at && line.ptr[at - 1] != ' ')
		at--;
	return at && addr_parse((struct span){line.ptr + at, line.len - at}, out);
}

/* "192.0.2.1:5060", "[2001:db8::1]" up to where something else begins. */
static bool read_host(struct span text, struct addr *out)
{
	static const char ends[] = " \t;>,?\"/";
	size_t len = 0;

	while (len < text.len && !strchr(ends, text.ptr[len]))
		len++;
	text.len = len;
	if (!len)
		return false;
	if (addr_parse_with_port(text, out))
		return true;
	if (text.ptr[0] == '[' && text.ptr[len - 1] == ']')
		text = (struct span){text.ptr + 1, len - 2};
	return addr_parse(text, out);
}

bool doctor_uri_address(struct span text, struct addr *out)
{
	const char *scheme = text.len ? memmem(text.ptr, text.len, "sip:", 4) : NULL;
	size_t skip = 4;
	struct span host;

	if (text.len && !scheme) {
		scheme = memmem(text.ptr, text.len, "sips:", 5);
		skip = 5;
	}
	if (!scheme)
		return false;
	host.ptr = scheme + skip;
	host.len = text.len - (size_t)(host.ptr - text.ptr);
	for (size_t i = 0; i < host.len && !strchr(" >;?,", host.ptr[i]); i++) {
		if (host.ptr[i] != '@')
			continue;
		host.ptr += i + 1;
		host.len -= i + 1;
		break;
	}
	return read_host(host, out);
}

bool doctor_via_address(struct span message, struct addr *out)
{
	struct span via = doctor_header(message, "via", 'v');
	size_t at = 0;

	while (at < via.len && via.ptr[at] != ' ' && via.ptr[at] != '\t')
		at++;
	return read_host(skip_blanks((struct span){via.ptr + at, via.len - at}), out);
}

struct span doctor_request_uri(struct span message)
{
	struct span line;
	const char *blank;
	const char *end;

	if (!next_line(&message, &line) || trace_message_status(line))
		return SPAN_NONE;
	blank = memchr(line.ptr, ' ', line.len);
	if (!blank)
		return SPAN_NONE;
	blank++;
	end = memchr(blank, ' ', line.len - (size_t)(blank - line.ptr));
	return end ? (struct span){blank, (size_t)(end - blank)} : SPAN_NONE;
}

struct span doctor_method(struct span message)
{
	struct span value;
	size_t at = 0;

	if (!trace_message_status(message))
		return trace_message_name(message);
	value = doctor_header(message, "cseq", 0);
	while (at < value.len && value.ptr[at] != ' ')
		at++;
	return skip_blanks((struct span){value.ptr + at, value.len - at});
}

int64_t doctor_number(struct span text)
{
	int64_t number = 0;
	size_t i;

	for (i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
		if (i == 9)
			return -1;
		number = number * 10 + (text.ptr[i] - '0');
	}
	return i ? number : -1;
}

bool doctor_is(const struct trace_item *item, enum trace_kind kind, const char *method, int status)
{
	const struct trace_event *event = &item->event;

	return event->kind == kind && trace_message_status(event->data) == status &&
	       span_ieq(doctor_method(event->data), span_of(method));
}
