/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first INVITE of ours: the leg of the callee with its stages (behaviour C6). */
#include <stdlib.h>

#include "switchd/conf/conf_registrations.h"
#include "switchd/sip/dispatch.h"
#include "switchd/sip/diversion.h"
#include "switchd/sip/identity.h"
#include "switchd/sip/leg_late.h"
#include "switchd/sip/leg_redirect.h"

static const struct {
	enum param_id param;
	enum cause_id cause;
	const char *name;
} stages[] = {
	[CONF_STAGE_INVITE] = {PARAM_SS_SIP_TIMEOUT_INVITE, CAUSE_TIMEOUT_INVITE, "invite"},
	[CONF_STAGE_TRYING] = {PARAM_SS_SIP_TIMEOUT_TRYING, CAUSE_TIMEOUT_TRYING, "trying"},
	[CONF_STAGE_PROGRESS] = {PARAM_SS_SIP_TIMEOUT_SESSION_PROGRESS, CAUSE_TIMEOUT_PROGRESS,
				 "progress"},
	[CONF_STAGE_PROGRESS_SDP] = {PARAM_SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP,
				     CAUSE_TIMEOUT_PROGRESS, "progress with SDP"},
	[CONF_STAGE_RINGING] = {PARAM_SS_SIP_TIMEOUT_RINGING, CAUSE_NO_ANSWER, "ringing"},
};

/* --- Stages. --- */

static uint64_t stage_length_s(const struct sip_leg *leg, enum conf_stage stage)
{
	if (leg->stage_s[stage])
		return leg->stage_s[stage];
	return (uint64_t)snapshot_number(leg->worker->conf->snapshot, stages[stage].param);
}

static void stage_fired(struct wheel_timer *timer, void *owner)
{
	struct sip_leg *leg = (struct sip_leg *)((char *)timer - offsetof(struct sip_leg, timer));
	struct cause cause = cause_of(stages[leg->stage].cause);

	(void)owner;
	call_leg_timer(&leg->base, stages[leg->stage].name, stage_length_s(leg, leg->stage));
	leg_give_up(leg, cause);
	call_leg_failed(&leg->base, cause);
}

static void start_stage(struct sip_leg *leg, enum conf_stage stage)
{
	struct sip_worker *worker = leg->worker;

	leg->stage = stage;
	wheel_start(&worker->wheel, &leg->timer, stage_fired, worker->now_us,
		    stage_length_s(leg, stage) * 1000000);
}

static enum conf_stage stage_of(int status, bool has_sdp)
{
	if (status == 100)
		return CONF_STAGE_TRYING;
	if (status == 180)
		return CONF_STAGE_RINGING;
	return has_sdp ? CONF_STAGE_PROGRESS_SDP : CONF_STAGE_PROGRESS;
}

/* --- Responses to the first INVITE. --- */

/* False when the dialog cannot be kept: out of memory, or the peer's headers are beyond all use. */
static bool learn_dialog(struct sip_leg *leg, const struct sip_rx *rx)
{
	char memory[LEG_ROUTE_BYTES];
	struct buf route = buf_over(memory, sizeof(memory));
	struct sip_name_addr contact;
	bool is_good = rx->msg->to_tag.len <= LEG_TOKEN_BYTES &&
		       leg_set(leg, &leg->remote_tag, rx->msg->to_tag) &&
		       leg_write_route(rx->msg, &route) && leg_route_from(leg, &route);

	leg_contact_of(rx->msg, &contact);
	leg_learn_peer(leg, &contact, txn_client_target(leg->invite_out));
	return is_good;
}

/* Of a call that another phone has answered the phone is told so, and does not count it as missed
 * (RFC 3326 section 2). */
static void send_cancel(struct sip_leg *leg)
{
	bool is_elsewhere = leg->release_cause.received == 0 &&
			    leg->release_cause.id == CAUSE_ANSWERED_ELSEWHERE;

	txn_client_cancel(
		leg->worker, leg->invite_out,
		is_elsewhere
			? SPAN_LIT("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n")
			: SPAN_NONE);
}

static void provisional(struct sip_leg *leg, const struct sip_rx *rx)
{
	struct span sdp;
	int status = rx->msg->status;
	enum conf_stage stage;

	leg->heard_provisional = true;
	if (leg->state == LEG_CANCELLED) {
		if (leg->cancel_wanted)
			send_cancel(leg);
		leg->cancel_wanted = false;
		return;
	}
	if (leg->state != LEG_OUTGOING)
		return;
	if (!leg_early_take(leg, rx, &sdp))
		return;
	stage = stage_of(status, sdp.len > 0);
	if (stage > leg->stage)
		start_stage(leg, stage);
	call_provisional(&leg->base, status, sdp);
}

/* A 2xx from another branch of a fork, or to an INVITE that was given up: ACK, then BYE. The leg's
 * own dialog, if it has one, is not touched. */
static void reject_dialog(struct sip_leg *leg, const struct sip_rx *rx)
{
	struct sip_leg *stray;
	bool is_good;

	/* Bounded: the peer makes up as many tags as it likes. */
	if (leg->strays == LEG_STRAYS_MAX)
		return;
	leg->strays++;
	stray = leg_new(leg->worker);
	if (!stray)
		return;
	stray->state = LEG_CONFIRMED;
	stray->socket = leg->socket;
	stray->is_sips = leg->is_sips;
	stray->base = leg->base;
	stray->base.call = NULL;
	memcpy(stray->local_tag, leg->local_tag, sizeof(stray->local_tag));
	stray->peer = leg->peer;
	stray->reply_address = leg->reply_address;
	stray->request_address = leg->request_address;
	stray->is_proven = leg->is_proven;
	stray->invite_cseq = leg->invite_cseq;
	stray->has_offered = leg->has_offered;
	stray->local_cseq = leg->local_cseq;
	stray->invite_out = leg->invite_out; /* only its target is looked at */
	(void)leg_trunk_share(stray, leg);
	is_good = leg_set(stray, &stray->call_id, span_of(leg->call_id)) &&
		  leg_set(stray, &stray->local, span_of(leg->local)) &&
		  leg_set(stray, &stray->remote, span_of(leg->remote)) &&
		  leg_set(stray, &stray->remote_target, span_of(leg->remote_target)) &&
		  leg_set(stray, &stray->number, span_of(leg->number)) && learn_dialog(stray, rx);
	stray->invite_out = NULL;
	if (!is_good) {
		leg_free_soon(stray);
		return;
	}
	leg_late_note(stray, rx->msg);
	leg_send_ack(stray, SPAN_NONE);
	leg_send_bye(stray, cause_of(CAUSE_ABANDONED));
}

static void first_answer(struct sip_leg *leg, const struct sip_rx *rx)
{
	const struct leg_early_dialog *dialog = leg_early_find(leg, rx->msg->to_tag);
	bool is_parked = dialog && dialog->is_parked;
	struct span sdp;

	wheel_stop(&leg->worker->wheel, &leg->timer);
	leg->state = LEG_ANSWERED;
	leg->identity = NULL;
	if (!dialog || !dialog->is_agreed)
		leg_late_note(leg, rx->msg);
	leg_early_answered(leg, rx->msg, &sdp);
	if (learn_dialog(leg, rx)) {
		leg_session_agreed(leg, rx->msg);
		if (is_parked) {
			leg_late_ask(leg);
			return;
		}
		leg_session_sent(leg, !leg_session_wants_sdp(leg) ? SPAN_NONE
				      : leg->early && leg->early->sdp_sent
					      ? span_of(leg->early->sdp_sent)
					      : txn_client_body(leg->invite_out));
		leg_texts_pack(leg);
		call_answered(&leg->base, sdp);
		leg_early_end(leg);
		return;
	}
	leg_send_ack(leg, SPAN_NONE);
	leg_send_bye(leg, cause_of(CAUSE_INTERNAL));
	call_leg_failed(&leg->base, cause_of(CAUSE_INTERNAL));
}

static void answered(struct sip_leg *leg, const struct sip_rx *rx)
{
	bool is_known = leg->remote_tag && span_eq(rx->msg->to_tag, span_of(leg->remote_tag));

	switch (leg->state) {
	case LEG_OUTGOING:
		first_answer(leg, rx);
		break;
	case LEG_CANCELLED:
		/* The answer crossed with our CANCEL, or came after the timeout. */
		(void)learn_dialog(leg, rx);
		leg_late_note(leg, rx->msg);
		leg_send_ack(leg, SPAN_NONE);
		leg_send_bye(leg, leg->release_cause);
		break;
	case LEG_CONFIRMED:
	case LEG_ENDED:
		if (is_known)
			leg_send_ack(leg, SPAN_NONE);
		else
			reject_dialog(leg, rx);
		break;
	case LEG_ANSWERED:
		if (!is_known)
			reject_dialog(leg, rx);
		break;
	case LEG_INCOMING:
		break;
	}
}

static void failed(struct sip_leg *leg, struct txn_client *txn, const struct sip_msg *msg,
		   struct cause cause)
{
	bool was_waiting = leg->state == LEG_OUTGOING;

	if (leg->state != LEG_OUTGOING && leg->state != LEG_CANCELLED)
		return;
	txn_client_forget(txn);
	leg->invite_out = NULL;
	leg_free_soon(leg);
	if (was_waiting && msg && msg->status < 400)
		leg_redirected(leg, msg, cause);
	else if (was_waiting)
		call_leg_failed(&leg->base, cause);
}

#define RETRY_AFTER_MAX_S 86400 /* nobody is left alone for longer */

static struct cause cause_of_answer(const struct sip_msg *msg)
{
	struct cause cause = cause_received(msg->status);

	if (sip_msg_seconds(msg, SIP_HDR_RETRY_AFTER, &cause.retry_after_s) &&
	    cause.retry_after_s > RETRY_AFTER_MAX_S)
		cause.retry_after_s = RETRY_AFTER_MAX_S;
	return cause;
}

static bool send_invite(struct sip_leg *leg, struct span sdp);

/* The INVITE once more, in place of one that was refused with what can be mended. */
static bool invite_again(struct sip_leg *leg, struct txn_client *refused)
{
	struct span body = txn_client_body(refused);
	char *sdp = span_dup(body);
	bool is_sent = sdp && send_invite(leg, (struct span){sdp, body.len});

	free(sdp);
	if (!is_sent)
		return false;
	txn_client_forget(refused);
	leg->heard_provisional = false;
	leg_early_end(leg);
	start_stage(leg, CONF_STAGE_INVITE);
	return true;
}

static void invite_response(struct sip_worker *worker, void *user, struct txn_client *txn,
			    const struct sip_rx *rx)
{
	struct sip_leg *leg = user;

	(void)worker;
	if (!rx) {
		/* The transaction has ended: normal after an answer, else nothing was heard. */
		leg->invite_out = NULL;
		if (leg->state == LEG_OUTGOING && !txn_client_is_unreachable(txn))
			call_leg_timer(&leg->base, "INVITE without response", 32);
		if (leg->state == LEG_OUTGOING || leg->state == LEG_CANCELLED)
			failed(leg, txn, NULL,
			       cause_of(txn_client_is_unreachable(txn) ? CAUSE_GATEWAY_UNREACHABLE
								       : CAUSE_TIMEOUT_INVITE));
	} else if (rx->msg->status < 200) {
		provisional(leg, rx);
	} else if (rx->msg->status < 300) {
		answered(leg, rx);
	} else if (leg_challenged(leg, txn, rx)) {
		/* It was sent again, with what was asked for: nobody has heard of that one. */
		if (leg->state == LEG_OUTGOING)
			start_stage(leg, CONF_STAGE_INVITE);
	} else if (rx->msg->status == 422 && leg->state == LEG_OUTGOING &&
		   leg_session_raise(leg, rx->msg) && invite_again(leg, txn)) {
		/* RFC 4028 section 7.3: once, with the interval that was asked for. */
	} else {
		failed(leg, txn, rx->msg, cause_of_answer(rx->msg));
	}
}

/* Ends an INVITE without final answer: CANCEL once something was heard (RFC 3261 9.1). */
void leg_give_up(struct sip_leg *leg, struct cause cause)
{
	leg->state = LEG_CANCELLED;
	leg->release_cause = cause;
	wheel_stop(&leg->worker->wheel, &leg->timer);
	if (!leg->invite_out) {
		leg_free_soon(leg);
	} else if (leg->heard_provisional) {
		send_cancel(leg);
	} else {
		leg->cancel_wanted = true;
		txn_client_stop_resend(leg->worker, leg->invite_out);
	}
}

/* --- Dialling. --- */

/* From, Contact, and the headers about who calls. */
static bool write_caller(struct sip_leg *leg, const struct call_dial *dial)
{
	char memory[2048];
	struct buf text = buf_over(memory, sizeof(memory));
	const struct conf_registration *registration = dial->target->registration;
	const char *host = registration ? registration->host : leg->socket->host_port;
	struct identity identity;
	bool is_good;

	identity_choose(leg->worker->conf, dial, &identity);
	/* Contact would name who From does not; that of a registration is the account's. */
	if (registration || !identity.is_anonymous)
		buf_add_escaped_user(&text, registration ? registration->account : identity.number);
	is_good = leg_text_from(leg, &leg->user, &text);
	buf_reset(&text);
	if (registration && registration->from_account)
		identity.number = registration->account;
	identity_add_from(&identity, host, &text);
	is_good = is_good && leg_text_from(leg, &leg->local, &text);
	buf_reset(&text);
	identity_add_headers(&identity, host, &text);
	diversion_add_headers(leg->worker->conf, dial, host, &text);
	if (registration && *registration->user_agent)
		buf_printf(&text, "User-Agent: %s\r\n", registration->user_agent);
	if (text.len)
		is_good = is_good && leg_text_from(leg, &leg->identity, &text);
	return is_good;
}

static bool write_identity(struct sip_leg *leg, const struct call_dial *dial)
{
	char memory[512];
	struct buf text = buf_over(memory, sizeof(memory));
	const struct conf_registration *registration = dial->target->registration;
	char to[ADDR_TEXT_MAX];
	uint8_t number = (uint8_t)leg->worker->number;
	uint8_t random[12];
	bool is_good;

	addr_print(&dial->target->address, to);
	buf_add_lit(&text, "<sip:");
	buf_add_escaped_user(&text, identity_to(leg->worker->conf, dial));
	buf_add_char(&text, '@');
	buf_add_str(&text, registration ? registration->host : to);
	buf_add_char(&text, '>');
	is_good = write_caller(leg, dial) && leg_text_from(leg, &leg->remote, &text);

	buf_reset(&text);
	random_take(&leg->worker->random, random, sizeof(random));
	buf_add_lit(&text, "v1-");
	buf_add_hex(&text, &number, 1);
	buf_add_hex(&text, random, sizeof(random));
	is_good = is_good && leg_text_from(leg, &leg->call_id, &text);
	leg->base.dialog = worker_dialog(leg->worker, buf_span(&text));
	/* Without a registered contact the Request-URI is made as To is, and says how it goes
	 * there. */
	buf_reset(&text);
	if (dial->target->request_uri[0]) {
		buf_add_str(&text, dial->target->request_uri);
	} else {
		buf_add_lit(&text, "sip:");
		buf_add_escaped_user(&text, dial->target->number);
		buf_add_char(&text, '@');
		buf_add_str(&text, registration ? registration->domain : to);
		buf_add_str(&text, leg_uri_transport(leg));
	}
	is_good = is_good && leg_text_from(leg, &leg->remote_target, &text);
	/* RFC 3327 section 5.3: what the REGISTER's proxies asked for. */
	if (dial->target->route)
		is_good = is_good && leg_set(leg, &leg->route, span_of(dial->target->route));
	return is_good && leg_set(leg, &leg->number, span_of(dial->target->number));
}

static bool send_invite(struct sip_leg *leg, struct span sdp)
{
	struct txn_client *txn = txn_client_new(leg->worker, SIP_INVITE, invite_response, leg);
	struct buf *out;

	if (!txn)
		return false;
	leg->invite_out = txn;
	leg->has_offered = sdp.len > 0;
	leg->invite_cseq = ++leg->local_cseq;
	out = leg_begin_request(leg, SIP_INVITE, leg->invite_cseq, txn_client_branch(txn));
	leg_add_contact(leg, out);
	buf_add_lit(out, "Allow: " SIP_ALLOW "\r\n" SIP_SUPPORTED);
	if (leg->asks_100rel)
		buf_add_lit(out, "Supported: 100rel\r\n");
	if (leg->identity)
		buf_add_str(out, leg->identity);
	leg_session_propose(leg, out);
	sip_write_body(out, SPAN_LIT("application/sdp"), sdp);
	txn_client_send(leg->worker, txn, leg->socket, &leg->peer);
	return true;
}

struct leg *leg_dial(void *context, struct call *call, const struct leg *caller,
		     const struct call_dial *dial)
{
	struct sip_worker *worker = context;
	const struct sip_socket *socket = leg_socket(worker, dial->target, caller);
	struct sip_leg *leg;

	if (!leg_socket_serves(socket, dial->target))
		return NULL;
	leg = leg_new(worker);
	if (!leg)
		return NULL;
	leg->base.call = call;
	leg->base.side = MEDIA_B;
	leg->base.is_nat = dial->target->is_nat;
	leg->base.signalling = dial->target->address;
	leg->socket = socket;
	/* RFC 3261 8.1.1.8 */
	leg->is_sips = span_istarts_with(span_of(dial->target->request_uri), SPAN_LIT("sips:"));
	leg->base.media = leg_media_place(worker, dial->target, caller);
	leg->base.is_secure = leg->socket->transport == CONF_TLS;
	leg->peer = dial->target->address;
	leg->state = LEG_OUTGOING;
	leg->max_forwards = dial->max_forwards - 1;
	leg->session.owns_call_id = true;
	leg_session_use(leg, dial->target->has_session_timer);
	leg->asks_100rel = dial->target->has_100rel && dial->may_be_reliable;
	if (!write_identity(leg, dial) ||
	    (dial->target->registration &&
	     !leg_trunk_use(leg, dial->target->registration, &dial->target->address))) {
		leg->base.call = NULL;
		leg_free_soon(leg);
		return NULL;
	}
	/* A Request-URI that was made of the address leads there; that of a registration leads to
	 * its server, whatever proxy is before that. */
	if (leg->route || dial->target->request_uri[0] || !dial->target->address.port)
		leg_choose_peer(leg, &dial->target->address, NULL);
	leg->reply_address = dial->target->reply_address;
	leg->request_address = dial->target->request_address;
	leg->is_proven = true;
	if (dial->target->gateway)
		memcpy(leg->stage_s, dial->target->gateway->stage_s, sizeof(leg->stage_s));
	if (dial->target->ring_s)
		leg->stage_s[CONF_STAGE_RINGING] = dial->target->ring_s;
	start_stage(leg, CONF_STAGE_INVITE);
	if (!send_invite(leg, dial->sdp)) {
		leg->base.call = NULL;
		leg_free_soon(leg);
		return NULL;
	}
	return &leg->base;
}
