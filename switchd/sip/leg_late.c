/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/leg_late.h"

#include <stdlib.h>

#include "switchd/media/sdp.h"

void leg_late_note(struct sip_leg *leg, const struct sip_msg *msg)
{
	struct span sdp;

	/* One that comes again has its ACK already. */
	if (leg->has_offered || leg->ack || leg->late_offer)
		return;
	sdp = leg_sdp(msg);
	if (!sdp.len)
		return;
	leg->late_offer = span_dup(sdp);
	leg->base.offers_late = leg->late_offer != NULL;
}

struct span leg_late_answer(const struct sip_leg *leg, struct span offer, struct buf *out)
{
	struct sdp_anchor nowhere = {.address = leg->base.media.shown};

	if (!nowhere.address.family)
		nowhere.address = leg->socket->media.shown;
	nowhere.address.port = 0;
	if (!offer.len || !sdp_answer(offer, &nowhere, SDP_INACTIVE, out))
		return SPAN_NONE;
	return buf_span(out);
}

void leg_late_end(struct sip_leg *leg)
{
	if (!leg->late_offer)
		return;
	free(leg->late_offer);
	leg->late_offer = NULL;
	leg->base.offers_late = false;
}

/* --- Forks of one INVITE. --- */

void leg_late_park(struct sip_leg *leg, struct leg_early_dialog *dialog, const struct sip_msg *msg)
{
	char memory[SDP_BYTES_MAX + 1024];
	struct buf out = buf_over(memory, sizeof(memory));

	dialog->is_agreed = true;
	dialog->is_parked = true;
	leg_early_prack(leg, dialog, msg->cseq, leg_late_answer(leg, leg_sdp(msg), &out));
}

#define ASKS_MAX 5u

static void fail(struct sip_leg *leg, struct cause cause)
{
	leg->anew = 0;
	leg_send_bye(leg, cause);
	call_leg_failed(&leg->base, cause);
}

static void ask(struct sip_leg *leg)
{
	if (leg->anew == ASKS_MAX) {
		fail(leg, cause_received(491));
		return;
	}
	leg->anew++;
	if (!leg_offer_ask(leg))
		fail(leg, cause_of(CAUSE_NO_MEMORY));
}

static void wait_fired(struct wheel_timer *timer, void *owner)
{
	struct sip_leg *leg = (struct sip_leg *)((char *)timer - offsetof(struct sip_leg, timer));

	(void)owner;
	if (leg->state == LEG_CONFIRMED && leg->anew)
		ask(leg);
}

void leg_late_ask(struct sip_leg *leg)
{
	leg->state = LEG_CONFIRMED;
	leg_send_ack(leg, SPAN_NONE);
	leg_early_end(leg);
	ask(leg);
}

bool leg_late_is_asking(const struct sip_leg *leg)
{
	return leg->anew > 0;
}

void leg_late_asked(struct sip_leg *leg, int status, const struct sip_msg *msg)
{
	struct span sdp = msg ? leg_sdp(msg) : SPAN_NONE;

	if (status == 491) {
		wheel_start(&leg->worker->wheel, &leg->timer, wait_fired, leg->worker->now_us,
			    leg_session_glare_us(leg));
	} else if (status >= 300 || !sdp.len) {
		fail(leg, status >= 300 ? cause_received(status) : cause_of(CAUSE_BAD_SDP));
	} else {
		leg->anew = 0;
		call_answered(&leg->base, sdp);
	}
}
