/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Early dialogs of a callee (RFC 3261 section 12.1): a proxy may call several phones for one
 * INVITE, each with its own To tag. Those that answer reliably get PRACK (RFC 3262 section 4)
 * whatever the caller can do. The caller has the SDP of the first one only. */
#include <stdlib.h>
#include <utlist.h>

#include "switchd/sip/leg_late.h"

/* What is another in each dialog. While a leg has that of an early one on, nothing may be learned
 * by it (leg_set). */
struct face {
	char *tag;
	char *target;
	char *route;
	struct addr peer;
};

static struct face face_of(const struct sip_leg *leg)
{
	return (struct face){leg->remote_tag, leg->remote_target, leg->route, leg->peer};
}

static void put_on(struct sip_leg *leg, const struct leg_early_dialog *dialog)
{
	leg->remote_tag = dialog->tag;
	leg->remote_target = dialog->target;
	leg->route = dialog->route;
	leg->peer = dialog->peer;
}

static void take_off(struct sip_leg *leg, const struct face *face)
{
	leg->remote_tag = face->tag;
	leg->remote_target = face->target;
	leg->route = face->route;
	leg->peer = face->peer;
}

struct leg_early *leg_early_use(struct sip_leg *leg)
{
	if (!leg->early)
		leg->early = calloc(1, sizeof(*leg->early));
	return leg->early;
}

static void free_dialog(struct leg_early_dialog *dialog)
{
	/* PRACK is repeated until it is answered, whoever is interested. */
	if (dialog->prack)
		txn_client_forget(dialog->prack);
	free(dialog->tag);
	free(dialog->target);
	free(dialog->route);
	free(dialog->sdp);
	free(dialog);
}

void leg_early_end(struct sip_leg *leg)
{
	struct leg_early *early = leg->early;
	struct leg_early_dialog *dialog, *next_dialog;
	struct leg_held *held, *next_held;

	if (!early)
		return;
	leg->early = NULL;
	leg->base.takes_early_offer = false;
	LL_FOREACH_SAFE (early->dialogs, dialog, next_dialog)
		free_dialog(dialog);
	LL_FOREACH_SAFE (early->held, held, next_held)
		free(held);
	if (early->update_out)
		txn_client_forget(early->update_out);
	free(early->answer);
	free(early->sdp_next);
	free(early->sdp_sent);
	free(early->asked);
	free(early);
}

struct leg_early_dialog *leg_early_find(const struct sip_leg *leg, struct span tag)
{
	struct leg_early_dialog *dialog;

	if (!leg->early)
		return NULL;
	LL_FOREACH (leg->early->dialogs, dialog)
		if (span_eq(tag, span_of(dialog->tag)))
			return dialog;
	return NULL;
}

struct leg_early_dialog *leg_early_current(const struct sip_leg *leg)
{
	const struct leg_early *early = leg->early;

	if (!early)
		return NULL;
	return early->shown ? early->shown : early->dialogs;
}

bool leg_early_take_cseq(struct leg_early_dialog *dialog, const struct sip_msg *msg)
{
	if (dialog->has_remote_cseq && msg->cseq <= dialog->remote_cseq)
		return false;
	dialog->remote_cseq = msg->cseq;
	dialog->has_remote_cseq = true;
	return true;
}

/* Where requests in the dialog go. */
static void choose_peer(struct sip_leg *leg, struct leg_early_dialog *dialog,
			const struct sip_name_addr *contact)
{
	const struct face face = face_of(leg);

	put_on(leg, dialog);
	leg_choose_peer(leg, leg->invite_out ? txn_client_target(leg->invite_out) : &face.peer,
			contact);
	dialog->peer = leg->peer;
	take_off(leg, &face);
}

static bool fill_dialog(struct sip_leg *leg, struct leg_early_dialog *dialog,
			const struct sip_msg *msg)
{
	char memory[LEG_ROUTE_BYTES];
	struct buf route = buf_over(memory, sizeof(memory));
	struct sip_name_addr contact;
	struct span target;

	leg_contact_of(msg, &contact);
	target = leg_target_in(&contact);
	/* Without Contact (as of RFC 2543) requests go where the INVITE went. */
	if (!target.len)
		target = span_of(leg->remote_target);
	if (msg->to_tag.len > LEG_TOKEN_BYTES || !leg_write_route(msg, &route))
		return false;
	dialog->tag = span_dup(msg->to_tag);
	dialog->target = span_dup(target);
	dialog->route = route.len ? span_dup(buf_span(&route)) : NULL;
	if (!dialog->tag || !dialog->target || (!dialog->route && route.len))
		return false;
	choose_peer(leg, dialog, target.ptr == contact.uri_text.ptr ? &contact : NULL);
	return true;
}

/* NULL: it cannot be kept. */
static struct leg_early_dialog *new_dialog(struct sip_leg *leg, const struct sip_msg *msg)
{
	struct leg_early *early = leg_early_use(leg);
	struct leg_early_dialog *dialog;

	if (!early || early->count == LEG_EARLY_MAX)
		return NULL;
	dialog = calloc(1, sizeof(*dialog));
	if (!dialog)
		return NULL;
	if (!fill_dialog(leg, dialog, msg)) {
		free_dialog(dialog);
		return NULL;
	}
	LL_APPEND(early->dialogs, dialog);
	early->count++;
	return dialog;
}

void leg_early_learn(struct sip_leg *leg, struct leg_early_dialog *dialog,
		     const struct sip_msg *msg)
{
	struct sip_name_addr contact;
	struct span target;
	char *copy;

	leg_contact_of(msg, &contact);
	target = leg_target_in(&contact);
	copy = target.len ? span_dup(target) : NULL;
	if (copy) {
		free(dialog->target);
		dialog->target = copy;
		choose_peer(leg, dialog, &contact);
	}
	if (sip_msg_first(msg, SIP_HDR_ALLOW))
		dialog->takes_update = sip_msg_has_token(msg, SIP_HDR_ALLOW, SPAN_LIT("UPDATE"));
}

struct buf *leg_early_begin(struct sip_leg *leg, struct leg_early_dialog *dialog,
			    enum sip_method method, const char *branch)
{
	struct face face = face_of(leg);
	struct buf *out;

	put_on(leg, dialog);
	out = leg_begin_request(leg, method, ++leg->local_cseq, branch);
	take_off(leg, &face);
	return out;
}

/* --- Reliable provisional answers. --- */

static void prack_response(struct sip_worker *worker, void *user, struct txn_client *txn,
			   const struct sip_rx *rx)
{
	struct sip_leg *leg = user;
	struct leg_early_dialog *dialog;

	(void)worker;
	if (rx && (rx->msg->status < 200 || leg_challenged(leg, txn, rx)))
		return;
	if (rx)
		txn_client_forget(txn);
	/* A refusal, or silence: the callee's own timers end what it does not take for answered. */
	LL_FOREACH (leg->early->dialogs, dialog)
		if (dialog->prack == txn)
			dialog->prack = NULL;
}

void leg_early_prack(struct sip_leg *leg, struct leg_early_dialog *dialog, uint32_t invite_cseq,
		     struct span sdp)
{
	struct txn_client *txn = txn_client_new(leg->worker, SIP_PRACK, prack_response, leg);
	struct buf *out;

	if (!txn)
		return;
	if (dialog->prack)
		txn_client_forget(dialog->prack);
	dialog->prack = txn;
	out = leg_early_begin(leg, dialog, SIP_PRACK, txn_client_branch(txn));
	buf_printf(out, "RAck: %u %u INVITE\r\n", (unsigned)dialog->rseq, (unsigned)invite_cseq);
	sip_write_body(out, SPAN_LIT("application/sdp"), sdp);
	txn_client_send(leg->worker, txn, leg->socket, &dialog->peer);
}

/* 0: it is not reliable. */
static uint32_t rseq_of(const struct sip_msg *msg)
{
	const struct sip_header *header = sip_msg_first(msg, SIP_HDR_RSEQ);
	uint64_t rseq;

	if (!header || !sip_msg_has_token(msg, SIP_HDR_REQUIRE, SPAN_LIT("100rel")) ||
	    !span_to_u64(header->value, UINT32_MAX, &rseq))
		return 0;
	return (uint32_t)rseq;
}

static bool keep_sdp(struct leg_early_dialog *dialog, struct span sdp)
{
	free(dialog->sdp);
	dialog->sdp = span_dup(sdp);
	dialog->sdp_len = dialog->sdp ? sdp.len : 0;
	return dialog->sdp != NULL;
}

/* RFC 3262 section 4: only the next one counts; false for a repeat, and for one whose predecessor
 * has not come. */
static bool take_reliable(struct sip_leg *leg, struct leg_early_dialog *dialog,
			  const struct sip_msg *msg, uint32_t rseq)
{
	struct span sdp = dialog->is_agreed ? SPAN_NONE : leg_sdp(msg);
	struct leg_early *early = leg->early;
	bool is_late = txn_client_body(leg->invite_out).len == 0;

	if ((dialog->rseq && rseq != dialog->rseq + 1) || dialog->holds_prack)
		return false;
	/* The caller answers one offer in its dialog. */
	if (sdp.len && is_late && early->shown && early->shown != dialog) {
		dialog->rseq = rseq;
		leg_late_park(leg, dialog, msg);
		return true;
	}
	if (sdp.len && !keep_sdp(dialog, sdp))
		return false;
	dialog->rseq = rseq;
	if (sdp.len && is_late) {
		dialog->holds_prack = true;
		dialog->invite_cseq = msg->cseq;
		leg->base.wants_answer = true;
		return true;
	}
	dialog->is_agreed = dialog->is_agreed || sdp.len;
	leg_early_prack(leg, dialog, msg->cseq, SPAN_NONE);
	return true;
}

bool leg_early_take(struct sip_leg *leg, const struct sip_rx *rx, struct span *sdp)
{
	const struct sip_msg *msg = rx->msg;
	struct leg_early_dialog *dialog;
	uint32_t rseq = rseq_of(msg);

	*sdp = SPAN_NONE;
	if (msg->status == 100)
		return true;
	dialog = leg_early_find(leg, msg->to_tag);
	if (!dialog)
		dialog = new_dialog(leg, msg);
	if (!dialog)
		return true; /* it rings, whoever it is */
	if (sip_msg_first(msg, SIP_HDR_ALLOW))
		dialog->takes_update = sip_msg_has_token(msg, SIP_HDR_ALLOW, SPAN_LIT("UPDATE"));
	/* What is agreed on is not changed by provisional answers (RFC 3261 13.2.1). */
	if (!dialog->is_agreed)
		*sdp = leg_sdp(msg);
	if (rseq && !take_reliable(leg, dialog, msg, rseq))
		return false;
	if (sdp->len && leg->early->shown && leg->early->shown != dialog)
		*sdp = SPAN_NONE;
	if (sdp->len)
		leg->early->shown = dialog;
	return true;
}

void leg_early_ack(struct sip_leg *leg, struct span sdp)
{
	struct leg_early *early = leg->early;
	struct leg_early_dialog *dialog = early ? early->shown : NULL;

	if (!dialog || !dialog->holds_prack)
		return;
	dialog->holds_prack = false;
	dialog->is_agreed = true;
	leg->base.wants_answer = false;
	free(early->sdp_sent);
	early->sdp_sent = span_dup(sdp);
	leg_early_prack(leg, dialog, dialog->invite_cseq, sdp);
}

/* An offer that has no answer yet does not outlive the early dialog it was made in. */
static void end_offers(struct sip_leg *leg, const struct leg_early_dialog *winner)
{
	struct leg_early *early = leg->early;
	struct txn_server *asked = leg->offer_in;

	if (early->update_out) {
		txn_client_forget(early->update_out);
		early->update_out = NULL;
		call_offer_result(&leg->base, 491, SPAN_NONE);
	}
	if (asked && early->asker != winner) {
		call_offer_withdrawn(&leg->base);
		leg_update_result(leg, 500, SPAN_NONE);
	}
}

void leg_early_answered(struct sip_leg *leg, const struct sip_msg *msg, struct span *sdp)
{
	struct leg_early_dialog *dialog = leg_early_find(leg, msg->to_tag);
	struct leg_early *early = leg->early;

	*sdp = leg_sdp(msg);
	leg->base.wants_answer = false;
	if (!early)
		return;
	leg->base.is_other_callee = early->shown && early->shown != dialog;
	end_offers(leg, dialog);
	if (!dialog)
		return;
	leg->remote_cseq = dialog->remote_cseq;
	leg->has_remote_cseq = dialog->has_remote_cseq;
	leg->session.peer_updates = dialog->takes_update;
	if (dialog->is_agreed && dialog->sdp)
		*sdp = (struct span){dialog->sdp, dialog->sdp_len};
}
