/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/leg_parcel.h"

#include <stdlib.h>

#include "switchd/sip/leg_refer.h"
#include "switchd/sip/leg_route.h"

struct leg_parcel {
	/* As it was; texts in a block of malloc(), of pointers else only ack and late_offer. */
	struct sip_leg leg;
	struct leg_trunk_parcel trunk;
	struct leg_route *routes;
	uint8_t socket_index;
};

static void free_parcel(struct leg_parcel *parcel)
{
	leg_trunk_parcel_free(&parcel->trunk);
	free(parcel->leg.texts.block);
	free(parcel->leg.ack);
	free(parcel->leg.late_offer);
	free(parcel);
}

/* Of a dialog that is up, and in which nothing is under way but an offer of ours whose ACK waits.
 */
static bool may_go(const struct sip_leg *leg)
{
	return leg->state == LEG_CONFIRMED && !leg->awaits_ack && !leg->early && !leg->offer_in &&
	       !leg->session.offer_is_out && !leg->session.offer_waits &&
	       (!leg->invite_in || txn_server_is_final(leg->invite_in));
}

/* A 2xx comes again: its ACK is sent where the dialog is now. */
static void late_answer(struct sip_worker *worker, void *user, struct txn_client *txn,
			const struct sip_rx *rx)
{
	(void)user;
	(void)txn;
	if (rx && rx->msg->status >= 200 && rx->msg->status < 300)
		(void)leg_moved_on(worker, rx);
}

/* Nothing of what the leg points to belongs to a thread afterwards. */
static void part(struct sip_leg *leg)
{
	leg->worker = NULL;
	leg->socket = NULL;
	leg->timer = (struct wheel_timer){0};
	leg->invite_in = NULL;
	leg->offer_in = NULL;
	leg->invite_out = NULL;
	leg->request_out = NULL;
	leg->passing = NULL;
	leg->refer = NULL;
	leg->trunk = NULL;
	leg->guest = NULL;
	leg->merge_key = 0;
	leg->base.call = NULL;
	leg->base.attempt = NULL;
	leg->session.timer = (struct wheel_timer){0};
	leg->session.update_out = NULL;
	leg->session.waiting = NULL;
}

struct leg_parcel *leg_op_pack(struct leg *base, int thread)
{
	struct sip_leg *leg = leg_of(base);
	struct leg_parcel *parcel = may_go(leg) ? calloc(1, sizeof(*parcel)) : NULL;
	struct leg_route *route = NULL;

	if (!parcel)
		return NULL;
	parcel->leg = *leg;
	parcel->leg.ack = NULL;
	parcel->leg.late_offer = NULL;
	parcel->socket_index = leg->socket->index;
	parcel->leg.texts = (struct leg_texts){0};
	if (leg_texts_carry(&parcel->leg) && leg_trunk_pack(leg, &parcel->trunk))
		route = leg_route_new(leg->worker, span_of(leg->call_id), thread);
	if (!route) {
		free_parcel(parcel);
		return NULL;
	}
	part(&parcel->leg);
	parcel->leg.ack = leg->ack;
	leg->ack = NULL;
	parcel->leg.late_offer = leg->late_offer;
	leg->late_offer = NULL;
	route->next = leg_guest_leave(leg);
	parcel->routes = route;
	if (leg->invite_out)
		txn_client_set_user(leg->invite_out, late_answer, NULL);
	leg->invite_out = NULL;
	leg->base.call = NULL;
	leg->has_moved = true;
	leg_free_soon(leg);
	return parcel;
}

struct leg *leg_unpack(void *context, struct leg_parcel *parcel)
{
	struct sip_worker *worker = context;
	struct sip_leg *leg = leg_new(worker);
	uint32_t slot;

	if (!leg) {
		leg_routes_end(parcel->routes);
		free_parcel(parcel);
		return NULL;
	}
	slot = leg->slot;
	*leg = parcel->leg;
	leg->slot = slot;
	leg->worker = worker;
	leg->socket = &worker->sockets[parcel->socket_index];
	parcel->leg.ack = NULL;
	parcel->leg.late_offer = NULL;
	leg->texts = (struct leg_texts){0};
	if (!leg_guest_enter(leg, parcel->routes) || !leg_texts_settle(leg, &parcel->leg.texts) ||
	    !leg_trunk_unpack(leg, &parcel->trunk)) {
		leg_free_soon(leg);
		free_parcel(parcel);
		return NULL;
	}
	free_parcel(parcel);
	leg_session_resume(leg);
	return &leg->base;
}

void leg_stray_response(struct sip_worker *worker, const struct sip_rx *rx)
{
	const struct sip_msg *msg = rx->msg;
	struct sip_leg *leg;

	if (msg->method != SIP_INVITE || msg->status < 200 || msg->status >= 300)
		return;
	leg = leg_find_dialog(worker, msg->call_id, msg->from_tag, msg->to_tag);
	if (leg && leg->guest && leg->state == LEG_CONFIRMED && msg->cseq == leg->invite_cseq &&
	    !leg->ack_held)
		leg_send_ack(leg, SPAN_NONE);
}
