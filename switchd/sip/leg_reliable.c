/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Provisional answers to a caller that asks for reliable ones (RFC 3262 section 3), whatever the
 * callee does: one at a time, repeated until its PRACK; what comes meanwhile waits, and so does the
 * answer while an SDP is not acknowledged. */
#include <stdlib.h>
#include <utlist.h>

#include "switchd/sip/dispatch.h"
#include "switchd/sip/leg_early.h"

void leg_reliable_use(struct sip_leg *leg, const struct sip_msg *msg)
{
	bool is_required = sip_msg_has_token(msg, SIP_HDR_REQUIRE, SPAN_LIT("100rel"));
	struct leg_early *early;

	if (!is_required && !sip_msg_has_token(msg, SIP_HDR_SUPPORTED, SPAN_LIT("100rel")))
		return;
	early = leg_early_use(leg);
	if (!early)
		return; /* then none is sent, or not reliably */
	early->is_reliable = true;
	early->is_required = is_required;
	early->is_late = leg_sdp(msg).len == 0;
	random_take(&leg->worker->random, &early->rseq, sizeof(early->rseq));
	early->rseq >>= 1; /* the first one is 1..2**31-1, and the rest has room */
	leg->base.takes_early_offer = early->is_late;
}

static void respond_plainly(struct sip_leg *leg, int status, struct span sdp)
{
	char memory[512];
	struct buf extra = buf_over(memory, sizeof(memory));

	leg_add_contact(leg, &extra);
	txn_server_respond(leg->worker, leg->invite_in, status, NULL, span_of(leg->local_tag),
			   buf_span(&extra), SPAN_LIT("application/sdp"), sdp);
}

/* What stands behind the line of version and origin, which differ without meaning anything. */
static struct span without_origin(struct span sdp)
{
	for (int line = 0; line < 2; line++) {
		size_t len = span_find(sdp, '\n');

		if (len == sdp.len)
			break;
		sdp = (struct span){sdp.ptr + len + 1, sdp.len - len - 1};
	}
	return sdp;
}

/* False: it is what the caller has, or nothing. Else it is to be offered. */
static bool note_change(struct leg_early *early, struct span sdp)
{
	if (sdp.len == 0)
		return false;
	free(early->sdp_next);
	early->sdp_next = NULL;
	if (!span_eq(without_origin(sdp), without_origin(span_of(early->sdp_sent))))
		early->sdp_next = span_dup(sdp);
	return early->sdp_next != NULL;
}

/* What the caller has agreed on is changed by an offer, now or when the call is up. */
static void offer_change(struct sip_leg *leg)
{
	struct leg_early *early = leg->early;

	if (early->sdp_next && !early->is_settled && !early->is_waiting)
		early->is_settled = leg_update_own_offer(leg, span_of(early->sdp_next));
}

static void respond_reliably(struct sip_leg *leg, int status, struct span sdp, bool is_offer)
{
	struct leg_early *early = leg->early;
	char memory[1024];
	struct buf extra = buf_over(memory, sizeof(memory));
	struct span body = sdp;

	if (early->sdp_sent) {
		if (sdp.len && note_change(early, sdp))
			early->is_settled = false;
		body = SPAN_NONE;
	} else if (sdp.len) {
		early->sdp_sent = span_dup(sdp);
		if (!early->sdp_sent)
			return;
	}
	early->is_waiting = true;
	early->waits_for_sdp = body.len > 0;
	early->is_offering = body.len > 0 && is_offer;
	early->rseq++;
	leg_add_contact(leg, &extra);
	buf_printf(&extra, "Require: 100rel\r\nRSeq: %u\r\nAllow: " SIP_ALLOW "\r\n",
		   (unsigned)early->rseq);
	txn_server_respond_reliably(leg->worker, leg->invite_in, status, span_of(leg->local_tag),
				    buf_span(&extra), SPAN_LIT("application/sdp"), body);
}

static struct leg_held *held_new(int status, struct span sdp)
{
	struct leg_held *held = malloc(sizeof(*held) + sdp.len);

	if (!held)
		return NULL;
	*held = (struct leg_held){.status = status, .len = sdp.len};
	if (sdp.len)
		memcpy(held->sdp, sdp.ptr, sdp.len);
	return held;
}

static void hold(struct sip_leg *leg, int status, struct span sdp)
{
	struct leg_held *held;
	unsigned count;

	LL_COUNT(leg->early->held, held, count);
	if (count >= LEG_HELD_MAX)
		return;
	held = held_new(status, sdp);
	if (!held)
		return;
	held->wants_answer = leg->base.wants_answer;
	LL_APPEND(leg->early->held, held);
}

static void drop_held(struct leg_early *early)
{
	struct leg_held *held, *next;

	LL_FOREACH_SAFE (early->held, held, next)
		free(held);
	early->held = NULL;
}

void leg_reliable_provisional(struct sip_leg *leg, int status, struct span sdp)
{
	struct leg_early *early = leg->early;
	bool is_offer = sdp.len && leg->base.wants_answer;

	if (!early || !early->is_reliable) {
		respond_plainly(leg, status, sdp);
	} else if (early->is_late && !early->sdp_sent && !is_offer) {
		/* The first reliable answer to an INVITE without offer has to have one (RFC 3261
		 * 13.2.1), and the callee has made none that could be answered now. */
		if (!early->is_required)
			respond_plainly(leg, status, sdp);
	} else if (early->is_waiting) {
		hold(leg, status, sdp);
	} else {
		respond_reliably(leg, status, sdp, is_offer);
		offer_change(leg);
	}
}

void leg_reliable_renew(struct sip_leg *leg)
{
	struct leg_early *early = leg->early;

	if (!early)
		return;
	drop_held(early);
	free(early->sdp_sent);
	free(early->sdp_next);
	early->sdp_sent = NULL;
	early->sdp_next = NULL;
	early->is_settled = false;
	if (early->is_waiting && leg->invite_in)
		txn_server_pracked(leg->worker, leg->invite_in);
	early->is_waiting = false;
	early->waits_for_sdp = false;
	early->is_offering = false;
}

bool leg_reliable_holds(struct sip_leg *leg, struct span sdp)
{
	struct leg_early *early = leg->early;

	if (!early || early->answer)
		return early != NULL;
	drop_held(early);
	if (!leg->offer_in && !(early->is_waiting && early->waits_for_sdp))
		return false;
	early->answer = held_new(200, sdp);
	return early->answer != NULL;
}

struct span leg_reliable_body(struct sip_leg *leg, struct span sdp)
{
	struct leg_early *early = leg->early;

	if (!early || !early->sdp_sent)
		return sdp;
	note_change(early, sdp);
	return SPAN_NONE;
}

void leg_reliable_go_on(struct sip_leg *leg)
{
	struct leg_early *early = leg->early;
	struct leg_held *held;

	if (!early || leg->state != LEG_INCOMING || !leg->invite_in || early->is_waiting ||
	    leg->offer_in)
		return;
	held = early->answer ? early->answer : early->held;
	if (!held) {
		offer_change(leg);
		return;
	}
	if (held == early->answer) {
		early->answer = NULL;
		leg_confirm(leg, (struct span){held->sdp, held->len});
	} else {
		LL_DELETE(early->held, held);
		respond_reliably(leg, held->status, (struct span){held->sdp, held->len},
				 held->len && held->wants_answer);
		offer_change(leg);
	}
	free(held);
}

/* --- PRACK. --- */

/* "776656 1 INVITE" */
static bool is_rack_of(const struct sip_leg *leg, const struct sip_msg *msg)
{
	const struct sip_header *header = sip_msg_first(msg, SIP_HDR_RACK);
	const struct leg_early *early = leg->early;
	struct span rest = header ? header->value : SPAN_NONE;
	uint64_t numbers[2];

	for (int i = 0; i < 2; i++) {
		size_t len = span_find(rest, ' ');

		if (len == rest.len ||
		    !span_to_u64((struct span){rest.ptr, len}, UINT32_MAX, &numbers[i]))
			return false;
		rest = span_trim((struct span){rest.ptr + len, rest.len - len});
	}
	return early && early->is_waiting && numbers[0] == early->rseq &&
	       numbers[1] == leg->ack_cseq && span_eq(rest, SPAN_LIT("INVITE"));
}

static void answer_prack(struct sip_leg *leg, struct txn_server *txn, struct span sdp)
{
	txn_server_set_user(txn, NULL, NULL);
	txn_server_respond(leg->worker, txn, 200, NULL, SPAN_NONE, SPAN_NONE,
			   SPAN_LIT("application/sdp"), sdp);
}

/* RFC 3262 section 5: an offer, once the one of the INVITE is answered. */
static void take_offer(struct sip_leg *leg, struct txn_server *txn, struct span sdp)
{
	int status;

	leg->offer_in = txn;
	leg->early->is_prack_in = true;
	free(leg->early->asked);
	leg->early->asked = span_dup(sdp);
	status = call_offer(&leg->base, sdp);
	if (status)
		leg_update_result(leg, status, SPAN_NONE);
}

static void take_prack(struct sip_leg *leg, struct txn_server *txn, const struct sip_msg *msg)
{
	struct leg_early *early = leg->early;
	struct span sdp = leg_sdp(msg);
	bool is_answer = early->is_offering;

	if (leg->invite_in)
		txn_server_pracked(leg->worker, leg->invite_in);
	early->is_waiting = false;
	early->waits_for_sdp = false;
	early->is_offering = false;
	if (!is_answer && sdp.len && early->sdp_sent && leg->state == LEG_INCOMING &&
	    !leg->offer_in && !early->update_out) {
		take_offer(leg, txn, sdp);
		return;
	}
	/* An offer that cannot be put to anybody now: what was agreed on is said again. */
	answer_prack(leg, txn, sdp.len && !is_answer ? span_of(early->sdp_sent) : SPAN_NONE);
	if (is_answer)
		call_acked(&leg->base, sdp);
}

void leg_reliable_prack(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx)
{
	struct txn_server *txn;

	if (!is_rack_of(leg, rx->msg)) {
		sip_reply_stateless(worker, rx, 481, NULL);
		return;
	}
	txn = txn_server_new(worker, rx, leg_txn_event, leg);
	if (!txn) {
		sip_reply_stateless(worker, rx, 503, NULL);
		return;
	}
	take_prack(leg, txn, rx->msg);
	/* That may have been the end of the leg. */
	if (leg->state == LEG_INCOMING)
		leg_reliable_go_on(leg);
	else if (leg->state == LEG_CONFIRMED && !leg->awaits_ack)
		leg_reliable_acked(leg);
}

void leg_reliable_lost(struct sip_leg *leg)
{
	struct cause cause = cause_of(CAUSE_NO_PRACK);

	call_leg_timer(&leg->base, "PRACK", 32);
	call_leg_released(&leg->base, cause);
	leg->base.ops->release(&leg->base, cause);
}

void leg_reliable_acked(struct sip_leg *leg)
{
	struct leg_early *early = leg->early;
	struct span sdp;

	/* A PRACK may still come for what the 2xx has overtaken (RFC 3262 section 3). */
	if (!early || early->is_waiting || early->update_out)
		return;
	sdp = span_of(early->sdp_next);
	if (sdp.len && !leg->session.offer_is_out && !leg->offer_in) {
		leg_session_sent(leg, sdp);
		leg_offer_refresh(leg, sdp);
	}
	leg_early_end(leg);
}
