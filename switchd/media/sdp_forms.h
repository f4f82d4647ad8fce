/* SPDX-License-Identifier: GPL-2.0-or-later */
/* G.729 and G.723 in an SDP in the form that its receiver is to have (fields g729-mode,
 * g729-annexb and g723-annexa): the name in a=rtpmap, and annexb or annexa in a=fmtp (RFC 4856). */
#pragma once

#include "switchd/conf/conf_party.h"
#include "switchd/media/sdp_private.h"

#define SDP_TYPES 128 /* of RTP payloads */

enum sdp_annex { SDP_ANNEX_NONE, SDP_ANNEX_A, SDP_ANNEX_B, SDP_ANNEXES };

struct sdp_forms {
	uint8_t annexes[SDP_ANNEXES]; /* WORD_ANNEX_..., none of them auto */
	const char *g729;             /* its name; NULL: as it comes */
};

/* What an audio stream says of its formats. */
struct sdp_formats {
	uint8_t annexes[SDP_TYPES]; /* enum sdp_annex */
	uint64_t named[SDP_TYPES / 64];
	uint64_t told[SDP_TYPES / 64]; /* with an a=fmtp, among the lines written so far */
};

/* What is asked for by the fields of either party. `denied` is a bit set of enum sdp_annex: what
 * the receiver's own offer said no to, when this is the answer (RFC 7261). */
struct sdp_forms sdp_forms_for(const struct conf_codecs *from, const struct conf_codecs *to,
			       unsigned denied);
/* Nothing is asked for. */
bool sdp_forms_are_free(const struct sdp_forms *forms);
/* Bit set of the annexes that the SDP says no to. */
unsigned sdp_forms_denied(const struct sdp *sdp);

void sdp_formats_read(const struct sdp_stream *stream, struct sdp_formats *out);
/* A line of the stream, if it speaks of such a codec: true when it is written as it is to be, or
 * left out. */
bool sdp_forms_write(const struct sdp_forms *forms, struct sdp_formats *formats,
		     const struct sdp_line *line, struct buf *out);
/* Behind the stream's lines: what it has none for. Not of formats that are dropped. */
void sdp_forms_end(const struct sdp_forms *forms, const struct sdp_formats *formats,
		   const struct sdp_stream *stream, const uint64_t dropped[SDP_TYPES / 64],
		   struct buf *out);
