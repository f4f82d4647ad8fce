/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Media of a call: the ways of its streams, and the SDP as the other side is to see it. */
#pragma once

#include "switchd/call/call_cipher.h"
#include "switchd/call/call_table.h"
#include "switchd/call/call_dtmf.h"
#include "switchd/call/cause.h"
#include "switchd/media/sdp.h"

#define CALL_STREAMS_MAX 4

/* The way of the streams between the caller and one callee. */
struct call_media {
	struct media_session *sessions[CALL_STREAMS_MAX];
	struct call_cipher *ciphers[CALL_STREAMS_MAX]; /* NULL: plain, as nearly all are */
	struct call_cipher_rules rules[MEDIA_SIDES];
	struct conf_codecs codecs[MEDIA_SIDES]; /* that each party is allowed */
	uint8_t denied[MEDIA_SIDES];            /* annexes, by its last offer (sdp_forms.h) */
	struct decide_result decision;
	struct call_dtmf dtmf;
	bool wants_own_port; /* the caller may be played a tone: from IVR_RTP_PORT */
};

/* What the last SDP of a side said of its first stream. */
struct call_stream {
	struct addr address;
	char codec[12];
	enum sdp_direction direction;
};

/* Where the streams of an SDP are, not told to the relay yet. */
struct call_peers {
	struct media_peer streams[CALL_STREAMS_MAX];
	unsigned set; /* bit set of the streams that have one */
};

struct call_pass {
	struct call_media *media;
	const struct leg *from;
	const struct conf_media_place *anchor; /* ours, towards the receiver */
	struct call_stream *heard;             /* is filled */
	bool is_answer;                        /* to an offer of the other leg's */
	struct call_peers *peers; /* takes what is to be told to the relay later; NULL: at once */
};

/* The SDP that a leg sent, as it is to reach the other side. */
VOS_CHECK enum vos_err call_media_forward(struct call *call, const struct call_pass *pass,
					  struct span sdp, struct buf *out);
/* Why a call ends with what call_media_forward() said. */
struct cause call_media_cause(enum vos_err err);
/* What is kept of an SDP for show and comparison. */
void call_media_note(struct call_stream *heard, const struct sdp *sdp);
void call_media_set_peers(struct call_media *media, enum media_side side,
			  const struct call_peers *peers);
/* Bit set of the streams that have ports. */
unsigned call_media_open_streams(const struct call_media *media);
/* Closes all but those of the bit set. */
void call_media_close(struct call_media *media, unsigned but);
/* The sessions with their ciphers; `from` has none afterwards. */
void call_media_move(struct call_media *to, struct call_media *from);
/* Side B is going to be another party. */
void call_media_forget(struct call_media *media);
/* Keys in the answer to a refresh of the session. */
void call_media_refreshed(struct call *call, const struct leg *leg, const struct sdp *sdp);
/* Keeps what the decision went by. */
void call_media_keep_decision(struct call *call, const struct decide_party *caller,
			      const struct decide_party *callee);
