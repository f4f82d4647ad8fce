/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a transfer: from the target's answer to the end of the old call, and every way in
 * which it can end before. How it begins is in call_refer.c. */
#include "switchd/call/call_far.h"

#include "switchd/call/call_record.h"
#include "switchd/call/call_trace.h"

#include <stdlib.h>
#include <utlist.h>

#define RETRY_MS    500u
#define RETRIES_MAX 20u

bool call_transfer_is_joining(const struct call *call)
{
	/* A leg that is replaced is offered like any other. */
	return call->transfer && (call->transfer->stage == TRANSFER_ASKING ||
				  call->transfer->stage == TRANSFER_JOINING ||
				  call->transfer->stage == TRANSFER_LENDING);
}

static void tell(const struct call_transfer *transfer, int status)
{
	struct leg *referrer = transfer->referrer;

	if (transfer->old)
		call_note(transfer->old, TRACE_TRANSFER_TOLD, TRACE_NO_SIDE, status, 0, "");
	if (referrer && referrer->call && referrer->call == transfer->old)
		referrer->ops->referred(referrer, status);
}

void call_transfer_rings(struct call *call)
{
	if (call->transfer && call->transfer->fresh == call)
		tell(call->transfer, 180);
}

static const struct call_env *env_of(const struct call_transfer *transfer)
{
	const struct call *call = transfer->old ? transfer->old : transfer->fresh;

	return call ? &call->table->env : &transfer->consult->table->env;
}

void call_transfer_end(struct call_transfer *transfer)
{
	wheel_stop(env_of(transfer)->wheel, &transfer->timer);
	if (transfer->far)
		call_far_over(transfer);
	if (transfer->old)
		transfer->old->transfer = NULL;
	if (transfer->consult)
		transfer->consult->transfer = NULL;
	if (transfer->fresh)
		transfer->fresh->transfer = NULL;
	free(transfer->sdp);
	free(transfer);
}

/* --- Legs change their calls. --- */

static void keep_line(struct call_past *past, struct live **line)
{
	if (*line && past && past->line_count < sizeof(past->lines) / sizeof(past->lines[0])) {
		past->lines[past->line_count++] = *line;
		*line = NULL;
	}
}

static void keep_groups(struct call_past *past, struct call_lines **held,
			struct call_lines **groups)
{
	if (!*groups) {
		*groups = *held;
		*held = NULL;
	}
	/* What `past` has no room for is given back with the call before. */
	for (size_t i = 0; *held && i < (*held)->count; i++)
		keep_line(past, &(*held)->lines[i]);
}

void call_transfer_keep(struct call *from, enum media_side side, struct call_past *past,
			struct call_lines **groups)
{
	struct call_lines **held = side == MEDIA_A  ? &from->caller_groups
				   : from->answered ? &from->answered->groups
						    : NULL;

	if (held)
		keep_groups(past, held, groups);
	if (side == MEDIA_A) {
		keep_line(past, &from->caller_line);
		for (size_t i = 0; from->past && i < from->past->line_count; i++)
			keep_line(past, &from->past->lines[i]);
	} else {
		keep_line(past, &from->callee_line);
		if (from->answered) {
			keep_line(past, &from->answered->line);
			keep_line(past, &from->answered->pool_number);
		}
	}
}

static void move(struct leg *leg, struct call *to, enum media_side side)
{
	struct call *from = leg->call;
	struct call_lines **groups = side == MEDIA_A ? &to->caller_groups : &to->answered->groups;

	call_transfer_keep(from, leg->side, to->past, groups);
	to->streams[side] = from->streams[leg->side];
	from->legs[leg->side] = NULL;
	leg->call = to;
	leg->side = side;
	to->legs[side] = leg;
}

/* The kept leg leaves the old call, which ends with that. */
static void move_kept(struct call_transfer *transfer)
{
	struct call *old = transfer->old;

	if (!old)
		return;
	transfer->old = NULL;
	transfer->referrer = NULL;
	old->transfer = NULL;
	old->went_to = transfer->fresh->id;
	move(transfer->kept, transfer->fresh, MEDIA_A);
	call_end(old, NULL, cause_of(CAUSE_TRANSFERRED));
}

static void move_target(struct call_transfer *transfer)
{
	struct call *consult = transfer->consult;

	if (!consult)
		return;
	transfer->consult = NULL;
	consult->transfer = NULL;
	consult->went_to = transfer->fresh->id;
	move(transfer->target, transfer->fresh, MEDIA_B);
	call_end(consult, NULL, cause_of(CAUSE_TRANSFERRED));
}

/* --- The kept party is offered the target. --- */

static void offer(struct call_transfer *transfer);

static void retry_fired(struct wheel_timer *timer, void *owner)
{
	struct call_transfer *transfer =
		(struct call_transfer *)((char *)timer - offsetof(struct call_transfer, timer));

	(void)owner;
	if (transfer->stage == TRANSFER_JOINING)
		offer(transfer);
	else
		call_transfer_ask(transfer);
}

static void try_later(struct call_transfer *transfer)
{
	const struct call_env *env = env_of(transfer);

	if (++transfer->tries > RETRIES_MAX && transfer->stage == TRANSFER_LENDING) {
		(void)call_far_refused(transfer, cause_status(cause_of(CAUSE_TRANSFER_FAILED)));
		return;
	}
	if (transfer->tries > RETRIES_MAX) {
		call_end(transfer->fresh, NULL, cause_of(CAUSE_TRANSFER_FAILED));
		return;
	}
	wheel_start(env->wheel, &transfer->timer, retry_fired, *env->now_us, RETRY_MS * 1000);
}

static void offer(struct call_transfer *transfer)
{
	/* The old call's own change of media comes to its end first. */
	if (transfer->old && (transfer->old->offer || transfer->old->ack_pending)) {
		try_later(transfer);
		return;
	}
	transfer->is_offered = true;
	transfer->kept->ops->offer(transfer->kept, (struct span){transfer->sdp, transfer->sdp_len});
}

void call_transfer_ask(struct call_transfer *transfer)
{
	struct call *consult = transfer->consult;
	struct leg *target = transfer->target;

	if (consult->offer || consult->ack_pending) {
		try_later(transfer);
		return;
	}
	if (transfer->shown[0]) {
		call_note(consult, TRACE_TRANSFER_SHOWN, TRACE_NO_SIDE, 0, 0, transfer->shown);
		target->ops->present(
			target, transfer->shown,
			call_refer_has_remote_party_id(*consult->table->env.conf, target));
	}
	target->ops->offer(target, SPAN_NONE);
}

static void join(struct call_transfer *transfer, struct span sdp)
{
	transfer->stage = TRANSFER_JOINING;
	transfer->sdp = sdp.len ? span_dup(sdp) : NULL;
	transfer->sdp_len = sdp.len;
	if (transfer->sdp)
		offer(transfer);
	else
		call_end(transfer->fresh, NULL,
			 cause_of(sdp.len ? CAUSE_NO_MEMORY : CAUSE_BAD_SDP));
}

void call_transfer_answered(struct call *call, struct leg *target, struct span sdp)
{
	call->transfer->target = target;
	call->ack_pending = true;
	join(call->transfer, sdp);
}

/* The SDP of one side of the fresh call for the other. */
static enum vos_err forward(struct call *call, struct leg *from, struct leg *to, bool is_answer,
			    struct span sdp, struct buf *out)
{
	const struct call_pass pass = {
		.media = &call->media,
		.from = from,
		.anchor = &to->media,
		.heard = &call->streams[from->side],
		.is_answer = is_answer,
	};

	return call_media_forward(call, &pass, sdp, out);
}

static void joined(struct call_transfer *transfer, struct span sdp)
{
	struct call *fresh = transfer->fresh;
	struct leg *kept = transfer->kept;
	struct leg *target = transfer->target;
	bool is_attended = transfer->is_attended;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));

	tell(transfer, 200);
	move_kept(transfer);
	call_transfer_end(transfer);
	if (is_attended)
		call_record_answered(fresh);
	kept->ops->ack(kept, SPAN_NONE);
	if (!sdp.len || forward(fresh, kept, target, true, sdp, &out) != VOS_OK) {
		call_end(fresh, NULL, cause_of(CAUSE_BAD_SDP));
		return;
	}
	fresh->ack_pending = false;
	target->ops->ack(target, buf_span(&out));
}

static void kept_result(struct call_transfer *transfer, int status, struct span sdp)
{
	struct call *old = transfer->old;

	transfer->is_offered = false;
	if (status < 300) {
		joined(transfer, sdp);
	} else if (status == 491) {
		try_later(transfer);
	} else {
		call_end(transfer->fresh, NULL, cause_received(status >= 400 ? status : 488));
		/* RFC 3261 14.1: these two say that its dialog is gone. */
		if (old && (status == 481 || status == 408))
			call_end(old, NULL, cause_of(CAUSE_DIALOG_LOST));
	}
}

/* The target will not have it: each call goes on as it was. */
static void target_refused(struct call_transfer *transfer, int status)
{
	struct call *consult = transfer->consult;

	if (transfer->stage != TRANSFER_LENDING)
		call_end(transfer->fresh, NULL, cause_received(status >= 400 ? status : 488));
	else if (!call_far_refused(transfer, status >= 400 ? status : 488))
		return;
	if (consult && (status == 481 || status == 408))
		call_end(consult, NULL, cause_of(CAUSE_DIALOG_LOST));
}

/* The target of an attended transfer has said what it offers. */
static void target_result(struct call_transfer *transfer, int status, struct span sdp)
{
	if (status == 491) {
		try_later(transfer);
	} else if (status >= 300) {
		target_refused(transfer, status);
	} else if (transfer->stage == TRANSFER_LENDING) {
		call_far_lend(transfer, sdp);
	} else {
		move_target(transfer);
		call_transfer_lent(transfer, sdp);
	}
}

void call_transfer_lent(struct call_transfer *transfer, struct span sdp)
{
	struct leg *target = transfer->target;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));

	transfer->fresh->ack_pending = true;
	if (forward(transfer->fresh, target, transfer->kept, false, sdp, &out) == VOS_OK)
		join(transfer, buf_span(&out));
	else
		call_end(transfer->fresh, NULL, cause_of(CAUSE_BAD_SDP));
}

bool call_transfer_result(struct leg *leg, int status, struct span sdp)
{
	struct call_transfer *transfer = leg->call->transfer;

	if (transfer->stage == TRANSFER_JOINING && leg == transfer->kept && transfer->is_offered)
		kept_result(transfer, status, sdp);
	else if ((transfer->stage == TRANSFER_ASKING || transfer->stage == TRANSFER_LENDING) &&
		 leg == transfer->target)
		target_result(transfer, status, sdp);
	else
		return false;
	return true;
}

/* --- Before its time. --- */

bool call_transfer_left(struct leg *leg)
{
	struct call_transfer *transfer = leg->call->transfer;
	struct call *call = leg->call;

	if (!transfer)
		return false;
	if (transfer->stage == TRANSFER_REPLACING)
		return call_replace_left(leg);
	/* Many hang up as soon as their REFER is accepted. What they leave goes on. */
	if (call == transfer->old && leg == transfer->referrer) {
		call->legs[leg->side] = NULL;
		leg->call = NULL;
		move_kept(transfer);
		return true;
	}
	if (call == transfer->consult && leg != transfer->target) {
		call->legs[leg->side] = NULL;
		leg->call = NULL;
		if (transfer->stage != TRANSFER_LENDING)
			move_target(transfer);
		return true;
	}
	return false;
}

/* The fresh call ends before it is whole: its legs that are still another call's stay there. */
static void give_back(struct call_transfer *transfer)
{
	struct call *fresh = transfer->fresh;

	for (int side = 0; side < MEDIA_SIDES; side++)
		if (fresh->legs[side] && fresh->legs[side]->call != fresh)
			fresh->legs[side] = NULL;
}

void call_transfer_over(struct call *call, struct cause cause)
{
	struct call_transfer *transfer = call->transfer;
	struct call *old = transfer->old;
	struct call *fresh = transfer->fresh;
	bool was_offered = transfer->is_offered;
	int status = cause_status(cause);

	if (transfer->stage == TRANSFER_REPLACING) {
		call_replace_over(transfer, cause);
		call_transfer_end(transfer);
		return;
	}
	if (transfer->stage == TRANSFER_LENDING) {
		transfer->far->status = status >= 300 ? status : 487;
		call_transfer_end(transfer);
		return;
	}
	tell(transfer, status >= 300 ? status : 487);
	give_back(transfer);
	call_transfer_end(transfer);
	if (call != fresh)
		call_end(fresh, NULL, cause_of(CAUSE_ABANDONED));
	/* It may have taken an offer of somebody who is not there any more. */
	else if (was_offered && old)
		call_end(old, NULL, cause_of(CAUSE_TRANSFER_FAILED));
}

void call_transfer_drop(struct call *call)
{
	if (call->transfer->stage == TRANSFER_REPLACING && call->transfer->referrer)
		call->transfer->referrer->call = NULL;
	if (call->transfer->fresh)
		give_back(call->transfer);
	call_transfer_end(call->transfer);
}

void call_past_join(struct call_past *past, struct call_past *from)
{
	for (size_t i = 0; i < from->line_count; i++)
		keep_line(past, &from->lines[i]);
}

void call_past_free(struct call *call)
{
	struct call_past *past = call->past;

	for (size_t i = 0; past && i < past->line_count; i++)
		if (past->lines[i])
			live_end(past->lines[i]);
	free(past);
}
