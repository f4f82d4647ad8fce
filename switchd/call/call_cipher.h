/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Encryption of a call's streams: each leg agrees on its own with its peer, by SDES (RFC 4568) or
 * by the attribute of the scrambling, and neither's keys reach the other. */
#pragma once

#include "shared/base/buf.h"
#include "switchd/media/decide.h"
#include "switchd/media/media.h"
#include "switchd/media/sdp.h"

/* What is asked of the media with one party. */
struct call_cipher_rules {
	uint8_t srtp;       /* WORD_PARTY_SRTP_... */
	uint8_t scramble;   /* enum scramble_mode */
	bool may_show_keys; /* in this leg's signalling */
};

/* Of one stream, once a side of it has to do with encryption. */
struct call_cipher;

/* An SDP that goes from one side to the other. */
struct call_cipher_step {
	const struct call_cipher_rules *rules; /* MEDIA_SIDES of them */
	struct span key;                       /* of the scrambling */
	enum media_side from;
	bool is_answer;
	struct media_session *session;
};

void call_cipher_rules(const struct snapshot *config, const struct decide_party *party,
		       bool is_secure, struct call_cipher_rules *out);

/* What the stream of the one side says of encryption, and what the other side is to be told in its
 * place: sets proto and attributes of the anchor, the text of which goes to `text`. *cipher is made
 * when there is need of one. An answer puts what was agreed on in force. VOS_EPERM: what is
 * required cannot be agreed on. */
VOS_CHECK enum vos_err call_cipher_pass(struct call_cipher **cipher,
					const struct call_cipher_step *step,
					const struct sdp_stream *stream, struct sdp_anchor *anchor,
					struct buf *text);
/* The answer of the switch's own to what side A has offered; sets proto and attributes. */
VOS_CHECK enum vos_err call_cipher_answer(struct call_cipher *cipher,
					  const struct call_cipher_step *step,
					  struct sdp_anchor *anchor, struct buf *text);
/* A side has to have SRTP. */
bool call_cipher_is_required(const struct call_cipher_rules *rules);
/* Without the relay nothing is encrypted here: VOS_EPERM when an SDP does not bring what a side
 * requires. */
VOS_CHECK enum vos_err call_cipher_check_direct(const struct call_cipher_rules *rules,
						const struct sdp *sdp);
/* A side that was only asked whether it is still there (RFC 4028) may have told new keys. */
void call_cipher_refresh(struct call_cipher *cipher, const struct call_cipher_step *step,
			 const struct sdp_stream *stream);
/* The side is going to be another party, or the same one anew. */
void call_cipher_forget(struct call_cipher *cipher, struct media_session *session,
			enum media_side side);
void call_cipher_free(struct call_cipher *cipher);
/* "srtp AES_CM_128_HMAC_SHA1_80", "aes128"; "" when the side's media is plain. */
const char *call_cipher_text(const struct call_cipher *cipher, enum media_side side);
