/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Media of a call: which path (decided per candidate), and the SDP as the other side is to see it.
 */
#include <stdio.h>

#include "switchd/call/call_private.h"

void call_media_close(struct call *call)
{
	for (int i = 0; i < CALL_STREAMS_MAX; i++) {
		if (call->sessions[i])
			media_close(call->sessions[i]);
		call->sessions[i] = NULL;
	}
}

static void note_stream(struct call *call, enum media_side side, const struct sdp *sdp)
{
	if (sdp->stream_count == 0)
		return;
	snprintf(call->codec[side], sizeof(call->codec[side]), "%.11s", sdp->streams[0].codec);
	call->media[side] = sdp->streams[0].rtp;
	call->direction[side] =
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

/* Anchors one stream at the relay. Port 0 (refused, or nothing that can be relayed) stays 0. */
static enum vos_err anchor_stream(struct call *call, const struct leg *from, size_t index,
				  const struct sdp_stream *stream, const struct addr *anchor,
				  struct sdp_anchor *out)
{
	enum media_side to = from->side == MEDIA_A ? MEDIA_B : MEDIA_A;
	struct media_peer peer = {
		.rtp = stream->rtp,
		.rtcp = stream->rtcp,
		.signalling = from->signalling,
		.may_learn = may_learn(from, stream),
	};

	*out = (struct sdp_anchor){.address = *anchor, .write_rtcp = true};
	out->address.port = 0;
	if (stream->port == 0 || index >= CALL_STREAMS_MAX || !is_rtp(stream))
		return VOS_OK;
	if (!call->sessions[index]) {
		const struct addr *near = &from->media_address;
		bool is_caller = from->side == MEDIA_A;
		enum vos_err err = media_open(call->table->env.media, is_caller ? near : anchor,
					      is_caller ? anchor : near, &call->sessions[index]);

		if (err != VOS_OK)
			return err;
	}
	media_set_peer(call->sessions[index], from->side, &peer);
	out->address.port = media_port(call->sessions[index], to);
	return VOS_OK;
}

enum vos_err call_media_forward(struct call *call, const struct leg *from,
				const struct addr *anchor, struct span body, struct buf *out)
{
	struct sdp_anchor anchors[SDP_STREAMS_MAX];
	struct sdp sdp;
	const char *why;

	if (body.len == 0)
		return VOS_OK;
	if (!sdp_scan(body, &sdp, &why)) {
		if (call->decision.relay)
			return VOS_EINVAL;
		buf_add_span(out, body);
		return out->failed ? VOS_EINVAL : VOS_OK;
	}
	note_stream(call, from->side, &sdp);
	if (!call->decision.relay) {
		buf_add_span(out, body);
		return out->failed ? VOS_EINVAL : VOS_OK;
	}
	for (size_t i = 0; i < sdp.stream_count; i++) {
		enum vos_err err =
			anchor_stream(call, from, i, &sdp.streams[i], anchor, &anchors[i]);

		if (err != VOS_OK)
			return err;
	}
	if (!sdp_rewrite(body, &sdp, anchors, out) || out->failed)
		return VOS_EINVAL;
	return VOS_OK;
}
