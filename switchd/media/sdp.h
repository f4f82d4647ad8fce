/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDP (RFC 8866) by a line scanner of our own: reads what the switch needs and rewrites addresses and
 * ports, everything else passes byte for byte. sofia-sip's sdp_parse never sees a body. */
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
	struct addr rtp;     /* connection address and port; family ADDR_NONE when the address is a name or 0 */
	bool is_null_address;/* 0.0.0.0 or ::, the old hold */
	uint16_t port;       /* 0 = refused or off */
	struct addr rtcp;    /* a=rtcp, else port + 1 (or the port, when muxed) */
	bool has_rtcp_mux;
	enum sdp_direction direction;
	char codec[24];      /* name of the first format: from a=rtpmap or the static table */
};

struct sdp {
	struct sdp_stream streams[SDP_STREAMS_MAX];
	size_t stream_count;
	uint64_t origin_version;
};

/* False with *why (static text) when the body is no SDP the switch can relay. */
bool sdp_scan(struct span body, struct sdp *out, const char **why);

/* Where a stream is anchored; port 0 leaves the stream's port 0 as it is. */
struct sdp_anchor {
	struct addr address; /* ip for c= and port for m= */
	bool write_rtcp;     /* adds a=rtcp:<port> (RFC 3605): RTCP shares the port (compact layout) */
};

/* Writes body with c= and m= of each stream replaced, o= address hidden, a=rtcp replaced, a=candidate and
 * a=ice-* removed (RFC 8445: the relay is no ICE agent). anchors has one entry a stream. */
bool sdp_rewrite(struct span body, const struct sdp *sdp, const struct sdp_anchor *anchors,
		 struct buf *out);
const char *sdp_direction_name(enum sdp_direction direction);
