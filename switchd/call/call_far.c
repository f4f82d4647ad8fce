/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/call_far.h"

#include <stdlib.h>
#include <utlist.h>

#include "shared/base/clock.h"

static void free_letter(struct call_far *far)
{
	for (size_t i = 0; i < far->held.line_count; i++)
		if (far->held.lines[i])
			live_end(far->held.lines[i]);
	call_lines_end(&far->groups);
	free(far->sdp);
	free(far);
}

/* The leg is nobody's: what it has offered has no answer. */
static void let_go(struct leg *leg, enum cause_id why)
{
	leg->ops->ack(leg, SPAN_NONE);
	leg->ops->release(leg, cause_of(why));
}

/* --- The thread of the transfer. --- */

/* NULL: out of memory, or the dialog's name is beyond all use. */
static struct call_far *letter_of(const struct call_transfer *transfer, const char *party,
				  const struct call_refer *refer)
{
	struct call_far *far;

	if (refer->dialog.len > sizeof(far->dialog))
		return NULL;
	far = calloc(1, sizeof(*far));
	if (!far)
		return NULL;
	far->thread = transfer->fresh->table->env.worker_number;
	far->fresh = transfer->fresh->id;
	span_join(span_of(party), SPAN_NONE, far->party, sizeof(far->party));
	memcpy(far->shown, transfer->shown, sizeof(far->shown));
	far->dialog_len = refer->dialog.len;
	memcpy(far->dialog, refer->dialog.ptr, refer->dialog.len);
	return far;
}

bool call_far_ask(struct call_transfer *transfer, const char *party, const struct call_refer *refer)
{
	const struct call_env *env = &transfer->fresh->table->env;
	struct call_far *ask = letter_of(transfer, party, refer);
	struct call_far *stop = ask ? letter_of(transfer, party, refer) : NULL;

	if (!stop || !env->send_far(env->context, CALL_FAR_ASK, ask)) {
		free(ask);
		free(stop);
		return false;
	}
	transfer->far = stop;
	return true;
}

/* The target is the fresh call's from here on. */
static bool take_target(struct call_transfer *transfer, struct leg *target, struct call_far *far)
{
	struct call *fresh = transfer->fresh;
	struct call_attempt *attempt = call_attempt_joined(fresh, far->target, &target->signalling);

	if (!attempt || !call_set_texts(fresh, fresh->caller, far->number, fresh->party))
		return false;
	fresh->answered = attempt;
	far->decide.network = far->network;
	transfer->target = target;
	call_refer_media(transfer, &far->decide);
	call_refer_up(fresh);
	call_past_join(fresh->past, &far->held);
	attempt->groups = far->groups;
	far->groups = NULL;
	fresh->streams[MEDIA_B] = far->stream;
	target->call = fresh;
	target->side = MEDIA_B;
	fresh->legs[MEDIA_B] = target;
	return true;
}

void call_far_told(struct call_table *table, struct call_far *far)
{
	const struct call_env *env = &table->env;
	struct call *fresh = call_find(table, far->fresh);
	struct call_transfer *transfer = fresh ? fresh->transfer : NULL;
	struct leg *target = far->leg ? env->unpack(env->context, far->leg) : NULL;

	if (transfer && transfer->far && transfer->far->fresh == far->fresh) {
		free(transfer->far); /* nothing is to be stopped any more */
		transfer->far = NULL;
		if (target && take_target(transfer, target, far)) {
			call_transfer_lent(transfer, (struct span){far->sdp, far->sdp_len});
			free_letter(far);
			return;
		}
		call_end(fresh, NULL,
			 far->leg ? cause_of(CAUSE_NO_MEMORY) : cause_received(far->status));
	}
	if (target)
		let_go(target, CAUSE_TRANSFER_FAILED);
	free_letter(far);
}

/* --- The thread of the target. --- */

static void answer(struct call_table *table, struct call_far *far)
{
	const struct call_env *env = &table->env;
	struct leg *leg;

	if (env->send_far(env->context, CALL_FAR_TELL, far))
		return;
	/* The asker's thread has ended. */
	leg = far->leg ? env->unpack(env->context, far->leg) : NULL;
	if (leg)
		let_go(leg, CAUSE_SHUTDOWN);
	free_letter(far);
}

void call_far_asked(struct call_table *table, struct leg *replaced, struct call_far *far)
{
	struct call *consult = replaced ? replaced->call : NULL;
	struct call_transfer *transfer = NULL;
	bool is_own = consult && call_is_whole(consult) &&
		      strcmp(call_party_of(consult, replaced), far->party) == 0;

	far->status = is_own ? 503 : 481;
	if (is_own)
		transfer = calloc(1, sizeof(*transfer));
	if (!transfer) {
		answer(table, far);
		return;
	}
	transfer->stage = TRANSFER_LENDING;
	transfer->consult = consult;
	transfer->target = call_other_leg(consult, replaced);
	transfer->far = far;
	memcpy(transfer->shown, far->shown, sizeof(transfer->shown));
	consult->transfer = transfer;
	DL_APPEND(table->lent, transfer);
	call_transfer_ask(transfer);
}

void call_far_over(struct call_transfer *transfer)
{
	struct call_far *far = transfer->far;
	struct call_table *table =
		transfer->fresh ? transfer->fresh->table : transfer->consult->table;

	transfer->far = NULL;
	if (transfer->stage == TRANSFER_LENDING) {
		DL_DELETE(table->lent, transfer);
		answer(table, far);
	} else if (!table->env.send_far(table->env.context, CALL_FAR_DROP, far)) {
		free_letter(far);
	}
}

bool call_far_refused(struct call_transfer *transfer, int status)
{
	struct call *consult = transfer->consult;

	transfer->far->status = status;
	call_transfer_end(transfer);
	if (consult->legs[MEDIA_A] && consult->legs[MEDIA_B])
		return true;
	call_end(consult, NULL, cause_of(CAUSE_NORMAL));
	return false;
}

void call_far_dropped(struct call_table *table, struct call_far *far)
{
	struct call_transfer *transfer;

	DL_FOREACH (table->lent, transfer)
		if (transfer->far->fresh == far->fresh)
			break;
	free_letter(far);
	if (transfer)
		(void)call_far_refused(transfer, 487);
}

/* What the other thread is to know of the target. */
static bool describe(struct call_transfer *transfer, struct span sdp)
{
	struct call *consult = transfer->consult;
	struct leg *target = transfer->target;
	struct call_far *far = transfer->far;

	far->sdp = span_dup(sdp);
	far->sdp_len = sdp.len;
	far->decide = call_refer_party(*consult->table->env.conf, target);
	span_join(span_of(far->decide.network), SPAN_NONE, far->network, sizeof(far->network));
	far->decide.network = NULL; /* of this thread's configuration */
	span_join(span_of(call_party_of(consult, target)), SPAN_NONE, far->target,
		  sizeof(far->target));
	span_join(span_of(call_number_of(consult, target)), SPAN_NONE, far->number,
		  sizeof(far->number));
	far->stream = consult->streams[target->side];
	return sdp.len && far->sdp;
}

void call_far_lend(struct call_transfer *transfer, struct span sdp)
{
	struct call *consult = transfer->consult;
	struct leg *target = transfer->target;
	struct call_far *far = transfer->far;
	enum media_side side = target->side;

	if (describe(transfer, sdp) && target->ops->pack)
		far->leg = target->ops->pack(target, far->thread);
	if (!far->leg) {
		if (call_far_refused(transfer, sdp.len ? 503 : 488))
			call_offer_result(target, 200, sdp); /* nobody waits for it */
		return;
	}
	consult->legs[side] = NULL;
	call_transfer_keep(consult, side, &far->held, &far->groups);
	far->status = 200;
	consult->went_to = far->fresh;
	call_transfer_end(transfer);
	call_end(consult, NULL, cause_of(CAUSE_TRANSFERRED));
}
