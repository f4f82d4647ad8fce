/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An answer of the switch's own, to an offer that nobody else answers and that may not be left
 * without one (RFC 3261 13.2.1, RFC 3262 section 5). Streams of a usual kind are taken as they were
 * offered and are inactive, the others are refused: to refuse all would make some phones hang up.
 */
#include "switchd/media/sdp_private.h"

#define DISCARD_PORT 9 /* RFC 863: nothing is sent there */

static bool is_usual(const struct sdp_media_line *line)
{
	return line->port && (span_ieq(line->proto, SPAN_LIT("RTP/AVP")) ||
			      span_ieq(line->proto, SPAN_LIT("RTP/AVPF")));
}

static void add_session(struct buf *out, const struct addr *address)
{
	const char *kind = address->family == ADDR_IP6 ? "IP6" : "IP4";
	char text[ADDR_TEXT_MAX];

	addr_print_ip(address, text);
	buf_printf(out, "v=0\r\no=- 1 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\n", kind, text, kind, text);
}

static void add_stream(struct buf *out, const struct sdp_media_line *line, unsigned port)
{
	buf_add_lit(out, "m=");
	buf_add_span(out, line->media);
	buf_printf(out, " %u ", port);
	buf_add_span(out, line->rest);
	buf_add_lit(out, "\r\n");
}

/* Where the stream is, and what it does there. */
static bool answer_stream(struct buf *out, const struct sdp_media_line *line,
			  const struct sdp_anchor *live, enum sdp_direction direction)
{
	unsigned port = live ? live->address.port : 0;

	if (!is_usual(line)) {
		add_stream(out, line, 0);
		return false;
	}
	add_stream(out, line, port ? port : DISCARD_PORT);
	buf_printf(out, "a=%s\r\n", sdp_direction_name(port ? direction : SDP_INACTIVE));
	if (port && live->write_rtcp)
		buf_printf(out, "a=rtcp:%u\r\n", port);
	return true;
}

/* What says of a stream which codecs its numbers are. */
static bool is_codec(const struct sdp_line *line)
{
	struct span name;
	struct span value;

	if (line->type != 'a')
		return false;
	sdp_attribute_split(line->value, &name, &value);
	return span_ieq(name, SPAN_LIT("rtpmap")) || span_ieq(name, SPAN_LIT("fmtp"));
}

bool sdp_answer(struct span offer, const struct sdp_anchor *first, enum sdp_direction direction,
		struct buf *out)
{
	struct sdp_lines lines = {.rest = offer};
	struct sdp_media_line media;
	struct sdp_line line;
	bool is_taken = false;
	int streams = 0;

	add_session(out, &first->address);
	while (sdp_lines_next(&lines, &line)) {
		if (line.type == 'm') {
			if (!sdp_media_parse(line.value, &media))
				return false;
			is_taken = answer_stream(out, &media, streams ? NULL : first, direction);
			streams++;
		} else if (streams ? is_taken && is_codec(&line) : line.type == 't') {
			/* RFC 3264 section 6: the times are those of the offer. */
			buf_printf(out, "%c=", line.type);
			buf_add_span(out, line.value);
			buf_add_lit(out, "\r\n");
		}
	}
	return streams && !lines.why && !out->failed;
}
