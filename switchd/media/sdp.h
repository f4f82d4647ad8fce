/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDP (RFC 8866) by a line scanner of our own: reads what the switch needs and rewrites addresses
 * and ports, everything else passes byte for byte. sofia-sip's sdp_parse never sees a body. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/buf.h"
#include "shared/base/span.h"

#define SDP_STREAMS_MAX 8
#define SDP_BYTES_MAX   12000
#define SDP_LINES_MAX   400

enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

struct sdp_stream {
	struct span media;   /* "audio" */
	struct span proto;   /* "RTP/AVP" */
	struct span formats; /* "0 8 101" */
	struct span lines;   /* those behind its m= line */
	struct addr rtp; /* connection address and port; family ADDR_NONE when the address is a name
			    or 0 */
	bool is_null_address; /* 0.0.0.0 or ::, the old hold */
	uint16_t port;        /* 0 = refused or off */
	struct addr rtcp;     /* a=rtcp, else port + 1 (or the port, when muxed) */
	bool has_rtcp_mux;
	enum sdp_direction direction;
	uint32_t clock_hz;  /* of the first format; 0: not said */
	uint8_t event_type; /* of telephone-event (RFC 4733), the first one; 0: none */
	char codec[24];     /* name of the first format: from a=rtpmap or the static table */
};

struct sdp {
	struct sdp_stream streams[SDP_STREAMS_MAX];
	size_t stream_count;
	uint64_t origin_version;
};

/* False with *why (static text) when the body is no SDP the switch can relay. The spans point into
 * body. */
bool sdp_scan(struct span body, struct sdp *out, const char **why);

/* Where a stream is anchored. Port 0 switches the stream off (a stream that came with port 0 keeps
 * it); family ADDR_NONE leaves the stream as it came. */
struct sdp_anchor {
	struct addr address; /* ip for c= and port for m= */
	bool write_rtcp; /* adds a=rtcp:<port> (RFC 3605): RTCP shares the port (compact layout) */
	const char *proto;      /* in place of the stream's, as "RTP/SAVP"; NULL: as it came */
	struct span attributes; /* lines put behind the stream's own, each with CRLF */
};

/* Appends body to out with c= and m= of each stream replaced and the o= address hidden behind that
 * of the first anchored stream (user name, session id and version stay). The old form of hold, c=
 * of 0.0.0.0 or ::, stays the null address, so that the far side sees the hold (RFC 3264 section
 * 8.4). A user name or s= with the far side's own address in it becomes "-". Removed: u=, e=, p=,
 * what else has that address in it,
 * a=candidate, a=remote-candidates, a=end-of-candidates, a=ice-* (RFC 8445: the relay is no ICE
 * agent), a=rtcp (written anew), a=source-filter, a=group:BUNDLE, a=crypto (RFC 4568: keys are each
 * leg's own) and a=x-vos-scramble. All else passes byte for byte;
 * every line ends with CRLF. anchors has one entry a stream; sdp is what sdp_scan said of the same
 * body. */
bool sdp_rewrite(struct span body, const struct sdp *sdp, const struct sdp_anchor *anchors,
		 struct buf *out);
/* An answer of ours to the offer: its first stream is where the anchor says, with all codecs that
 * were offered, and the others are inactive; without a port there, that one is too. */
bool sdp_answer(struct span offer, const struct sdp_anchor *first, enum sdp_direction direction,
		struct buf *out);
/* The next line "a=name:value" of a stream's lines; false at the end. */
bool sdp_next_attribute(struct span *lines, struct span name, struct span *value);
/* True when the streams of both stand at the same addresses and ports. */
bool sdp_same_addresses(const struct sdp *a, const struct sdp *b);
/* Adds the RTP payload types of the stream to a set of 128 bits (struct media_peer). */
void sdp_payload_types(const struct sdp_stream *stream, uint64_t types[2]);
const char *sdp_direction_name(enum sdp_direction direction);
