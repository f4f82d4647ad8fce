/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPDATE before the INVITE is answered (RFC 3311): of the caller, and of each callee that a proxy
 * has called. Without offer it is answered here; with one it goes to the other side if that can be
 * asked, else it is refused, and the session stays as it was. */
#include <stdlib.h>

#include "switchd/sip/dispatch.h"
#include "switchd/sip/leg_early.h"

static void respond(struct sip_leg *leg, struct txn_server *txn, int status, struct span sdp)
{
	char memory[512];
	struct buf extra = buf_over(memory, sizeof(memory));

	if (status < 300) {
		leg_add_contact(leg, &extra);
		buf_add_lit(&extra, "Allow: " SIP_ALLOW "\r\n");
	} else if (status == 500) {
		buf_add_lit(&extra, "Retry-After: 3\r\n"); /* RFC 3311 5.2: 0..10 s */
	}
	txn_server_set_user(txn, NULL, NULL);
	txn_server_respond(leg->worker, txn, status, NULL, SPAN_NONE, buf_span(&extra),
			   SPAN_LIT("application/sdp"), sdp);
}

/* RFC 3311 5.2: 0, or the status to refuse an offer with. */
static int collision(const struct sip_leg *leg, const struct leg_early_dialog *dialog)
{
	const struct leg_early *early = leg->early;

	if (leg->offer_in)
		return 500;
	if (early && early->update_out)
		return 491;
	if (leg->state == LEG_OUTGOING) {
		if (!dialog->is_agreed)
			return dialog->holds_prack ? 500 : 491;
		/* The caller has no session with this one. */
		return dialog == early->shown ? 0 : 488;
	}
	/* What was sent without need for PRACK is no answer yet. */
	if (!early || !early->sdp_sent)
		return 500;
	return early->is_offering ? 491 : 0;
}

static void take_offer(struct sip_leg *leg, struct leg_early_dialog *dialog, struct txn_server *txn,
		       struct span sdp)
{
	int status = collision(leg, dialog);

	if (status) {
		respond(leg, txn, status, SPAN_NONE);
		return;
	}
	leg->offer_in = txn;
	leg->early->asker = dialog;
	leg->early->is_prack_in = false;
	free(leg->early->asked);
	leg->early->asked = span_dup(sdp);
	status = call_offer(&leg->base, sdp);
	if (status)
		leg_update_result(leg, status, SPAN_NONE);
}

void leg_update_request(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx)
{
	struct leg_early_dialog *dialog = NULL;
	struct span sdp = leg_sdp(rx->msg);
	struct sip_name_addr contact;
	struct txn_server *txn;

	if (leg->state == LEG_OUTGOING) {
		dialog = leg_early_find(leg, rx->msg->from_tag);
		if (!dialog || !leg_early_take_cseq(dialog, rx->msg)) {
			sip_reply_stateless(worker, rx, dialog ? 500 : 481, NULL);
			return;
		}
	}
	txn = txn_server_new(worker, rx, leg_txn_event, leg);
	if (!txn) {
		sip_reply_stateless(worker, rx, 503, NULL);
		return;
	}
	if (dialog) {
		dialog->takes_update = true;
		leg_early_learn(leg, dialog, rx->msg);
	} else {
		leg->session.peer_updates = true;
		leg_contact_of(rx->msg, &contact);
		leg_learn_peer(leg, &contact, &rx->source);
	}
	if (sdp.len)
		take_offer(leg, dialog, txn, sdp);
	else
		respond(leg, txn, 200, SPAN_NONE);
}

/* What is agreed on with the peer from now on. */
static void keep(struct sip_leg *leg, struct leg_early_dialog *dialog, struct span ours,
		 struct span theirs)
{
	struct leg_early *early = leg->early;
	char *sent = span_dup(ours);

	if (sent) {
		free(early->sdp_sent);
		early->sdp_sent = sent;
	}
	if (!dialog)
		return;
	free(dialog->sdp);
	dialog->sdp = span_dup(theirs);
	dialog->sdp_len = dialog->sdp ? theirs.len : 0;
}

void leg_update_result(struct sip_leg *leg, int status, struct span sdp)
{
	struct txn_server *txn = leg->offer_in;
	struct leg_early *early = leg->early;

	if (!txn || !early)
		return;
	leg->offer_in = NULL;
	if (status < 300 && sdp.len)
		keep(leg, early->asker, sdp, span_of(early->asked));
	else if (status < 300)
		status = 488;
	if (early->is_prack_in) {
		/* PRACK is not refused (RFC 3262 section 3): what was agreed on is said again. */
		respond(leg, txn, 200, status < 300 ? sdp : span_of(early->sdp_sent));
	} else {
		respond(leg, txn, status, status < 300 ? sdp : SPAN_NONE);
	}
	early->is_prack_in = false;
	early->asker = NULL;
	leg_reliable_go_on(leg);
}

/* --- Ours. --- */

/* 0, or why the peer cannot be asked. */
static int refusal(const struct sip_leg *leg)
{
	const struct leg_early *early = leg->early;

	if (!early)
		return 488;
	if (leg->state == LEG_OUTGOING) {
		if (!early->shown || !early->shown->is_agreed || !early->shown->takes_update)
			return 488;
	} else if (leg->state != LEG_INCOMING || !early->sdp_sent || !leg->session.peer_updates) {
		return 488;
	}
	return early->update_out || leg->offer_in || early->is_offering || early->waits_for_sdp ||
			       early->answer
		       ? 491
		       : 0;
}

/* Nothing of this ends the call: that is what the stages of the INVITE are for. */
static int status_of(const struct sip_rx *rx, struct span sdp)
{
	if (!rx || rx->msg->status == 408 || rx->msg->status == 481)
		return 504;
	return rx->msg->status < 300 && !sdp.len ? 488 : rx->msg->status;
}

static void response(struct sip_worker *worker, void *user, struct txn_client *txn,
		     const struct sip_rx *rx)
{
	struct sip_leg *leg = user;
	struct leg_early *early = leg->early;
	struct span sdp = rx ? leg_sdp(rx->msg) : SPAN_NONE;
	struct leg_early_dialog *dialog = leg->state == LEG_OUTGOING ? early->shown : NULL;
	int status;

	(void)worker;
	if (rx && (rx->msg->status < 200 || leg_challenged(leg, txn, rx)))
		return;
	status = status_of(rx, sdp);
	early->update_out = NULL;
	if (rx && status < 300) {
		keep(leg, dialog, txn_client_body(txn), sdp);
		if (dialog)
			leg_early_learn(leg, dialog, rx->msg);
		else if (leg->state == LEG_INCOMING || leg->state == LEG_CONFIRMED)
			leg_learn_target(leg, rx->msg);
	}
	if (rx)
		txn_client_forget(txn);
	if (!early->is_own_update) {
		call_offer_result(&leg->base, status, sdp);
	} else if (status < 300) {
		free(early->sdp_next);
		early->sdp_next = NULL;
	}
	if (leg->state == LEG_INCOMING)
		leg_reliable_go_on(leg);
	else if (leg->state == LEG_CONFIRMED && !leg->awaits_ack)
		leg_reliable_acked(leg);
}

static bool send_update(struct sip_leg *leg, struct span sdp)
{
	struct leg_early_dialog *dialog = leg->state == LEG_OUTGOING ? leg->early->shown : NULL;
	struct txn_client *txn = txn_client_new(leg->worker, SIP_UPDATE, response, leg);
	struct buf *out;

	if (!txn)
		return false;
	leg->early->update_out = txn;
	if (dialog)
		out = leg_early_begin(leg, dialog, SIP_UPDATE, txn_client_branch(txn));
	else
		out = leg_begin_request(leg, SIP_UPDATE, ++leg->local_cseq, txn_client_branch(txn));
	leg_add_contact(leg, out);
	buf_add_lit(out, "Allow: " SIP_ALLOW "\r\n");
	sip_write_body(out, SPAN_LIT("application/sdp"), sdp);
	txn_client_send(leg->worker, txn, leg->socket, dialog ? &dialog->peer : &leg->peer);
	return true;
}

void leg_update_offer(struct sip_leg *leg, struct span sdp)
{
	int status = refusal(leg);

	if (status == 0) {
		leg->early->is_own_update = false;
		status = send_update(leg, sdp) ? 0 : 503;
	}
	if (status)
		call_offer_result(&leg->base, status, SPAN_NONE);
}

bool leg_update_own_offer(struct sip_leg *leg, struct span sdp)
{
	if (refusal(leg))
		return false;
	leg->early->is_own_update = true;
	return send_update(leg, sdp);
}
