/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new offer of ours inside the dialog: re-INVITE (RFC 3261 section 14.1).
 *
 * The leg's timer is free once the dialog is up; here it bounds the wait for a peer that says 100
 * and then nothing more. */
#include <stdlib.h>

#include "switchd/sip/leg_private.h"

static void give_up(struct sip_leg *leg)
{
	wheel_stop(&leg->worker->wheel, &leg->timer);
	if (leg->heard_provisional)
		txn_client_cancel(leg->worker, leg->invite_out, SPAN_NONE);
	else
		leg->cancel_wanted = true;
}

static void wait_fired(struct wheel_timer *timer, void *owner)
{
	struct sip_leg *leg = (struct sip_leg *)((char *)timer - offsetof(struct sip_leg, timer));

	(void)owner;
	if (!leg->invite_out || leg->reinvite_answered)
		return;
	give_up(leg);
	leg->reinvite_answered = true;
	/* Not 408, which would say that the dialog is gone. */
	call_offer_result(&leg->base, 504, SPAN_NONE);
}

static void provisional(struct sip_leg *leg)
{
	struct sip_worker *worker = leg->worker;
	int64_t limit_s = snapshot_number(worker->conf->snapshot, PARAM_SS_SIP_TIMEOUT_RINGING);

	if (leg->heard_provisional || leg->reinvite_answered)
		return;
	leg->heard_provisional = true;
	if (leg->cancel_wanted)
		txn_client_cancel(worker, leg->invite_out, SPAN_NONE);
	else
		wheel_start(&worker->wheel, &leg->timer, wait_fired, worker->now_us,
			    (uint64_t)limit_s * 1000000);
	leg->cancel_wanted = false;
}

static void response(struct sip_worker *worker, void *user, struct txn_client *txn,
		     const struct sip_rx *rx)
{
	struct sip_leg *leg = user;
	int status = rx ? rx->msg->status : 408;

	if (rx && status < 200) {
		if (leg->state == LEG_CONFIRMED)
			provisional(leg);
		return;
	}
	if (!rx)
		leg->invite_out = NULL;
	if (leg->state != LEG_CONFIRMED || leg->reinvite_answered) {
		/* The 2xx came again, or too late; no ACK while it waits for the asker's. */
		if (rx && status < 300 && !leg->ack_held)
			leg_send_ack(leg, SPAN_NONE);
		return;
	}
	wheel_stop(&worker->wheel, &leg->timer);
	leg->reinvite_answered = true;
	leg->ack_held = rx && status < 300;
	if (leg->ack_held)
		leg_learn_target(leg, rx->msg);
	if (rx && status >= 300) {
		txn_client_forget(txn);
		leg->invite_out = NULL;
	}
	call_offer_result(&leg->base, status, leg->ack_held ? leg_sdp(rx->msg) : SPAN_NONE);
}

/* The INVITE before this one was answered, and its 2xx may come again: the transaction keeps what
 * it is to be told. */
static void leave_old_invite(struct sip_leg *leg)
{
	if (leg->invite_out && !leg->ack_held)
		txn_client_leave_ack(leg->invite_out, leg_write_ack(leg), &leg->peer);
	else if (leg->invite_out)
		txn_client_forget(leg->invite_out);
	leg->invite_out = NULL;
	free(leg->ack);
	leg->ack = NULL;
	leg->ack_len = 0;
}

void leg_offer(struct leg *base, struct span sdp)
{
	struct sip_leg *leg = leg_of(base);
	struct txn_client *txn;
	struct buf *out;

	if (leg->state != LEG_CONFIRMED || leg->awaits_ack) {
		call_offer_result(base, 491, SPAN_NONE);
		return;
	}
	txn = txn_client_new(leg->worker, SIP_INVITE, response, leg);
	if (!txn) {
		call_offer_result(base, 503, SPAN_NONE);
		return;
	}
	leave_old_invite(leg);
	leg->invite_out = txn;
	leg->reinvite_answered = false;
	leg->heard_provisional = false;
	leg->cancel_wanted = false;
	leg->ack_held = false;
	leg->invite_cseq = ++leg->local_cseq;
	out = leg_begin_request(leg, SIP_INVITE, leg->invite_cseq, txn_client_branch(txn));
	leg_add_contact(leg, out);
	sip_write_body(out, SPAN_LIT("application/sdp"), sdp);
	txn_client_send(leg->worker, txn, leg->socket, &leg->peer);
}

void leg_withdraw_offer(struct leg *base)
{
	struct sip_leg *leg = leg_of(base);

	if (leg->state == LEG_CONFIRMED && leg->invite_out && !leg->reinvite_answered)
		give_up(leg);
}
