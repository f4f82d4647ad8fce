/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lexical side of SDP (RFC 8866 sections 5 and 9): lines, words, and the lines with fields. */
#include "switchd/media/sdp_private.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* True when one of eight characters is below 0x20 or is 0x7f; sometimes also behind one of 0x80 and
 * above. */
static bool may_have_control(uint64_t eight)
{
	uint64_t del = eight ^ EACH(0x7f);

	return (((eight - EACH(0x20)) & ~eight) | ((del - EACH(1)) & ~del)) & EACH(0x80);
}

/* Text of any charset may stand in s= or i=, but a CR, NUL or other control character inside a line
 * is a way to make two readers see different lines. */
static bool has_control(struct span text)
{
	size_t i = 0;

	/* Eight at a time while none can be one. */
	for (uint64_t eight; i + 8 <= text.len; i += 8) {
		memcpy(&eight, text.ptr + i, 8);
		if (may_have_control(eight))
			break;
	}
	for (; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

bool sdp_lines_next(struct sdp_lines *lines, struct sdp_line *line)
{
	struct span text;

	do {
		size_t end = span_find(lines->rest, '\n');

		if (lines->rest.len == 0)
			return false;
		text = (struct span){lines->rest.ptr, end};
		end += end < lines->rest.len ? 1 : 0;
		lines->rest = (struct span){lines->rest.ptr + end, lines->rest.len - end};
		if (text.len && text.ptr[text.len - 1] == '\r')
			text.len--;
	} while (text.len == 0);
	if (++lines->count > SDP_LINES_MAX)
		lines->why = "SDP has too many lines";
	else if (text.len < 2 || text.ptr[0] < 'a' || text.ptr[0] > 'z' || text.ptr[1] != '=')
		lines->why = "SDP has a line without a type";
	else if (has_control(text))
		lines->why = "SDP has a control character";
	if (lines->why)
		return false;
	*line = (struct sdp_line){text.ptr[0], {text.ptr + 2, text.len - 2}};
	return true;
}

struct span sdp_word(struct span *rest)
{
	const char *at = rest->ptr;
	const char *end = rest->ptr + rest->len;
	struct span word;

	while (at < end && *at == ' ')
		at++;
	word.ptr = at;
	/* Words are short: a loop is faster than memchr(). */
	while (at < end && *at != ' ')
		at++;
	word.len = (size_t)(at - word.ptr);
	*rest = (struct span){at, (size_t)(end - at)};
	return word;
}

bool sdp_is_token(struct span text)
{
	/* A bit for each of the first 128 characters: all that can be seen but "(),/:;<=>?@[\] */
	static const uint64_t allowed[] = {UINT64_C(0x03ff6cfa00000000),
					   UINT64_C(0x7fffffffc7fffffe)};

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c >= 0x80 || !(allowed[c / 64] >> c % 64 & 1))
			return false;
	}
	return text.len > 0;
}

static bool is_multicast(const struct addr *addr)
{
	return addr->family == ADDR_IP4 ? addr->ip[0] >= 224 : addr->ip[0] == 0xff;
}

bool sdp_connection_parse(struct span value, struct sdp_connection *out)
{
	struct span net = sdp_word(&value);
	struct span kind = sdp_word(&value);
	struct span host = sdp_word(&value);
	bool is_ip4 = span_ieq(kind, SPAN_LIT("IP4"));
	bool is_ip6 = span_ieq(kind, SPAN_LIT("IP6"));
	struct addr address;

	if (host.len == 0)
		return false;
	*out = (struct sdp_connection){0};
	if (!span_ieq(net, SPAN_LIT("IN")) || (!is_ip4 && !is_ip6))
		return true;
	/* A time to live or a count ("/127/3") belongs to a group address only; it does not parse.
	 * A colon in the text tells the kinds apart even where IPv4 is mapped into IPv6. */
	if (!addr_parse(host, &address) || address.port != 0 || host.ptr[0] == '[' ||
	    is_ip6 != (span_find(host, ':') < host.len))
		return true;
	out->is_null = addr_is_any(&address);
	if (!out->is_null && !is_multicast(&address))
		out->address = address;
	return true;
}

static bool is_proto(struct span text)
{
	while (text.len) {
		size_t slash = span_find(text, '/');

		if (!sdp_is_token((struct span){text.ptr, slash}) || slash + 1 == text.len)
			return false;
		slash += slash < text.len ? 1 : 0;
		text = (struct span){text.ptr + slash, text.len - slash};
	}
	return true;
}

bool sdp_media_parse(struct span value, struct sdp_media_line *out)
{
	struct sdp_media_line line = {0};
	struct span port;
	struct span words;
	uint64_t number;
	uint64_t count = 1;
	size_t slash;

	line.media = sdp_word(&value);
	port = sdp_word(&value);
	slash = span_find(port, '/');
	if (slash < port.len &&
	    (!span_to_u64((struct span){port.ptr + slash + 1, port.len - slash - 1}, 65535,
			  &count) ||
	     count == 0))
		return false;
	if (!sdp_is_token(line.media) ||
	    !span_to_u64((struct span){port.ptr, slash}, 65535, &number))
		return false;
	line.port = (uint16_t)number;
	line.rest = span_trim(value);
	words = line.rest;
	line.proto = sdp_word(&words);
	line.formats = span_trim(words);
	if (line.proto.len == 0 || line.formats.len == 0 || !is_proto(line.proto))
		return false;
	words = line.formats;
	for (struct span word = sdp_word(&words); word.len; word = sdp_word(&words))
		if (!sdp_is_token(word))
			return false;
	*out = line;
	return true;
}

void sdp_attribute_split(struct span line, struct span *name, struct span *value)
{
	size_t colon = span_find(line, ':');
	size_t after = colon < line.len ? colon + 1 : colon;

	*name = (struct span){line.ptr, colon};
	*value = (struct span){line.ptr + after, line.len - after};
}

/* Read from the end: some phones put a user name with blanks in. */
bool sdp_origin_parse(struct span value, struct sdp_origin *out)
{
	struct span words[4]; /* the last four: version, network type, address type, address */
	size_t count = 0;
	struct span rest = value;

	for (struct span word = sdp_word(&rest); word.len; word = sdp_word(&rest))
		words[count++ % 4] = word;
	if (count < 6)
		return false;
	out->version = words[count % 4];
	out->identity =
		(struct span){value.ptr, (size_t)(out->version.ptr - value.ptr) + out->version.len};
	return true;
}
