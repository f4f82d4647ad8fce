/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An INVITE from outside a dialog: who sends it, whether it can be used, and the leg of the caller.
 */

#include "switchd/sip/dispatch.h"
#include "switchd/sip/guard.h"
#include "switchd/sip/leg_caller.h"
#include "switchd/sip/leg_early.h"
#include "switchd/sip/leg_refer.h"

#define MAX_FORWARDS 70

/* Appends what a Require header names and the switch does not have. */
static void add_unsupported(const struct sip_msg *msg, struct buf *out)
{
	const struct sip_header *require;
	struct span token;
	int index = 0;

	while ((require = sip_msg_header(msg, SIP_HDR_REQUIRE, &index))) {
		struct span rest = require->value;

		while (sip_list_next(&rest, &token)) {
			if (span_ieq(token, SPAN_LIT("timer")) ||
			    span_ieq(token, SPAN_LIT("replaces")) ||
			    span_ieq(token, SPAN_LIT("100rel")))
				continue;
			if (out->len)
				buf_add_lit(out, ", ");
			buf_add_span(out, token);
		}
	}
}

static void refuse_extension(struct sip_worker *worker, const struct sip_rx *rx,
			     struct span unsupported)
{
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out;

	out = sip_reply_begin(worker, rx, 420, NULL, sip_stateless_tag(worker, rx, tag));
	buf_add_lit(out, "Unsupported: ");
	buf_add_span(out, unsupported);
	buf_add_lit(out, "\r\n");
	sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
}

static void refuse_interval(struct sip_worker *worker, const struct sip_rx *rx)
{
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out;

	out = sip_reply_begin(worker, rx, 422, NULL, sip_stateless_tag(worker, rx, tag));
	buf_add_lit(out, LEG_MIN_SE);
	sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
}

static void refuse_body(struct sip_worker *worker, const struct sip_rx *rx)
{
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out;

	out = sip_reply_begin(worker, rx, 415, NULL, sip_stateless_tag(worker, rx, tag));
	buf_add_lit(out, "Accept: application/sdp\r\n");
	sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
}

/* "sip:@host", "sip:;x@host", "tel:": a number is there, with no digit in it. */
static bool has_no_number(struct span uri)
{
	size_t colon = span_find(uri, ':');
	bool is_tel = span_ieq((struct span){uri.ptr, colon}, SPAN_LIT("tel"));
	struct span rest;

	if (colon == uri.len)
		return false;
	rest = (struct span){uri.ptr + colon + 1, uri.len - colon - 1};
	if (is_tel)
		return rest.len == 0 || rest.ptr[0] == ';';
	return rest.len > 0 && (rest.ptr[0] == '@' || rest.ptr[0] == ':') &&
	       span_find(rest, '@') < rest.len;
}

/* What can be said before anybody is asked for a password (RFC 3261 8.2, 16.3). False: answered. */
static bool check_shape(struct sip_worker *worker, const struct sip_rx *rx,
			const struct sip_uri *target, char *callee, size_t size)
{
	char memory[1024];
	struct buf unsupported = buf_over(memory, sizeof(memory));
	bool is_tel = span_ieq(target->scheme, SPAN_LIT("tel"));
	size_t len;
	int status = 0;

	if (worker->io->is_stopping)
		status = 503;
	else if (has_no_number(rx->msg->request_uri))
		status = 484;
	else if (!is_tel && !span_ieq(target->scheme, SPAN_LIT("sip")) &&
		 !span_ieq(target->scheme, SPAN_LIT("sips")))
		status = 416;
	else if (rx->msg->max_forwards == 0)
		status = 483;
	else if (!sip_unescape(target->user.len ? target->user
			       : is_tel         ? target->host
						: SPAN_NONE,
			       callee, size - 1, &len) ||
		 len == 0)
		status = 404;
	else
		callee[len] = '\0';
	if (status == 0 && !leg_text_is_clean(callee))
		status = 404;
	if (status) {
		sip_reply_stateless(worker, rx, status, NULL);
		return false;
	}
	add_unsupported(rx->msg, &unsupported);
	if (unsupported.len || unsupported.failed) {
		refuse_extension(worker, rx, buf_span(&unsupported));
		return false;
	}
	if (rx->msg->body.len && !leg_sdp(rx->msg).len) {
		refuse_body(worker, rx);
		return false;
	}
	return true;
}

/* RFC 3261 12.1.1: the route set of the callee's side is Record-Route as it stands. */
static bool learn_route(struct sip_leg *leg, const struct sip_msg *msg)
{
	char memory[LEG_ROUTE_BYTES];
	struct buf route = buf_over(memory, sizeof(memory));
	const struct sip_header *header;
	int index = 0;

	while ((header = sip_msg_header(msg, SIP_HDR_RECORD_ROUTE, &index))) {
		if (route.len)
			buf_add_lit(&route, ", ");
		buf_add_span(&route, header->value);
	}
	return leg_route_from(leg, &route);
}

/* Value of From or To without its tag. */
static bool without_tag(struct sip_leg *leg, char **field, const struct sip_name_addr *name)
{
	char memory[LEG_NAME_BYTES];
	struct buf text = buf_over(memory, sizeof(memory));

	if (!name->uri_text.len)
		return false;
	/* An escaped NUL is allowed in a display name; our texts end at one. */
	if (name->display.len && span_find(name->display, '\0') == name->display.len) {
		buf_add_char(&text, '"');
		buf_add_span(&text, name->display);
		buf_add_lit(&text, "\" ");
	}
	buf_add_char(&text, '<');
	buf_add_span(&text, name->uri_text);
	buf_add_char(&text, '>');
	return leg_text_from(leg, field, &text);
}

static bool is_nat(const struct sip_rx *rx, const struct sip_uri *contact)
{
	struct addr address;
	struct span gruu;

	if (sip_rx_is_nat(rx))
		return true;
	/* A GRUU has our address, not the phone's. */
	return addr_parse(contact->host, &address) && !addr_ip_eq(&address, &rx->source) &&
	       !sip_param_get(contact->params, SPAN_LIT("gr"), &gruu);
}

/* What the dialog keeps of the INVITE; false when a field is missing or longer than a leg takes. */
static bool learn_invite(struct sip_leg *leg, const struct sip_rx *rx,
			 const struct leg_named *named, const char *callee)
{
	const struct sip_msg *msg = rx->msg;

	leg->is_sips = span_istarts_with(msg->request_uri, SPAN_LIT("sips:"));
	leg->base.dialog = rx->dialog ? rx->dialog : worker_dialog(leg->worker, msg->call_id);
	if (msg->call_id.len > LEG_TOKEN_BYTES || msg->from_tag.len > LEG_TOKEN_BYTES ||
	    !named->target.scheme.len || named->target.user.len > LEG_NAME_BYTES ||
	    !leg_set(leg, &leg->call_id, msg->call_id) ||
	    !without_tag(leg, &leg->local, &named->to) ||
	    !without_tag(leg, &leg->remote, &named->from) ||
	    !leg_set(leg, &leg->remote_tag, msg->from_tag) ||
	    !leg_set(leg, &leg->user, named->target.user) ||
	    !leg_set(leg, &leg->number, span_of(callee)) || !learn_route(leg, msg))
		return false;
	leg_learn_peer(leg, &named->contact, &rx->source);
	return leg->remote_target != NULL;
}

/* NULL: *status says how to refuse. */
static struct sip_leg *make_leg(struct sip_worker *worker, const struct sip_rx *rx,
				const struct leg_named *named, const struct leg_caller *caller,
				const char *callee, int *status)
{
	struct sip_leg *leg = leg_new(worker);
	const struct sip_msg *msg = rx->msg;

	*status = 503;
	if (!leg)
		return NULL;
	leg->state = LEG_INCOMING;
	leg->socket = rx->socket;
	leg->base.signalling = rx->source;
	leg->base.media = rx->socket->media;
	leg->base.is_secure = rx->socket->transport == CONF_TLS;
	leg->base.is_nat = is_nat(rx, &named->contact.uri);
	leg->reply_address = caller->conf->reply_address;
	leg->request_address = caller->conf->request_address;
	leg->is_proven = caller->is_proven;
	leg->remote_cseq = msg->cseq;
	leg->has_remote_cseq = true;
	leg->ack_cseq = msg->cseq;
	if (!learn_invite(leg, rx, named, callee)) {
		*status = 400;
		leg_free_soon(leg);
		return NULL;
	}
	leg_session_use(leg, caller->conf->has_session_timer);
	*status = leg_session_take(leg, msg);
	if (*status) {
		leg_free_soon(leg);
		return NULL;
	}
	if (caller->conf->has_100rel)
		leg_reliable_use(leg, msg);
	*status = 503;
	if (caller->registration && !leg_trunk_use(leg, caller->registration, &rx->source)) {
		leg_free_soon(leg);
		return NULL;
	}
	leg->invite_in = txn_server_new(worker, rx, leg_txn_event, leg);
	if (!leg->invite_in) {
		leg_free_soon(leg);
		return NULL;
	}
	return leg;
}

static void fill_setup(const struct sip_worker *worker, const struct sip_rx *rx,
		       const struct sip_uri *target, const struct leg_caller *caller,
		       struct call_setup *setup)
{
	const struct conf_party *party = caller->conf;

	/* RFC 5627 section 5.4: one instance of the callee's. */
	(void)sip_param_get(target->params, SPAN_LIT("gr"), &setup->instance);
	setup->caller = caller->number;
	setup->display = caller->display;
	setup->identity = caller->identity;
	span_join(span_of(caller->party), SPAN_NONE, setup->party, sizeof(setup->party));
	setup->mapping = caller->mapping;
	setup->phone = caller->phone;
	setup->matched_by = caller->matched_by;
	setup->registration = caller->registration;
	setup->sdp = leg_sdp(rx->msg);
	/* More than the usual start only lengthens a loop. */
	setup->max_forwards = rx->msg->max_forwards < 0 || rx->msg->max_forwards > MAX_FORWARDS
				      ? MAX_FORWARDS
				      : rx->msg->max_forwards;
	decide_party_from(party, &setup->decide);
	setup->decide.is_nat = setup->leg->is_nat;
	setup->decide.source = rx->source;
	if (!setup->decide.network[0])
		setup->decide.network =
			conf_network_of(worker->conf, &rx->source, &rx->socket->bound);
	setup->leg->media =
		conf_media_place(worker->conf, setup->decide.network, &rx->socket->media);
}

/* RFC 3891: the leg that the INVITE is to replace, NULL when it names none. False: answered. */
static bool find_replaced(struct sip_worker *worker, const struct sip_rx *rx, struct sip_leg **out)
{
	struct span value;
	int status = 400;
	int count;

	*out = NULL;
	if (!leg_invite_replaces(rx->msg, &value, &count))
		return true;
	if (count == 1)
		*out = leg_replaced(worker, value, &status);
	if (!*out)
		sip_reply_stateless(worker, rx, status, NULL);
	return *out != NULL;
}

static void start(struct sip_worker *worker, struct sip_leg *leg, struct sip_leg *replaced,
		  const struct call_setup *setup)
{
	int status;

	if (!replaced) {
		call_start(worker->calls, setup);
		return;
	}
	status = call_replace(&leg->base, &replaced->base, setup);
	if (!status)
		return;
	txn_server_respond(worker, leg->invite_in, status, NULL, span_of(leg->local_tag), SPAN_NONE,
			   SPAN_NONE, SPAN_NONE);
	leg_free_soon(leg);
}

/* Of a caller who is known: what the INVITE asks for. NULL: refused. */
static struct sip_leg *take(struct sip_worker *worker, const struct sip_rx *rx,
			    const struct leg_named *named, const struct leg_caller *caller,
			    const char *callee)
{
	uint64_t merge_key = leg_merge_key(worker, rx->msg);
	struct call_setup setup = {0};
	struct sip_leg *replaced;
	struct sip_leg *leg;
	int status;

	if (leg_merge_is_known(worker, merge_key)) {
		sip_reply_stateless(worker, rx, 482, NULL);
		return NULL;
	}
	if (!find_replaced(worker, rx, &replaced))
		return NULL;
	leg = make_leg(worker, rx, named, caller, callee, &status);
	if (!leg && status == 422) {
		refuse_interval(worker, rx);
		return NULL;
	}
	if (!leg) {
		sip_reply_stateless(worker, rx, status,
				    status == 400 ? "Unusable Contact Or Header Too Long" : NULL);
		return NULL;
	}
	leg_merge_enter(leg, merge_key);
	txn_server_respond(worker, leg->invite_in, 100, NULL, SPAN_NONE, SPAN_NONE, SPAN_NONE,
			   SPAN_NONE);
	setup.leg = &leg->base;
	setup.callee = callee;
	fill_setup(worker, rx, &named->target, caller, &setup);
	start(worker, leg, replaced, &setup);
	return leg;
}

struct sip_leg *leg_invite_take(struct sip_worker *worker, const struct sip_rx *rx,
				const struct leg_caller *caller, const char *callee)
{
	struct sip_rx known = *rx;
	struct leg_named named;

	known.reply = caller->conf->reply_address;
	leg_named_read(rx->msg, &named);
	leg_named_read_rest(rx->msg, &named);
	return take(worker, &known, &named, caller, callee);
}

void leg_invite(struct sip_worker *worker, const struct sip_rx *rx)
{
	struct leg_caller caller = {0};
	struct sip_rx known = *rx;
	struct leg_named named;
	const char *why = NULL;
	char callee[LEG_CALLEE_MAX];

	leg_named_read(rx->msg, &named);
	if (!check_shape(worker, rx, &named.target, callee, sizeof(callee)) ||
	    !leg_identify(worker, rx, &named, &caller, callee, sizeof(callee)))
		return;
	known.reply = caller.conf->reply_address;
	rx = &known;
	if (!caller.conf->has_100rel &&
	    sip_msg_has_token(rx->msg, SIP_HDR_REQUIRE, SPAN_LIT("100rel"))) {
		refuse_extension(worker, rx, SPAN_LIT("100rel"));
		return;
	}
	if (!rx->msg->contact_count) {
		sip_reply_stateless(worker, rx, 400, "Missing Contact");
		return;
	}
	if (!guard_admits_call(worker, rx))
		return;
	if (!sip_msg_check_full(rx->msg, &why)) {
		worker->counters.rx_rejected++;
		sip_reply_stateless(worker, rx, 400, why);
		return;
	}
	if (!leg_invite_far(worker, rx, &caller, callee))
		(void)take(worker, rx, &named, &caller, callee);
}

struct span leg_tag(const void *user)
{
	const struct sip_leg *leg = user;

	return leg ? span_of(leg->local_tag) : SPAN_NONE;
}

void leg_cancelled(struct sip_worker *worker, void *user, const struct sip_rx *rx)
{
	struct sip_leg *leg = user;

	(void)rx;
	/* After the final answer CANCEL does nothing (RFC 3261 9.2). */
	if (!leg || !leg->invite_in || txn_server_is_final(leg->invite_in))
		return;
	txn_server_respond(worker, leg->invite_in, 487, NULL, span_of(leg->local_tag), SPAN_NONE,
			   SPAN_NONE, SPAN_NONE);
	if (leg->state != LEG_INCOMING) {
		call_offer_withdrawn(&leg->base); /* a re-INVITE: the call goes on */
		return;
	}
	call_leg_released(&leg->base, cause_of(CAUSE_ABANDONED));
	leg_free_soon(leg);
}

void leg_txn_event(struct sip_worker *worker, void *user, struct txn_server *txn,
		   enum txn_server_event event)
{
	struct sip_leg *leg = user;

	(void)worker;
	switch (event) {
	case TXN_SERVER_ACKED:
		break;
	case TXN_SERVER_NO_ACK:
		if (leg->invite_in != txn || !leg->awaits_ack)
			break; /* a refusal that nobody acknowledged ends quietly */
		leg->awaits_ack = false;
		call_leg_timer(&leg->base, "ACK", 32);
		call_leg_released(&leg->base, cause_of(CAUSE_NO_ACK));
		leg_send_bye(leg,
			     leg->release_after_ack ? leg->release_cause : cause_of(CAUSE_NO_ACK));
		break;
	case TXN_SERVER_NO_PRACK:
		if (leg->invite_in == txn)
			leg_reliable_lost(leg);
		break;
	case TXN_SERVER_GONE:
		if (leg->invite_in == txn)
			leg->invite_in = NULL;
		if (leg->offer_in == txn)
			leg->offer_in = NULL;
		break;
	}
}
