/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers and answers before the call is answered: between the caller and the callee whose SDP it
 * has, when both sides' provisional answers are reliable (RFC 3262 section 5, RFC 3311). */
#include <stdlib.h>

#include "switchd/call/call_early.h"
#include "switchd/call/call_hunt.h"

struct call_attempt *call_early_told(const struct call *call, const struct leg *leg)
{
	struct call_attempt *attempt;

	/* hunt->told is only to be read; the list has the same one. */
	for (attempt = call->attempts; attempt; attempt = attempt->next)
		if (attempt == call->hunt->told)
			break;
	if (!attempt || !attempt->leg || !attempt->candidate)
		return NULL;
	return leg->side == MEDIA_A || leg == attempt->leg ? attempt : NULL;
}

struct call_attempt *call_early_attempt(const struct call *call, const struct leg *leg)
{
	struct call_attempt *attempt = call_early_told(call, leg);

	return attempt && call->hunt->told_path == attempt->candidate->path ? attempt : NULL;
}

void call_early_answer(struct call *call, struct leg *leg, struct span sdp)
{
	struct call_attempt *attempt = call_early_attempt(call, leg);
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));
	struct leg *callee;
	enum vos_err err = VOS_EINVAL;

	if (!attempt || !attempt->leg->wants_answer)
		return; /* that callee is gone; the next one has an offer of its own */
	callee = attempt->leg;
	if (sdp.len)
		err = call_forward_sdp(call, attempt, leg, true, sdp, &out);
	if (err != VOS_OK) {
		call_end(call, NULL,
			 cause_of(err == VOS_EFULL ? CAUSE_NO_RTP_PORT : CAUSE_BAD_SDP));
		return;
	}
	call->hunt->agreed = attempt;
	callee->ops->ack(callee, buf_span(&out));
}

void call_early_over(struct call *call, struct call_attempt *attempt, enum call_attempt_state state)
{
	struct call_offer *offer = call->offer;
	struct leg *caller = call->legs[MEDIA_A];

	/* What the caller has asked this callee is left without an answer. */
	if (state != ATTEMPT_ANSWERED && caller && caller->call == call &&
	    call->hunt->told == attempt)
		caller->ops->inside_result(caller, 0, 480);
	if (!offer || offer->attempt != attempt)
		return;
	if (state == ATTEMPT_ANSWERED) {
		offer->attempt = NULL;
		return;
	}
	/* Its streams are closed, or kept for the next attempt, with all others of it. */
	call->offer = NULL;
	if (offer->by == MEDIA_A && caller)
		caller->ops->offer_result(caller, 491, SPAN_NONE);
	call_offer_free(offer);
}
