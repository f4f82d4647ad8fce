/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test sip options: OPTIONS to every address of a gateway, each answer a row as it comes.
 *
 * A letter goes to signalling thread 0 for each address and stays there until there is an answer,
 * or none in time, or the request was cancelled. As long as letters are out the control thread
 * waits for them at its end, so it cancels them first. */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "switchd/ctl/handlers.h"
#include "switchd/ctl/test_sip.h"
#include "switchd/sip/ping.h"

#define TIMEOUT_MS     5000
#define SIP_PORT       5060
#define ADDRESSES      (2 * CONF_GATEWAY_ADDRESSES_MAX) /* a gateway of each kind */
#define PRINTED_MS(us) (((us) + 500) / 1000)

static const struct column options_columns[] = {
	{"address", CELL_TEXT, "", "ADDRESS", 21},     {"transport", CELL_TEXT, "", "BY", 3},
	{"is_alive", CELL_BOOL, "", "ALIVE", 5},       {"status", CELL_INT, "", "STATUS", 6},
	{"rtt_ms", CELL_INT, "ms", "RTT", 6},          {"rtt_us", CELL_INT, "us", "RTT-US", -8},
	{"answer", CELL_TEXT, "", "ANSWER", 20},       {"user_agent", CELL_TEXT, "", "AGENT", -16},
	{"local_address", CELL_TEXT, "", "FROM", -19},
};

const struct schema schema_sip_options = SCHEMA_OF_ROWS(options_columns);

struct ping_letter {
	struct mail mail;
	struct ping_letter *prev; /* of those that are out */
	struct ping_letter *next;
	struct ctl *ctl;
	uint64_t session;
	uint64_t serial; /* of the request */
	struct ping_order order;
	struct ping_result result;
};

struct cancel_letter {
	struct mail mail;
	uint64_t id;
};

struct test_state {
	struct ctl *ctl;
	uint64_t serial;
	struct ping_letter *done; /* came back, not printed yet */
	int waiting;
	bool started;
};

/* --- In the signalling thread. --- */

static void came_back(struct mail *mail, void *receiver);

static void keep_result(void *user, const struct ping_result *result)
{
	struct ping_letter *letter = user;

	letter->result = *result;
	letter->mail.run = came_back;
	/* The mailbox takes mail until every letter is back, see ctl_stop(). */
	if (!mailbox_post(&letter->ctl->mailbox, &letter->mail))
		free(letter);
}

static void start_ping(struct mail *mail, void *receiver)
{
	struct ping_letter *letter = (struct ping_letter *)mail;

	sip_ping_start(receiver, &letter->order, keep_result, letter);
}

static void cancel_ping(struct mail *mail, void *receiver)
{
	struct cancel_letter *letter = (struct cancel_letter *)mail;

	sip_ping_cancel(receiver, letter->id);
	free(letter);
}

/* --- In the control thread. --- */

static enum step show_answers(struct request *request);

static void came_back(struct mail *mail, void *receiver)
{
	struct ping_letter *letter = (struct ping_letter *)mail;
	struct ctl *ctl = receiver;
	struct session *session = session_find(ctl, letter->session);
	struct request *request = session ? session->active : NULL;
	struct test_state *state;

	ctl->mail_out--;
	DL_DELETE(ctl->pings, letter);
	if (!request || request->serial != letter->serial || request->step != show_answers ||
	    !request->state) {
		free(letter);
		return;
	}
	state = request->state;
	DL_APPEND(state->done, letter);
	request->is_waiting = false;
}

static void cancel(struct ctl *ctl, uint64_t id)
{
	struct cancel_letter *letter = calloc(1, sizeof(*letter));

	if (!letter)
		return; /* it ends by itself, after its time */
	letter->mail.run = cancel_ping;
	letter->id = id;
	if (!mailbox_post(&ctl->context.workers[0]->mailbox, &letter->mail))
		free(letter);
}

void test_sip_cancel_all(struct ctl *ctl)
{
	const struct ping_letter *letter;

	DL_FOREACH (ctl->pings, letter)
		cancel(ctl, letter->order.id);
}

static void drop_test(void *data)
{
	struct test_state *state = data;
	struct ping_letter *letter;
	struct ping_letter *next;

	DL_FOREACH (state->ctl->pings, letter)
		if (letter->serial == state->serial)
			cancel(state->ctl, letter->order.id);
	DL_FOREACH_SAFE (state->done, letter, next) {
		DL_DELETE(state->done, letter);
		free(letter);
	}
	free(state);
}

static const char *answer_of(const struct ping_result *result)
{
	switch (result->outcome) {
	case PING_ANSWERED:
		return result->reason;
	case PING_TIMEOUT:
		return "timeout";
	case PING_UNSENT:
		return "no listen address to send it from";
	case PING_CANCELLED:
		break;
	}
	return "cancelled";
}

/* Any answer is a sign of life but these two (behaviour C12). */
static bool is_alive(const struct ping_result *result)
{
	return result->outcome == PING_ANSWERED && result->status != 408 && result->status != 503;
}

static void emit_answer(struct request *request, const struct ping_letter *letter)
{
	static const char *const transports[] = {
		[CONF_UDP] = "udp", [CONF_TCP] = "tcp", [CONF_TLS] = "tls"};
	const struct ping_result *result = &letter->result;
	bool is_answered = result->outcome == PING_ANSWERED;

	emit_addr(request, &letter->order.to);
	emit_str(request, transports[letter->order.transport]);
	emit_bool(request, is_alive(result));
	if (is_answered) {
		emit_int(request, result->status);
		emit_int(request, (int64_t)PRINTED_MS(result->rtt_us));
		emit_int(request, (int64_t)result->rtt_us);
	} else {
		for (int i = 0; i < 3; i++)
			emit_null(request);
	}
	emit_str(request, answer_of(result));
	emit_str(request, result->agent);
	emit_addr(request, &result->local);
	emit_row_end(request);
}

static enum step show_answers(struct request *request)
{
	struct test_state *state = request->state;
	struct ping_letter *letter;
	struct ping_letter *next;

	DL_FOREACH_SAFE (state->done, letter, next) {
		emit_answer(request, letter);
		if (letter->result.outcome == PING_CANCELLED)
			request_refuse(request, FAULT_STATE, 0, "the switch is stopping");
		DL_DELETE(state->done, letter);
		free(letter);
		state->waiting--;
	}
	return state->waiting ? STEP_WAIT : STEP_DONE;
}

/* from: as a `local-address` says. */
static void send_one(struct request *request, struct test_state *state, const struct addr *to,
		     enum conf_transport transport, const struct addr *from)
{
	struct ctl *ctl = request->ctl;
	struct ping_letter *letter = calloc(1, sizeof(*letter));

	if (!letter)
		return;
	letter->mail.run = start_ping;
	letter->ctl = ctl;
	letter->session = request->session->id;
	letter->serial = request->serial;
	letter->order = (struct ping_order){
		.id = ++ctl->next_serial,
		.to = *to,
		.from = *from,
		.transport = transport,
		.timeout_ms = TIMEOUT_MS,
	};
	if (letter->order.to.port == 0)
		letter->order.to.port = SIP_PORT;
	if (!mailbox_post(&ctl->context.workers[0]->mailbox, &letter->mail)) {
		free(letter);
		return;
	}
	DL_APPEND(ctl->pings, letter);
	ctl->mail_out++;
	state->waiting++;
}

static const struct addr anywhere;

/* Sources of a mapping gateway that are single addresses. */
static void send_to_sources(struct request *request, struct test_state *state,
			    const struct conf_mapping_gateway *gateway)
{
	for (uint8_t i = 0; i < gateway->source_count; i++) {
		const struct prefix *source = &gateway->sources[i];
		struct addr to = source->base;

		if (source->bits != (to.family == ADDR_IP4 ? 32 : 128))
			continue;
		to.port = gateway->source_ports[i];
		send_one(request, state, &to, CONF_UDP, &anywhere);
	}
}

/* False when the target is neither a gateway nor an address. */
static bool send_all(struct request *request, struct test_state *state, const char *target)
{
	const struct conf *conf = request->ctl->conf;
	const struct conf_routing_gateway *routing =
		conf_routing_gateway_find(conf, span_of(target));
	const struct conf_mapping_gateway *mapping = conf_mapping_named(conf, span_of(target));
	struct addr address;

	for (uint8_t i = 0; routing && i < routing->address_count; i++)
		send_one(request, state, &routing->addresses[i], routing->transport,
			 &routing->local_address);
	if (mapping)
		send_to_sources(request, state, mapping);
	if (routing || mapping)
		return true;
	if (!addr_parse(span_of(target), &address))
		return false;
	send_one(request, state, &address, CONF_UDP, &anywhere);
	return true;
}

enum step cmd_test_sip_options(struct request *request)
{
	const char *target = match_text(&request->match, "target");
	struct test_state *state = request_state(request, sizeof(*state));

	if (!state)
		return request_no_memory(request);
	state->ctl = request->ctl;
	state->serial = request->serial;
	request->drop_state = drop_test;
	if (!request->ctl->context.worker_count)
		return request_refuse(request, FAULT_STATE, 0, "no signalling thread is running");
	EMIT_TABLE(request, options_columns);
	if (!send_all(request, state, target))
		return request_refuse(request, FAULT_NOT_FOUND,
				      match_arg(&request->match, "target")->column,
				      "there is no gateway %s, and it is no address", target);
	if (!state->waiting)
		return request_refuse(request, FAULT_STATE, 0, "%s has no single address", target);
	emit_heading(request);
	request->step = show_answers;
	return STEP_WAIT;
}
