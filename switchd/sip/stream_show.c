/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections and their totals, for show. */
#include "switchd/sip/stream_private.h"

static uint64_t total(const atomic_uint_fast64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

bool stream_counters_of(const struct stream *stream, int socket_index, struct stream_counters *out)
{
	for (int i = 0; i < stream->listen_count; i++) {
		const struct stream_totals *totals = &stream->listens[i].totals;

		if (stream->listens[i].socket_index != socket_index)
			continue;
		*out = (struct stream_counters){
			.connections = total(&totals->connections),
			.accepted = total(&totals->accepted),
			.opened = total(&totals->opened),
			.refused = total(&totals->refused),
			.rx_messages = total(&totals->rx_messages),
			.rx_bytes = total(&totals->rx_bytes),
			.tx_messages = total(&totals->tx_messages),
			.tx_bytes = total(&totals->tx_bytes),
			.errors = total(&totals->errors),
		};
		return true;
	}
	return false;
}

static void describe(const struct stream *stream, const struct stream_conn *conn,
		     struct stream_conn_info *out)
{
	static const char *const states[] = {
		[CONN_CONNECTING] = "connecting",
		[CONN_HANDSHAKE] = "handshake",
		[CONN_OPEN] = "open",
		[CONN_DRAINING] = "closing",
		[CONN_CLOSED] = "closing",
	};

	*out = (struct stream_conn_info){
		.number = conn->slot + 1,
		.socket_index = conn->listen->socket_index,
		.remote = conn->remote,
		.is_outgoing = conn->is_outgoing,
		.is_kept = conn->keep_until_us > stream->now_us,
		.state = states[conn->state],
		.tls_version = conn->tls ? tls_session_version(conn->tls) : "",
		.tls_cipher = conn->tls ? tls_session_cipher(conn->tls) : "",
		.age_s = (stream->now_us - conn->opened_us) / 1000000,
		.idle_s = (stream->now_us - conn->active_us) / 1000000,
		.rx_messages = conn->rx_messages,
		.tx_messages = conn->tx_messages,
		.queued_bytes = conn->out_len - conn->out_sent,
	};
}

bool stream_list(struct stream *stream, uint32_t *after, const struct addr *peer,
		 struct stream_conn_info *out, size_t max, size_t *count)
{
	*count = 0;
	for (; *after < stream->conns.used; (*after)++) {
		const struct stream_conn *conn = stream->conns.items[*after];

		if (!conn || (peer->family && !addr_ip_eq(&conn->remote, peer)))
			continue;
		if (*count == max)
			return true;
		describe(stream, conn, &out[(*count)++]);
	}
	return false;
}
