/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose packets one side of a session takes, and where its packets go. No I/O, no clock: decided
 * from the peer that signalling gave and the sources of packets.
 *
 * A latch is open until a first RTP packet is accepted, then locked to that packet's source address
 * and port. Who may lock it:
 *   1. The address and port of the SDP.
 *   2. The address of the SDP with another port: a phone that sends from a port of its own.
 *   3. The address that signalling comes from, any port, when the peer may be learned (behind NAT).
 * Rules 2 and 3 ask for a payload type of the SDP where those are known. Nobody else is ever
 * learned, so a stranger who is first gains nothing. How long an open latch waits is not limited: a
 * phone may ring for a minute before it sends.
 *
 * Once locked:
 *   4. Others are foreign. Only the SDP's own address, when it speaks within LATCH_WINDOW_US of the
 * lock, takes over from a source that came by rule 2 or 3: that was a stray of another call.
 *   5. A new SSRC from the locked source is fine: a transfer, or a phone that starts its stream
 * anew.
 *   6. RTCP is taken from the locked source, from the RTCP address of the SDP, and from one more
 * source that is learned when it has the locked source's address and its packet the locked stream's
 * SSRC.
 *
 * When signalling moves the peer, the latch opens again. Packets from the source locked before are
 * passed on for LATCH_GRACE_US without locking (they were under way), and may lock after that; at
 * once when the peer comes back from hold to the address it had. When signalling says that it is
 * another party, nothing of the one before is passed on or remembered.
 *
 * Where packets go: to the locked source; before that to the SDP's address, unless the peer may be
 * learned and that address is a private one that signalling does not come from, which only means
 * something inside the peer's own network; then to the source locked before a move, if any. Never
 * to group addresses, port 0, or from a public address to the loopback. */
#pragma once

#include "switchd/media/endpoint.h"
#include "switchd/media/media.h"

/* The SDP's own address speaks at once or never; 10 s leave room for a phone that rings on. */
#define LATCH_WINDOW_US UINT64_C(10000000)
/* Longer than any round trip and jitter buffer, shorter than a pause anybody notices. */
#define LATCH_GRACE_US UINT64_C(1000000)

enum latch_verdict {
	LATCH_ACCEPT,
	LATCH_LEARNED, /* accepted, and the locked source is another one now */
	LATCH_FOREIGN,
};

struct latch {
	struct endpoint source; /* locked to; none = open */
	struct endpoint rtp_to; /* none = packets for this side are dropped */
	struct endpoint rtcp_to;

	struct endpoint rtcp_source; /* learned by rule 6 */
	struct endpoint previous;    /* source before the last move */
	uint64_t previous_until_us;
	uint64_t locked_us;
	uint32_t ssrc;
	bool is_exact; /* locked by rule 1 */

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

/* An RTP packet whose source is not latch->source (that one is accepted before any call). */
enum latch_verdict latch_rtp(struct latch *latch, const struct endpoint *from, uint32_t ssrc,
			     uint8_t payload_type, uint64_t now_us);
enum latch_verdict latch_rtcp(struct latch *latch, const struct endpoint *from, uint32_t ssrc);
