/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Media of a call: which path (decided per candidate), and the SDP as the other side is to see it.
 *
 * Every attempt has a path of its own, and attempts at once have ports of their own: what one
 * callee sends cannot reach the caller by the ports of another. */
#include <stdlib.h>

#include "switchd/call/call_hunt.h"
#include "switchd/call/call_trace.h"
#include "switchd/media/capture.h"
#include "switchd/media/sdp_codecs.h"
#include "switchd/media/sdp_forms.h"

/* Lines of keys for all streams of an SDP. */
#define CIPHER_TEXT_MAX 1024

void call_media_close(struct call_media *media, unsigned but)
{
	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++) {
		if (!media->sessions[i] || but >> i & 1)
			continue;
		media_close(media->sessions[i]);
		media->sessions[i] = NULL;
		call_cipher_free(media->ciphers[i]);
		media->ciphers[i] = NULL;
	}
}

void call_media_move(struct call_media *to, struct call_media *from)
{
	memcpy(to->sessions, from->sessions, sizeof(to->sessions));
	memcpy(to->ciphers, from->ciphers, sizeof(to->ciphers));
	memset(from->sessions, 0, sizeof(from->sessions));
	memset(from->ciphers, 0, sizeof(from->ciphers));
}

void call_media_forget(struct call_media *media)
{
	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++)
		if (media->sessions[i])
			call_cipher_forget(media->ciphers[i], media->sessions[i], MEDIA_B);
}

static struct span scramble_key(const struct call *call)
{
	return span_of((*call->table->env.conf)->scramble_key);
}

void call_media_refreshed(struct call *call, const struct leg *leg, const struct sdp *sdp)
{
	for (size_t i = 0; i < sdp->stream_count && i < CALL_STREAMS_MAX; i++) {
		const struct call_cipher_step step = {
			.rules = call->media.rules,
			.key = scramble_key(call),
			.from = leg->side,
			.is_answer = true,
			.session = call->media.sessions[i],
		};

		if (step.session && sdp->streams[i].port)
			call_cipher_refresh(call->media.ciphers[i], &step, &sdp->streams[i]);
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
	span_join(span_of(sdp->streams[0].codec), SPAN_NONE, heard->codec, sizeof(heard->codec));
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
	const struct addr *near = &pass->from->media.local;
	const struct addr *far = &pass->anchor->local;
	bool is_caller = pass->from->side == MEDIA_A;
	const struct addr *local_a = is_caller ? near : far;
	const struct addr *local_b = is_caller ? far : near;
	enum media_layout layout = pass->media->decision.is_paired ? MEDIA_PAIRED : MEDIA_COMPACT;

	enum vos_err err;

	if (*session)
		return VOS_OK;
	err = pass->media->wants_own_port
		      ? media_open_own(call->table->env.media, layout, local_a, local_b, session)
		      : media_open_in(call->table->env.media, layout, local_a, local_b, session);
	/* Without memory for it the call goes on uncaptured. */
	if (err == VOS_OK && call->is_captured)
		(void)media_capture_start(*session, call->id);
	return err;
}

static enum vos_err pass_cipher(struct call *call, const struct call_pass *pass, size_t index,
				const struct sdp_stream *stream, struct sdp_anchor *out,
				struct buf *text)
{
	const struct call_cipher_step step = {
		.rules = pass->media->rules,
		.key = scramble_key(call),
		.from = pass->from->side,
		.is_answer = pass->is_answer,
		.session = pass->media->sessions[index],
	};

	/* Fax over UDPTL has no encryption; who requires one does without the fax. */
	if (!is_rtp(stream))
		return pass->media->rules[MEDIA_A].srtp == WORD_PARTY_SRTP_REQUIRED ||
				       pass->media->rules[MEDIA_B].srtp == WORD_PARTY_SRTP_REQUIRED
			       ? VOS_EPERM
			       : VOS_OK;
	return call_cipher_pass(&pass->media->ciphers[index], &step, stream, out, text);
}

/* The words of the catalogue stand in the order of enum media_learning. */
static enum media_learning learning_of(const struct call *call, const struct leg *leg)
{
	if (leg->attempt && leg->attempt->candidate)
		return (enum media_learning)leg->attempt->candidate->target.decide.learning;
	if (call->hunt && leg->side == MEDIA_A)
		return (enum media_learning)call->hunt->caller.learning;
	return (enum media_learning)call->decided[leg->side].learning;
}

/* The local address that an SDP means by one that we advertise: a stream may come back to us. */
static struct addr behind(const struct call_pass *pass, const struct addr *rtp)
{
	const struct conf_media_place *places[] = {&pass->from->media, pass->anchor};
	struct addr local = {0};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (addr_ip_eq(&places[i]->shown, rtp)) {
			local = places[i]->local;
			local.port = rtp->port;
		}
	return local;
}

/* Anchors one stream at the relay. Port 0 (refused, or nothing that can be relayed) stays 0. */
static enum vos_err anchor_stream(struct call *call, const struct call_pass *pass, size_t index,
				  const struct sdp_stream *stream, struct sdp_anchor *out,
				  struct buf *text)
{
	enum media_side to = pass->from->side == MEDIA_A ? MEDIA_B : MEDIA_A;
	struct media_peer peer = {
		.rtp = stream->rtp,
		.rtcp = stream->rtcp,
		.behind = behind(pass, &stream->rtp),
		.signalling = pass->from->signalling,
		.device = pass->from->media.device,
		.may_learn = may_learn(pass->from, stream),
		.is_raw = is_udptl(stream),
		.learning = learning_of(call, pass->from),
		.is_audio = span_ieq(stream->media, SPAN_LIT("audio")),
		.event_type = stream->event_type,
		.clock_hz = stream->clock_hz,
	};
	struct media_session **session;
	enum vos_err err;

	sdp_payload_types(stream, peer.payload_types);
	*out = (struct sdp_anchor){.address = pass->anchor->shown, .write_rtcp = true};
	out->address.port = 0;
	if (stream->port == 0 || index >= CALL_STREAMS_MAX ||
	    (!is_rtp(stream) && !is_udptl(stream)))
		return VOS_OK;
	session = &pass->media->sessions[index];
	err = open_session(call, pass, session);
	if (err == VOS_OK)
		err = pass_cipher(call, pass, index, stream, out, text);
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

/* False: there would be nothing left to offer. */
static bool pass_fax(const struct call *call, const struct call_pass *pass, const struct sdp *sdp,
		     const struct sdp_codecs *codecs)
{
	enum media_side whose = codecs->from->has_no_fax ? pass->from->side : !pass->from->side;
	bool is_all;

	if (pass->is_answer || !sdp_codecs_refuse_fax(codecs) || !sdp_has_fax(sdp, &is_all))
		return true;
	call_note(call, TRACE_FAX_REFUSED, (uint8_t)whose, whose, 0, "");
	return !is_all;
}

static struct sdp_codecs codecs_of(const struct call_pass *pass)
{
	enum media_side from = pass->from->side;
	const struct call_media *media = pass->media;

	return (struct sdp_codecs){
		.from = &media->codecs[from],
		.to = &media->codecs[!from],
		.is_answer = pass->is_answer,
		.denied = pass->is_answer ? media->denied[!from] : 0,
	};
}

/* The body with what both parties are allowed, in the receiver's form, scanned anew. */
static enum vos_err restrict_codecs(const struct call *call, const struct call_pass *pass,
				    struct span *body, struct sdp *sdp, struct buf *restricted)
{
	const struct sdp_codecs codecs = codecs_of(pass);
	const char *why;

	if (!pass->is_answer &&
	    (codecs.from->annexb == WORD_ANNEX_AUTO || codecs.from->annexa == WORD_ANNEX_AUTO))
		pass->media->denied[pass->from->side] = (uint8_t)sdp_forms_denied(sdp);
	if (sdp_codecs_allow_all(&codecs))
		return VOS_OK;
	if (!pass_fax(call, pass, sdp, &codecs))
		return VOS_ECLOSED;
	if (!sdp_codecs_write(*body, sdp, &codecs, restricted))
		return VOS_ENOENT;
	*body = buf_span(restricted);
	return sdp_scan(*body, sdp, &why) ? VOS_OK : VOS_EINVAL;
}

/* A body that cannot be read. It is the parties' own affair in a direct call, as long as nothing
 * has to be kept out of it: what bars something else would be got round by one stream too many. */
static enum vos_err pass_unread(const struct call_pass *pass, struct span body, struct buf *out)
{
	const struct sdp_codecs codecs = codecs_of(pass);

	if (pass->media->decision.relay || !sdp_codecs_allow_all(&codecs) ||
	    call_cipher_is_required(pass->media->rules))
		return VOS_EINVAL;
	buf_add_span(out, body);
	return out->failed ? VOS_EINVAL : VOS_OK;
}

enum vos_err call_media_forward(struct call *call, const struct call_pass *pass, struct span body,
				struct buf *out)
{
	bool is_relayed = pass->media->decision.relay;
	struct sdp_anchor anchors[SDP_STREAMS_MAX];
	char memory[CIPHER_TEXT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));
	char restricted_memory[SDP_BYTES_MAX + SDP_LINES_MAX];
	struct buf restricted = buf_over(restricted_memory, sizeof(restricted_memory));
	enum vos_err err = VOS_OK;
	struct sdp sdp;
	const char *why;

	if (body.len == 0)
		return VOS_OK;
	if (!sdp_scan(body, &sdp, &why))
		return pass_unread(pass, body, out);
	call_media_note(pass->heard, &sdp);
	err = restrict_codecs(call, pass, &body, &sdp, &restricted);
	if (err != VOS_OK)
		return err;
	if (!is_relayed) {
		buf_add_span(out, body);
		if (out->failed)
			return VOS_EINVAL;
		return call_cipher_check_direct(pass->media->rules, &sdp);
	}
	for (size_t i = 0; i < sdp.stream_count && err == VOS_OK; i++)
		err = anchor_stream(call, pass, i, &sdp.streams[i], &anchors[i], &text);
	if (err == VOS_OK &&
	    (!call_dtmf_forward(call, pass, &sdp, body, anchors, out) || out->failed))
		err = VOS_EINVAL;
	if (text.len)
		secret_wipe(memory, sizeof(memory));
	return err;
}

struct cause call_media_cause(enum vos_err err)
{
	switch (err) {
	case VOS_OK:
		return cause_of(CAUSE_NORMAL);
	case VOS_EFULL:
		return cause_of(CAUSE_NO_RTP_PORT);
	case VOS_EPERM:
		return cause_of(CAUSE_NO_CIPHER);
	case VOS_ENOENT:
		return cause_of(CAUSE_NO_CODEC);
	case VOS_ECLOSED:
		return cause_of(CAUSE_NO_FAX);
	case VOS_EINVAL:
		return cause_of(CAUSE_BAD_SDP);
	default:
		return cause_of(CAUSE_NO_MEMORY);
	}
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
		.learning = party->learning,
		.rtp_detection = party->rtp_detection,
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
