/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of an SDP body and the few of them that are taken apart; shared by the scan and the
 * rewrite. */
#pragma once

#include "switchd/media/sdp.h"

struct sdp_line {
	char type;         /* 'm' of "m=..." */
	struct span value; /* without the line end */
};

/* Walks the lines of a body. Blank lines are skipped; a line that is no "x=value", a control
 * character and too many lines end the walk with `why` set. */
struct sdp_lines {
	struct span rest;
	int count;
	const char *why;
};

bool sdp_lines_next(struct sdp_lines *lines, struct sdp_line *line);
/* Splits the next word off; empty at the end. */
struct span sdp_word(struct span *rest);
/* Letters, digits and marks of RFC 8866 section 9, `token`. */
bool sdp_is_token(struct span text);

struct sdp_connection {
	struct addr address; /* port 0; family ADDR_NONE: a name, a group address, another kind of
				network */
	bool is_null;        /* 0.0.0.0 or :: */
};

/* "IN IP4 192.0.2.1". */
bool sdp_connection_parse(struct span value, struct sdp_connection *out);

struct sdp_media_line {
	struct span media;
	uint16_t port;
	struct span rest; /* protocol and formats */
	struct span proto;
	struct span formats;
};

bool sdp_media_parse(struct span value, struct sdp_media_line *out);

/* The encoding name of a payload type (RFC 3551 section 6), "" when it has none of its own. */
const char *sdp_static_codec(uint64_t payload_type);
/* Audio over RTP that is not switched off. */
bool sdp_is_audio(const struct sdp_stream *stream);
/* Splits "name:value"; value is empty for a flag. */
void sdp_attribute_split(struct span line, struct span *name, struct span *value);

struct sdp_origin {
	struct span identity; /* user name, session id, version */
	struct span version;
};

bool sdp_origin_parse(struct span value, struct sdp_origin *out);
