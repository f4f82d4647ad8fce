/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Client transactions: INVITE (RFC 3261 17.1.1 with RFC 6026) and others (17.1.2). */
#include <stdlib.h>

#include "switchd/sip/txn_private.h"
#include "switchd/sip/worker_private.h"

#define BRANCH_SLOT 9 /* where the slot stands: after the cookie and the thread */

static void write_branch(struct sip_worker *worker, struct txn_client *txn)
{
	struct buf text = buf_over(txn->branch, sizeof(txn->branch) - 1);
	uint8_t bytes[13] = {(uint8_t)worker->number, (uint8_t)(txn->slot >> 24),
			     (uint8_t)(txn->slot >> 16), (uint8_t)(txn->slot >> 8),
			     (uint8_t)txn->slot};

	random_take(&worker->random, bytes + 5, sizeof(bytes) - 5);
	buf_add_lit(&text, "z9hG4bK");
	buf_add_hex(&text, bytes, sizeof(bytes)); /* the slot stands at BRANCH_SLOT */
	txn->branch[text.len] = '\0';
}

struct txn_client *txn_client_new(struct sip_worker *worker, enum sip_method method,
				  txn_client_fn *fn, void *user)
{
	struct txn_table *table = worker->txns;
	struct txn_client *txn = pool_take_zeroed(&table->pool, sizeof(*txn));

	if (!txn)
		return NULL;
	if (!slots_add(&table->clients, txn, &txn->slot)) {
		pool_give(&table->pool, txn, sizeof(*txn));
		return NULL;
	}
	write_branch(worker, txn);
	txn->worker = worker;
	txn->start_us = worker->now_us;
	txn->method = method;
	txn->fn = fn;
	txn->user = user;
	return txn;
}

const char *txn_client_branch(const struct txn_client *txn)
{
	return txn->branch;
}

static struct txn_client **peer_bucket(struct sip_worker *worker, const struct sip_socket *socket,
				       const struct addr *peer)
{
	uint64_t hash = hash_lookup(&worker->hash_key, peer, sizeof(*peer)) + socket->index;

	return &worker->txns->peers[hash & (TXN_PEER_BUCKETS - 1)];
}

static void peer_enter(struct txn_client *txn)
{
	struct txn_client **bucket = peer_bucket(txn->worker, txn->socket, &txn->target);

	txn->peer_next = *bucket;
	txn->peer_prev = bucket;
	if (txn->peer_next)
		txn->peer_next->peer_prev = &txn->peer_next;
	*bucket = txn;
}

void txn_client_leave_peer(struct txn_client *txn)
{
	if (!txn->peer_prev)
		return;
	*txn->peer_prev = txn->peer_next;
	if (txn->peer_next)
		txn->peer_next->peer_prev = txn->peer_prev;
	txn->peer_prev = NULL;
}

static char *keep(struct sip_worker *worker, struct span text, uint32_t *len)
{
	char *copy = text.len ? pool_take(&worker->txns->pool, text.len) : NULL;

	if (copy)
		memcpy(copy, text.ptr, text.len);
	*len = copy ? (uint32_t)text.len : 0;
	return copy;
}

static void drop(struct txn_client *txn, char **text, uint32_t *len)
{
	pool_give(&txn->worker->txns->pool, *text, *len);
	*text = NULL;
	*len = 0;
}

static void destroy(struct txn_client *txn)
{
	struct txn_table *table = txn->worker->txns;

	txn_client_leave_peer(txn);
	if (txn->fn)
		txn->fn(txn->worker, txn->user, txn, NULL);
	wheel_stop(&txn->worker->wheel, &txn->timer);
	wheel_stop(&txn->worker->wheel, &txn->cancel_timer);
	txn_schedule_end(&txn->schedule);
	txn_schedule_end(&txn->cancel_schedule);
	slots_remove(&table->clients, txn->slot);
	drop(txn, &txn->request, &txn->request_len);
	drop(txn, &txn->cancel, &txn->cancel_len);
	drop(txn, &txn->ack, &txn->ack_len);
	pool_give(&table->pool, txn, sizeof(*txn));
}

static struct txn_client *of_timer(struct wheel_timer *timer)
{
	return (struct txn_client *)((char *)timer - offsetof(struct txn_client, timer));
}

static void linger_fired(struct wheel_timer *timer, void *owner)
{
	(void)owner;
	destroy(of_timer(timer));
}

/* Timers D and K: a reliable transport brings no repeats. */
uint64_t txn_client_absorb_us(const struct txn_client *txn, uint64_t us)
{
	return sip_socket_is_stream(txn->socket) ? 0 : us;
}

void txn_client_linger(struct txn_client *txn, uint64_t us)
{
	txn_schedule_end(&txn->schedule);
	wheel_start(&txn->worker->wheel, &txn->timer, linger_fired, txn->worker->now_us, us);
}

static void send_again(struct sip_worker *worker, const struct txn_client *txn, const char *text,
		       uint32_t len)
{
	buf_add(worker_send_begin(worker), text, len);
	worker_send_dialog(worker, txn->dialog);
	worker_send_commit(worker, txn->socket, &txn->target);
}

static void resend_fired(struct wheel_timer *timer, void *owner)
{
	struct txn_client *txn = of_timer(timer);
	struct sip_worker *worker = owner;
	uint64_t wait_us;
	bool is_last = txn_schedule_is_over(&txn->schedule);

	if (!is_last && txn_schedule_next(&txn->schedule, &wait_us)) {
		send_again(worker, txn, txn->request, txn->request_len);
		worker->counters.retransmissions++;
		wheel_start(&worker->wheel, timer, resend_fired, wheel_due_us(timer), wait_us);
		return;
	}
	worker->counters.timeouts++;
	destroy(txn);
}

/* Timers B and F. */
static void wait_fired(struct wheel_timer *timer, void *owner)
{
	struct sip_worker *worker = owner;

	worker->counters.timeouts++;
	destroy(of_timer(timer));
}

void txn_client_send(struct sip_worker *worker, struct txn_client *txn,
		     const struct sip_socket *socket, const struct addr *to)
{
	struct span sent = worker_send_commit(worker, socket, to);
	uint64_t wait_us = 0;

	txn->socket = socket;
	txn->target = *to;
	txn->dialog = worker_sent_dialog(worker);
	txn->request = keep(worker, sent, &txn->request_len);
	txn_schedule_start(worker, &txn->schedule);
	/* What could not be written or kept fails at the next turn, when the user has let go. */
	txn->is_unreachable = !txn->request;
	if (!txn->request) {
		txn_client_linger(txn, 0);
	} else if (sip_socket_is_stream(socket)) {
		txn->serial = worker->io->stream_serial;
		peer_enter(txn);
		wheel_start(&worker->wheel, &txn->timer, wait_fired, worker->now_us,
			    txn_schedule_total_us(worker->conf));
	} else if (txn_schedule_next(&txn->schedule, &wait_us))
		wheel_start(&worker->wheel, &txn->timer, resend_fired, worker->now_us, wait_us);
}

void txn_client_stop_resend(struct sip_worker *worker, struct txn_client *txn)
{
	(void)worker;
	if (txn->state == CLIENT_CALLING || txn->state == CLIENT_PROCEEDING)
		txn_client_linger(txn, TXN_LINGER_US);
}

void txn_client_set_user(struct txn_client *txn, txn_client_fn *fn, void *user)
{
	txn->fn = fn;
	txn->user = user;
}

void txn_client_forget(struct txn_client *txn)
{
	txn_client_set_user(txn, NULL, NULL);
}

void txn_client_leave_ack(struct txn_client *txn, struct span ack, const struct addr *to)
{
	txn->target = *to;
	drop(txn, &txn->ack, &txn->ack_len);
	txn->ack = keep(txn->worker, ack, &txn->ack_len);
	txn_client_forget(txn);
}

bool txn_client_is_unreachable(const struct txn_client *txn)
{
	return txn->is_unreachable;
}

void txn_client_peer_lost(struct sip_worker *worker, const struct sip_socket *socket,
			  const struct addr *peer, uint64_t serial)
{
	struct txn_client *txn = *peer_bucket(worker, socket, peer);

	while (txn) {
		struct txn_client *next = txn->peer_next;
		/* What has a provisional response may still be answered by another connection of
		 * the peer (RFC 3261 18.2.2); the leg's stages watch it. */
		bool is_waiting = txn->state == CLIENT_CALLING ||
				  (txn->state == CLIENT_PROCEEDING && txn->method != SIP_INVITE);

		if (txn->socket == socket && addr_eq(&txn->target, peer) && txn->serial <= serial &&
		    is_waiting && txn->schedule.waits) {
			txn->is_unreachable = true;
			txn_client_linger(txn, 0);
		}
		txn = next;
	}
}

struct span txn_client_body(const struct txn_client *txn)
{
	struct span rest = txn_client_sent(txn);
	size_t lf;

	/* Line by line to the empty one: memmem() looks at every byte. */
	while ((lf = span_find(rest, '\n')) < rest.len) {
		rest = (struct span){rest.ptr + lf + 1, rest.len - lf - 1};
		if (span_starts_with(rest, SPAN_LIT("\r\n")))
			return (struct span){rest.ptr + 2, rest.len - 2};
	}
	return SPAN_NONE;
}

struct span txn_client_sent(const struct txn_client *txn)
{
	return (struct span){txn->request, txn->request_len};
}

const struct addr *txn_client_target(const struct txn_client *txn)
{
	return &txn->target;
}

/* Slot number of a branch of ours; the random part is compared in full by the caller. */
static struct txn_client *find(struct sip_worker *worker, struct span branch)
{
	struct txn_client *txn;

	if (branch.len < BRANCH_SLOT || branch.len >= TXN_BRANCH_MAX)
		return NULL;
	txn = slots_find(&worker->txns->clients,
			 (struct span){branch.ptr + BRANCH_SLOT, branch.len - BRANCH_SLOT});
	return txn && span_eq(branch, span_of(txn->branch)) ? txn : NULL;
}

/* Line of the stored request that starts with name, CRLF included; empty when absent. */
static struct span request_line(const struct txn_client *txn, const char *name)
{
	const char *at = txn->request;
	const char *end = at + txn->request_len;
	size_t len = strlen(name);

	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));

		if (!eol)
			break;
		if ((size_t)(end - at) > len && memcmp(at, name, len) == 0)
			return (struct span){at, (size_t)(eol + 1 - at)};
		at = eol + 1;
	}
	return SPAN_NONE;
}

/* RFC 3261 17.1.1.3: ACK for a final response that is not 2xx. */
static void send_ack(struct sip_worker *worker, struct txn_client *txn,
		     const struct sip_msg *response)
{
	struct span first = request_line(txn, "INVITE ");
	struct span cseq = request_line(txn, "CSeq: ");
	struct buf *out;
	uint64_t number = 0;

	if (!first.len || !cseq.len)
		return;
	out = worker_send_begin(worker);
	buf_add_lit(out, "ACK ");
	buf_add(out, first.ptr + 7, first.len - 7);
	buf_add_span(out, request_line(txn, "Via: "));
	buf_add_lit(out, "Max-Forwards: 70\r\n");
	buf_add_span(out, request_line(txn, "Route: "));
	buf_add_span(out, request_line(txn, "From: "));
	buf_add_lit(out, "To: ");
	buf_add_span(out, response->to);
	buf_add_lit(out, "\r\n");
	buf_add_span(out, request_line(txn, "Call-ID: "));
	cseq.ptr += 6;
	cseq.len = span_find((struct span){cseq.ptr, cseq.len - 6}, ' ');
	span_to_u64(cseq, UINT32_MAX, &number);
	buf_add_lit(out, "CSeq: ");
	buf_add_u64(out, number);
	buf_add_lit(out, " ACK\r\nContent-Length: 0\r\n\r\n");
	worker_send_dialog(worker, txn->dialog);
	worker_send_commit(worker, txn->socket, &txn->target);
}

static void cancel_fired(struct wheel_timer *timer, void *owner)
{
	struct txn_client *txn =
		(struct txn_client *)((char *)timer - offsetof(struct txn_client, cancel_timer));
	struct sip_worker *worker = owner;
	uint64_t wait_us;

	if (txn_schedule_is_over(&txn->cancel_schedule) ||
	    !txn_schedule_next(&txn->cancel_schedule, &wait_us))
		return; /* the INVITE's own linger ends it */
	send_again(worker, txn, txn->cancel, txn->cancel_len);
	worker->counters.retransmissions++;
	wheel_start(&worker->wheel, timer, cancel_fired, wheel_due_us(timer), wait_us);
}

static void stop_cancel(struct txn_client *txn)
{
	wheel_stop(&txn->worker->wheel, &txn->cancel_timer);
	txn_schedule_end(&txn->cancel_schedule);
}

/* RFC 3261 9.1: same Request-URI, Via, From, To, Call-ID, CSeq number and Route as the INVITE. */
void txn_client_cancel(struct sip_worker *worker, struct txn_client *txn, struct span extra)
{
	struct span first = request_line(txn, "INVITE ");
	struct span cseq = request_line(txn, "CSeq: ");
	struct buf *out;
	struct span sent;
	uint64_t wait_us = 0;

	if (!first.len || !cseq.len || txn->cancel || txn->state != CLIENT_PROCEEDING)
		return;
	out = worker_send_begin(worker);
	buf_add_lit(out, "CANCEL ");
	buf_add(out, first.ptr + 7, first.len - 7);
	buf_add_span(out, request_line(txn, "Via: "));
	buf_add_lit(out, "Max-Forwards: 70\r\n");
	buf_add_span(out, request_line(txn, "Route: "));
	buf_add_span(out, request_line(txn, "From: "));
	buf_add_span(out, request_line(txn, "To: "));
	buf_add_span(out, request_line(txn, "Call-ID: "));
	buf_add(out, cseq.ptr, span_find((struct span){cseq.ptr, cseq.len}, 'I'));
	buf_add_lit(out, "CANCEL\r\n");
	buf_add_span(out, extra);
	buf_add_lit(out, "Content-Length: 0\r\n\r\n");
	worker_send_dialog(worker, txn->dialog);
	sent = worker_send_commit(worker, txn->socket, &txn->target);
	txn->cancel = keep(worker, sent, &txn->cancel_len);
	if (txn->cancel && !sip_socket_is_stream(txn->socket)) {
		txn_schedule_start(worker, &txn->cancel_schedule);
		if (txn_schedule_next(&txn->cancel_schedule, &wait_us))
			wheel_start(&worker->wheel, &txn->cancel_timer, cancel_fired,
				    worker->now_us, wait_us);
	}
	/* Without a final answer the leg is free after 32 s (RFC 3261 9.1). */
	txn_client_linger(txn, TXN_LINGER_US);
}

static void tell(struct sip_worker *worker, struct txn_client *txn, const struct sip_rx *rx)
{
	if (txn->fn)
		txn->fn(worker, txn->user, txn, rx);
}

static void invite_response(struct sip_worker *worker, struct txn_client *txn,
			    const struct sip_rx *rx)
{
	int status = rx->msg->status;

	if (status >= 200)
		stop_cancel(txn);
	if (status >= 300) {
		if (txn->state == CLIENT_ACCEPTED)
			return;
		send_ack(worker, txn, rx->msg);
		if (txn->state == CLIENT_COMPLETED)
			return;
		txn->state = CLIENT_COMPLETED;
		txn_client_linger(txn, txn_client_absorb_us(txn, TXN_LINGER_US));
		tell(worker, txn, rx);
	} else if (status >= 200) {
		if (txn->state != CLIENT_ACCEPTED)
			txn_client_linger(txn, TXN_LINGER_US);
		txn->state = CLIENT_ACCEPTED;
		if (txn->ack)
			send_again(worker, txn, txn->ack, txn->ack_len);
		tell(worker, txn, rx);
		drop(txn, &txn->request, &txn->request_len);
	} else if (txn->state == CLIENT_CALLING || txn->state == CLIENT_PROCEEDING) {
		if (txn->state == CLIENT_CALLING && txn->schedule.waits) {
			/* RFC 3261 17.1.1.2: no repeats from here; the leg's stage timers watch. */
			wheel_stop(&worker->wheel, &txn->timer);
			txn_schedule_end(&txn->schedule);
		}
		txn->state = CLIENT_PROCEEDING;
		tell(worker, txn, rx);
	}
}

bool txn_client_response(struct sip_worker *worker, const struct sip_rx *rx)
{
	struct txn_client *txn = find(worker, rx->msg->top_via.branch);

	if (!txn || (!txn->request && txn->state <= CLIENT_PROCEEDING))
		return false;
	if (rx->msg->method == SIP_CANCEL && txn->cancel && rx->msg->status >= 200) {
		stop_cancel(txn);
		return true;
	}
	if (rx->msg->method != txn->method)
		return false;
	if (txn->method == SIP_INVITE) {
		invite_response(worker, txn, rx);
		return true;
	}
	if (txn->state == CLIENT_COMPLETED)
		return true;
	if (rx->msg->status >= 200) {
		txn->state = CLIENT_COMPLETED;
		txn_client_linger(txn, txn_client_absorb_us(txn, TXN_T4_US));
	} else {
		txn->state = CLIENT_PROCEEDING;
	}
	tell(worker, txn, rx);
	/* Unless it was sent again. */
	if (txn->state == CLIENT_COMPLETED)
		drop(txn, &txn->request, &txn->request_len);
	return true;
}

void txn_client_describe(const struct txn_client *txn, struct txn_info *out)
{
	static const char *const states[] = {
		[CLIENT_CALLING] = "calling",
		[CLIENT_PROCEEDING] = "proceeding",
		[CLIENT_COMPLETED] = "completed",
		[CLIENT_ACCEPTED] = "accepted",
	};

	*out = (struct txn_info){
		.method = txn->method,
		.state = states[txn->state],
		.start_us = txn->start_us,
		.peer = txn->target,
	};
	memcpy(out->branch, txn->branch, sizeof(out->branch));
}

void txn_clients_destroy(struct txn_table *table)
{
	for (uint32_t i = 0; i < table->clients.used; i++) {
		struct txn_client *txn = table->clients.items[i];

		if (!txn)
			continue;
		txn->fn = NULL;
		destroy(txn);
	}
	slots_free(&table->clients);
}
