/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session timer of a leg (RFC 4028, behaviour C4): session_timer.c says what is agreed on and
 * when something is due; this sends the refreshes and ends what nobody has refreshed.
 *
 * One timer: the next refresh, the next try after one that was refused, or the end. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/sip/leg_private.h"

#define SECOND_US 1000000u
/* While an offer is under way, which refreshes as well. */
#define BUSY_WAIT_US (2u * SECOND_US)
/* After a refusal that says nothing of when. */
#define REFUSED_WAIT_S 30u

static struct sip_leg *leg_of_timer(struct wheel_timer *timer)
{
	return (struct sip_leg *)((char *)timer - offsetof(struct sip_leg, session.timer));
}

static uint64_t end_us(const struct leg_session *session)
{
	if (session->agreed.refresher == SESSION_OFF)
		return UINT64_MAX;
	return session->refreshed_us +
	       (uint64_t)session_give_up_after_s(&session->rules, &session->agreed) * SECOND_US;
}

/* The peer is gone: both legs end. */
static void expire(struct sip_leg *leg)
{
	struct cause cause = cause_of(CAUSE_SESSION_TIMEOUT);
	const struct leg_session *session = &leg->session;

	call_leg_timer(&leg->base, "session",
		       session_give_up_after_s(&session->rules, &session->agreed));
	if (leg->state == LEG_ANSWERED)
		leg_send_ack(leg, SPAN_NONE);
	call_leg_released(&leg->base, cause);
	leg_send_bye(leg, cause);
}

static void timer_fired(struct wheel_timer *timer, void *owner);

/* At that time, or at the session's end if that comes first. */
static void wake_at(struct sip_leg *leg, uint64_t due_us)
{
	struct sip_worker *worker = leg->worker;
	uint64_t last_us = end_us(&leg->session);

	if (due_us > last_us)
		due_us = last_us;
	wheel_start(&worker->wheel, &leg->session.timer, timer_fired, worker->now_us,
		    due_us > worker->now_us ? due_us - worker->now_us : 0);
}

static void update_response(struct sip_worker *worker, void *user, struct txn_client *txn,
			    const struct sip_rx *rx)
{
	struct sip_leg *leg = user;

	(void)worker;
	if (rx && (rx->msg->status < 200 || leg_challenged(leg, txn, rx)))
		return;
	if (rx)
		txn_client_forget(txn);
	leg->session.update_out = NULL;
	if (leg->state != LEG_CONFIRMED)
		return;
	if (!rx || rx->msg->status >= 300) {
		leg_session_refused(leg, rx ? rx->msg : NULL);
		return;
	}
	leg_learn_target(leg, rx->msg);
	leg_session_agreed(leg, rx->msg);
}

/* Without offer: it refreshes, and can collide with nothing (RFC 3311 section 5.1). */
static void send_update(struct sip_leg *leg)
{
	struct txn_client *txn = txn_client_new(leg->worker, SIP_UPDATE, update_response, leg);
	struct buf *out;

	if (!txn)
		return; /* refresh() tries again */
	leg->session.update_out = txn;
	out = leg_begin_request(leg, SIP_UPDATE, ++leg->local_cseq, txn_client_branch(txn));
	leg_add_contact(leg, out);
	leg_session_propose(leg, out);
	sip_write_body(out, SPAN_NONE, SPAN_NONE);
	txn_client_send(leg->worker, txn, leg->socket, &leg->peer);
}

static bool is_offering(const struct sip_leg *leg)
{
	return leg->session.offer_is_out || leg->ack_held || leg->awaits_ack || leg->offer_in ||
	       (leg->invite_in && !txn_server_is_final(leg->invite_in));
}

static void refresh(struct sip_leg *leg)
{
	const struct leg_session *session = &leg->session;
	bool by_update = session->peer_updates || !session->sdp;

	if (leg->state == LEG_ANSWERED || session->update_out || (!by_update && is_offering(leg))) {
		wake_at(leg, leg->worker->now_us + BUSY_WAIT_US);
		return;
	}
	if (by_update)
		send_update(leg);
	else
		leg_offer_refresh(leg, span_of(session->sdp));
	wake_at(leg, session->update_out || session->offer_is_out
			     ? end_us(session)
			     : leg->worker->now_us + REFUSED_WAIT_S * SECOND_US);
}

static void timer_fired(struct wheel_timer *timer, void *owner)
{
	struct sip_leg *leg = leg_of_timer(timer);

	(void)owner;
	if (leg->state != LEG_CONFIRMED && leg->state != LEG_ANSWERED)
		return;
	if (leg->worker->now_us >= end_us(&leg->session)) {
		expire(leg);
	} else if (leg->session.offer_waits) {
		/* It refreshes when it is taken; when not, we do. */
		wake_at(leg, leg->worker->now_us + REFUSED_WAIT_S * SECOND_US);
		leg_offer_next(leg);
	} else if (leg->session.agreed.refresher == SESSION_WE_REFRESH) {
		refresh(leg);
	} else if (leg->session.agreed.refresher == SESSION_PEER_REFRESHES) {
		/* It has taken that over since the timer was set. */
		wake_at(leg, UINT64_MAX);
	}
}

void leg_session_resume(struct sip_leg *leg)
{
	const struct leg_session *session = &leg->session;
	uint32_t refresh_s;

	if (session->agreed.refresher == SESSION_OFF)
		return;
	refresh_s = session_refresh_after_s(&session->rules, &session->agreed);
	wake_at(leg,
		refresh_s ? session->refreshed_us + (uint64_t)refresh_s * SECOND_US : UINT64_MAX);
}

/* The session was refreshed, by whomever and whatever. */
static void start(struct sip_leg *leg, struct session_timer agreed)
{
	struct leg_session *session = &leg->session;

	session->agreed = agreed;
	session->was_raised = false;
	session->refreshed_us = leg->worker->now_us;
	leg->base.has_session_timer = agreed.refresher != SESSION_OFF;
	if (agreed.refresher == SESSION_OFF)
		wheel_stop(&leg->worker->wheel, &session->timer);
	else
		leg_session_resume(leg);
}

static void learn_methods(struct sip_leg *leg, const struct sip_msg *msg)
{
	if (msg->is_request && msg->method == SIP_UPDATE)
		leg->session.peer_updates = true;
	else if (sip_msg_first(msg, SIP_HDR_ALLOW))
		leg->session.peer_updates =
			sip_msg_has_token(msg, SIP_HDR_ALLOW, SPAN_LIT("UPDATE"));
}

void leg_session_use(struct sip_leg *leg, bool is_enabled)
{
	leg->session.rules = session_rules_of(leg->worker->conf->snapshot, is_enabled);
}

int leg_session_take(struct sip_leg *leg, const struct sip_msg *msg)
{
	struct leg_session *session = &leg->session;
	struct session_timer asked;

	switch (session_take_request(&session->rules, msg, &asked)) {
	case SESSION_TOO_SMALL:
		return 422;
	case SESSION_BAD:
		return 400;
	case SESSION_AGREED:
		break;
	}
	/* A peer that forgets the timer in a later request does not forbid us to go on with it. */
	if (asked.refresher == SESSION_OFF && session->agreed.refresher == SESSION_WE_REFRESH) {
		asked.refresher = SESSION_WE_REFRESH;
		asked.interval_s = session->agreed.interval_s;
	}
	session->asked = asked;
	learn_methods(leg, msg);
	return 0;
}

void leg_session_answer(struct sip_leg *leg, struct buf *out)
{
	if (leg->session.rules.ttl_s == 0)
		return;
	buf_add_lit(out, "Supported: timer\r\n");
	session_write_answer(out, &leg->session.asked);
	start(leg, leg->session.asked);
}

void leg_session_propose(const struct sip_leg *leg, struct buf *out)
{
	const struct leg_session *session = &leg->session;
	uint32_t interval_s =
		leg->state == LEG_OUTGOING ? session->rules.ttl_s : session->agreed.interval_s;

	if (session->rules.ttl_s == 0)
		return;
	if (interval_s && interval_s < session->min_se_s)
		interval_s = session->min_se_s;
	session_write_request(out, interval_s, &session->agreed, session->min_se_s);
}

void leg_session_agreed(struct sip_leg *leg, const struct sip_msg *msg)
{
	struct leg_session *session = &leg->session;
	struct session_timer timer;

	if (session->rules.ttl_s == 0)
		return;
	learn_methods(leg, msg);
	session_take_answer(&session->rules, msg, &timer);
	if (timer.refresher == SESSION_OFF && session->agreed.refresher == SESSION_WE_REFRESH)
		timer = session->agreed;
	start(leg, timer);
}

bool leg_session_raise(struct sip_leg *leg, const struct sip_msg *msg)
{
	struct leg_session *session = &leg->session;
	uint32_t proposed_s =
		leg->state == LEG_OUTGOING ? session->rules.ttl_s : session->agreed.interval_s;
	uint32_t min_se_s;

	if (proposed_s == 0 || session->was_raised)
		return false;
	min_se_s = session_after_422(proposed_s, msg);
	if (min_se_s == 0)
		return false;
	session->was_raised = true;
	session->min_se_s = min_se_s;
	return true;
}

/* RFC 3261 14.1: who owns the Call-ID waits longer. Units of 10 ms. */
uint64_t leg_session_glare_us(struct sip_leg *leg)
{
	uint32_t random;

	random_take(&leg->worker->random, &random, sizeof(random));
	if (leg->session.owns_call_id)
		return (210 + random % 191) * 10000u;
	return random % 201 * 10000u;
}

static uint64_t refused_wait_us(const struct sip_msg *msg)
{
	uint32_t seconds;

	if (!sip_msg_seconds(msg, SIP_HDR_RETRY_AFTER, &seconds) || seconds == 0)
		seconds = REFUSED_WAIT_S;
	return (uint64_t)seconds * SECOND_US;
}

void leg_session_refused(struct sip_leg *leg, const struct sip_msg *msg)
{
	struct leg_session *session = &leg->session;
	int status = msg ? msg->status : 408;

	/* RFC 4028 section 10: no answer, and these two, say that there is no session. */
	if (status == 408 || status == 481) {
		expire(leg);
	} else if (status == 422 && leg_session_raise(leg, msg)) {
		refresh(leg);
	} else if (status == 491) {
		wake_at(leg, leg->worker->now_us + leg_session_glare_us(leg));
	} else {
		/* One that lists UPDATE and then does not take it. */
		if ((status == 405 || status == 501) && session->sdp)
			session->peer_updates = false;
		wake_at(leg, leg->worker->now_us + refused_wait_us(msg));
	}
}

bool leg_session_wants_sdp(const struct sip_leg *leg)
{
	const struct leg_session *session = &leg->session;

	return session->agreed.refresher == SESSION_WE_REFRESH && !session->peer_updates;
}

void leg_session_sent(struct sip_leg *leg, struct span sdp)
{
	struct leg_session *session = &leg->session;
	bool is_wanted = leg_session_wants_sdp(leg);

	if (is_wanted && !sdp.len)
		return;
	/* Without it the refresh is an UPDATE after all. */
	if (!is_wanted || span_find(sdp, '\0') != sdp.len || !leg_set(leg, &session->sdp, sdp))
		session->sdp = NULL;
}

void leg_session_stop(struct sip_leg *leg)
{
	struct leg_session *session = &leg->session;

	wheel_stop(&leg->worker->wheel, &session->timer);
	if (session->update_out)
		txn_client_forget(session->update_out);
	session->update_out = NULL;
	free(session->waiting);
	session->sdp = NULL;
	session->waiting = NULL;
	session->offer_waits = false;
}

void leg_session_describe(const struct sip_leg *leg, char *out, size_t size)
{
	const struct leg_session *session = &leg->session;
	uint64_t now_us = leg->worker->now_us;
	uint64_t last_us = end_us(session);
	unsigned last_s = last_us > now_us ? (unsigned)((last_us - now_us) / SECOND_US) : 0;
	uint64_t due_us = wheel_due_us(&session->timer);
	unsigned due_s = due_us > now_us ? (unsigned)((due_us - now_us) / SECOND_US) : 0;

	out[0] = '\0';
	if (session->agreed.refresher == SESSION_OFF || !wheel_is_running(&session->timer))
		return;
	if (session->agreed.refresher == SESSION_PEER_REFRESHES)
		snprintf(out, size, "refreshed by the peer, ends in %u s", last_s);
	else if (session->update_out || (session->offer_is_out && session->is_refresh))
		snprintf(out, size, "refresh under way, ends in %u s", last_s);
	else
		snprintf(out, size, "refreshed by us in %u s, ends in %u s", due_s, last_s);
}
