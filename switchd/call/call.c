/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The call's state machine: what a report of one leg means for the other. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/call/call_private.h"

/* Parts a leg from its call; it finishes its protocol alone. */
static void drop_leg(struct call *call, struct leg *leg)
{
	call->legs[leg->side] = NULL;
	leg->call = NULL;
}

/* Ends the call: releases both legs except `but`, which has ended by itself; frees the call. */
void call_end(struct call *call, struct leg *but, struct cause cause)
{
	for (int side = 0; side < MEDIA_SIDES; side++) {
		struct leg *leg = call->legs[side];

		if (!leg)
			continue;
		drop_leg(call, leg);
		if (leg != but)
			leg->ops->release(leg, cause);
	}
	call_media_close(call);
	call_free(call);
}

static bool set_numbers(struct call *call, const char *caller, const char *callee)
{
	size_t caller_len = strlen(caller) + 1;
	size_t callee_len = strlen(callee) + 1;

	call->caller = malloc(caller_len + callee_len);
	if (!call->caller)
		return false;
	memcpy(call->caller, caller, caller_len);
	call->callee = call->caller + caller_len;
	memcpy(call->callee, callee, callee_len);
	return true;
}

void call_start(struct call_table *table, const struct call_setup *setup)
{
	struct call *call = call_new(table);
	struct cause cause;

	if (!call || !set_numbers(call, setup->caller, setup->callee)) {
		if (call)
			call_free(call);
		setup->leg->ops->release(setup->leg, cause_of(CAUSE_NO_MEMORY));
		return;
	}
	call->legs[MEDIA_A] = setup->leg;
	setup->leg->call = call;
	setup->leg->side = MEDIA_A;
	call->is_late_offer = setup->sdp.len == 0;
	snprintf(call->party[MEDIA_A], sizeof(call->party[MEDIA_A]), "%.39s", setup->party);
	cause = call_hunt_fill(call, setup);
	if (cause.id == CAUSE_NORMAL && !call_hunt_next(call))
		cause = call->hunt->last;
	if (cause.id != CAUSE_NORMAL || cause.received)
		call_end(call, NULL, cause);
}

/* SDP of one leg, made ready for the other; false when the call had to end over it. */
static bool forward(struct call *call, struct leg *from, struct span sdp, struct buf *out)
{
	struct leg *to = call_other_leg(call, from);
	enum vos_err err = call_media_forward(call, from, &to->media_address, sdp, out);

	if (err == VOS_OK)
		return true;
	call_end(call, NULL, cause_of(err == VOS_EFULL ? CAUSE_NO_RTP_PORT : CAUSE_BAD_SDP));
	return false;
}

/* A callee whose 18x had SDP may leave it out of its 200 (wrongly: RFC 3261 13.2.1). */
static void keep_early_sdp(struct call_hunt *hunt, struct span sdp)
{
	char *copy = sdp.len ? span_dup(sdp) : NULL;

	if (!copy)
		return;
	free(hunt->early_sdp);
	hunt->early_sdp = copy;
	hunt->early_sdp_len = sdp.len;
}

void call_provisional(struct leg *leg, int status, struct span sdp)
{
	struct call *call = leg->call;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));

	if (!call || call->state == CALL_CONNECTED)
		return;
	if (status == 100) {
		if (call->state == CALL_SETUP)
			call->state = CALL_TRYING;
		return;
	}
	call->state = CALL_RINGING;
	call->was_ringing = true;
	if (!forward(call, leg, sdp, &out))
		return;
	keep_early_sdp(call->hunt, buf_span(&out));
	call->legs[MEDIA_A]->ops->provisional(call->legs[MEDIA_A], status, buf_span(&out));
}

static void duration_fired(struct wheel_timer *timer, void *owner)
{
	struct call *call = (struct call *)((char *)timer - offsetof(struct call, duration));

	(void)owner;
	call_end(call, NULL, cause_of(CAUSE_MAX_DURATION));
}

static void start_duration(struct call *call)
{
	const struct value *limit =
		snapshot_param((*call->table->env.conf)->snapshot, PARAM_SS_MAX_CALL_DURATION);

	if (limit->type != VALUE_NONE && limit->number > 0)
		wheel_start(call->table->env.wheel, &call->duration, duration_fired,
			    *call->table->env.now_us, (uint64_t)limit->number * 1000000);
}

void call_answered(struct leg *leg, struct span sdp)
{
	struct call *call = leg->call;
	struct leg *caller;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));

	if (!call || call->state == CALL_CONNECTED)
		return;
	if (!forward(call, leg, sdp, &out))
		return;
	if (sdp.len == 0 && !call->is_late_offer && call->hunt->early_sdp)
		buf_add(&out, call->hunt->early_sdp, call->hunt->early_sdp_len);
	caller = call->legs[MEDIA_A];
	call->state = CALL_CONNECTED;
	call->answer_us = *call->table->env.now_us;
	call->answer_ms = clock_wall_ms();
	call_hunt_end(call);
	start_duration(call);
	if (call->is_late_offer && sdp.len)
		call->ack_pending = true; /* the caller's ACK brings the answer */
	else
		leg->ops->ack(leg, SPAN_NONE);
	caller->ops->answer(caller, buf_span(&out));
}

void call_acked(struct leg *leg, struct span sdp)
{
	struct call *call = leg->call;
	struct leg *other;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));

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
	if (forward(call, leg, sdp, &out))
		other->ops->ack(other, buf_span(&out));
}

void call_leg_failed(struct leg *leg, struct cause cause)
{
	struct call *call = leg->call;

	if (!call)
		return;
	drop_leg(call, leg);
	if (!call->hunt) {
		call_end(call, NULL, cause);
		return;
	}
	call_note_attempt(call, cause);
	call->hunt->last = cause;
	/* The next one answers for itself. */
	free(call->hunt->early_sdp);
	call->hunt->early_sdp = NULL;
	call->state = CALL_SETUP;
	if (call_hunt_may_go_on(call, cause) && call_hunt_next(call))
		return;
	call_end(call, NULL, call->hunt->last);
}

void call_leg_released(struct leg *leg, struct cause cause)
{
	if (leg->call)
		call_end(leg->call, leg, cause);
}

int call_offer(struct leg *leg, struct span sdp)
{
	struct call *call = leg->call;
	struct leg *other;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));

	if (!call)
		return 481;
	if (call->state != CALL_CONNECTED || call->offer_pending || call->ack_pending)
		return 491;
	other = call_other_leg(call, leg);
	if (call_media_forward(call, leg, &other->media_address, sdp, &out) != VOS_OK)
		return 488;
	call->offer_pending = true;
	call->offer_by = leg->side;
	call->offer_was_empty = sdp.len == 0;
	call->offer_is_withdrawn = false;
	other->ops->offer(other, buf_span(&out));
	return 0;
}

void call_offer_withdrawn(struct leg *leg)
{
	struct call *call = leg->call;
	struct leg *other;

	if (!call || !call->offer_pending || leg->side != call->offer_by ||
	    call->offer_is_withdrawn)
		return;
	call->offer_is_withdrawn = true;
	other = call_other_leg(call, leg);
	other->ops->withdraw_offer(other);
}

/* A challenge or a redirection is for us alone. */
static int status_for_asker(int status)
{
	bool is_ours = (status >= 300 && status < 400) || status == 401 || status == 407;

	return is_ours ? 488 : status;
}

void call_offer_result(struct leg *leg, int status, struct span sdp)
{
	struct call *call = leg->call;
	struct leg *asker;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));

	if (!call || !call->offer_pending || leg->side == call->offer_by)
		return;
	call->offer_pending = false;
	asker = call->legs[call->offer_by];
	if (status < 300 && call->offer_is_withdrawn) {
		leg->ops->ack(leg, SPAN_NONE); /* crossed with the CANCEL; nobody waits for it */
		return;
	}
	if (status < 300) {
		if (!forward(call, leg, sdp, &out))
			return;
		if (call->offer_was_empty && sdp.len)
			call->ack_pending = true;
		else
			leg->ops->ack(leg, SPAN_NONE);
	}
	asker->ops->offer_result(asker, status_for_asker(status), buf_span(&out));
	/* RFC 3261 14.1: these two say that the dialog is gone. */
	if (status == 481 || status == 408)
		call_end(call, NULL, cause_of(CAUSE_DIALOG_LOST));
}

void call_info_message(struct leg *leg, struct span content_type, struct span body)
{
	struct leg *other = leg->call ? call_other_leg(leg->call, leg) : NULL;

	if (other)
		other->ops->info(other, content_type, body);
}
