/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Server transactions: INVITE (RFC 3261 17.2.1 with RFC 6026) and others (17.2.2). */
#include <stdlib.h>

#include "switchd/sip/reply.h"
#include "switchd/sip/txn_private.h"

enum server_state {
	SERVER_PROCEEDING, /* no final response yet */
	SERVER_COMPLETED,  /* final response sent; INVITE: repeated until ACK */
	SERVER_CONFIRMED,  /* INVITE: ACK has come */
	SERVER_ACCEPTED,   /* INVITE: 2xx sent; repeated until the leg has its ACK */
};

struct txn_server {
	struct txn_server *next;
	struct txn_server **prev;
	uint64_t key;
	uint64_t dialog; /* as in sip_rx */
	struct sip_worker *worker;
	const struct sip_socket *socket;
	struct addr target;
	struct wheel_timer timer;
	struct txn_schedule schedule;
	uint64_t start_us;
	uint64_t linger_until_us;
	txn_server_fn *fn;
	void *user;
	uint32_t size; /* of all this */
	uint32_t identity_len;
	uint32_t head_len;
	uint32_t to_len;
	uint32_t response_len;
	uint32_t response_room;
	char *response; /* bytes last sent */
	enum server_state state;
	enum sip_method method;
	uint8_t reply; /* as in sip_rx */
	bool is_invite;
	bool to_has_tag;
	/* Branch, sent-by and method, to tell equal hashes apart; then what every response starts
	 * with after its status line; then the To value. */
	char text[];
};

/* RFC 3261 17.2.3. Without the magic cookie (RFC 2543) the whole top Via stands for the branch,
 * with Call-ID, From tag and CSeq. */
static void write_identity(const struct sip_rx *rx, enum sip_method method, struct buf *out)
{
	const struct sip_msg *msg = rx->msg;

	if (span_starts_with(msg->top_via.branch, SPAN_LIT("z9hG4bK"))) {
		buf_add_span(out, msg->top_via.branch);
		buf_add_char(out, '|');
		buf_add_span(out, msg->top_via.host);
		buf_add_char(out, ':');
		buf_add_u64(out, msg->top_via.port);
	} else {
		buf_add_span(out, msg->via);
		buf_add_char(out, '|');
		buf_add_span(out, msg->call_id);
		buf_add_char(out, '|');
		buf_add_span(out, msg->from_tag);
		buf_add_char(out, '|');
		buf_add_u64(out, msg->cseq);
	}
	buf_add_char(out, '|');
	if (method == SIP_METHOD_UNKNOWN)
		buf_add_span(out, msg->method_text);
	else
		buf_add_u64(out, (uint64_t)method);
	/* A branch made up by one source must not reach another source's transaction. */
	buf_add(out, (const char *)rx->source.ip, rx->source.family == ADDR_IP4 ? 4 : 16);
}

static size_t bucket_of(uint64_t key)
{
	return key & (TXN_SERVER_BUCKETS - 1);
}

static uint8_t tag_of(uint64_t key)
{
	return (uint8_t)(1u << (key >> 61));
}

struct txn_server *txn_server_find(struct sip_worker *worker, struct sip_rx *rx,
				   enum sip_method method)
{
	char memory[SIP_MSG_MAX + 64]; /* a Via can be as long as its message */
	struct buf identity = buf_over(memory, sizeof(memory));
	struct txn_table *table = worker->txns;
	struct txn_server *txn;
	uint64_t key;

	write_identity(rx, method, &identity);
	if (identity.failed)
		return NULL;
	key = hash_lookup(&worker->hash_key, identity.data, identity.len);
	if (method == rx->msg->method)
		rx->txn_key = key;
	__builtin_prefetch(&table->buckets[bucket_of(key)], 1);
	if (!(table->tags[bucket_of(key)] & tag_of(key)))
		return NULL;
	for (txn = table->buckets[bucket_of(key)]; txn; txn = txn->next)
		if (txn->key == key && txn->identity_len == identity.len &&
		    memcmp(txn->text, identity.data, identity.len) == 0)
			return txn;
	return NULL;
}

static void drop_response(struct txn_server *txn)
{
	pool_give(&txn->worker->txns->pool, txn->response, txn->response_room);
	txn->response = NULL;
	txn->response_room = 0;
	txn->response_len = 0;
}

/* Without a copy a repeat is not answered; the peer's timers end it. */
static void keep_response(struct txn_server *txn, struct span sent)
{
	if (sent.len > txn->response_room) {
		drop_response(txn);
		txn->response = pool_take(&txn->worker->txns->pool, sent.len);
		if (!txn->response)
			return;
		txn->response_room = (uint32_t)sent.len;
	}
	if (sent.len)
		memcpy(txn->response, sent.ptr, sent.len);
	txn->response_len = (uint32_t)sent.len;
}

static void leave(struct txn_table *table, struct txn_server *txn)
{
	size_t at = bucket_of(txn->key);

	*txn->prev = txn->next;
	if (txn->next)
		txn->next->prev = txn->prev;
	else if (txn->prev == &table->buckets[at])
		table->tags[at] = 0;
	table->server_count--;
}

static void destroy(struct txn_server *txn)
{
	struct sip_worker *worker = txn->worker;

	wheel_stop(&worker->wheel, &txn->timer);
	leave(worker->txns, txn);
	if (txn->fn)
		txn->fn(worker, txn->user, txn, TXN_SERVER_GONE);
	txn_schedule_end(&txn->schedule);
	drop_response(txn);
	pool_give(&worker->txns->pool, txn, txn->size);
}

/* The transaction in front of which a new one is going to stand: it may be half a minute old. */
static void fetch_first(const struct txn_table *table, uint64_t key)
{
	if (table->tags[bucket_of(key)])
		__builtin_prefetch(table->buckets[bucket_of(key)], 1);
}

static void enter(struct txn_table *table, struct txn_server *txn)
{
	size_t at = bucket_of(txn->key);
	struct txn_server **bucket = &table->buckets[at];

	txn->next = table->tags[at] ? *bucket : NULL;
	if (txn->next)
		txn->next->prev = &txn->next;
	txn->prev = bucket;
	*bucket = txn;
	table->tags[at] |= tag_of(txn->key);
	table->server_count++;
}

struct txn_server *txn_server_new(struct sip_worker *worker, const struct sip_rx *rx,
				  txn_server_fn *fn, void *user)
{
	struct buf *text = worker_send_begin(worker); /* scratch room; nothing is sent */
	uint64_t key = rx->txn_key;
	struct txn_server *txn;
	size_t identity_len;
	size_t head_len;

	if (worker->txns->server_count >= TXN_SERVERS_MAX)
		return NULL;
	write_identity(rx, rx->msg->method, text);
	identity_len = text->len;
	if (!key)
		key = hash_lookup(&worker->hash_key, text->data, identity_len);
	fetch_first(worker->txns, key);
	sip_write_response_head(rx, text);
	head_len = text->len - identity_len;
	buf_add_span(text, rx->msg->to);
	if (text->failed)
		return NULL;
	txn = pool_take(&worker->txns->pool, sizeof(*txn) + text->len);
	if (!txn)
		return NULL;
	*txn = (struct txn_server){
		.size = (uint32_t)(sizeof(*txn) + text->len),
		.key = key,
		.dialog = rx->dialog,
		.worker = worker,
		.socket = rx->socket,
		.target = sip_reply_target(worker, rx),
		.fn = fn,
		.user = user,
		.identity_len = (uint32_t)identity_len,
		.head_len = (uint32_t)head_len,
		.to_len = (uint32_t)(text->len - identity_len - head_len),
		.start_us = worker->now_us,
		.method = rx->msg->method,
		.reply = rx->reply,
		.is_invite = rx->msg->method == SIP_INVITE,
		.to_has_tag = rx->msg->to_tag.len > 0,
	};
	memcpy(txn->text, text->data, text->len);
	enter(worker->txns, txn);
	return txn;
}

static void linger_fired(struct wheel_timer *timer, void *owner)
{
	struct txn_server *txn =
		(struct txn_server *)((char *)timer - offsetof(struct txn_server, timer));

	(void)owner;
	destroy(txn);
}

/* Timers I and J: a reliable transport brings no repeats. */
static uint64_t absorb_us(const struct txn_server *txn, uint64_t us)
{
	return sip_socket_is_stream(txn->socket) ? 0 : us;
}

static void linger(struct txn_server *txn, uint64_t us)
{
	txn_schedule_end(&txn->schedule);
	wheel_start(&txn->worker->wheel, &txn->timer, linger_fired, txn->worker->now_us, us);
}

static void send_again(struct sip_worker *worker, const struct txn_server *txn)
{
	if (!txn->response_len)
		return;
	buf_add(worker_send_begin(worker), txn->response, txn->response_len);
	worker_send_dialog(worker, txn->dialog);
	worker_send_commit(worker, txn->socket, &txn->target);
}

void txn_server_repeat(struct sip_worker *worker, struct txn_server *txn)
{
	/* In ACCEPTED the schedule repeats the 2xx (RFC 6026 7.1). */
	if (txn->state != SERVER_CONFIRMED && txn->state != SERVER_ACCEPTED)
		send_again(worker, txn);
}

/* A final answer to INVITE: repeated until ACK, on the list. */
static void resend_fired(struct wheel_timer *timer, void *owner)
{
	struct txn_server *txn =
		(struct txn_server *)((char *)timer - offsetof(struct txn_server, timer));
	struct sip_worker *worker = owner;
	uint64_t wait_us;
	bool is_last = txn_schedule_is_over(&txn->schedule);

	if (!is_last && txn_schedule_next(&txn->schedule, &wait_us)) {
		/* RFC 3261 13.3.1.4: a 2xx is repeated over any transport, as a hop behind this one
		 * may lose it; 17.2.1: the rest is not. */
		if (txn->state == SERVER_ACCEPTED || !sip_socket_is_stream(txn->socket)) {
			send_again(worker, txn);
			worker->counters.retransmissions++;
		}
		wheel_start(&worker->wheel, timer, resend_fired, wheel_due_us(timer), wait_us);
		return;
	}
	worker->counters.timeouts++;
	if (txn->fn)
		txn->fn(worker, txn->user, txn, TXN_SERVER_NO_ACK);
	destroy(txn);
}

static void start_final(struct txn_server *txn, int status)
{
	uint64_t wait_us = 0;

	if (!txn->is_invite) {
		txn->state = SERVER_COMPLETED;
		linger(txn, absorb_us(txn, TXN_LINGER_US));
		return;
	}
	txn->state = status < 300 ? SERVER_ACCEPTED : SERVER_COMPLETED;
	txn_schedule_end(&txn->schedule); /* of a provisional one */
	txn_schedule_start(txn->worker, &txn->schedule);
	txn->linger_until_us = txn->worker->now_us + TXN_LINGER_US;
	if (txn_schedule_next(&txn->schedule, &wait_us))
		wheel_start(&txn->worker->wheel, &txn->timer, resend_fired, txn->worker->now_us,
			    wait_us);
}

void txn_server_respond(struct sip_worker *worker, struct txn_server *txn, int status,
			const char *reason, struct span to_tag, struct span extra,
			struct span content_type, struct span body)
{
	struct buf *out = worker_send_begin(worker);
	const char *head = txn->text + txn->identity_len;
	struct span sent;

	sip_write_status_line(out, status, reason);
	buf_add(out, head, txn->head_len);
	sip_write_to(out, (struct span){head + txn->head_len, txn->to_len}, txn->to_has_tag,
		     status == 100 ? SPAN_NONE : to_tag);
	buf_add_span(out, extra);
	sip_write_body(out, content_type, body);
	worker_send_dialog(worker, txn->dialog);
	sent = worker_send_commit(worker, txn->socket, &txn->target);
	keep_response(txn, sent);
	if (status >= 200 && txn->state == SERVER_PROCEEDING)
		start_final(txn, status);
}

/* RFC 3262 section 3: over any transport, as a hop behind this one may lose it. */
static void provisional_fired(struct wheel_timer *timer, void *owner)
{
	struct txn_server *txn =
		(struct txn_server *)((char *)timer - offsetof(struct txn_server, timer));
	struct sip_worker *worker = owner;
	uint64_t wait_us;
	bool is_last = txn_schedule_is_over(&txn->schedule);

	if (!is_last && txn_schedule_next(&txn->schedule, &wait_us)) {
		send_again(worker, txn);
		worker->counters.retransmissions++;
		wheel_start(&worker->wheel, timer, provisional_fired, wheel_due_us(timer), wait_us);
		return;
	}
	worker->counters.timeouts++;
	txn_schedule_end(&txn->schedule);
	if (txn->fn)
		txn->fn(worker, txn->user, txn, TXN_SERVER_NO_PRACK);
}

void txn_server_respond_reliably(struct sip_worker *worker, struct txn_server *txn, int status,
				 struct span to_tag, struct span extra, struct span content_type,
				 struct span body)
{
	uint64_t wait_us;

	if (txn->state != SERVER_PROCEEDING)
		return;
	txn_server_respond(worker, txn, status, NULL, to_tag, extra, content_type, body);
	txn_schedule_end(&txn->schedule);
	txn_schedule_start(worker, &txn->schedule);
	if (txn_schedule_next(&txn->schedule, &wait_us))
		wheel_start(&worker->wheel, &txn->timer, provisional_fired, worker->now_us,
			    wait_us);
}

void txn_server_pracked(struct sip_worker *worker, struct txn_server *txn)
{
	if (txn->state != SERVER_PROCEEDING)
		return;
	wheel_stop(&worker->wheel, &txn->timer);
	txn_schedule_end(&txn->schedule);
}

void txn_server_ack(struct sip_worker *worker, struct txn_server *txn)
{
	if (txn->state != SERVER_COMPLETED || !txn->is_invite)
		return;
	txn->state = SERVER_CONFIRMED;
	linger(txn, absorb_us(txn, TXN_T4_US));
	if (txn->fn)
		txn->fn(worker, txn->user, txn, TXN_SERVER_ACKED);
}

void txn_server_stop_2xx(struct sip_worker *worker, struct txn_server *txn)
{
	uint64_t now_us = worker->now_us;

	if (txn->state != SERVER_ACCEPTED || !txn->schedule.waits)
		return;
	drop_response(txn);
	linger(txn, txn->linger_until_us > now_us ? txn->linger_until_us - now_us : 0);
}

void txn_server_set_user(struct txn_server *txn, txn_server_fn *fn, void *user)
{
	txn->fn = fn;
	txn->user = user;
}

void *txn_server_user(const struct txn_server *txn)
{
	return txn->user;
}

uint8_t txn_server_reply(const struct txn_server *txn)
{
	return txn->reply;
}

bool txn_server_is_final(const struct txn_server *txn)
{
	return txn->state != SERVER_PROCEEDING;
}

struct span txn_server_tag(const struct txn_server *txn)
{
	static const char start[] = "\r\nTo: ";
	const char *end = txn->response + txn->response_len;
	const char *at;
	struct span tag;

	if (!txn->response_len || txn->to_has_tag)
		return SPAN_NONE;
	at = memmem(txn->response, txn->response_len, start, sizeof(start) - 1);
	if (!at)
		return SPAN_NONE;
	/* The tag stands behind the value as it was received. */
	at += sizeof(start) - 1 + txn->to_len;
	if (end - at < 5 || memcmp(at, ";tag=", 5) != 0)
		return SPAN_NONE;
	tag = (struct span){at + 5, (size_t)(end - at - 5)};
	tag.len = span_find(tag, '\r');
	return tag;
}

const struct txn_server *txn_server_next(const struct txn_server *txn)
{
	return txn->next;
}

void txn_server_describe(const struct txn_server *txn, struct txn_info *out)
{
	static const char *const states[] = {
		[SERVER_PROCEEDING] = "proceeding",
		[SERVER_COMPLETED] = "completed",
		[SERVER_CONFIRMED] = "confirmed",
		[SERVER_ACCEPTED] = "accepted",
	};
	/* What the identity begins with, up to the first bar. */
	struct span identity = {txn->text, txn->identity_len};
	size_t len = span_find(identity, '|');

	*out = (struct txn_info){
		.is_server = true,
		.method = txn->method,
		.state = states[txn->state],
		.start_us = txn->start_us,
		.peer = txn->target,
	};
	if (len >= sizeof(out->branch))
		len = sizeof(out->branch) - 1;
	memcpy(out->branch, identity.ptr, len);
}

void txn_servers_destroy(struct txn_table *table)
{
	for (unsigned i = 0; i < TXN_SERVER_BUCKETS; i++)
		while (table->buckets[i]) {
			table->buckets[i]->fn = NULL;
			destroy(table->buckets[i]);
		}
}
