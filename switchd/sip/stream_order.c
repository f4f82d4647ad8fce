/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What signalling threads want sent: which connection it goes by (RFC 3261 sections 18.1.1 and
 * 18.2.2), and the word back when there is none any more. */
#include "switchd/sip/stream_private.h"

#define ORDERS_A_TURN 256 /* of each thread */

bool stream_push(struct stream *stream, int worker, const struct stream_order *order,
		 struct span message)
{
	return ring_push(&stream->orders[worker], order, sizeof(*order), message.ptr, message.len);
}

bool stream_orders_are_empty(const struct stream *stream)
{
	for (int i = 0; i < stream->shared->worker_count; i++)
		if (!ring_is_empty(&stream->orders[i]))
			return false;
	return true;
}

bool stream_hand_in(struct stream *stream, int worker, const struct handover_head *head,
		    struct span text)
{
	struct sip_shared *shared = stream->shared;

	if (!worker_hand_in(shared->workers[worker], shared->worker_count, head, text.ptr,
			    text.len))
		return false;
	stream->handed |= (uint64_t)1 << worker;
	return true;
}

/* Once for all that they were given: to wake one for each message, which it takes at once, would
 * cost more than the message. */
void stream_wake_workers(struct stream *stream)
{
	for (int i = 0; stream->handed; i++, stream->handed >>= 1)
		if (stream->handed & 1)
			worker_wake(stream->shared->workers[i]);
}

void stream_tell_lost(struct stream *stream, const struct stream_listen *listen,
		      const struct addr *peer, uint64_t workers)
{
	for (int i = 0; workers && i < stream->shared->worker_count; i++) {
		struct handover_head head = {
			.source = *peer,
			.socket_index = listen->socket_index,
			.is_peer_lost = true,
			.serial = stream->taken[i],
		};

		/* When the ring is full the thread's timers say it later. */
		if (workers >> i & 1)
			stream_hand_in(stream, i, &head, SPAN_NONE);
	}
}

/* --- Where to, without a connection to the address that was asked for. --- */

/* The rest of the first line that starts with name. */
static struct span find_line(struct span message, struct span name)
{
	for (size_t lf = span_find(message, '\n'); lf < message.len;
	     lf = span_find(message, '\n')) {
		message.ptr += lf + 1;
		message.len -= lf + 1;
		if (span_starts_with(message, name))
			return (struct span){message.ptr + name.len,
					     span_find(message, '\r') - name.len};
	}
	return SPAN_NONE;
}

/* RFC 3261 18.2.2: to the source address, and the port that the peer takes requests at. */
static uint16_t port_of_via(struct span response)
{
	struct span rest = find_line(response, SPAN_LIT("Via: "));
	struct span element;
	struct sip_via via;

	return sip_list_next(&rest, &element) && sip_via_parse(element, &via) ? via.port : 0;
}

/* The port of the Request-URI, when that is the very host which the connection was to. */
static bool port_of_uri(struct span request, const struct addr *to, uint16_t *port)
{
	struct span text = {request.ptr, span_find(request, '\r')};
	size_t start = span_find(text, ' ');
	struct sip_uri uri;
	struct addr host;

	if (start == text.len)
		return false;
	text = (struct span){text.ptr + start + 1, text.len - start - 1};
	text.len = span_find(text, ' ');
	if (!sip_uri_parse(text, &uri) || !addr_parse(uri.host, &host) || !addr_ip_eq(&host, to))
		return false;
	*port = uri.port;
	return true;
}

static struct addr fallback(const struct stream_listen *listen, const struct addr *to,
			    struct span message, bool is_request)
{
	struct addr other = *to;
	uint16_t port = 0;

	if (is_request && !port_of_uri(message, to, &port))
		return other;
	if (!is_request)
		port = port_of_via(message);
	other.port = port ? port : listen->transport == CONF_TLS ? 5061 : 5060;
	return other;
}

static struct stream_conn *open_instead(struct stream *stream, struct stream_listen *listen,
					const struct addr *to, struct span message, bool is_request)
{
	struct addr other = fallback(listen, to, message, is_request);
	struct stream_conn *conn = NULL;

	if (!addr_eq(&other, to))
		conn = stream_table_find(&stream->table, listen->socket_index, &other);
	if (!conn)
		conn = conn_open(stream, listen, &other);
	/* Who asked for the old address is to hear of the new connection's end. */
	if (conn && !addr_eq(&other, to))
		conn->asked = *to;
	return conn;
}

/* --- Orders. --- */

static void take_order(struct stream *stream, int worker, const struct stream_order *order,
		       struct span message)
{
	bool is_request = !span_starts_with(message, SPAN_LIT("SIP/2.0 "));
	struct stream_listen *listen = stream_listen_of(stream, order->socket_index);
	struct stream_conn *conn;

	if (!listen)
		return;
	conn = stream_table_find(&stream->table, listen->socket_index, &order->to);
	if (!message.len) {
		if (conn)
			conn->keep_until_us = stream->now_us + (uint64_t)order->keep_s * 1000000;
		return;
	}
	if (!conn)
		conn = open_instead(stream, listen, &order->to, message, is_request);
	if (!conn) {
		stream_count(&listen->totals.errors, 1);
		if (is_request)
			stream_tell_lost(stream, listen, &order->to, (uint64_t)1 << worker);
		return;
	}
	if (is_request)
		conn->workers |= (uint64_t)1 << worker;
	if (conn_queue(stream, conn, message.ptr, message.len)) {
		conn->tx_messages++;
		stream_count(&listen->totals.tx_messages, 1);
	}
}

bool stream_take_orders(struct stream *stream)
{
	bool is_more = false;

	for (int i = 0; i < stream->shared->worker_count; i++) {
		int n = 0;

		for (; n < ORDERS_A_TURN; n++) {
			size_t len = ring_pop(&stream->orders[i], stream->scratch, STREAM_SCRATCH);
			struct stream_order order;

			if (len < sizeof(order))
				break;
			stream->taken[i]++;
			memcpy(&order, stream->scratch, sizeof(order));
			take_order(stream, i, &order,
				   (struct span){stream->scratch + sizeof(order),
						 len - sizeof(order)});
		}
		is_more = is_more || n == ORDERS_A_TURN;
	}
	return is_more;
}
