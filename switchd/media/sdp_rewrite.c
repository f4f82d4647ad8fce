/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing SDP for the other side: the addresses become the relay's, the rest passes as it stands.
 *
 * An address of the far side must not show anywhere: it would tell who talks to whom, and a phone
 * that found it would send past the relay. */
#include "switchd/media/sdp.h"

#include "switchd/media/sdp_private.h"

struct rewrite {
	const struct sdp *sdp;
	const struct sdp_anchor *anchors;
	struct buf *out;
	const struct sdp_anchor *first; /* first anchored stream's; stands at session level */
	int stream;                     /* -1: in the session part */
	struct addr session_address; /* written in the session's c=; family ADDR_NONE: none was */
	struct span session_connection; /* as it came in */
	struct span far_origin;         /* address of the far side, as o= has it; empty: none */
	struct span far_connection;     /* the same of the c= before */
	bool needs_connection;          /* the stream has still to get a c= of its own */
	bool has_connection;            /* the stream got one */
};

static void write_line(struct buf *out, char type, struct span value)
{
	buf_add_char(out, type);
	buf_add_char(out, '=');
	buf_add_span(out, value);
	buf_add_lit(out, "\r\n");
}

static void write_address(struct buf *out, const struct addr *address)
{
	char text[ADDR_TEXT_MAX];

	buf_add_str(out, address->family == ADDR_IP6 ? "IN IP6 " : "IN IP4 ");
	buf_add_str(out, addr_print_ip(address, text));
}

static void write_connection(struct buf *out, const struct addr *address)
{
	buf_add_lit(out, "c=");
	write_address(out, address);
	buf_add_lit(out, "\r\n");
}

static bool is_anchored(const struct rewrite *rewrite, int stream)
{
	return rewrite->anchors[stream].address.family != ADDR_NONE;
}

/* What c= of a stream is to say. The old form of hold (RFC 3264 section 8.4) passes as it is: the
 * far side has to see 0.0.0.0 to stop sending; only its version of IP follows the anchor. */
static struct addr wanted_address(const struct rewrite *rewrite, int stream)
{
	struct addr address = rewrite->anchors[stream].address;

	address.port = 0;
	if (rewrite->sdp->streams[stream].is_null_address)
		memset(address.ip, 0, sizeof(address.ip));
	return address;
}

static uint16_t wanted_port(const struct rewrite *rewrite, int stream)
{
	return rewrite->sdp->streams[stream].port ? rewrite->anchors[stream].address.port : 0;
}

/* The last word of o= and c=; empty when it names no place, or our own. */
static struct span address_in(struct span value, const struct sdp_anchor *own)
{
	size_t start = value.len;
	struct addr addr;

	while (start > 0 && value.ptr[start - 1] != ' ')
		start--;
	value = (struct span){value.ptr + start, value.len - start};
	if (span_find(value, '.') == value.len && span_find(value, ':') == value.len)
		return SPAN_NONE;
	if (addr_parse(value, &addr) &&
	    (addr_is_any(&addr) || (own && addr_ip_eq(&addr, &own->address))))
		return SPAN_NONE;
	return value;
}

static bool has(struct span text, struct span part)
{
	return part.len && text.len >= part.len && memmem(text.ptr, text.len, part.ptr, part.len);
}

/* Text that says where the far side is, wherever it stands. */
static bool tells_place(const struct rewrite *rewrite, struct span text)
{
	return has(text, rewrite->far_origin) || has(text, rewrite->far_connection);
}

static void write_own_connection(struct rewrite *rewrite)
{
	rewrite->needs_connection = false;
	rewrite->has_connection = true;
	if (is_anchored(rewrite, rewrite->stream)) {
		struct addr address = wanted_address(rewrite, rewrite->stream);

		write_connection(rewrite->out, &address);
	} else {
		write_line(rewrite->out, 'c', rewrite->session_connection);
	}
}

static void end_stream(struct rewrite *rewrite)
{
	const struct sdp_stream *stream;

	if (rewrite->stream < 0)
		return;
	if (rewrite->needs_connection)
		write_own_connection(rewrite);
	stream = &rewrite->sdp->streams[rewrite->stream];
	if (is_anchored(rewrite, rewrite->stream) && rewrite->anchors[rewrite->stream].write_rtcp &&
	    wanted_port(rewrite, rewrite->stream) &&
	    span_istarts_with(stream->proto, SPAN_LIT("RTP/"))) {
		buf_add_lit(rewrite->out, "a=rtcp:");
		buf_add_u64(rewrite->out, wanted_port(rewrite, rewrite->stream));
		buf_add_lit(rewrite->out, "\r\n");
	}
	if (is_anchored(rewrite, rewrite->stream))
		buf_add_span(rewrite->out, rewrite->anchors[rewrite->stream].attributes);
}

static void write_protocol(struct rewrite *rewrite, const struct sdp_media_line *line)
{
	const char *proto = rewrite->anchors[rewrite->stream].proto;

	if (!proto) {
		buf_add_span(rewrite->out, line->rest);
		return;
	}
	buf_add_str(rewrite->out, proto);
	buf_add_char(rewrite->out, ' ');
	buf_add_span(rewrite->out, line->formats);
}

static bool rewrite_media(struct rewrite *rewrite, struct span value)
{
	struct sdp_media_line line;

	end_stream(rewrite);
	rewrite->stream++;
	if ((size_t)rewrite->stream >= rewrite->sdp->stream_count || !sdp_media_parse(value, &line))
		return false;
	rewrite->has_connection = false;
	if (is_anchored(rewrite, rewrite->stream)) {
		struct addr address = wanted_address(rewrite, rewrite->stream);

		rewrite->needs_connection = !addr_eq(&address, &rewrite->session_address);
		buf_add_lit(rewrite->out, "m=");
		buf_add_span(rewrite->out, line.media);
		buf_add_char(rewrite->out, ' ');
		buf_add_u64(rewrite->out, wanted_port(rewrite, rewrite->stream));
		buf_add_char(rewrite->out, ' ');
		write_protocol(rewrite, &line);
		buf_add_lit(rewrite->out, "\r\n");
	} else {
		rewrite->needs_connection = rewrite->session_connection.len &&
					    rewrite->session_address.family != ADDR_NONE;
		write_line(rewrite->out, 'm', value);
	}
	return true;
}

static void rewrite_session_connection(struct rewrite *rewrite, struct span value)
{
	if (rewrite->session_connection.len)
		return;
	rewrite->session_connection = value;
	if (!rewrite->first) {
		write_line(rewrite->out, 'c', value);
		return;
	}
	rewrite->session_address =
		wanted_address(rewrite, (int)(rewrite->first - rewrite->anchors));
	write_connection(rewrite->out, &rewrite->session_address);
}

static void rewrite_connection(struct rewrite *rewrite, struct span value)
{
	rewrite->far_connection = address_in(
		value, rewrite->stream < 0 ? rewrite->first : &rewrite->anchors[rewrite->stream]);
	if (rewrite->stream < 0) {
		rewrite_session_connection(rewrite, value);
	} else if (!is_anchored(rewrite, rewrite->stream)) {
		rewrite->needs_connection = false;
		write_line(rewrite->out, 'c', value);
	} else if (!rewrite->has_connection) {
		write_own_connection(rewrite);
	}
}

/* Attributes that name addresses or bind the media to a transport which the relay does not offer.
 */
static bool is_dropped(struct span line)
{
	static const struct span dropped[] = {
		SPAN_LIT("rtcp"),      /* RFC 3605, written anew */
		SPAN_LIT("candidate"), /* RFC 8839 */
		SPAN_LIT("remote-candidates"),
		SPAN_LIT("end-of-candidates"),
		SPAN_LIT("source-filter"), /* RFC 4570: admits the far side's address only */
		SPAN_LIT("crypto"),        /* RFC 4568: the keys of a leg are of that leg */
		SPAN_LIT("x-vos-scramble"),
	};
	struct span name;
	struct span value;

	sdp_attribute_split(line, &name, &value);
	if (span_istarts_with(name, SPAN_LIT("ice-")))
		return true;
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (name.len == dropped[i].len && span_ieq(name, dropped[i]))
			return true;
	/* RFC 9143: one transport for several streams; here each is anchored at a port of its own.
	 */
	return span_ieq(name, SPAN_LIT("group")) && span_istarts_with(value, SPAN_LIT("BUNDLE"));
}

/* "1 2" of "user 1 2". */
static struct span after_user(struct span identity)
{
	size_t start = identity.len;

	for (int words = 0; words < 2; words++) {
		while (start > 0 && identity.ptr[start - 1] == ' ')
			start--;
		while (start > 0 && identity.ptr[start - 1] != ' ')
			start--;
	}
	return (struct span){identity.ptr + start, identity.len - start};
}

static void rewrite_origin(struct rewrite *rewrite, struct span value)
{
	struct sdp_origin origin;

	if (!rewrite->first || !sdp_origin_parse(value, &origin)) {
		write_line(rewrite->out, 'o', value);
		return;
	}
	rewrite->far_origin = address_in(value, rewrite->first);
	buf_add_lit(rewrite->out, "o=");
	if (tells_place(rewrite, origin.identity)) {
		buf_add_lit(rewrite->out, "- ");
		origin.identity = after_user(origin.identity);
	}
	buf_add_span(rewrite->out, origin.identity);
	buf_add_char(rewrite->out, ' ');
	write_address(rewrite->out, &rewrite->first->address);
	buf_add_lit(rewrite->out, "\r\n");
}

/* Who to write to, where to read more, and whatever else tells where the far side is. */
static bool is_private(const struct rewrite *rewrite, const struct sdp_line *line)
{
	return line->type == 'u' || line->type == 'e' || line->type == 'p' ||
	       tells_place(rewrite, line->value) || (line->type == 'a' && is_dropped(line->value));
}

static bool rewrite_line(struct rewrite *rewrite, const struct sdp_line *line)
{
	bool hides = rewrite->stream < 0 ? rewrite->first != NULL
					 : is_anchored(rewrite, rewrite->stream);

	if (line->type == 'm')
		return rewrite_media(rewrite, line->value);
	/* Only a title may stand between m= and c= (RFC 8866 section 5). */
	if (rewrite->needs_connection && line->type != 'c' && line->type != 'i')
		write_own_connection(rewrite);
	if (line->type == 'c')
		rewrite_connection(rewrite, line->value);
	else if (line->type == 'o')
		rewrite_origin(rewrite, line->value);
	else if (hides && line->type == 's' && tells_place(rewrite, line->value))
		write_line(rewrite->out, 's', SPAN_LIT("-"));
	else if (!hides || !is_private(rewrite, line))
		write_line(rewrite->out, line->type, line->value);
	return true;
}

bool sdp_rewrite(struct span body, const struct sdp *sdp, const struct sdp_anchor *anchors,
		 struct buf *out)
{
	struct rewrite rewrite = {.sdp = sdp, .anchors = anchors, .out = out, .stream = -1};
	struct sdp_lines lines = {.rest = body};
	struct sdp_line line;

	for (size_t i = 0; i < sdp->stream_count && !rewrite.first; i++)
		if (is_anchored(&rewrite, (int)i))
			rewrite.first = &anchors[i];
	while (sdp_lines_next(&lines, &line))
		if (!rewrite_line(&rewrite, &line))
			return false;
	if (lines.why || (size_t)(rewrite.stream + 1) != sdp->stream_count)
		return false;
	end_stream(&rewrite);
	return !out->failed;
}
