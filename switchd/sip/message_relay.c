/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/message_relay.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "switchd/sip/dispatch.h"
#include "switchd/sip/identity.h"
#include "switchd/sip/leg_caller.h"
#include "switchd/sip/location.h"
#include "switchd/sip/reply.h"
#include "switchd/sip/txn.h"

/* RFC 3428 section 8: over a path without congestion control. */
#define UDP_BYTES_MAX 1300
/* Under way in a thread; beyond it senders are told to come again. */
#define RELAYS_MAX 4000u
/* Nobody has said anything final: before the sender gives up by itself (timer F, 32 s). */
#define WAIT_US      (20u * 1000u * 1000u)
#define MAX_FORWARDS 70

struct message_relay {
	struct message_relay *prev;
	struct message_relay *next;
	struct sip_worker *worker;
	struct txn_server *from; /* NULL: it has ended */
	struct wheel_timer timer;
	struct txn_client *to[LOCATION_CONTACTS_MAX];
	unsigned running;
	int best; /* of the refusals so far; 0 = none */
};

/* One to be delivered, as the request says and the configuration wants it. */
struct message {
	const struct sip_rx *rx;
	const char *number; /* of the phone */
	struct identity identity;
	int max_forwards;
	char call_id[40];
	char from_tag[20];
};

/* One place of the phone's. */
struct place {
	const struct sip_socket *socket; /* NULL: none leads there */
	struct addr address;
	const char *contact; /* Request-URI; NULL: number at address */
	const char *path;
};

/* --- Its end. --- */

static void part(struct message_relay *relay)
{
	struct sip_worker *worker = relay->worker;

	for (size_t i = 0; i < LOCATION_CONTACTS_MAX; i++)
		if (relay->to[i])
			txn_client_forget(relay->to[i]);
	if (relay->from)
		txn_server_set_user(relay->from, NULL, NULL);
	wheel_stop(&worker->wheel, &relay->timer);
	DL_DELETE(worker->messages, relay);
	worker->message_count--;
	free(relay);
}

/* What is still on its way to other contacts goes on by itself. */
static void finish(struct message_relay *relay, int status)
{
	if (relay->from)
		txn_server_respond(relay->worker, relay->from, status, NULL, SPAN_NONE, SPAN_NONE,
				   SPAN_NONE, SPAN_NONE);
	part(relay);
}

void message_relays_destroy(struct sip_worker *worker)
{
	while (worker->messages)
		part(worker->messages);
}

static void wait_fired(struct wheel_timer *timer, void *owner)
{
	struct message_relay *relay =
		(struct message_relay *)((char *)timer - offsetof(struct message_relay, timer));

	(void)owner;
	finish(relay, relay->best ? relay->best : 408);
}

static void from_event(struct sip_worker *worker, void *user, struct txn_server *txn,
		       enum txn_server_event event)
{
	struct message_relay *relay = user;

	(void)worker;
	(void)txn;
	if (event == TXN_SERVER_GONE)
		relay->from = NULL;
}

/* --- Answers. --- */

/* What one contact says is for us to deal with, or for the sender to hear. */
static int status_for_sender(int status)
{
	bool is_ours = status < 400 || status == 401 || status == 407;

	return is_ours ? 480 : status;
}

/* 6xx before all, then the lowest class; of one class the first. */
static bool is_better(int status, int than)
{
	if (than == 0 || status / 100 == 6)
		return than == 0 || than / 100 != 6;
	return than / 100 != 6 && status / 100 < than / 100;
}

static void answered(struct sip_worker *worker, void *user, struct txn_client *txn,
		     const struct sip_rx *rx)
{
	struct message_relay *relay = user;
	int status = rx ? rx->msg->status : 408;

	(void)worker;
	if (status < 200)
		return;
	for (size_t i = 0; i < LOCATION_CONTACTS_MAX; i++)
		if (relay->to[i] == txn)
			relay->to[i] = NULL;
	if (rx)
		txn_client_forget(txn);
	relay->running--;
	if (status < 300) {
		finish(relay, status);
		return;
	}
	status = status_for_sender(status);
	if (is_better(status, relay->best))
		relay->best = status;
	if (relay->running == 0)
		finish(relay, relay->best);
}

/* --- The request to a contact. --- */

static bool is_passed_on(struct span name)
{
	static const char *const names[] = {"Date", "Subject", "Content-Disposition",
					    "Content-Encoding", "Content-Language"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_ieq(name, span_of(names[i])))
			return true;
	return false;
}

static void add_content_headers(const struct sip_msg *msg, struct buf *out)
{
	for (int i = 0; i < msg->header_count; i++) {
		const struct sip_header *header = &msg->headers[i];

		if (header->id != SIP_HDR_EXPIRES && !is_passed_on(header->name))
			continue;
		buf_add_span(out, header->name);
		buf_add_lit(out, ": ");
		buf_add_span(out, header->value);
		buf_add_lit(out, "\r\n");
	}
}

static void write_request(const struct message *message, const struct place *place,
			  const char *branch, struct buf *out)
{
	static const char *const transports[] = {
		[CONF_UDP] = "UDP", [CONF_TCP] = "TCP", [CONF_TLS] = "TLS"};
	const struct sip_socket *socket = place->socket;
	const struct sip_msg *msg = message->rx->msg;
	char address[ADDR_TEXT_MAX];

	addr_print(&place->address, address);
	buf_add_lit(out, "MESSAGE ");
	if (place->contact)
		buf_add_str(out, place->contact);
	else
		buf_printf(out, "sip:%s@%s", message->number, address);
	buf_printf(out, " SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=%s\r\nMax-Forwards: %d\r\n",
		   transports[socket->transport], socket->host_port, branch,
		   message->max_forwards - 1);
	if (place->path[0])
		buf_printf(out, "Route: %s\r\n", place->path);
	buf_add_lit(out, "From: ");
	identity_add_from(&message->identity, socket->host_port, out);
	buf_printf(out, ";tag=%s\r\nTo: <sip:%s@%s>\r\nCall-ID: %s\r\nCSeq: 1 MESSAGE\r\n",
		   message->from_tag, message->number, socket->host_port, message->call_id);
	add_content_headers(msg, out);
	sip_write_body(out, msg->content_type, msg->body);
}

/* Whether a datagram may carry it. */
static bool fits(const struct message *message, const struct place *place)
{
	char branch[TXN_BRANCH_MAX];
	char memory[UDP_BYTES_MAX];
	struct buf out = buf_over(memory, sizeof(memory));

	if (sip_socket_is_stream(place->socket))
		return true;
	memset(branch, 'b', sizeof(branch) - 1);
	branch[sizeof(branch) - 1] = '\0';
	write_request(message, place, branch, &out);
	return !out.failed;
}

static void deliver(struct message_relay *relay, const struct message *message,
		    const struct place *place)
{
	struct sip_worker *worker = relay->worker;
	struct txn_client *txn;
	int status = 0;

	if (!place->socket)
		status = 480;
	else if (!fits(message, place))
		status = 413;
	if (status) {
		if (is_better(status, relay->best))
			relay->best = status;
		return;
	}
	txn = txn_client_new(worker, SIP_MESSAGE, answered, relay);
	if (!txn)
		return;
	relay->to[relay->running++] = txn;
	write_request(message, place, txn_client_branch(txn), worker_send_begin(worker));
	txn_client_send(worker, txn, place->socket, &place->address);
}

/* --- Where the phone is. --- */

static const struct sip_socket *socket_for(const struct sip_worker *worker,
					   const struct conf_phone *phone,
					   const struct binding *binding)
{
	unsigned transports = phone->is_static     ? 1u << phone->transport
			      : binding->is_stream ? 1u << CONF_TCP | 1u << CONF_TLS
						   : 1u << CONF_UDP;
	const struct sip_socket *same_kind = NULL;

	for (int i = 0; i < worker->socket_count; i++) {
		const struct sip_socket *socket = &worker->sockets[i];

		if (!(transports >> socket->transport & 1) ||
		    socket->local.family != binding->source.family)
			continue;
		if (addr_eq(&socket->local, &binding->local))
			return socket;
		if (!same_kind)
			same_kind = socket;
	}
	return same_kind;
}

/* One that is reached at its address is a contact like any other. */
static size_t find_contacts(const struct sip_worker *worker, const struct conf_phone *phone,
			    struct span instance, struct binding bindings[LOCATION_CONTACTS_MAX])
{
	struct location *location = worker->shared->location;
	size_t count;

	if (phone->is_static) {
		bindings[0] = (struct binding){.source = phone->static_address};
		return phone->static_address.family != ADDR_NONE;
	}
	count = location_find(location, span_of(phone->number), location_now_ms(location), bindings,
			      LOCATION_CONTACTS_MAX);
	return location_keep_instance(bindings, count, instance);
}

static void deliver_to(struct message_relay *relay, const struct message *message,
		       const struct conf_phone *phone, const struct binding *bindings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct place place = {
			.socket = socket_for(relay->worker, phone, &bindings[i]),
			.address = bindings[i].source,
			.contact = bindings[i].contact[0] ? bindings[i].contact : NULL,
			.path = bindings[i].path,
		};

		deliver(relay, message, &place);
	}
}

/* --- The sender's request. --- */

/* 0, or the status to refuse with. */
static int check_shape(const struct sip_worker *worker, const struct sip_msg *msg, char *callee,
		       size_t size)
{
	struct sip_uri uri;
	size_t len;

	if (worker->io->is_stopping || worker->message_count >= RELAYS_MAX)
		return 503;
	if (!sip_uri_parse(msg->request_uri, &uri) ||
	    (!span_ieq(uri.scheme, SPAN_LIT("sip")) && !span_ieq(uri.scheme, SPAN_LIT("sips")) &&
	     !span_ieq(uri.scheme, SPAN_LIT("tel"))))
		return 416;
	if (msg->max_forwards == 0)
		return 483;
	if (!sip_unescape(span_ieq(uri.scheme, SPAN_LIT("tel")) ? uri.host : uri.user, callee,
			  size - 1, &len) ||
	    len == 0)
		return 404;
	callee[len] = '\0';
	return leg_text_is_clean(callee) ? 0 : 404;
}

static void refuse_extensions(struct sip_worker *worker, const struct sip_rx *rx)
{
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out =
		sip_reply_begin(worker, rx, 420, NULL, sip_stateless_tag(worker, rx, tag));
	const struct sip_header *require;
	int index = 0;

	while ((require = sip_msg_header(rx->msg, SIP_HDR_REQUIRE, &index))) {
		buf_add_lit(out, "Unsupported: ");
		buf_add_span(out, require->value);
		buf_add_lit(out, "\r\n");
	}
	sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
}

/* For dial plans: 0..n-1. */
static uint64_t chance(void *context, uint64_t n)
{
	struct sip_worker *worker = context;
	uint64_t random;

	random_take(&worker->random, &random, sizeof(random));
	return n ? random % n : 0;
}

/* The number that is meant, as a call from there would have it. */
static const struct conf_phone *find_phone(struct sip_worker *worker,
					   const struct leg_caller *caller, const char *callee)
{
	const struct conf_dial_plan *plan = caller->mapping ? caller->mapping->callee_plan
					    : caller->phone ? caller->phone->callee_plan
							    : NULL;
	char number[64];

	conf_plan_apply(plan, callee, chance, worker, number, sizeof(number));
	return conf_phone_called(worker->conf, span_of(number));
}

/* Who sends it, as the caller of a call would be named. */
static void describe(struct sip_worker *worker, const struct sip_rx *rx,
		     const struct leg_caller *caller, struct call_target *target,
		     struct message *out)
{
	const struct conf_dial_plan *plan = caller->mapping ? caller->mapping->caller_plan
					    : caller->phone ? caller->phone->caller_plan
							    : NULL;
	const struct call_dial dial = {
		.target = target, .display = caller->display, .identity = &caller->identity};
	struct buf call_id = buf_over(out->call_id, sizeof(out->call_id) - 1);
	struct buf tag = buf_over(out->from_tag, sizeof(out->from_tag) - 1);
	uint8_t random[20];

	conf_plan_apply(plan, caller->number, chance, worker, target->caller,
			sizeof(target->caller));
	if (caller->phone && caller->phone->display_number[0])
		span_join(span_of(caller->phone->display_number), SPAN_NONE, target->caller,
			  sizeof(target->caller));
	identity_choose(worker->conf, &dial, &out->identity);
	random_take(&worker->random, random, sizeof(random));
	/* The Call-ID names the thread, so that the answers come back here. */
	buf_printf(&call_id, "v1-%02x", (unsigned)worker->number);
	buf_add_hex(&call_id, random, 12);
	out->call_id[call_id.len] = '\0';
	buf_add_hex(&tag, random + 12, 8);
	out->from_tag[tag.len] = '\0';
	out->rx = rx;
	out->max_forwards = rx->msg->max_forwards < 0 || rx->msg->max_forwards > MAX_FORWARDS
				    ? MAX_FORWARDS
				    : rx->msg->max_forwards;
}

/* NULL: refused. */
static struct message_relay *begin(struct sip_worker *worker, const struct sip_rx *rx)
{
	struct message_relay *relay = calloc(1, sizeof(*relay));

	if (relay)
		relay->from = txn_server_new(worker, rx, from_event, relay);
	if (!relay || !relay->from) {
		free(relay);
		sip_reply_stateless(worker, rx, 503, NULL);
		return NULL;
	}
	relay->worker = worker;
	DL_APPEND(worker->messages, relay);
	worker->message_count++;
	wheel_start(&worker->wheel, &relay->timer, wait_fired, worker->now_us, WAIT_US);
	return relay;
}

/* 0, or the status to refuse with. */
static int relay_to(struct sip_worker *worker, const struct sip_rx *rx,
		    const struct leg_caller *caller, const struct conf_phone *phone)
{
	struct binding bindings[LOCATION_CONTACTS_MAX];
	struct call_target target = {0};
	struct message message = {0};
	struct message_relay *relay;
	struct span instance = SPAN_NONE;
	struct sip_uri uri;
	size_t count;

	if (phone->lock == CONF_LOCK_IN || phone->lock == CONF_LOCK_ALL)
		return 403;
	if (sip_uri_parse(rx->msg->request_uri, &uri))
		(void)sip_param_get(uri.params, SPAN_LIT("gr"), &instance);
	count = find_contacts(worker, phone, instance, bindings);
	if (!count)
		return 480;
	relay = begin(worker, rx);
	if (!relay)
		return 0;
	target.presentation = &phone->presentation;
	describe(worker, rx, caller, &target, &message);
	message.number = phone->number;
	deliver_to(relay, &message, phone, bindings, count);
	if (relay->running == 0)
		finish(relay, relay->best ? relay->best : 503);
	return 0;
}

void message_request(struct sip_worker *worker, const struct sip_rx *rx)
{
	struct leg_caller caller = {0};
	const struct conf_phone *phone;
	struct sip_rx known = *rx;
	struct leg_named named;
	const char *why = NULL;
	char callee[64];
	int status = check_shape(worker, rx->msg, callee, sizeof(callee));

	if (status) {
		sip_reply_stateless(worker, rx, status, NULL);
		return;
	}
	if (sip_msg_first(rx->msg, SIP_HDR_REQUIRE)) {
		refuse_extensions(worker, rx);
		return;
	}
	leg_named_read(rx->msg, &named);
	if (!leg_identify(worker, rx, &named, &caller, callee, sizeof(callee)))
		return;
	known.reply = caller.conf->reply_address;
	rx = &known;
	if (!sip_msg_check_full(rx->msg, &why)) {
		worker->counters.rx_rejected++;
		sip_reply_stateless(worker, rx, 400, why);
		return;
	}
	phone = find_phone(worker, &caller, callee);
	status = phone ? relay_to(worker, rx, &caller, phone) : 404;
	if (status)
		sip_reply_stateless(worker, rx, status, NULL);
}
