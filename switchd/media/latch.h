/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose packets one side of a session takes, and where its packets go. No I/O, no clock: decided
 * from the peer that signalling gave and the sources of packets.
 *
 * A latch is open until a first RTP packet is accepted, then locked to that packet's source address
 * and port. Who may lock it:
 *   1. The address and port of the SDP.
 *   2. The address of the SDP with another port: a phone that sends from a port of its own.
 *   3. The address that signalling comes from, any port, when the peer may be learned (behind NAT).
 * Rules 2 and 3 ask for a payload type of the SDP where those are known. Within LATCH_OPEN_US of
 * the last word of signalling about either side the first packet will do; later it takes
 * LATCH_PROOF of them in a row, of one source and SSRC and with rising numbers, for which nobody
 * waits who only sprays. Nobody else is ever learned, so a stranger who is first gains nothing.
 *
 * Once locked:
 *   4. Others are foreign. Only the SDP's own address, when it speaks within LATCH_WINDOW_US of the
 * lock, takes over from a source that came by rule 2 or 3: that was a stray of another call.
 *   5. Of audio, another SSRC from the locked source counts once the one before has been quiet for
 * LATCH_SSRC_QUIET_US, or signalling has said something since: a transfer, a phone that starts its
 * stream anew. Beside a stream that goes on it is put in by someone else.
 *   6. Of audio, a payload type above the static ones (RFC 3551 table 4) has to be of either SDP.
 *   7. RTCP is taken from the locked source, from the RTCP address of the SDP, and from one more
 * source that is learned when it has the locked source's address and its packet the locked stream's
 * SSRC.
 *
 * That is `learn-once`. With `strict` only rule 1 locks, and nothing is learned for RTCP. With
 * `relearn` rule 5 does not hold, and a locked source that has been quiet for LATCH_QUIET_US is
 * left for another one of rules 2 and 3 that gives LATCH_PROOF.
 *
 * When signalling moves the peer, the latch opens again. Packets from the source locked before are
 * passed on for LATCH_GRACE_US without locking (they were under way), and may lock after that; at
 * once when the peer comes back from hold to the address it had. When signalling says that it is
 * another party, nothing of the one before is passed on or remembered.
 *
 * Where packets go: to the locked source; before that to the SDP's address, unless the peer may be
 * learned and that address is a private one that signalling does not come from, which only means
 * something inside the peer's own network; then to the source locked before a move, if any. Never
 * to group addresses, port 0, or from a public address to the loopback. Nothing is ever sent back
 * to where a packet came from for its sake: one that is taken leaves once, to the other side. */
#pragma once

#include "switchd/media/endpoint.h"
#include "switchd/media/media.h"

/* The SDP's own address speaks at once or never; 10 s leave room for a phone that rings on. */
#define LATCH_WINDOW_US UINT64_C(10000000)
/* Longer than any round trip and jitter buffer, shorter than a pause anybody notices. */
#define LATCH_GRACE_US UINT64_C(1000000)
/* After the last SDP phones send at once; on a slow way, after some seconds. */
#define LATCH_OPEN_US UINT64_C(10000000)
/* A tenth of a second of speech that is lost, and more than a spray has by chance. */
#define LATCH_PROOF 5
/* What belongs to one proof comes closer together. */
#define LATCH_PROOF_US UINT64_C(1000000)
/* Five packets of 20 ms: no stream pauses so within a talk spurt, and nobody hears more missing. */
#define LATCH_SSRC_QUIET_US UINT64_C(100000)
/* A NAT that has given a phone another port leaves the old one silent. */
#define LATCH_QUIET_US UINT64_C(2000000)
/* Payload types below have their meaning without an SDP. */
#define LATCH_TYPES_STATIC 35

enum latch_verdict {
	LATCH_ACCEPT,
	LATCH_LEARNED, /* accepted, and the locked source is another one now */
	LATCH_FOREIGN,
	LATCH_WRONG_SSRC, /* from the locked source, but to be dropped as the next: rules 5 and 6 */
	LATCH_WRONG_TYPE,
};

/* The fields of an RTP packet that matter here. */
struct latch_packet {
	uint32_t ssrc;
	uint16_t sequence;
	uint8_t payload_type;
};

struct latch {
	struct endpoint source; /* locked to; none = open */
	uint32_t ssrc;
	bool any_ssrc;           /* the next packet of the locked source says which */
	uint64_t types[2];       /* that may come: of both SDPs; all 0: any */
	uint64_t other_types[2]; /* of these, what the other side's SDP has */
	uint64_t heard_us;       /* when the locked source was heard last */
	struct endpoint rtp_to;  /* none = packets for this side are dropped */
	struct endpoint rtcp_to;

	struct endpoint rtcp_source; /* learned by rule 7 */
	struct endpoint previous;    /* source before the last move */
	uint64_t previous_until_us;
	uint64_t locked_us;
	uint64_t opened_us; /* last word of signalling while it was open */
	bool is_exact;      /* locked by rule 1 */
	/* Who is giving proof: */
	struct endpoint candidate;
	struct latch_packet candidate_last;
	uint64_t candidate_us;
	uint8_t candidate_count;

	struct addr local; /* address of our socket */
	struct media_peer peer;
	struct endpoint sdp_rtp;
	struct endpoint sdp_rtcp;
	struct endpoint signalling;
};

void latch_init(struct latch *latch, const struct addr *local);
/* Takes what signalling says; opens the latch when the RTP address is another one. True when it
 * did. */
bool latch_set_peer(struct latch *latch, const struct media_peer *peer, uint64_t now_us);

/* Signalling has said something of the other side: what this one may send (bit set of payload
 * types), and that media may begin. */
void latch_other_spoke(struct latch *latch, const uint64_t types[2], uint64_t now_us);

enum latch_verdict latch_rtp(struct latch *latch, const struct endpoint *from,
			     const struct latch_packet *packet, uint64_t now_us);
/* The same, quickly: true for a packet of the locked stream, the rest is for latch_rtp(). Where
 * packets pass elsewhere, heard_us has to be brought up to date before either. */
static inline bool latch_is_stream(struct latch *latch, const struct endpoint *from,
				   const struct latch_packet *packet, uint64_t now_us)
{
	if (packet->ssrc != latch->ssrc || packet->payload_type >= LATCH_TYPES_STATIC ||
	    !endpoint_eq(from, &latch->source))
		return false;
	latch->heard_us = now_us;
	return true;
}

enum latch_verdict latch_rtcp(struct latch *latch, const struct endpoint *from, uint32_t ssrc);
