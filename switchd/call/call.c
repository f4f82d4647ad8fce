/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The call's state machine up to the answer, and its end: what a report of one leg means for the
 * others. */
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/call/call_ringback.h"
#include "switchd/call/call_record.h"
#include "switchd/call/call_trace.h"
#include "switchd/call/call_forward.h"
#include "switchd/call/call_lists.h"
#include "switchd/call/call_transfer.h"
#include "switchd/fraud/fraud.h"

/* Parts a leg from its call; it finishes its protocol alone. */
static void drop_leg(struct call *call, struct leg *leg)
{
	call->legs[leg->side] = NULL;
	leg->call = NULL;
}

/* < 0: it was not answered. */
static int64_t talk_ms_of(const struct call *call)
{
	uint64_t now_us = *call->table->env.now_us;

	return call->answer_us ? (int64_t)((now_us - call->answer_us) / 1000) : -1;
}

/* Ends the call: releases all legs except `but`, which has ended by itself; frees the call. */
void call_end(struct call *call, struct leg *but, struct cause cause)
{
	/* A caller that was sent elsewhere did not hang up. */
	const struct leg *by = cause.received ? NULL : but;

	call_note(call, TRACE_CALL_END, by ? (uint8_t)by->side : TRACE_NO_SIDE, cause_number(cause),
		  by ? by->side : TRACE_NO_SIDE, "");
	call_record_ended(call, but, cause);
	call_lists_ended(call, cause);
	fraud_feed_ends(call->table->env.fraud, call->fraud_held, talk_ms_of(call));
	if (call->transfer)
		call_transfer_over(call, cause);
	for (int side = 0; side < MEDIA_SIDES; side++) {
		struct leg *leg = call->legs[side];

		if (!leg)
			continue;
		drop_leg(call, leg);
		if (leg != but)
			leg->ops->release(leg, cause);
	}
	/* Why one callee refused is not the others' business. */
	call_attempts_end(call, cause.received ? cause_of(CAUSE_ABANDONED) : cause);
	call_media_close(&call->media, 0);
	call_free(call);
}

void call_texts_free(struct call *call)
{
	if (call->caller)
		pool_give(&call->table->pool, call->caller,
			  (size_t)(call->party + strlen(call->party) + 1 - call->caller));
}

bool call_set_texts(struct call *call, const char *caller, const char *callee, const char *party)
{
	size_t caller_len = strlen(caller) + 1;
	size_t callee_len = strlen(callee) + 1;
	size_t party_len = strlen(party) + 1;

	char *texts = pool_take(&call->table->pool, caller_len + callee_len + party_len);

	if (!texts)
		return false;
	memcpy(texts, caller, caller_len);
	memcpy(texts + caller_len, callee, callee_len);
	memcpy(texts + caller_len + callee_len, party, party_len);
	call_texts_free(call);
	call->caller = texts;
	call->callee = call->caller + caller_len;
	call->party = call->callee + callee_len;
	return true;
}

static bool forward_on(struct call *call, struct cause *cause)
{
	while (call_forward_next(call, cause)) {
		if (call_hunt_next(call))
			return true;
		*cause = call->hunt->answer;
	}
	return false;
}

/* Calls the next candidates, or those of the number that the called one is forwarded to. False:
 * none is left, and *cause says what the caller is to hear. */
bool call_dial_on(struct call *call, struct cause *cause)
{
	if (call_hunt_next(call))
		return true;
	*cause = call->hunt->answer;
	return forward_on(call, cause);
}

void call_start(struct call_table *table, const struct call_setup *setup)
{
	struct call *call = call_new(table);
	struct cause cause;

	if (!call || !call_set_texts(call, setup->caller, setup->callee, setup->party)) {
		if (call)
			call_free(call);
		setup->leg->ops->release(setup->leg, cause_of(CAUSE_NO_MEMORY));
		return;
	}
	call->legs[MEDIA_A] = setup->leg;
	setup->leg->call = call;
	setup->leg->side = MEDIA_A;
	call->is_late_offer = setup->sdp.len == 0;
	call_note_leg(call, setup->leg, 0, setup->party);
	call_note(call, TRACE_CALL_START, MEDIA_A, 0, 0, call->caller);
	call_note(call, TRACE_CALLED, MEDIA_A, 0, 0, call->callee);
	call_note(call, TRACE_MATCHED, MEDIA_A, 0, 0, call->party);
	if (setup->matched_by)
		call_note(call, TRACE_MATCHED_BY, MEDIA_A, 0, 0, setup->matched_by);
	call->privacy = setup->identity.privacy;
	cause = call_record_room(table);
	if (cause.id == CAUSE_NORMAL)
		cause = call_ingress(call, setup);
	if (cause.id == CAUSE_NORMAL)
		cause = call_hunt_fill(call, setup);
	if (cause.id != CAUSE_NORMAL)
		call_end(call, NULL, call_ingress_told(call->hunt, cause));
	else if (!call_dial_on(call, &cause))
		call_end(call, NULL, call_ingress_told(call->hunt, cause));
}

/* After an attempt has failed: the others go on, or the next are called, or the caller is told. */
static void go_on(struct call *call, struct cause cause)
{
	struct call_hunt *hunt = call->hunt;
	bool may_go_on = call_hunt_may_go_on(call, cause);
	bool is_redirected;

	if (may_go_on && hunt->running > 0)
		return;
	if (!may_go_on)
		call_attempts_end(call, cause_of(CAUSE_ABANDONED));
	/* Contacts go before what else might be called. */
	is_redirected = hunt->is_redirected && cause.received < 600;
	hunt->is_redirected = false;
	cause = hunt->answer;
	if (is_redirected ? forward_on(call, &cause)
	    : may_go_on   ? call_dial_on(call, &cause)
			  : forward_on(call, &cause))
		return;
	call_end(call, NULL, call_ingress_told(hunt, cause));
}

/* A party that is called says where the call is to go. */
void call_leg_redirected(struct leg *leg, struct cause cause, const struct call_redirect *to)
{
	struct call_attempt *attempt = leg->attempt;
	struct call *call = leg->call;
	struct leg *caller;
	int mode;

	if (!call || !attempt) {
		call_leg_failed(leg, cause);
		return;
	}
	mode = call_redirect_mode(call, attempt, cause.received);
	/* The party that stays on after a transfer did not call. */
	if (mode == WORD_REDIRECT_PASS && !call->transfer) {
		caller = call->legs[MEDIA_A];
		call_attempt_over(call, attempt, ATTEMPT_FAILED, cause);
		call_end(call, caller, cause);
		caller->ops->redirect(caller, cause.received, to);
		return;
	}
	call->hunt->is_redirected =
		mode == WORD_REDIRECT_FOLLOW && call_forward_redirect(call, attempt, to, &cause);
	call_attempt_over(call, attempt, ATTEMPT_FAILED, cause);
	go_on(call, cause);
}

/* The SDP of an attempt cannot be used. */
static void give_up(struct call *call, struct call_attempt *attempt, struct cause cause)
{
	struct leg *leg = attempt->leg;

	call_attempt_over(call, attempt, ATTEMPT_FAILED, cause);
	leg->ops->release(leg, cause);
	go_on(call, cause);
}

void call_provisional(struct leg *leg, int status, struct span sdp)
{
	struct call_attempt *attempt = leg->attempt;
	struct call *call = leg->call;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));
	struct cause cause;

	if (!call || !attempt)
		return;
	if (status == 100) {
		if (attempt->state == ATTEMPT_CALLING)
			attempt->state = ATTEMPT_TRYING;
		return;
	}
	call_attempt_rings(call, attempt);
	call_transfer_rings(call);
	cause = call_attempt_forward(call, attempt, sdp, &out);
	if (cause.id == CAUSE_NORMAL)
		call_attempt_tell(call, attempt, status, buf_span(&out));
	else
		give_up(call, attempt, cause);
}

/* The attempt becomes the call's leg B, its media the call's; the others have lost. */
static void take_answer(struct call *call, struct call_attempt *attempt, struct span sdp)
{
	struct call_candidate *candidate = attempt->candidate;
	struct leg *leg = attempt->leg;

	call_attempt_open(call, attempt, sdp);
	call_attempt_over(call, attempt, ATTEMPT_ANSWERED, cause_of(CAUSE_NORMAL));
	call->legs[MEDIA_B] = leg;
	call->answered = attempt;
	call->callee_line = call_hunt_take_line(call->hunt, candidate);
	call_ringback_stop(call, candidate);
	call->media = candidate->media;
	memset(candidate->media.sessions, 0, sizeof(candidate->media.sessions));
	memset(candidate->media.ciphers, 0, sizeof(candidate->media.ciphers));
	call->streams[MEDIA_B] = candidate->heard;
	call_note(call, TRACE_ANSWERED, MEDIA_B, 0, call_attempt_number(call, attempt),
		  attempt->party);
	call_media_keep_decision(call, &call->hunt->caller, &candidate->target.decide);
	call->answer_us = *call->table->env.now_us;
	call->answer_ms = clock_wall_ms();
}

void call_answered(struct leg *leg, struct span sdp)
{
	struct call_attempt *attempt = leg->attempt;
	struct call *call = leg->call;
	struct leg *caller;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));
	bool has_agreed;
	struct cause cause;

	if (!call || !attempt)
		return;
	cause = call_attempt_forward(call, attempt, sdp, &out);
	if (cause.id != CAUSE_NORMAL) {
		give_up(call, attempt, cause);
		return;
	}
	if (sdp.len == 0 && !call->is_late_offer && attempt->candidate->early_sdp)
		buf_add(&out, attempt->candidate->early_sdp, attempt->candidate->early_sdp_len);
	has_agreed = call->hunt->agreed == attempt && !leg->is_other_callee;
	take_answer(call, attempt, buf_span(&out));
	call_record_answered(call);
	call_limit_start(call, &attempt->candidate->target);
	if (call->transfer) {
		call_attempts_end(call, cause_of(CAUSE_ANSWERED_ELSEWHERE));
		call_hunt_end(call);
		call_transfer_answered(call, leg, buf_span(&out));
		return;
	}
	if (call->is_late_offer && sdp.len && !has_agreed)
		call->ack_pending = true; /* the caller's ACK brings the answer */
	else
		leg->ops->ack(leg, SPAN_NONE);
	caller = call->legs[MEDIA_A];
	caller->ops->answer(caller, buf_span(&out));
	call_attempts_end(call, cause_of(CAUSE_ANSWERED_ELSEWHERE));
	call_hunt_end(call);
}

void call_leg_failed(struct leg *leg, struct cause cause)
{
	struct call_attempt *attempt = leg->attempt;
	struct call *call = leg->call;

	if (!call)
		return;
	if (!attempt) {
		drop_leg(call, leg);
		call_end(call, NULL, cause);
		return;
	}
	call_attempt_over(call, attempt, ATTEMPT_FAILED, cause);
	go_on(call, cause);
}

void call_leg_released(struct leg *leg, struct cause cause)
{
	if (leg->call && !call_transfer_left(leg))
		call_end(leg->call, leg, cause);
}
