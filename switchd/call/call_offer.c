/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the call: new offers from either side (RFC 3264 section 8), and what just passes.
 *
 * Where the asker moves its media to takes effect with the answer; a refused offer leaves the call
 * as it was (RFC 3261 14.1), its relay included. */
#include <stdlib.h>

#include "switchd/call/call_early.h"
#include "switchd/call/call_transfer.h"
#include "switchd/media/sdp_codecs.h"

static struct leg *other_of(const struct call *call, const struct call_attempt *attempt,
			    const struct leg *leg)
{
	if (!attempt)
		return call_other_leg(call, leg);
	return leg->side == MEDIA_A ? attempt->leg : call->legs[MEDIA_A];
}

static struct call_media *media_of(struct call *call, const struct call_attempt *attempt)
{
	return attempt ? &attempt->candidate->media : &call->media;
}

static struct call_stream *heard_of(struct call *call, const struct call_attempt *attempt,
				    enum media_side side)
{
	return attempt && side == MEDIA_B ? &attempt->candidate->heard : &call->streams[side];
}

enum vos_err call_forward_sdp(struct call *call, const struct call_attempt *attempt,
			      struct leg *from, bool is_answer, struct span sdp, struct buf *out)
{
	const struct call_pass pass = {
		.media = media_of(call, attempt),
		.from = from,
		.anchor = &other_of(call, attempt, from)->media,
		.heard = heard_of(call, attempt, from->side),
		.is_answer = is_answer,
	};

	return call_media_forward(call, &pass, sdp, out);
}

/* False when the call had to end over it. */
static bool forward(struct call *call, const struct call_attempt *attempt, struct leg *from,
		    bool is_answer, struct span sdp, struct buf *out)
{
	enum vos_err err = call_forward_sdp(call, attempt, from, is_answer, sdp, out);

	if (err == VOS_OK)
		return true;
	call_end(call, NULL, call_media_cause(err));
	return false;
}

void call_acked(struct leg *leg, struct span sdp)
{
	struct call *call = leg->call;
	struct leg *other;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));

	if (call && call->hunt && !call->ack_pending) {
		call_early_answer(call, leg, sdp);
		return;
	}
	if (!call || !call->ack_pending)
		return;
	call->ack_pending = false;
	other = call_other_leg(call, leg);
	/* A late offer left without an answer: nothing can be heard (RFC 3261 13.2.1). */
	if (sdp.len == 0) {
		other->ops->ack(other, SPAN_NONE);
		call_end(call, NULL, cause_of(CAUSE_BAD_SDP));
		return;
	}
	if (forward(call, NULL, leg, true, sdp, &out))
		other->ops->ack(other, buf_span(&out));
}

void call_offer_free(struct call_offer *offer)
{
	if (offer)
		free(offer->sdp);
	free(offer);
}

/* The call as it was before the offer. */
static void drop_offer(struct call *call)
{
	struct call_media *media;

	if (call->offer) {
		media = media_of(call, call->offer->attempt);
		call_media_close(media, call->offer->streams_before);
		call_dtmf_restore(&media->dtmf, &call->offer->dtmf_before);
	}
	call_offer_free(call->offer);
	call->offer = NULL;
}

static void keep_offer(struct call *call)
{
	struct call_offer *offer = call->offer;

	if (offer->sdp && call->hunt)
		(void)call_hunt_keep_sdp(call, (struct span){offer->sdp, offer->sdp_len});
	if (!offer->was_empty)
		*heard_of(call, offer->attempt, offer->by) = offer->heard;
	call_media_set_peers(media_of(call, offer->attempt), offer->by, &offer->peers);
	call_offer_free(offer);
	call->offer = NULL;
}

int call_offer(struct leg *leg, struct span sdp)
{
	struct call *call = leg->call;
	struct call_attempt *attempt = NULL;
	struct leg *other;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));
	struct call_pass pass = {.from = leg};

	if (!call)
		return 481;
	if (call->hunt)
		attempt = call_early_attempt(call, leg);
	if ((call->hunt && !attempt) || call->offer || call->ack_pending ||
	    call_transfer_is_joining(call))
		return 491;
	call->offer = calloc(1, sizeof(*call->offer));
	if (!call->offer)
		return 500;
	call->offer->by = leg->side;
	call->offer->attempt = attempt;
	call->offer->was_empty = sdp.len == 0;
	call->offer->heard = *heard_of(call, attempt, leg->side);
	call->offer->streams_before = call_media_open_streams(media_of(call, attempt));
	call->offer->dtmf_before = media_of(call, attempt)->dtmf;
	if (attempt && leg->side == MEDIA_A) {
		call->offer->sdp = span_dup(sdp);
		call->offer->sdp_len = call->offer->sdp ? sdp.len : 0;
	}
	other = other_of(call, attempt, leg);
	pass.media = media_of(call, attempt);
	pass.anchor = &other->media;
	pass.heard = &call->offer->heard;
	pass.peers = &call->offer->peers;
	if (call_media_forward(call, &pass, sdp, &out) != VOS_OK) {
		drop_offer(call);
		return 488;
	}
	other->ops->offer(other, buf_span(&out));
	return 0;
}

void call_offer_withdrawn(struct leg *leg)
{
	struct call *call = leg->call;
	struct leg *other;

	if (!call || !call->offer || leg->side != call->offer->by || call->offer->is_withdrawn)
		return;
	call->offer->is_withdrawn = true;
	other = other_of(call, call->offer->attempt, leg);
	other->ops->withdraw_offer(other);
}

/* A challenge, a redirection or a dispute over the session timer is for us alone. */
static int status_for_asker(int status)
{
	bool is_ours =
		(status >= 300 && status < 400) || status == 401 || status == 407 || status == 422;

	return is_ours ? 488 : status;
}

/* The other side has taken the offer; false when the call had to end over its SDP. */
static bool accept_offer(struct call *call, struct leg *leg, struct span sdp, struct buf *out)
{
	const struct call_attempt *attempt = call->offer->attempt;
	bool was_empty = call->offer->was_empty;

	keep_offer(call);
	if (!forward(call, attempt, leg, !was_empty, sdp, out))
		return false;
	if (was_empty && sdp.len)
		call->ack_pending = true;
	else
		leg->ops->ack(leg, SPAN_NONE);
	return true;
}

/* An answer by which the session goes on as it is; empty: it takes more than what is known here.
 */
static struct span same_again(const struct call *call, const struct leg *leg, struct span offer,
			      struct buf *out)
{
	const struct call_stream *other = &call->streams[leg->side == MEDIA_A ? MEDIA_B : MEDIA_A];
	struct sdp_anchor anchor = {.address = other->address};
	const struct media_session *session = call->media.sessions[0];
	struct conf_codecs codec = {.count = 1};
	const struct sdp_codecs codecs = {.from = &codec, .to = &codec, .is_answer = true};
	char memory[SDP_BYTES_MAX + SDP_LINES_MAX];
	struct buf body = buf_over(memory, sizeof(memory));
	struct sdp sdp;
	const char *why;

	if (call->media.ciphers[0] || !sdp_scan(offer, &sdp, &why) ||
	    !addr_eq(&sdp.streams[0].rtp, &call->streams[leg->side].address) ||
	    !sdp_codec_named(other->codec, &codec.list[0]) ||
	    !sdp_codecs_write(offer, &sdp, &codecs, &body))
		return SPAN_NONE;
	if (session) {
		anchor.address = leg->media.shown;
		anchor.address.port = media_port(session, leg->side);
		anchor.write_rtcp = media_layout_of(session) == MEDIA_COMPACT;
	}
	if (!anchor.address.port || !sdp_answer(buf_span(&body), &anchor, other->direction, out))
		return SPAN_NONE;
	return buf_span(out);
}

/* The 2xx to an offer of ours, or to none, that nobody waits for. */
static void settle(struct leg *leg, struct span sdp)
{
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));
	bool has_offer = leg->offers_late && leg->call;
	struct span same = has_offer ? same_again(leg->call, leg, sdp, &out) : SPAN_NONE;

	/* What has changed is for the other side to answer, if it can be asked. */
	if (same.len || !has_offer || call_offer(leg, sdp) != 0)
		leg->ops->ack(leg, same);
}

void call_offer_result(struct leg *leg, int status, struct span sdp)
{
	struct call *call = leg->call;
	struct leg *asker;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));

	if (call && call->transfer && call_transfer_result(leg, status, sdp))
		return;
	if (!call || !call->offer || leg->side == call->offer->by) {
		if (status < 300) /* of a transfer that was given up */
			settle(leg, sdp);
		return;
	}
	asker = other_of(call, call->offer->attempt, leg);
	if (status < 300 && call->offer->is_withdrawn) {
		drop_offer(call);
		settle(leg, sdp); /* crossed with the CANCEL */
		return;
	}
	if (status >= 300)
		drop_offer(call);
	else if (!accept_offer(call, leg, sdp, &out))
		return;
	if (call->transfer && call->transfer->stage == TRANSFER_REPLACING)
		call_replace_result(call, status_for_asker(status), buf_span(&out));
	else
		asker->ops->offer_result(asker, status_for_asker(status), buf_span(&out));
	/* RFC 3261 14.1: these two say that the dialog is gone. */
	if (status == 481 || status == 408)
		call_end(call, NULL, cause_of(CAUSE_DIALOG_LOST));
}

void call_refreshed(struct leg *leg, struct span sdp)
{
	struct call *call = leg->call;
	struct call_stream heard;
	struct sdp scanned;
	const char *why;

	if (!call || call->hunt || !sdp_scan(sdp, &scanned, &why) || !scanned.stream_count)
		return;
	call_media_refreshed(call, leg, &scanned);
	heard = call->streams[leg->side];
	call_media_note(&heard, &scanned);
	if (addr_eq(&heard.address, &call->streams[leg->side].address) &&
	    heard.direction == call->streams[leg->side].direction &&
	    strcmp(heard.codec, call->streams[leg->side].codec) == 0)
		return;
	/* Its side has changed although ours has not: the other side is told as of an offer. What
	 * comes of that needs no answer; while another offer is under way that one decides. */
	(void)call_offer(leg, sdp);
}

/* The other side of what just passes; before the answer that is the callee that the caller hears
 * of. NULL: nobody. */
static struct leg *listener(const struct call *call, const struct leg *leg,
			    struct call_attempt **attempt)
{
	*attempt = NULL;
	if (!call || (call->hunt && call->transfer))
		return NULL;
	if (!call->hunt)
		return call_other_leg(call, leg);
	*attempt = call_early_told(call, leg);
	return *attempt ? other_of(call, *attempt, leg) : NULL;
}

void call_inside_request(struct leg *leg, const struct call_inside *inside)
{
	struct call_attempt *attempt;
	struct leg *other = listener(leg->call, leg, &attempt);

	if (other && call_dtmf_take(leg, media_of(leg->call, attempt), inside))
		return;
	if (!other || !other->ops->inside(other, inside))
		leg->ops->inside_result(leg, inside->number, 480);
}

void call_inside_result(struct leg *leg, uint32_t number, int status)
{
	struct call *call = leg->call;
	struct call_attempt *attempt;
	struct leg *asker = listener(call, leg, &attempt);

	if (!asker)
		return;
	/* Of these two the asker would think that its own dialog is gone. */
	if (number)
		asker->ops->inside_result(
			asker, number,
			status == 481 || status == 408 ? 480 : status_for_asker(status));
	/* An early dialog ends by its INVITE. */
	if (status == 481 && !attempt)
		call_end(call, NULL, cause_of(CAUSE_DIALOG_LOST));
}
