/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/ping.h"

#include <stddef.h>
#include <stdlib.h>
#include <utlist.h>

#include "switchd/sip/local_address.h"
#include "switchd/sip/txn.h"

struct sip_ping {
	struct sip_ping *prev;
	struct sip_ping *next;
	struct sip_worker *worker;
	struct ping_order order;
	const struct sip_socket *socket;
	struct txn_client *txn; /* NULL: it has ended */
	struct wheel_timer timer;
	uint64_t sent_us;
	ping_fn *fn;
	void *user;
};

/* Tells the result and frees. */
static void end(struct sip_ping *ping, struct ping_result *result)
{
	struct sip_worker *worker = ping->worker;

	if (ping->txn) {
		txn_client_stop_resend(worker, ping->txn);
		txn_client_forget(ping->txn);
	}
	wheel_stop(&worker->wheel, &ping->timer);
	DL_DELETE(worker->pings, ping);
	result->local = ping->socket->local;
	ping->fn(ping->user, result);
	free(ping);
}

static void timeout_fired(struct wheel_timer *timer, void *owner)
{
	struct sip_ping *ping =
		(struct sip_ping *)((char *)timer - offsetof(struct sip_ping, timer));
	struct ping_result result = {.outcome = PING_TIMEOUT};

	(void)owner;
	end(ping, &result);
}

static void copy_text(struct span text, char *out, size_t size)
{
	if (text.len >= size)
		text.len = size - 1;
	span_copy(text, out, size);
}

static void answered(struct sip_worker *worker, void *user, struct txn_client *txn,
		     const struct sip_rx *rx)
{
	struct sip_ping *ping = user;
	struct ping_result result = {.outcome = PING_TIMEOUT};
	const struct sip_header *agent;

	(void)txn;
	if (!rx) {
		ping->txn = NULL;
		end(ping, &result);
		return;
	}
	if (rx->msg->status < 200)
		return;
	agent = sip_msg_first(rx->msg, SIP_HDR_USER_AGENT);
	result.outcome = PING_ANSWERED;
	result.status = rx->msg->status;
	result.rtt_us = worker->now_us - ping->sent_us;
	copy_text(rx->msg->reason, result.reason, sizeof(result.reason));
	if (agent)
		copy_text(agent->value, result.agent, sizeof(result.agent));
	end(ping, &result);
}

static void write_request(struct sip_ping *ping)
{
	static const char *const transports[] = {
		[CONF_UDP] = "UDP", [CONF_TCP] = "TCP", [CONF_TLS] = "TLS"};
	struct sip_worker *worker = ping->worker;
	struct buf *out = worker_send_begin(worker);
	char to[ADDR_TEXT_MAX];
	uint8_t random[12];

	random_take(&worker->random, random, sizeof(random));
	addr_print(&ping->order.to, to);
	buf_printf(out, "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=%s\r\n", to,
		   transports[ping->order.transport], ping->socket->host_port,
		   txn_client_branch(ping->txn));
	buf_printf(out, "Max-Forwards: 70\r\nFrom: <sip:%s>;tag=", ping->socket->host_port);
	buf_add_hex(out, random, 6);
	/* The Call-ID names the thread, so that the answer comes back here. */
	buf_printf(out, "\r\nTo: <sip:%s>\r\nCall-ID: v1-%02x", to, (unsigned)worker->number);
	buf_add_hex(out, random, sizeof(random));
	buf_printf(out, "\r\nCSeq: 1 OPTIONS\r\nContact: <sip:%s>\r\n", ping->socket->host_port);
	buf_add_lit(out, "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
}

static void refuse(ping_fn *fn, void *user)
{
	const struct ping_result result = {.outcome = PING_UNSENT};

	fn(user, &result);
}

void sip_ping_start(struct sip_worker *worker, const struct ping_order *order, ping_fn *fn,
		    void *user)
{
	const struct sip_socket *socket = local_address_socket(worker, 1u << order->transport,
							       order->to.family, &order->from);
	struct sip_ping *ping = socket ? calloc(1, sizeof(*ping)) : NULL;

	if (!ping) {
		refuse(fn, user);
		return;
	}
	ping->worker = worker;
	ping->order = *order;
	ping->socket = socket;
	ping->fn = fn;
	ping->user = user;
	ping->txn = txn_client_new(worker, SIP_OPTIONS, answered, ping);
	if (!ping->txn) {
		free(ping);
		refuse(fn, user);
		return;
	}
	DL_APPEND(worker->pings, ping);
	ping->sent_us = worker->now_us;
	write_request(ping);
	txn_client_send(worker, ping->txn, socket, &order->to);
	wheel_start(&worker->wheel, &ping->timer, timeout_fired, worker->now_us,
		    (uint64_t)order->timeout_ms * 1000);
}

void sip_ping_cancel(struct sip_worker *worker, uint64_t id)
{
	struct ping_result result = {.outcome = PING_CANCELLED};
	struct sip_ping *ping;

	DL_FOREACH (worker->pings, ping) {
		if (ping->order.id != id)
			continue;
		end(ping, &result);
		return;
	}
}

void sip_pings_destroy(struct sip_worker *worker)
{
	struct sip_ping *ping;
	struct sip_ping *next;

	DL_FOREACH_SAFE (worker->pings, ping, next) {
		if (ping->txn)
			txn_client_forget(ping->txn);
		wheel_stop(&worker->wheel, &ping->timer);
		DL_DELETE(worker->pings, ping);
		free(ping);
	}
}
