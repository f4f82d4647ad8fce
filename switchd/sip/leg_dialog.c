/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the dialog: requests of ours and of the peer after the INVITE was answered, and the
 * operations that the call asks of a leg. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/sip/dispatch.h"
#include "switchd/sip/leg_late.h"
#include "switchd/sip/leg_parcel.h"
#include "switchd/sip/leg_pass.h"
#include "switchd/sip/leg_redirect.h"
#include "switchd/sip/leg_refer.h"
#include "switchd/sip/leg_route.h"

static void bye_response(struct sip_worker *worker, void *user, struct txn_client *txn,
			 const struct sip_rx *rx)
{
	struct sip_leg *leg = user;

	(void)worker;
	if (rx && (rx->msg->status < 200 || leg_challenged(leg, txn, rx)))
		return;
	if (rx)
		txn_client_forget(txn);
	leg->request_out = NULL;
	leg_free_soon(leg);
}

void leg_send_bye(struct sip_leg *leg, struct cause cause)
{
	struct txn_client *txn;
	struct buf *out;

	if (leg->request_out)
		txn_client_forget(leg->request_out);
	leg->request_out = NULL;
	if (leg->ack_held)
		leg_send_ack(leg, SPAN_NONE); /* or its 2xx would come again and again */
	wheel_stop(&leg->worker->wheel, &leg->timer);
	leg_session_stop(leg);
	leg_pass_stop(leg);
	leg->state = LEG_ENDED;
	leg->awaits_ack = false;
	txn = txn_client_new(leg->worker, SIP_BYE, bye_response, leg);
	if (!txn) {
		leg_free_soon(leg);
		return;
	}
	leg->request_out = txn;
	out = leg_begin_request(leg, SIP_BYE, ++leg->local_cseq, txn_client_branch(txn));
	leg_add_reason(out, cause);
	sip_write_body(out, SPAN_NONE, SPAN_NONE);
	txn_client_send(leg->worker, txn, leg->socket, &leg->peer);
}

/* --- Requests of the peer. --- */

static void handle_ack(struct sip_leg *leg, const struct sip_rx *rx)
{
	if (!leg->awaits_ack || rx->msg->cseq != leg->ack_cseq)
		return;
	leg->awaits_ack = false;
	if (leg->invite_in)
		txn_server_stop_2xx(leg->worker, leg->invite_in);
	if (leg->release_after_ack) {
		leg_send_bye(leg, leg->release_cause);
		return;
	}
	call_acked(&leg->base, leg_sdp(rx->msg));
	if (leg->state == LEG_CONFIRMED)
		leg_reliable_acked(leg);
}

static void handle_bye(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx)
{
	struct txn_server *txn = txn_server_new(worker, rx, NULL, NULL);
	bool was_up = leg->state != LEG_INCOMING;

	if (txn)
		txn_server_respond(worker, txn, 200, NULL, SPAN_NONE, SPAN_NONE, SPAN_NONE,
				   SPAN_NONE);
	else
		sip_reply_stateless(worker, rx, 200, NULL);
	/* RFC 3261 15.1.2: pending requests of the peer get 487. */
	if (leg->invite_in && !txn_server_is_final(leg->invite_in))
		txn_server_respond(worker, leg->invite_in, 487, NULL, span_of(leg->local_tag),
				   SPAN_NONE, SPAN_NONE, SPAN_NONE);
	if (leg->state == LEG_ENDED)
		return; /* both hung up at once: our BYE's answer ends the leg */
	if (leg->invite_in)
		txn_server_stop_2xx(worker, leg->invite_in);
	leg_refer_end(leg);
	if (leg_late_is_asking(leg))
		call_leg_failed(&leg->base, cause_of(CAUSE_ABANDONED));
	else
		call_leg_released(&leg->base, cause_of(was_up ? CAUSE_NORMAL : CAUSE_ABANDONED));
	leg_free_soon(leg);
}

static void refuse(struct sip_worker *worker, struct txn_server *txn, int status, struct span extra)
{
	txn_server_respond(worker, txn, status, NULL, SPAN_NONE, extra, SPAN_NONE, SPAN_NONE);
}

static void answer_invite(struct sip_leg *leg, struct txn_server *txn, struct span sdp)
{
	char memory[2048];
	struct buf extra = buf_over(memory, sizeof(memory));

	leg_add_contact(leg, &extra);
	buf_add_lit(&extra, "Allow: " SIP_ALLOW "\r\n" SIP_SUPPORTED);
	leg_session_answer(leg, &extra);
	leg_session_sent(leg, sdp);
	txn_server_respond(leg->worker, txn, 200, NULL, span_of(leg->local_tag), buf_span(&extra),
			   SPAN_LIT("application/sdp"), sdp);
}

/* Why the peer's new offer cannot be taken now: 0, or the status to refuse with. */
static int collision(const struct sip_leg *leg, bool is_offer)
{
	/* RFC 3261 14.2, RFC 3311 5.2: ours is under way. */
	if (is_offer && (leg->session.offer_is_out || leg->ack_held || leg_late_is_asking(leg)))
		return 491;
	if (leg->offer_in)
		return 500;
	if (is_offer &&
	    (leg->awaits_ack || (leg->invite_in && !txn_server_is_final(leg->invite_in))))
		return 500;
	return 0;
}

/* False: refused. */
static bool take_offer(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx,
		       struct txn_server *txn, bool is_offer)
{
	struct span extra = SPAN_NONE;
	int status = collision(leg, is_offer);

	if (status == 500)
		extra = SPAN_LIT("Retry-After: 3\r\n");
	if (status == 0)
		status = leg_session_take(leg, rx->msg);
	if (status == 422)
		extra = SPAN_LIT(LEG_MIN_SE);
	if (status == 0)
		return true;
	txn_server_set_user(txn, NULL, NULL);
	refuse(worker, txn, status, extra);
	return false;
}

/* re-INVITE and UPDATE: a new offer inside the call (RFC 3261 14.2, RFC 3311 5.2). */
static void handle_offer(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx)
{
	bool is_invite = rx->msg->method == SIP_INVITE;
	struct span sdp = leg_sdp(rx->msg);
	struct txn_server *txn = txn_server_new(worker, rx, leg_txn_event, leg);
	struct sip_name_addr contact;
	int status;

	if (!txn) {
		sip_reply_stateless(worker, rx, 503, NULL);
		return;
	}
	if (!take_offer(worker, leg, rx, txn, is_invite || sdp.len > 0))
		return;
	leg->base.signalling = rx->source;
	leg->socket = rx->socket; /* it may have gone from one transport to another */
	leg_contact_of(rx->msg, &contact);
	leg_learn_peer(leg, &contact, &rx->source);
	if (!is_invite && sdp.len == 0) {
		/* An UPDATE without offer refreshes target and timers only. */
		txn_server_set_user(txn, NULL, NULL);
		answer_invite(leg, txn, SPAN_NONE);
		return;
	}
	if (is_invite) {
		if (leg->invite_in)
			txn_server_set_user(leg->invite_in, NULL, NULL);
		leg->invite_in = txn;
		leg->ack_cseq = rx->msg->cseq;
		txn_server_respond(worker, txn, 100, NULL, SPAN_NONE, SPAN_NONE, SPAN_NONE,
				   SPAN_NONE);
	} else {
		leg->offer_in = txn;
	}
	status = call_offer(&leg->base, sdp);
	if (status == 0)
		return;
	if (!is_invite) {
		leg->offer_in = NULL;
		txn_server_set_user(txn, NULL, NULL);
	}
	refuse(worker, txn, status, SPAN_NONE);
}

/* Without a transaction: it is answered anew when it comes again. */
static bool is_answered_at_once(enum sip_method method)
{
	return method != SIP_BYE && method != SIP_PRACK && method != SIP_UPDATE &&
	       method != SIP_INVITE && method != SIP_INFO && method != SIP_MESSAGE &&
	       method != SIP_REFER;
}

/* RFC 3261 12.2.2: a number lower than the last one is out of order. */
static bool take_cseq(struct sip_leg *leg, const struct sip_msg *msg)
{
	if (leg->has_remote_cseq && msg->cseq == leg->remote_cseq)
		return is_answered_at_once(msg->method);
	if (leg->has_remote_cseq && msg->cseq < leg->remote_cseq)
		return false;
	leg->remote_cseq = msg->cseq;
	leg->has_remote_cseq = true;
	return true;
}

/* Our INVITE has no final answer. */
static void early_request(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx)
{
	enum sip_method method = rx->msg->method;

	if (leg->state == LEG_OUTGOING && method == SIP_UPDATE)
		leg_update_request(worker, leg, rx);
	else if (leg->state == LEG_OUTGOING && (method == SIP_INFO || method == SIP_MESSAGE))
		leg_pass_early_request(worker, leg, rx);
	else if (leg->state == LEG_OUTGOING && method == SIP_INVITE)
		sip_reply_stateless(worker, rx, 491, NULL);
	else
		sip_reply_stateless(worker, rx, 481, NULL);
}

void leg_request(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *received)
{
	struct sip_rx known = *received;
	const struct sip_rx *rx = &known;
	enum sip_method method = rx->msg->method;
	struct buf *out;

	known.reply = leg->reply_address;
	if (method == SIP_ACK) {
		handle_ack(leg, rx);
		return;
	}
	if (leg->state == LEG_OUTGOING || leg->state == LEG_CANCELLED) {
		early_request(worker, leg, rx);
		return;
	}
	if (!take_cseq(leg, rx->msg)) {
		if (!leg_moved_here(leg, rx))
			sip_reply_stateless(worker, rx, 500, NULL);
		return;
	}
	if (method == SIP_BYE) {
		handle_bye(worker, leg, rx);
	} else if (method == SIP_PRACK) {
		leg_reliable_prack(worker, leg, rx);
	} else if (method == SIP_UPDATE && leg->state == LEG_INCOMING) {
		leg_update_request(worker, leg, rx);
	} else if (method == SIP_OPTIONS) {
		out = sip_reply_begin(worker, rx, 200, NULL, SPAN_NONE);
		buf_add_lit(out, "Allow: " SIP_ALLOW "\r\n");
		sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
	} else if (is_answered_at_once(method)) {
		out = sip_reply_begin(worker, rx, method == SIP_METHOD_UNKNOWN ? 501 : 405, NULL,
				      SPAN_NONE);
		buf_add_lit(out, "Allow: " SIP_ALLOW "\r\n");
		sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
	} else if (leg->state == LEG_ENDED) {
		sip_reply_stateless(worker, rx, 481, NULL);
	} else if (method == SIP_INFO || method == SIP_MESSAGE) {
		leg_pass_request(worker, leg, rx);
	} else if (leg->state != LEG_CONFIRMED) {
		sip_reply_stateless(worker, rx, 491, NULL);
	} else if (method == SIP_REFER) {
		leg_refer_request(worker, leg, rx);
	} else {
		handle_offer(worker, leg, rx);
	}
}

/* --- What the call asks for. --- */

static void op_provisional(struct leg *base, int status, struct span sdp)
{
	struct sip_leg *leg = leg_of(base);

	if (leg->state == LEG_INCOMING && leg->invite_in)
		leg_reliable_provisional(leg, status, sdp);
}

static void op_new_dialog(struct leg *base)
{
	struct sip_leg *leg = leg_of(base);

	if (leg->state != LEG_INCOMING)
		return;
	leg_renew_tag(leg);
	leg_reliable_renew(leg);
}

void leg_confirm(struct sip_leg *leg, struct span sdp)
{
	struct span body = leg_reliable_body(leg, sdp);

	leg->state = LEG_CONFIRMED;
	leg->awaits_ack = true;
	answer_invite(leg, leg->invite_in, body);
	if (!body.len && leg->early)
		leg_session_sent(leg, span_of(leg->early->sdp_sent));
	leg_texts_pack(leg);
}

static void op_answer(struct leg *base, struct span sdp)
{
	struct sip_leg *leg = leg_of(base);

	if (leg->state == LEG_INCOMING && leg->invite_in && !leg_reliable_holds(leg, sdp))
		leg_confirm(leg, sdp);
}

static void op_ack(struct leg *base, struct span sdp)
{
	struct sip_leg *leg = leg_of(base);

	if (leg->state == LEG_OUTGOING)
		leg_early_ack(leg, sdp);
	if (leg->state == LEG_ANSWERED)
		leg->state = LEG_CONFIRMED;
	else if (!leg->ack_held)
		return; /* what it has answered was no INVITE */
	if (leg->state == LEG_CONFIRMED) {
		leg_send_ack(leg, sdp);
		leg_session_sent(leg, sdp);
	}
}

static void op_offer_result(struct leg *base, int status, struct span sdp)
{
	struct sip_leg *leg = leg_of(base);
	struct txn_server *update = leg->offer_in;

	if (leg->state == LEG_INCOMING || leg->state == LEG_OUTGOING) {
		leg_update_result(leg, status, sdp);
		return;
	}
	if (leg->late_offer) {
		leg_send_ack(leg, status < 300 ? sdp : SPAN_NONE);
		return;
	}
	if (update) {
		leg->offer_in = NULL;
		txn_server_set_user(update, NULL, NULL);
		if (status < 300)
			answer_invite(leg, update, sdp);
		else
			refuse(leg->worker, update, status, SPAN_NONE);
		return;
	}
	if (!leg->invite_in || txn_server_is_final(leg->invite_in))
		return;
	if (status < 300) {
		leg->awaits_ack = true;
		answer_invite(leg, leg->invite_in, sdp);
	} else {
		refuse(leg->worker, leg->invite_in, status, SPAN_NONE);
	}
}

/* Whether every call is refused now: a caller who is told to wait may stop all it sends here, and
 * not only calls to that number (behaviour B3, Retry-After). */
static bool concerns_all(struct cause cause)
{
	return !cause.received && (cause.id == CAUSE_NO_RTP_PORT || cause.id == CAUSE_NO_MEMORY ||
				   cause.id == CAUSE_SHUTDOWN || cause.id == CAUSE_CDR_FULL ||
				   cause.id == CAUSE_CALLER_BUSY || cause.id == CAUSE_CALLER_RATE);
}

/* Final answer to a caller who still waits. */
static void reject(struct sip_leg *leg, struct cause cause)
{
	char memory[256];
	struct buf extra = buf_over(memory, sizeof(memory));
	/* It was answered, but the caller has not heard so: what it hears is that it is over. */
	bool is_over = cause.received == 0 && cause.id == CAUSE_NORMAL;
	int status = is_over ? 480 : cause_status(cause);

	leg_add_reason(&extra, cause);
	if (status == 503 && concerns_all(cause))
		buf_add_lit(&extra, "Retry-After: 5\r\n");
	if (leg->invite_in && !txn_server_is_final(leg->invite_in))
		txn_server_respond(leg->worker, leg->invite_in, status, NULL,
				   span_of(leg->local_tag), buf_span(&extra), SPAN_NONE, SPAN_NONE);
	leg_free_soon(leg);
}

static void op_release(struct leg *base, struct cause cause)
{
	struct sip_leg *leg = leg_of(base);

	switch (leg->state) {
	case LEG_INCOMING:
		reject(leg, cause);
		break;
	case LEG_OUTGOING:
		leg_give_up(leg, cause);
		break;
	case LEG_ANSWERED:
		leg_send_ack(leg, SPAN_NONE);
		leg_send_bye(leg, cause);
		break;
	case LEG_CONFIRMED:
		if (leg->awaits_ack && leg->invite_in) {
			/* The callee's side of a dialog waits for ACK, or for its timeout, with
			 * BYE. */
			leg->release_after_ack = true;
			leg->release_cause = cause;
		} else {
			leg_send_bye(leg, cause);
		}
		break;
	case LEG_CANCELLED:
	case LEG_ENDED:
		break;
	}
}

static struct span op_call_id(const struct leg *base)
{
	return span_of(((const struct sip_leg *)base)->call_id);
}

static void op_describe(const struct leg *base, struct call_leg_info *out)
{
	static const char *const states[] = {
		[LEG_INCOMING] = "invite",     [LEG_OUTGOING] = "invite",   [LEG_ANSWERED] = "ok",
		[LEG_CONFIRMED] = "connected", [LEG_CANCELLED] = "release", [LEG_ENDED] = "release",
	};
	static const char *const stages[] = {
		[CONF_STAGE_INVITE] = "invite",
		[CONF_STAGE_TRYING] = "trying",
		[CONF_STAGE_PROGRESS] = "session-progress",
		[CONF_STAGE_PROGRESS_SDP] = "session-progress-sdp",
		[CONF_STAGE_RINGING] = "ringing",
	};
	const struct sip_leg *leg = (const struct sip_leg *)base;

	snprintf(out->state, sizeof(out->state), "%s",
		 leg->state == LEG_OUTGOING ? stages[leg->stage] : states[leg->state]);
	if (leg->state == LEG_OUTGOING && wheel_is_running(&leg->timer))
		out->stage_s = (uint32_t)(leg->timer.due_tick * WHEEL_TICK_US / 1000000 -
					  leg->worker->now_us / 1000000);
	out->requests = leg->peer;
	out->local = leg->socket->local;
	leg_session_describe(leg, out->timers, sizeof(out->timers));
	snprintf(out->call_id, sizeof(out->call_id), "%s", leg->call_id);
	snprintf(out->number, sizeof(out->number), "%s", leg->number);
}

const struct leg_ops sip_leg_ops = {
	.provisional = op_provisional,
	.new_dialog = op_new_dialog,
	.redirect = leg_op_redirect,
	.answer = op_answer,
	.ack = op_ack,
	.offer = leg_offer,
	.present = leg_present,
	.withdraw_offer = leg_withdraw_offer,
	.offer_result = op_offer_result,
	.inside = leg_op_inside,
	.inside_result = leg_op_inside_result,
	.referred = leg_op_referred,
	.release = op_release,
	.pack = leg_op_pack,
	.describe = op_describe,
	.call_id = op_call_id,
};
