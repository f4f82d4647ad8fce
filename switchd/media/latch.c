/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/latch.h"

#include <string.h>

/* An address from an SDP that may be sent to at all. */
static bool is_sendable(const struct latch *latch, const struct addr *addr)
{
	if (addr->family == ADDR_NONE || addr->port == 0 || addr->family != latch->local.family)
		return false;
	if (!addr_is_host(addr))
		return false;
	return !addr_is_loopback(addr) || addr_is_loopback(&latch->local) ||
	       addr_is_any(&latch->local);
}

/* Of a peer behind NAT: a private address that is not even the one it signals from cannot be
 * reached from here; whoever has that address in our own network is someone else. */
static bool is_hidden(const struct media_peer *peer, const struct addr *addr)
{
	return peer->may_learn && addr_is_private(addr) && !addr_ip_eq(addr, &peer->signalling);
}

static struct endpoint sendable_or_none(const struct latch *latch, const struct addr *addr)
{
	if (!is_sendable(latch, addr) || is_hidden(&latch->peer, addr))
		return (struct endpoint){.len = 0};
	return endpoint_of(addr);
}

/* Where RTCP goes while no source of RTCP was learned. */
static struct endpoint rtcp_target(const struct latch *latch)
{
	struct endpoint target;

	if (!endpoint_is_none(&latch->rtcp_source))
		return latch->rtcp_source;
	if (addr_eq(&latch->peer.rtp, &latch->peer.rtcp))
		return latch->rtp_to;
	if (endpoint_is_none(&latch->source) || endpoint_ip_eq(&latch->source, &latch->sdp_rtp))
		return sendable_or_none(latch, &latch->peer.rtcp);
	/* Behind NAT: where the RTP port came through as it was, the one for RTCP may have, too. */
	if (latch->source.in4.sin_port != latch->sdp_rtp.in4.sin_port)
		return (struct endpoint){.len = 0};
	target = latch->source;
	target.in4.sin_port = latch->sdp_rtcp.in4.sin_port;
	return target;
}

static void aim(struct latch *latch)
{
	/* Held with 0.0.0.0, or nothing said yet: nothing goes there, learned or not. */
	if (latch->peer.rtp.family == ADDR_NONE) {
		latch->rtp_to.len = 0;
		latch->rtcp_to.len = 0;
		return;
	}
	latch->rtp_to = latch->source;
	if (endpoint_is_none(&latch->rtp_to))
		latch->rtp_to = sendable_or_none(latch, &latch->peer.rtp);
	/* Moved to where nothing can be sent yet: the place it was at is the best guess. */
	if (endpoint_is_none(&latch->rtp_to))
		latch->rtp_to = latch->previous;
	latch->rtcp_to = rtcp_target(latch);
}

void latch_init(struct latch *latch, const struct addr *local)
{
	*latch = (struct latch){.local = *local};
}

/* Another party: of the one before not even the packets under way are wanted. */
static void forget(struct latch *latch)
{
	const struct latch before = *latch;

	latch_init(latch, &before.local);
	memcpy(latch->other_types, before.other_types, sizeof(latch->other_types));
}

void latch_other_spoke(struct latch *latch, const uint64_t types[2], uint64_t now_us)
{
	for (int i = 0; i < 2; i++) {
		latch->other_types[i] = types[i];
		latch->types[i] = latch->peer.payload_types[i] | types[i];
	}
	latch->opened_us = now_us;
	latch->any_ssrc = true;
}

bool latch_set_peer(struct latch *latch, const struct media_peer *peer, uint64_t now_us)
{
	bool is_moved =
		!addr_eq(&latch->peer.rtp, &peer->rtp) ||
		(peer->may_learn && !addr_ip_eq(&latch->peer.signalling, &peer->signalling));
	/* On hold the source stays locked: music on hold comes from it. */
	bool opens = is_moved && peer->rtp.family != ADDR_NONE;
	struct endpoint rtp = endpoint_of(&peer->rtp);
	/* Back from hold to the same place: packets from there are no leftovers. */
	uint64_t grace_us = endpoint_eq(&rtp, &latch->sdp_rtp) ? 0 : LATCH_GRACE_US;

	if (peer->is_other)
		forget(latch);
	latch->peer = *peer;
	if (peer->rtp.family != ADDR_NONE) {
		latch->sdp_rtp = rtp;
		latch->sdp_rtcp = endpoint_of(&peer->rtcp);
	}
	latch->signalling = endpoint_of(&peer->signalling);
	latch->types[0] = peer->payload_types[0] | latch->other_types[0];
	latch->types[1] = peer->payload_types[1] | latch->other_types[1];
	latch->opened_us = now_us;
	latch->any_ssrc = true;
	latch->candidate.len = 0;
	if (opens) {
		if (!endpoint_is_none(&latch->source)) {
			latch->previous = latch->source;
			latch->previous_until_us = now_us + grace_us;
		}
		latch->source.len = 0;
		latch->rtcp_source.len = 0;
		latch->is_exact = false;
	}
	aim(latch);
	return opens || peer->is_other;
}

static void lock_to(struct latch *latch, const struct endpoint *from, bool is_exact,
		    uint64_t now_us)
{
	latch->source = *from;
	latch->is_exact = is_exact;
	latch->locked_us = now_us;
	latch->rtcp_source.len = 0;
	latch->previous.len = 0;
	latch->candidate.len = 0;
	aim(latch);
}

static bool is_named(const struct latch *latch, uint8_t type)
{
	if ((latch->types[0] | latch->types[1]) == 0)
		return true;
	return latch->types[type / 64] >> (type % 64) & 1;
}

/* Rules 2 and 3, but for the payload type. */
static bool may_be_learned(const struct latch *latch, const struct endpoint *from)
{
	if (latch->peer.learning == MEDIA_STRICT)
		return false;
	return endpoint_ip_eq(from, &latch->sdp_rtp) ||
	       (latch->peer.may_learn && endpoint_ip_eq(from, &latch->signalling));
}

/* True with the last of LATCH_PROOF packets in a row. */
static bool has_proven(struct latch *latch, const struct endpoint *from,
		       const struct latch_packet *packet, uint64_t now_us)
{
	const struct latch_packet *last = &latch->candidate_last;

	if (endpoint_eq(from, &latch->candidate) && packet->ssrc == last->ssrc &&
	    packet->sequence == (uint16_t)(last->sequence + 1) &&
	    now_us - latch->candidate_us < LATCH_PROOF_US) {
		latch->candidate_count++;
	} else {
		latch->candidate = *from;
		latch->candidate_count = 1;
	}
	latch->candidate_last = *packet;
	latch->candidate_us = now_us;
	return latch->candidate_count >= LATCH_PROOF;
}

/* Someone who is not the locked source. */
static bool takes_over(struct latch *latch, const struct endpoint *from, bool is_exact,
		       const struct latch_packet *packet, uint64_t now_us)
{
	if (latch->peer.rtp.family == ADDR_NONE)
		return false;
	if (is_exact && !latch->is_exact && now_us - latch->locked_us < LATCH_WINDOW_US)
		return true;
	if (latch->peer.learning != MEDIA_RELEARN || now_us - latch->heard_us < LATCH_QUIET_US)
		return false;
	return (is_exact ||
		(may_be_learned(latch, from) && is_named(latch, packet->payload_type))) &&
	       has_proven(latch, from, packet, now_us);
}

/* Whether someone may lock an open latch. */
static bool may_lock(struct latch *latch, const struct endpoint *from, bool is_exact,
		     const struct latch_packet *packet, uint64_t now_us)
{
	if (latch->peer.rtp.family == ADDR_NONE)
		return false;
	if (is_exact)
		return true;
	if (!may_be_learned(latch, from) || !is_named(latch, packet->payload_type))
		return false;
	return now_us - latch->opened_us < LATCH_OPEN_US || has_proven(latch, from, packet, now_us);
}

/* Rules 5 and 6. */
static enum latch_verdict judge_stream(struct latch *latch, const struct latch_packet *packet,
				       uint64_t now_us)
{
	if (latch->peer.is_audio && packet->payload_type >= LATCH_TYPES_STATIC &&
	    !is_named(latch, packet->payload_type))
		return LATCH_WRONG_TYPE;
	if (packet->ssrc != latch->ssrc && latch->peer.is_audio && !latch->any_ssrc &&
	    latch->peer.learning != MEDIA_RELEARN && now_us - latch->heard_us < LATCH_SSRC_QUIET_US)
		return LATCH_WRONG_SSRC;
	latch->ssrc = packet->ssrc;
	latch->any_ssrc = false;
	latch->heard_us = now_us;
	return LATCH_ACCEPT;
}

enum latch_verdict latch_rtp(struct latch *latch, const struct endpoint *from,
			     const struct latch_packet *packet, uint64_t now_us)
{
	bool is_exact = endpoint_eq(from, &latch->sdp_rtp);
	bool is_open = endpoint_is_none(&latch->source);
	enum latch_verdict verdict;

	if (!is_open && endpoint_eq(from, &latch->source))
		return judge_stream(latch, packet, now_us);
	if (is_open && !is_exact && latch->peer.rtp.family != ADDR_NONE &&
	    endpoint_eq(from, &latch->previous) && now_us < latch->previous_until_us)
		return LATCH_ACCEPT;
	if (is_open ? !may_lock(latch, from, is_exact, packet, now_us)
		    : !takes_over(latch, from, is_exact, packet, now_us))
		return LATCH_FOREIGN;
	latch->any_ssrc = true;
	verdict = judge_stream(latch, packet, now_us);
	if (verdict != LATCH_ACCEPT)
		return verdict;
	lock_to(latch, from, is_exact, now_us);
	return LATCH_LEARNED;
}

enum latch_verdict latch_rtcp(struct latch *latch, const struct endpoint *from, uint32_t ssrc)
{
	bool is_locked = !endpoint_is_none(&latch->source);

	if (endpoint_eq(from, &latch->rtcp_source))
		return LATCH_ACCEPT;
	if (is_locked &&
	    (endpoint_eq(from, &latch->source) ||
	     (latch->peer.learning != MEDIA_STRICT && endpoint_ip_eq(from, &latch->source) &&
	      ssrc == latch->ssrc && endpoint_is_none(&latch->rtcp_source)))) {
		if (endpoint_is_none(&latch->rtcp_source)) {
			latch->rtcp_source = *from;
			aim(latch);
		}
		return LATCH_ACCEPT;
	}
	if (latch->peer.rtp.family != ADDR_NONE &&
	    (endpoint_eq(from, &latch->sdp_rtcp) ||
	     (!is_locked && endpoint_eq(from, &latch->sdp_rtp))))
		return LATCH_ACCEPT;
	return LATCH_FOREIGN;
}
