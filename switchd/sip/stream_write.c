/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What waits in a connection to be sent: one run of bytes, given to the kernel at the end of the
 * turn, so that several messages leave in one write. A peer that reads nothing has its connection
 * ended; nobody else waits for it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "switchd/sip/stream_private.h"

#define QUEUE_FIRST 2048u

static void drop_queue(struct stream *stream, struct stream_conn *conn)
{
	stream->memory -= conn->out_cap;
	free(conn->out);
	conn->out = NULL;
	conn->out_cap = 0;
	conn->out_len = 0;
	conn->out_sent = 0;
	conn->unsent_us = 0;
}

/* Room for len more bytes behind what waits. */
static bool make_room(struct stream *stream, struct stream_conn *conn, size_t len)
{
	size_t wanted = conn->out_len - conn->out_sent + len;
	size_t cap = conn->out_cap ? conn->out_cap : QUEUE_FIRST;
	char *grown;

	if (wanted > STREAM_QUEUE_MAX)
		return false;
	if (conn->out_sent && conn->out_len + len > conn->out_cap) {
		memmove(conn->out, conn->out + conn->out_sent, conn->out_len - conn->out_sent);
		conn->out_len -= conn->out_sent;
		conn->out_sent = 0;
	}
	while (cap < wanted)
		cap *= 2;
	if (cap == conn->out_cap)
		return true;
	if (stream->memory + cap - conn->out_cap > STREAM_MEMORY_MAX)
		return false;
	grown = realloc(conn->out, cap);
	if (!grown)
		return false;
	stream->memory += cap - conn->out_cap;
	conn->out = grown;
	conn->out_cap = (uint32_t)cap;
	return true;
}

bool conn_queue(struct stream *stream, struct stream_conn *conn, const char *data, size_t len)
{
	if (!make_room(stream, conn, len)) {
		conn_fail(stream, conn);
		return false;
	}
	memcpy(conn->out + conn->out_len, data, len);
	conn->out_len += (uint32_t)len;
	if (!conn->unsent_us)
		conn->unsent_us = stream->now_us;
	if (!conn->is_dirty) {
		conn->is_dirty = true;
		conn->dirty_next = stream->dirty;
		stream->dirty = conn;
	}
	return true;
}

static enum tls_result write_some(struct stream_conn *conn, size_t *sent)
{
	const char *data = conn->out + conn->out_sent;
	size_t len = conn->out_len - conn->out_sent;
	ssize_t done;

	if (conn->tls)
		return tls_session_write(conn->tls, data, len, sent);
	done = send(conn->fd, data, len, MSG_NOSIGNAL);
	if (done >= 0) {
		*sent = (size_t)done;
		return TLS_DONE;
	}
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? TLS_WANT_WRITE
									 : TLS_FAILED;
}

void conn_flush(struct stream *stream, struct stream_conn *conn)
{
	if (conn->state != CONN_OPEN && conn->state != CONN_DRAINING)
		return;
	while (conn->out_sent < conn->out_len && !conn->is_stuffed) {
		size_t sent = 0;

		switch (write_some(conn, &sent)) {
		case TLS_DONE:
			break;
		case TLS_WANT_WRITE:
			conn->is_stuffed = true;
			break;
		case TLS_WANT_READ:
			/* TLS wants something of the peer first; the read that brings it flushes.
			 */
			conn_update(stream, conn);
			return;
		case TLS_ENDED:
		case TLS_FAILED:
			conn_fail(stream, conn);
			return;
		}
		if (!sent)
			continue;
		conn->out_sent += (uint32_t)sent;
		conn->unsent_us = stream->now_us;
		conn->active_us = stream->now_us;
		stream_count(&conn->listen->totals.tx_bytes, sent);
	}
	if (conn->out_sent == conn->out_len)
		drop_queue(stream, conn);
	conn_update(stream, conn);
}

void stream_flush(struct stream *stream)
{
	struct stream_conn *list = stream->dirty;

	stream->dirty = NULL;
	while (list) {
		struct stream_conn *conn = list;

		list = conn->dirty_next;
		conn->is_dirty = false;
		conn_flush(stream, conn);
	}
}
