/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading SDP: one pass over the lines, a session part and up to SDP_STREAMS_MAX streams. */
#include "switchd/media/sdp.h"

#include "switchd/media/sdp_private.h"

#define CLOCK_HZ_MAX 1000000

/* What is known of the part being read, session or stream, before the stream is settled. */
struct part {
	struct sdp_connection connection;
	bool has_connection;
	enum sdp_direction direction;
	uint16_t rtcp_port; /* 0: no a=rtcp */
	struct sdp_connection rtcp;
	bool has_rtcp_address;
	bool has_rtcp_mux;
};

struct scan {
	struct sdp *sdp;
	struct part session;
	struct part part; /* of the stream last begun */
	bool has_version;
	bool has_origin;
	const char *why;
};

#define DIRECTION_LEN 8 /* of each */

static const char *const direction_names[] = {
	[SDP_SENDRECV] = "sendrecv",
	[SDP_SENDONLY] = "sendonly",
	[SDP_RECVONLY] = "recvonly",
	[SDP_INACTIVE] = "inactive",
};

const char *sdp_direction_name(enum sdp_direction direction)
{
	return direction_names[direction];
}

/* RFC 3551 section 6. */
const char *sdp_static_codec(uint64_t payload_type)
{
	static const char *const names[35] = {
		[0] = "PCMU",   [3] = "GSM",   [4] = "G723",  [5] = "DVI4",  [6] = "DVI4",
		[7] = "LPC",    [8] = "PCMA",  [9] = "G722",  [10] = "L16",  [11] = "L16",
		[12] = "QCELP", [13] = "CN",   [14] = "MPA",  [15] = "G728", [16] = "DVI4",
		[17] = "DVI4",  [18] = "G729", [25] = "CelB", [26] = "JPEG", [28] = "nv",
		[31] = "H261",  [32] = "MPV",  [33] = "MP2T", [34] = "H263",
	};

	return payload_type < 35 && names[payload_type] ? names[payload_type] : "";
}

static void set_codec(struct sdp_stream *stream, struct span name)
{
	if (name.len >= sizeof(stream->codec))
		name.len = sizeof(stream->codec) - 1;
	memset(stream->codec, 0, sizeof(stream->codec));
	if (name.len)
		memcpy(stream->codec, name.ptr, name.len);
}

static struct span first_format(const struct sdp_stream *stream)
{
	struct span formats = stream->formats;

	return sdp_word(&formats);
}

/* The number itself where nothing names it, and the format where it is no number ("t38"). */
static void set_default_codec(struct sdp_stream *stream)
{
	struct span format = first_format(stream);
	uint64_t number;

	set_codec(stream, format);
	if (span_to_u64(format, 127, &number) && sdp_static_codec(number)[0])
		set_codec(stream, span_of(sdp_static_codec(number)));
}

/* "a=rtpmap:0 PCMU/8000": counts for the first format, and where it says which type digits have. */
static void read_rtpmap(struct scan *scan, struct span value)
{
	struct sdp_stream *stream;
	struct span format = sdp_word(&value);
	struct span name = sdp_word(&value);
	struct span clock = name;
	uint64_t number;

	name.len = span_find(name, '/');
	if (name.len < clock.len)
		clock = (struct span){clock.ptr + name.len + 1, clock.len - name.len - 1};
	clock.len = span_find(clock, '/');
	if (scan->sdp->stream_count == 0 || !sdp_is_token(name))
		return;
	stream = &scan->sdp->streams[scan->sdp->stream_count - 1];
	if (span_eq(format, first_format(stream))) {
		set_codec(stream, name);
		if (span_to_u64(clock, CLOCK_HZ_MAX, &number))
			stream->clock_hz = (uint32_t)number;
	}
	if (stream->event_type == 0 && span_ieq(name, SPAN_LIT("telephone-event")) &&
	    span_to_u64(format, 127, &number))
		stream->event_type = (uint8_t)number;
}

/* "a=rtcp:53020" or "a=rtcp:53020 IN IP4 192.0.2.4" (RFC 3605). One that cannot be read is as good
 * as none. */
static void read_rtcp(struct part *part, struct span value)
{
	struct span port = sdp_word(&value);
	uint64_t number;

	if (!span_to_u64(port, 65535, &number) || number == 0)
		return;
	part->rtcp_port = (uint16_t)number;
	part->has_rtcp_address = sdp_connection_parse(value, &part->rtcp);
}

static void read_attribute(struct scan *scan, struct part *part, struct span line)
{
	struct span name;
	struct span value;

	sdp_attribute_split(line, &name, &value);
	if (span_eq(name, SPAN_LIT("rtpmap")))
		read_rtpmap(scan, value);
	else if (span_eq(name, SPAN_LIT("rtcp")))
		read_rtcp(part, value);
	else if (span_eq(name, SPAN_LIT("rtcp-mux")))
		part->has_rtcp_mux = true;
	for (int i = 0; line.len == DIRECTION_LEN && i <= SDP_INACTIVE; i++)
		if (memcmp(line.ptr, direction_names[i], DIRECTION_LEN) == 0)
			part->direction = (enum sdp_direction)i;
}

static void settle_rtcp(struct sdp_stream *stream, const struct part *part)
{
	stream->rtcp = stream->rtp;
	if (part->rtcp_port) {
		if (part->has_rtcp_address)
			stream->rtcp = part->rtcp.address;
		stream->rtcp.port = part->rtcp_port;
	} else if (!stream->has_rtcp_mux) {
		stream->rtcp.port++;
	}
	if (stream->rtcp.family == ADDR_NONE || stream->rtcp.port == 0 || stream->is_null_address ||
	    stream->port == 0)
		stream->rtcp = (struct addr){0};
}

/* The stream last begun is complete: what it does not say itself holds from the session. */
static void settle_stream(struct scan *scan)
{
	struct sdp_stream *stream;
	const struct part *part = &scan->part;
	const struct part *from = part->has_connection ? part : &scan->session;

	if (scan->sdp->stream_count == 0 || scan->why)
		return;
	stream = &scan->sdp->streams[scan->sdp->stream_count - 1];
	if (!from->has_connection && stream->port != 0) {
		scan->why = "SDP has a stream without a connection address";
		return;
	}
	stream->is_null_address = from->connection.is_null;
	stream->rtp = from->connection.address;
	if (stream->rtp.family != ADDR_NONE)
		stream->rtp.port = stream->port;
	stream->direction = part->direction;
	stream->has_rtcp_mux = part->has_rtcp_mux;
	settle_rtcp(stream, part);
}

static void begin_stream(struct scan *scan, struct span value)
{
	struct sdp_media_line line;
	struct sdp_stream *stream;

	settle_stream(scan);
	if (scan->why)
		return;
	if (scan->sdp->stream_count == SDP_STREAMS_MAX) {
		scan->why = "SDP has too many streams";
		return;
	}
	if (!sdp_media_parse(value, &line)) {
		scan->why = "SDP has a media line that cannot be read";
		return;
	}
	stream = &scan->sdp->streams[scan->sdp->stream_count++];
	*stream = (struct sdp_stream){
		.media = line.media,
		.proto = line.proto,
		.formats = line.formats,
		.port = line.port,
	};
	set_default_codec(stream);
	scan->part = (struct part){.direction = scan->session.direction};
}

/* Only compared with the one before, so a number beyond 64 bits may wrap. */
static void read_origin(struct scan *scan, struct span value)
{
	struct sdp_origin origin;

	if (scan->has_origin || scan->sdp->stream_count || !sdp_origin_parse(value, &origin)) {
		scan->why = "SDP has an origin line that cannot be read";
		return;
	}
	scan->has_origin = true;
	for (size_t i = 0; i < origin.version.len; i++) {
		char c = origin.version.ptr[i];

		if (c < '0' || c > '9') {
			scan->why = "SDP has an origin version that is no number";
			return;
		}
		scan->sdp->origin_version = scan->sdp->origin_version * 10 + (uint64_t)(c - '0');
	}
}

/* More connection lines in one part are for layered group sessions (RFC 8866 section 5.7): the
 * first counts. */
static void read_connection(struct scan *scan, struct part *part, struct span value)
{
	if (part->has_connection)
		return;
	if (!sdp_connection_parse(value, &part->connection))
		scan->why = "SDP has a connection line that cannot be read";
	part->has_connection = true;
}

/* Up to the line that begins the next stream, or to the end. */
static void extend_lines(struct scan *scan, const struct sdp_line *line)
{
	struct sdp_stream *stream;

	if (scan->sdp->stream_count == 0 || line->type == 'm')
		return;
	stream = &scan->sdp->streams[scan->sdp->stream_count - 1];
	if (!stream->lines.ptr)
		stream->lines.ptr = line->value.ptr - 2;
	stream->lines.len = (size_t)(line->value.ptr + line->value.len - stream->lines.ptr);
}

static void read_line(struct scan *scan, const struct sdp_line *line)
{
	struct part *part = scan->sdp->stream_count ? &scan->part : &scan->session;

	if (!scan->has_version) {
		if (line->type != 'v' || !span_eq(span_trim(line->value), SPAN_LIT("0")))
			scan->why = "SDP does not start with v=0";
		scan->has_version = true;
		return;
	}
	extend_lines(scan, line);
	if (line->type == 'v')
		scan->why = "SDP has two descriptions";
	else if (line->type == 'm')
		begin_stream(scan, line->value);
	else if (line->type == 'o')
		read_origin(scan, line->value);
	else if (line->type == 'c')
		read_connection(scan, part, line->value);
	else if (line->type == 'a')
		read_attribute(scan, part, line->value);
}

bool sdp_scan(struct span body, struct sdp *out, const char **why)
{
	struct scan scan = {.sdp = out};
	struct sdp_lines lines = {.rest = body};
	struct sdp_line line;

	memset(out, 0, sizeof(*out));
	if (body.len > SDP_BYTES_MAX) {
		*why = "SDP is too long";
		return false;
	}
	while (!scan.why && sdp_lines_next(&lines, &line))
		read_line(&scan, &line);
	if (!scan.why)
		scan.why = lines.why;
	settle_stream(&scan);
	if (!scan.why && out->stream_count == 0)
		scan.why = "SDP has no media line";
	if (scan.why) {
		*why = scan.why;
		return false;
	}
	return true;
}

bool sdp_next_attribute(struct span *lines, struct span name, struct span *value)
{
	struct sdp_lines walk = {.rest = *lines};
	struct sdp_line line;
	bool is_found = false;

	while (!is_found && sdp_lines_next(&walk, &line)) {
		struct span found;

		if (line.type != 'a')
			continue;
		sdp_attribute_split(line.value, &found, value);
		is_found = span_ieq(found, name);
	}
	*lines = walk.rest;
	return is_found;
}

bool sdp_same_addresses(const struct sdp *a, const struct sdp *b)
{
	if (a->stream_count != b->stream_count)
		return false;
	for (size_t i = 0; i < a->stream_count; i++) {
		const struct sdp_stream *x = &a->streams[i];
		const struct sdp_stream *y = &b->streams[i];

		if (!addr_eq(&x->rtp, &y->rtp) || !addr_eq(&x->rtcp, &y->rtcp) ||
		    x->port != y->port || x->is_null_address != y->is_null_address)
			return false;
	}
	return true;
}

void sdp_payload_types(const struct sdp_stream *stream, uint64_t types[2])
{
	struct span rest = stream->formats;

	for (struct span word = sdp_word(&rest); word.len; word = sdp_word(&rest)) {
		uint64_t number;

		if (span_to_u64(word, 127, &number))
			types[number / 64] |= UINT64_C(1) << (number % 64);
	}
}
