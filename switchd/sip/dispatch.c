/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/dispatch.h"

#include "switchd/nat/keepalive.h"
#include "switchd/sip/guard.h"
#include "switchd/sip/leg.h"
#include "switchd/sip/leg_parcel.h"
#include "switchd/sip/leg_route.h"
#include "switchd/sip/message_relay.h"
#include "switchd/sip/probe.h"
#include "switchd/sip/publish.h"
#include "switchd/sip/reply.h"
#include "switchd/sip/txn.h"

/* RFC 3261 11.2: what the switch can do, without a transaction. */
static void answer_options(struct sip_worker *worker, const struct sip_rx *rx)
{
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out;

	out = sip_reply_begin(worker, rx, 200, NULL, sip_stateless_tag(worker, rx, tag));
	buf_add_lit(out, "Allow: " SIP_ALLOW "\r\nAccept: application/sdp\r\n");
	sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
}

static void refuse_method(struct sip_worker *worker, const struct sip_rx *rx)
{
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out;
	int status = rx->msg->method == SIP_METHOD_UNKNOWN ? 501 : 405;

	out = sip_reply_begin(worker, rx, status, NULL, sip_stateless_tag(worker, rx, tag));
	buf_add_lit(out, "Allow: " SIP_ALLOW "\r\n");
	sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
}

static void handle_cancel(struct sip_worker *worker, struct sip_rx *rx)
{
	struct txn_server *invite = txn_server_find(worker, rx, SIP_INVITE);
	char stateless[SIP_STATELESS_TAG_MAX];
	struct sip_rx known = *rx;
	struct span tag;

	if (!invite) {
		if (!leg_moved_on(worker, rx))
			sip_reply_stateless(worker, rx, 481, NULL);
		return;
	}
	/* RFC 3261 9.2: the same To tag as the answer to the INVITE has. */
	tag = leg_tag(txn_server_user(invite));
	if (tag.len == 0)
		tag = txn_server_tag(invite);
	if (tag.len == 0)
		tag = sip_stateless_tag(worker, rx, stateless);
	known.reply = txn_server_reply(invite);
	sip_reply_begin(worker, &known, 200, NULL, tag);
	sip_reply_end(worker, &known, SPAN_NONE, SPAN_NONE);
	leg_cancelled(worker, txn_server_user(invite), rx);
}

/* RFC 3261 12.2.2: a request with a To tag belongs to a dialog or to nobody. */
static void handle_in_dialog(struct sip_worker *worker, const struct sip_rx *rx)
{
	struct sip_leg *leg = leg_find(worker, rx->msg);

	if (leg)
		leg_request(worker, leg, rx);
	else if (leg_moved_on(worker, rx))
		return;
	else if (rx->msg->method == SIP_OPTIONS)
		answer_options(worker, rx);
	else if (rx->msg->method == SIP_METHOD_UNKNOWN)
		refuse_method(worker, rx);
	else if (rx->msg->method != SIP_ACK)
		sip_reply_stateless(worker, rx, 481, NULL);
}

static void handle_new(struct sip_worker *worker, const struct sip_rx *rx)
{
	if (leg_moved_on(worker, rx))
		return;
	switch (rx->msg->method) {
	case SIP_INVITE:
		leg_invite(worker, rx);
		break;
	case SIP_OPTIONS:
		answer_options(worker, rx);
		break;
	case SIP_MESSAGE:
		message_request(worker, rx);
		break;
	case SIP_REFER:
		sip_reply_stateless(worker, rx, 403, "REFER Only Inside A Call");
		break;
	case SIP_PUBLISH:
		publish_request(worker, rx);
		break;
	case SIP_ACK:
		break; /* for an answer given without a transaction */
	case SIP_BYE:
	case SIP_UPDATE:
	case SIP_INFO:
	case SIP_PRACK:
		sip_reply_stateless(worker, rx, 481, NULL); /* only inside a dialog */
		break;
	default:
		refuse_method(worker, rx);
		break;
	}
}

/* is_repeat: of one that this thread has answered, if any; its dialog has gone. */
static void handle_request(struct sip_worker *worker, struct sip_rx *rx, bool is_repeat)
{
	enum sip_method method = rx->msg->method;
	struct txn_server *txn;

	if (method == SIP_CANCEL) {
		handle_cancel(worker, rx);
		return;
	}
	if (method == SIP_REGISTER) {
		/* Idempotent, so without a transaction; and outside dialogs whatever its To tag. */
		registrar_request(worker, rx);
		return;
	}
	txn = txn_server_find(worker, rx, method == SIP_ACK ? SIP_INVITE : method);
	if (txn && method != SIP_ACK) {
		worker->counters.retransmissions++;
		txn_server_repeat(worker, txn);
		return;
	}
	if (is_repeat) {
		sip_reply_stateless(worker, rx, 500, NULL);
		return;
	}
	if (txn && !rx->msg->to_tag.len)
		return; /* an ACK without To tag acknowledges nothing of ours */
	if (txn)
		txn_server_ack(worker, txn);
	if (rx->msg->to_tag.len)
		handle_in_dialog(worker, rx);
	else
		handle_new(worker, rx);
}

void sip_dispatch_refuse(struct sip_worker *worker, const struct sip_socket *socket,
			 const struct addr *source, char *data, size_t len, int status,
			 const char *why)
{
	struct sip_msg *msg = &worker->io->rx_msg;
	struct sip_rx rx = {.msg = msg, .source = *source, .socket = socket};
	const char *gate_why;
	int gate_status;

	worker->counters.rx_rejected++;
	if (sip_msg_parse(msg, data, len, &gate_status, &gate_why) == SIP_VERDICT_IGNORE ||
	    !msg->is_request || msg->method == SIP_ACK)
		return; /* nothing that could be answered */
	sip_reply_stateless(worker, &rx, status, why);
}

/* Records the message and parses it. */
static enum sip_verdict record_and_parse(struct sip_worker *worker, struct sip_rx *rx, char *data,
					 size_t len, int *status, const char **why)
{
	struct span copy =
		worker_record_received(worker, rx->socket, &rx->source, (struct span){data, len});
	enum sip_verdict verdict = sip_msg_parse(rx->msg, data, len, status, why);

	/* In what is no message, the scan may find one nevertheless. */
	if (!rx->dialog)
		rx->dialog = worker_dialog(worker, verdict == SIP_VERDICT_OK
							   ? rx->msg->call_id
							   : sip_scan_call_id(copy.ptr, copy.len));
	worker_record_end(worker, rx->dialog);
	return verdict;
}

void sip_dispatch_datagram(struct sip_worker *worker, const struct sip_socket *socket,
			   const struct addr *source, char *data, size_t len,
			   const struct handover_head *handed_over)
{
	struct sip_msg *msg = &worker->io->rx_msg;
	struct sip_rx rx = {
		.msg = msg,
		.source = *source,
		.socket = socket,
		.dialog = handed_over ? handed_over->dialog : 0,
	};
	bool is_moved = handed_over && handed_over->is_moved;
	enum sip_verdict verdict;
	const char *why = NULL;
	int status = 400;

	if (len < SIP_MSG_MIN || keepalive_is_payload(data, len)) {
		worker->counters.rx_ignored++;
		return;
	}
	/* Whoever handed it over has asked; of streams nobody has. */
	if ((!handed_over || sip_socket_is_stream(socket)) && !is_moved &&
	    !guard_admits(worker, socket, source, data, len))
		return;
	if (worker->shared->worker_count > 1 && !handed_over) {
		struct span call_id = sip_scan_call_id(data, len);
		int owner = worker_of_call_id(worker->shared, call_id);

		rx.dialog = worker_dialog(worker, call_id);
		if (owner != worker->number) {
			worker_hand_over(worker, owner, &rx, data, len);
			return;
		}
	}
	/* What was handed on has been recorded by who had it first. */
	verdict = is_moved ? sip_msg_parse(msg, data, len, &status, &why)
			   : record_and_parse(worker, &rx, data, len, &status, &why);
	switch (verdict) {
	case SIP_VERDICT_IGNORE:
		worker->counters.rx_ignored++;
		return;
	case SIP_VERDICT_REJECT:
		worker->counters.rx_rejected++;
		sip_reply_stateless(worker, &rx, status, why);
		return;
	case SIP_VERDICT_OK:
		break;
	}
	worker->io->handled = msg;
	if (msg->is_request)
		handle_request(worker, &rx, handed_over && handed_over->is_repeat);
	else if (!probe_answer(worker, &rx) && !txn_client_response(worker, &rx) &&
		 !leg_moved_on(worker, &rx))
		leg_stray_response(worker, &rx);
	worker->io->handled = NULL;
}
