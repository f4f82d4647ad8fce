/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Media of a call: which path (decided per candidate), and the SDP as the other side is to see it.
 *
 * Every attempt has a path of its own, and attempts at once have ports of their own: what one
 * callee sends cannot reach the caller by the ports of another. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/call/call_hunt.h"

void call_media_close(struct call_media *media, unsigned but)
{
	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++) {
		if (!media->sessions[i] || but >> i & 1)
			continue;
		media_close(media->sessions[i]);
		media->sessions[i] = NULL;
	}
}

unsigned call_media_open_streams(const struct call_media *media)
{
	unsigned streams = 0;

	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++)
		if (media->sessions[i])
			streams |= 1u << i;
	return streams;
}

void call_media_set_peers(struct call_media *media, enum media_side side,
			  const struct call_peers *peers)
{
	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++)
		if (media->sessions[i] && peers->set >> i & 1)
			media_set_peer(media->sessions[i], side, &peers->streams[i]);
}

void call_media_note(struct call_stream *heard, const struct sdp *sdp)
{
	if (sdp->stream_count == 0)
		return;
	snprintf(heard->codec, sizeof(heard->codec), "%.11s", sdp->streams[0].codec);
	heard->address = sdp->streams[0].rtp;
	heard->direction =
		sdp->streams[0].is_null_address ? SDP_INACTIVE : sdp->streams[0].direction;
}

/* An address that the peer cannot be reached at is learned from its packets: behind NAT, or a
 * private address in the SDP of a peer that signals from elsewhere. */
static bool may_learn(const struct leg *leg, const struct sdp_stream *stream)
{
	return leg->is_nat ||
	       (addr_is_private(&stream->rtp) && !addr_ip_eq(&stream->rtp, &leg->signalling));
}

static bool is_rtp(const struct sdp_stream *stream)
{
	return span_istarts_with(stream->proto, SPAN_LIT("RTP/"));
}

/* Fax by T.38 (ITU-T T.38 annex D). */
static bool is_udptl(const struct sdp_stream *stream)
{
	return span_ieq(stream->proto, SPAN_LIT("udptl"));
}

static enum vos_err open_session(struct call *call, const struct call_pass *pass,
				 struct media_session **session)
{
	const struct addr *near = &pass->from->media_address;
	bool is_caller = pass->from->side == MEDIA_A;

	if (*session)
		return VOS_OK;
	return media_open_in(call->table->env.media,
			     pass->media->decision.is_paired ? MEDIA_PAIRED : MEDIA_COMPACT,
			     is_caller ? near : pass->anchor, is_caller ? pass->anchor : near,
			     session);
}

/* Anchors one stream at the relay. Port 0 (refused, or nothing that can be relayed) stays 0. */
static enum vos_err anchor_stream(struct call *call, const struct call_pass *pass, size_t index,
				  const struct sdp_stream *stream, struct sdp_anchor *out)
{
	enum media_side to = pass->from->side == MEDIA_A ? MEDIA_B : MEDIA_A;
	struct media_peer peer = {
		.rtp = stream->rtp,
		.rtcp = stream->rtcp,
		.signalling = pass->from->signalling,
		.may_learn = may_learn(pass->from, stream),
		.is_raw = is_udptl(stream),
	};
	struct media_session **session;
	enum vos_err err;

	*out = (struct sdp_anchor){.address = *pass->anchor, .write_rtcp = true};
	out->address.port = 0;
	if (stream->port == 0 || index >= CALL_STREAMS_MAX ||
	    (!is_rtp(stream) && !is_udptl(stream)))
		return VOS_OK;
	session = &pass->media->sessions[index];
	err = open_session(call, pass, session);
	if (err != VOS_OK)
		return err;
	if (pass->peers) {
		pass->peers->streams[index] = peer;
		pass->peers->set |= 1u << index;
	} else {
		media_set_peer(*session, pass->from->side, &peer);
	}
	out->address.port = media_port(*session, to);
	/* RTCP at the next port needs no word of it (RFC 3605 section 2.1). */
	out->write_rtcp = media_layout_of(*session) == MEDIA_COMPACT && !peer.is_raw;
	return VOS_OK;
}

enum vos_err call_media_forward(struct call *call, const struct call_pass *pass, struct span body,
				struct buf *out)
{
	bool is_relayed = pass->media->decision.relay;
	struct sdp_anchor anchors[SDP_STREAMS_MAX];
	struct sdp sdp;
	const char *why;

	if (body.len == 0)
		return VOS_OK;
	if (!sdp_scan(body, &sdp, &why)) {
		if (is_relayed)
			return VOS_EINVAL;
		buf_add_span(out, body);
		return out->failed ? VOS_EINVAL : VOS_OK;
	}
	call_media_note(pass->heard, &sdp);
	if (!is_relayed) {
		buf_add_span(out, body);
		return out->failed ? VOS_EINVAL : VOS_OK;
	}
	for (size_t i = 0; i < sdp.stream_count; i++) {
		enum vos_err err = anchor_stream(call, pass, i, &sdp.streams[i], &anchors[i]);

		if (err != VOS_OK)
			return err;
	}
	if (!call_dtmf_forward(call, pass, &sdp, body, anchors, out) || out->failed)
		return VOS_EINVAL;
	return VOS_OK;
}

static struct call_decided decided(const struct decide_party *party)
{
	return (struct call_decided){
		.source = party->source,
		.mode = (uint8_t)party->mode,
		.has_local_ring = party->has_local_ring,
		.has_encryption = party->has_encryption,
		.is_dynamic = party->is_dynamic,
		.is_nat = party->is_nat,
		.port_layout = party->port_layout,
	};
}

void call_media_keep_decision(struct call *call, const struct decide_party *caller,
			      const struct decide_party *callee)
{
	size_t caller_len = strlen(caller->network) + 1;
	size_t callee_len = strlen(callee->network) + 1;

	call->decided[MEDIA_A] = decided(caller);
	call->decided[MEDIA_B] = decided(callee);
	if (caller_len + callee_len == 2)
		return;
	/* Without memory for them the networks are not shown, nothing else. */
	call->networks = malloc(caller_len + callee_len);
	if (!call->networks)
		return;
	memcpy(call->networks, caller->network, caller_len);
	memcpy(call->networks + caller_len, callee->network, callee_len);
}
