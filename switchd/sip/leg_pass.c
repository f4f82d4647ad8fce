/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests inside a dialog that just pass from one leg to the other and change nothing: INFO
 * (RFC 6086) and MESSAGE (RFC 3428). The sender is answered with what the far side says. They pass
 * before the answer too, between the caller and the callee that it hears of.
 *
 * Towards a peer one is under way at a time and the others wait in their order, so that digits do
 * not overtake each other. */
#include "switchd/sip/leg_pass.h"

#include <stdlib.h>
#include <utlist.h>

#include "switchd/sip/leg_early.h"

#define PASSING_MAX 16   /* each way of a leg */
#define NUMBERS_MAX 4095 /* more than can wait at a time */

/* One on its way: of the peer's, waiting for its answer; or for the peer, waiting for its turn or
 * its answer. */
struct leg_pass {
	struct leg_pass *prev;
	struct leg_pass *next;
	struct sip_leg *leg;
	struct txn_server *from; /* the peer's; NULL: it is for the peer */
	struct txn_client *to;   /* NULL: it waits for its turn */
	uint32_t number;         /* the asker's name for it; 0: nobody asks what came of it */
	enum call_inside_kind kind;
	uint32_t type_len;
	uint32_t body_len;
	char text[]; /* Content-Type, then the body */
};

static void drop(struct leg_pass *pass)
{
	struct sip_leg *leg = pass->leg;

	if (pass->from) {
		txn_server_set_user(pass->from, NULL, NULL);
		if (!txn_server_is_final(pass->from))
			txn_server_respond(leg->worker, pass->from, 487, NULL, SPAN_NONE, SPAN_NONE,
					   SPAN_NONE, SPAN_NONE);
	}
	if (pass->to)
		txn_client_forget(pass->to);
	DL_DELETE(leg->passing, pass);
	free(pass);
}

void leg_pass_stop(struct sip_leg *leg)
{
	while (leg->passing)
		drop(leg->passing);
}

static unsigned count(const struct sip_leg *leg, bool is_from_peer)
{
	const struct leg_pass *pass;
	unsigned found = 0;

	DL_FOREACH (leg->passing, pass)
		found += (pass->from != NULL) == is_from_peer;
	return found;
}

/* --- From the peer. --- */

static void from_event(struct sip_worker *worker, void *user, struct txn_server *txn,
		       enum txn_server_event event)
{
	struct leg_pass *pass = user;

	(void)worker;
	(void)txn;
	if (event != TXN_SERVER_GONE)
		return;
	DL_DELETE(pass->leg->passing, pass);
	free(pass);
}

/* No other of the thread's has it, as long as this one waits: an answer that comes when the caller
 * hears of another callee is not taken for that one's. */
static uint32_t number_for(struct sip_leg *leg)
{
	leg->pass_number = leg->pass_number % NUMBERS_MAX + 1;
	return leg->slot * (NUMBERS_MAX + 1) + leg->pass_number;
}

void leg_pass_request(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx)
{
	const struct sip_msg *msg = rx->msg;
	struct call_inside inside = {
		.kind = msg->method == SIP_INFO ? CALL_INSIDE_INFO : CALL_INSIDE_MESSAGE,
		.content_type = msg->content_type,
		.body = msg->body,
	};
	struct leg_pass *pass = count(leg, true) < PASSING_MAX ? calloc(1, sizeof(*pass)) : NULL;

	if (pass)
		pass->from = txn_server_new(worker, rx, from_event, pass);
	if (!pass || !pass->from) {
		free(pass);
		sip_reply_stateless(worker, rx, 503, NULL);
		return;
	}
	pass->leg = leg;
	pass->number = number_for(leg);
	DL_APPEND(leg->passing, pass);
	inside.number = pass->number;
	call_inside_request(&leg->base, &inside);
}

void leg_pass_early_request(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx)
{
	struct leg_early_dialog *dialog = leg_early_find(leg, rx->msg->from_tag);

	if (!dialog)
		sip_reply_stateless(worker, rx, 481, NULL);
	else if (!leg_early_take_cseq(dialog, rx->msg))
		sip_reply_stateless(worker, rx, 500, NULL);
	else if (dialog != leg_early_current(leg))
		sip_reply_stateless(worker, rx, 480, NULL); /* the caller hears of another one */
	else
		leg_pass_request(worker, leg, rx);
}

void leg_op_inside_result(struct leg *base, uint32_t number, int status)
{
	struct sip_leg *leg = leg_of(base);
	struct leg_pass *pass;
	struct leg_pass *next;

	DL_FOREACH_SAFE (leg->passing, pass, next) {
		if (!pass->from || (number && pass->number != number))
			continue;
		txn_server_respond(leg->worker, pass->from, status, NULL, SPAN_NONE, SPAN_NONE,
				   SPAN_NONE, SPAN_NONE);
		drop(pass);
	}
}

/* --- To the peer. --- */

static void send_next(struct sip_leg *leg);

static void answered(struct sip_worker *worker, void *user, struct txn_client *txn,
		     const struct sip_rx *rx)
{
	struct leg_pass *pass = user;
	struct sip_leg *leg = pass->leg;
	int status = rx ? rx->msg->status : 408;
	uint32_t number = pass->number;

	(void)worker;
	if (status < 200 || (rx && leg_challenged(leg, txn, rx)))
		return;
	if (!rx)
		pass->to = NULL;
	drop(pass);
	send_next(leg);
	if (number || status == 481)
		call_inside_result(&leg->base, number, status);
}

static bool send_one(struct leg_pass *pass)
{
	static const enum sip_method methods[] = {
		[CALL_INSIDE_INFO] = SIP_INFO,
		[CALL_INSIDE_MESSAGE] = SIP_MESSAGE,
	};
	struct sip_leg *leg = pass->leg;
	enum sip_method method = methods[pass->kind];
	struct leg_early_dialog *dialog = NULL;
	struct buf *out;

	if (leg->state == LEG_OUTGOING && !(dialog = leg_early_current(leg)))
		return false;
	pass->to = txn_client_new(leg->worker, method, answered, pass);
	if (!pass->to)
		return false;
	if (dialog)
		out = leg_early_begin(leg, dialog, method, txn_client_branch(pass->to));
	else
		out = leg_begin_request(leg, method, ++leg->local_cseq,
					txn_client_branch(pass->to));
	sip_write_body(out, (struct span){pass->text, pass->type_len},
		       (struct span){pass->text + pass->type_len, pass->body_len});
	txn_client_send(leg->worker, pass->to, leg->socket, dialog ? &dialog->peer : &leg->peer);
	return true;
}

static void send_next(struct sip_leg *leg)
{
	struct leg_pass *pass;
	struct leg_pass *next;

	DL_FOREACH_SAFE (leg->passing, pass, next) {
		uint32_t number = pass->number;

		if (pass->from)
			continue;
		if (pass->to || send_one(pass))
			return;
		drop(pass);
		if (number)
			call_inside_result(&leg->base, number, 503);
	}
}

static bool can_be_asked(const struct sip_leg *leg)
{
	if (leg->state == LEG_OUTGOING)
		return leg_early_current(leg) != NULL;
	return leg->state == LEG_CONFIRMED || leg->state == LEG_ANSWERED ||
	       leg->state == LEG_INCOMING;
}

bool leg_op_inside(struct leg *base, const struct call_inside *inside)
{
	struct sip_leg *leg = leg_of(base);
	struct leg_pass *pass;

	if (!can_be_asked(leg) || count(leg, false) == PASSING_MAX)
		return false;
	pass = calloc(1, sizeof(*pass) + inside->content_type.len + inside->body.len);
	if (!pass)
		return false;
	pass->leg = leg;
	pass->number = inside->number;
	pass->kind = inside->kind;
	pass->type_len = (uint32_t)inside->content_type.len;
	pass->body_len = (uint32_t)inside->body.len;
	if (pass->type_len)
		memcpy(pass->text, inside->content_type.ptr, pass->type_len);
	if (pass->body_len)
		memcpy(pass->text + pass->type_len, inside->body.ptr, pass->body_len);
	DL_APPEND(leg->passing, pass);
	send_next(leg);
	return true;
}
