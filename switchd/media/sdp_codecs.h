/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The codecs that a party is allowed (field codecs of phones and gateways), in an SDP: what neither
 * is to send nor to be offered is taken out before the other side sees it. */
#pragma once

#include "switchd/conf/conf_party.h"
#include "switchd/media/sdp.h"

/* Of the party that sent the body, and of the one that it goes to. A list without entries allows
 * everything. */
struct sdp_codecs {
	const struct conf_codecs *from;
	const struct conf_codecs *to;
	bool is_answer; /* its order is the choice of who answered */
};

/* The codec of an encoding name: "PCMA"; false: it is none of ours. */
bool sdp_codec_named(const char *encoding, uint8_t *codec);
/* Nobody has a list. */
bool sdp_codecs_allow_all(const struct sdp_codecs *codecs);
/* Appends the body with the formats of audio streams that both lists allow, in an offer in the
 * order of the receiver's list. Digits and comfort noise are no codecs and stay behind them. The a=
 * lines of what was taken out go too. False when a stream would be left without a codec, or out is
 * full. */
bool sdp_codecs_write(struct span body, const struct sdp *sdp, const struct sdp_codecs *codecs,
		      struct buf *out);
