/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a party is allowed in an SDP (fields codecs and t38 of phones and gateways): what it is
 * neither to send nor to be offered is taken out before the other side sees it, and the rest has
 * the form that it is to have (sdp_forms.h). */
#pragma once

#include "switchd/conf/conf_party.h"
#include "switchd/media/sdp.h"

/* Of the party that sent the body, and of the one that it goes to. A list without entries allows
 * everything. */
struct sdp_codecs {
	const struct conf_codecs *from;
	const struct conf_codecs *to;
	bool is_answer;  /* its order is the choice of who answered */
	unsigned denied; /* of an answer: sdp_forms_denied() of the offer */
};

/* The codec of an encoding name: "PCMA"; false: it is none of ours. */
bool sdp_codec_named(const char *encoding, uint8_t *codec);
bool sdp_codec_is(struct span encoding, uint8_t *codec);
/* Nothing is to be done. */
bool sdp_codecs_allow_all(const struct sdp_codecs *codecs);
/* One of them does without fax. */
bool sdp_codecs_refuse_fax(const struct sdp_codecs *codecs);
/* Fax by T.38 is in it (ITU-T T.38 annex D); *is_all: and nothing else. */
bool sdp_has_fax(const struct sdp *sdp, bool *is_all);
/* Appends the body with the formats of audio streams that both lists allow, in an offer in the
 * order of the receiver's list. Digits and comfort noise are no codecs and stay behind them. The a=
 * lines of what was taken out go too. Fax that one of them does without is switched off. False when
 * a stream would be left without a codec, or out is full. */
bool sdp_codecs_write(struct span body, const struct sdp *sdp, const struct sdp_codecs *codecs,
		      struct buf *out);
