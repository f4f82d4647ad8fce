/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A re-INVITE of ours (RFC 3261 section 14.1): an offer of the other side's, or one that only
 * refreshes the session and concerns nobody else. An offer that comes while a refresh is under way
 * waits for its end.
 *
 * The leg's timer is free once the dialog is up; here it bounds the wait for a peer that says 100
 * and then nothing more. */
#include <stdlib.h>

#include "switchd/sip/dispatch.h"
#include "switchd/sip/identity.h"
#include "switchd/sip/leg_late.h"

static void give_up(struct sip_leg *leg)
{
	wheel_stop(&leg->worker->wheel, &leg->timer);
	if (leg->heard_provisional)
		txn_client_cancel(leg->worker, leg->invite_out, SPAN_NONE);
	else
		leg->cancel_wanted = true;
}

/* Nobody waits for the answer any more. */
static void given_up(struct sip_leg *leg)
{
	give_up(leg);
	leg->reinvite_answered = true;
	leg->session.offer_is_out = false;
}

/* What has come of an offer that is no refresh, to whoever has made it. */
static void report(struct sip_leg *leg, int status, const struct sip_msg *msg)
{
	if (leg_late_is_asking(leg))
		leg_late_asked(leg, status, msg);
	else
		call_offer_result(&leg->base, status,
				  msg && status < 300 ? leg_sdp(msg) : SPAN_NONE);
}

static void wait_fired(struct wheel_timer *timer, void *owner)
{
	struct sip_leg *leg = (struct sip_leg *)((char *)timer - offsetof(struct sip_leg, timer));

	(void)owner;
	if (!leg->invite_out || leg->reinvite_answered)
		return;
	given_up(leg);
	/* Not 408, which would say that the dialog is gone. A refresh is tried again as long as the
	 * session lasts. */
	if (!leg->session.is_refresh)
		report(leg, 504, NULL);
	leg_offer_next(leg);
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

/* The INVITE before this one was answered, and its 2xx may come again: the transaction keeps what
 * it is to be told. */
static void leave_old_invite(struct sip_leg *leg)
{
	if (leg->invite_out && !leg->ack_held)
		txn_client_leave_ack(leg->invite_out, leg_write_ack(leg), &leg->peer);
	else if (leg->invite_out)
		txn_client_forget(leg->invite_out);
	leg->invite_out = NULL;
	leg_late_end(leg);
	free(leg->ack);
	leg->ack = NULL;
	leg->ack_len = 0;
}

static void response(struct sip_worker *worker, void *user, struct txn_client *txn,
		     const struct sip_rx *rx);

static bool send_offer(struct sip_leg *leg, struct span sdp)
{
	struct txn_client *txn = txn_client_new(leg->worker, SIP_INVITE, response, leg);
	struct buf *out;

	if (!txn)
		return false;
	leave_old_invite(leg);
	leg->invite_out = txn;
	leg->session.offer_is_out = true;
	leg->reinvite_answered = false;
	leg->heard_provisional = false;
	leg->cancel_wanted = false;
	leg->ack_held = false;
	leg->has_offered = sdp.len > 0;
	leg->invite_cseq = ++leg->local_cseq;
	out = leg_begin_request(leg, SIP_INVITE, leg->invite_cseq, txn_client_branch(txn));
	leg_add_contact(leg, out);
	buf_add_lit(out, "Allow: " SIP_ALLOW "\r\n");
	if (leg->identity)
		buf_add_str(out, leg->identity);
	leg_session_propose(leg, out);
	sip_write_body(out, SPAN_LIT("application/sdp"), sdp);
	txn_client_send(leg->worker, txn, leg->socket, &leg->peer);
	return true;
}

/* 422: the same once again, with the interval that the peer asks for (RFC 4028 section 7.3). */
static bool send_offer_again(struct sip_leg *leg, const struct txn_client *before)
{
	struct span body = txn_client_body(before);
	char *sdp = span_dup(body);
	bool is_sent = sdp && send_offer(leg, (struct span){sdp, body.len});

	free(sdp);
	return is_sent;
}

static void refreshed(struct sip_leg *leg, const struct sip_msg *msg)
{
	struct span sdp = leg_sdp(msg);

	leg_send_ack(leg, SPAN_NONE);
	leg_session_agreed(leg, msg);
	if (sdp.len)
		call_refreshed(&leg->base, sdp);
}

/* The final answer, NULL when there was none: what it means for whom. */
static void conclude(struct sip_leg *leg, const struct sip_msg *msg, struct span offered)
{
	int status = msg ? msg->status : 408;
	bool is_refresh = leg->session.is_refresh;

	leg->identity = NULL;
	if (status >= 300) {
		if (is_refresh)
			leg_session_refused(leg, msg);
		else
			report(leg, status, msg);
	} else {
		leg_learn_target(leg, msg);
		if (is_refresh) {
			refreshed(leg, msg);
		} else {
			leg->ack_held = true;
			leg_session_agreed(leg, msg);
			leg_session_sent(leg, offered);
			leg_late_note(leg, msg);
			report(leg, status, msg);
		}
	}
	/* After a collision it waits as long as the refresh. */
	if (!is_refresh || status != 491)
		leg_offer_next(leg);
}

static void response(struct sip_worker *worker, void *user, struct txn_client *txn,
		     const struct sip_rx *rx)
{
	struct sip_leg *leg = user;
	int status = rx ? rx->msg->status : 408;
	bool is_refused = rx && status >= 300;

	if (rx && status < 200) {
		if (leg->state == LEG_CONFIRMED)
			provisional(leg);
		return;
	}
	if (!rx)
		leg->invite_out = NULL;
	if (leg->state != LEG_CONFIRMED || leg->reinvite_answered) {
		/* The 2xx came again, or too late; no ACK while it waits for the asker's. */
		if (rx && status < 300 && !leg->ack_held) {
			leg_late_note(leg, rx->msg);
			leg_send_ack(leg, SPAN_NONE);
		}
		return;
	}
	wheel_stop(&worker->wheel, &leg->timer);
	if (is_refused && leg_challenged(leg, txn, rx))
		return;
	leg->reinvite_answered = true;
	leg->session.offer_is_out = false;
	if (is_refused) {
		txn_client_forget(txn);
		leg->invite_out = NULL;
	}
	if (is_refused && status == 422 && leg_session_raise(leg, rx->msg) &&
	    send_offer_again(leg, txn))
		return;
	conclude(leg, rx ? rx->msg : NULL, rx ? txn_client_body(txn) : SPAN_NONE);
}

static bool keep_waiting(struct sip_leg *leg, struct span sdp)
{
	struct leg_session *session = &leg->session;

	session->waiting = sdp.len ? span_dup(sdp) : NULL;
	session->waiting_len = (uint32_t)sdp.len;
	session->offer_waits = session->waiting || !sdp.len;
	return session->offer_waits;
}

void leg_offer_next(struct sip_leg *leg)
{
	struct leg_session *session = &leg->session;
	char *sdp = session->waiting;

	if (!session->offer_waits || leg->state != LEG_CONFIRMED)
		return;
	session->offer_waits = false;
	session->waiting = NULL;
	leg_offer(&leg->base, (struct span){sdp, sdp ? session->waiting_len : 0});
	free(sdp);
}

void leg_offer(struct leg *base, struct span sdp)
{
	struct sip_leg *leg = leg_of(base);

	if (leg->state == LEG_INCOMING || leg->state == LEG_OUTGOING) {
		leg_update_offer(leg, sdp);
	} else if (leg->state != LEG_CONFIRMED || leg->awaits_ack) {
		call_offer_result(base, 491, SPAN_NONE);
	} else if (leg->session.offer_is_out) {
		/* A refresh: the call has only one offer under way. */
		if (!keep_waiting(leg, sdp))
			call_offer_result(base, 503, SPAN_NONE);
	} else {
		leg->session.is_refresh = false;
		if (!send_offer(leg, sdp))
			call_offer_result(base, 503, SPAN_NONE);
	}
}

bool leg_offer_ask(struct sip_leg *leg)
{
	leg->session.is_refresh = false;
	return send_offer(leg, SPAN_NONE);
}

bool leg_offer_refresh(struct sip_leg *leg, struct span sdp)
{
	leg->session.is_refresh = true;
	return send_offer(leg, sdp);
}

void leg_present(struct leg *base, const char *number, bool has_remote_party_id)
{
	struct sip_leg *leg = leg_of(base);
	const struct identity identity = {
		.asserted = number, .number = number, .has_remote_party = has_remote_party_id};
	char memory[512];
	struct buf text = buf_over(memory, sizeof(memory));

	identity_add_headers(&identity, leg->socket->host_port, &text);
	if (!leg_text_from(leg, &leg->identity, &text))
		leg->identity = NULL;
}

void leg_withdraw_offer(struct leg *base)
{
	struct sip_leg *leg = leg_of(base);
	struct leg_session *session = &leg->session;

	if (session->offer_waits) {
		session->offer_waits = false;
		free(session->waiting);
		session->waiting = NULL;
		call_offer_result(base, 487, SPAN_NONE);
	} else if (leg->state == LEG_CONFIRMED && session->offer_is_out && !session->is_refresh) {
		give_up(leg);
	}
}
