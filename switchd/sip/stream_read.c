/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From bytes to messages, and from there to the thread that owns them. While a connection rests it
 * holds no buffer. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "switchd/sip/stream_private.h"

/* TLS gives one record at a time; epoll does not report what it holds already, so it is asked until
 * it has no more, but not for ever. */
#define READS_A_TURN 8

static bool deliver(struct stream *stream, const struct stream_conn *conn,
		    const struct frame *frame)
{
	struct sip_shared *shared = stream->shared;
	struct span text = frame->text;
	int owner = worker_of_call_id(shared, sip_scan_call_id(text.ptr, text.len));
	struct handover_head head = {
		.source = conn->remote,
		.socket_index = conn->listen->socket_index,
		.status = (uint16_t)frame->status,
		.why = frame->why,
	};

	return stream_hand_in(stream, owner, &head, text);
}

static void count_message(struct stream *stream, struct stream_conn *conn)
{
	conn_prove(stream, conn);
	conn->rx_messages++;
	stream_count(&conn->listen->totals.rx_messages, 1);
}

static void block(struct stream *stream, struct stream_conn *conn)
{
	if (conn->is_blocked)
		return;
	conn->is_blocked = true;
	conn->blocked_next = stream->blocked;
	stream->blocked = conn;
}

/* Nothing more of it can be read. */
static void drain(struct stream *stream, struct stream_conn *conn)
{
	conn->state = CONN_DRAINING;
	conn->unfinished_us = 0;
	conn->drain_until_us = stream->now_us + STREAM_DRAIN_US;
	stream_count(&conn->listen->totals.errors, 1);
}

/* Takes messages out of data[len]; returns how much is done with. */
static size_t take(struct stream *stream, struct stream_conn *conn, const char *data, size_t len)
{
	size_t at = 0;

	while (conn->state == CONN_OPEN) {
		struct framer before = conn->framer;
		struct frame frame;
		size_t consumed;
		enum frame_event event =
			framer_next(&conn->framer, data + at, len - at, &consumed, &frame);

		if ((event == FRAME_MESSAGE || event == FRAME_REFUSED) &&
		    !deliver(stream, conn, &frame)) {
			/* Backpressure: it is offered again, and the peer's window fills. */
			conn->framer = before;
			block(stream, conn);
			return at;
		}
		at += consumed;
		switch (event) {
		case FRAME_NONE:
			return at;
		case FRAME_MESSAGE:
			count_message(stream, conn);
			break;
		case FRAME_PING:
			conn_prove(stream, conn);
			if (!conn_queue(stream, conn, "\r\n", 2))
				return len;
			break;
		case FRAME_REFUSED:
			drain(stream, conn);
			break;
		case FRAME_GARBAGE:
			conn_fail(stream, conn);
			break;
		}
	}
	return len;
}

/* Keeps what is not taken for the next read; false when there is no room for it. */
static bool keep(struct stream *stream, struct stream_conn *conn, const char *data, size_t len)
{
	char *grown;

	if (len > conn->in_cap || len == 0) {
		grown = len ? realloc(conn->in, len) : NULL;
		if (len && (!grown || stream->memory + len - conn->in_cap > STREAM_MEMORY_MAX)) {
			conn->in = grown ? grown : conn->in;
			return false;
		}
		if (len == 0)
			free(conn->in);
		stream->memory += len;
		stream->memory -= conn->in_cap;
		conn->in = grown;
		conn->in_cap = (uint32_t)len;
	}
	if (len)
		memcpy(conn->in, data, len);
	conn->in_len = (uint32_t)len;
	return true;
}

/* What there is with what was kept, in scratch[len]. False: the connection has ended. */
static bool process(struct stream *stream, struct stream_conn *conn, size_t len)
{
	size_t done = take(stream, conn, stream->scratch, len);

	if (conn->state == CONN_CLOSED)
		return false;
	if (conn->state == CONN_DRAINING)
		done = len;
	if (!keep(stream, conn, stream->scratch + done, len - done)) {
		conn_fail(stream, conn);
		return false;
	}
	if (conn->is_blocked || !framer_is_inside(&conn->framer))
		conn->unfinished_us = 0;
	else if (!conn->unfinished_us || done)
		conn->unfinished_us = stream->now_us;
	return true;
}

static enum tls_result read_some(struct stream_conn *conn, char *data, size_t *got)
{
	ssize_t len;

	if (conn->tls)
		return tls_session_read(conn->tls, data, STREAM_READ_BYTES, got);
	len = recv(conn->fd, data, STREAM_READ_BYTES, 0);
	if (len > 0) {
		*got = (size_t)len;
		return TLS_DONE;
	}
	if (len == 0)
		return TLS_ENDED;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? TLS_WANT_READ
									 : TLS_FAILED;
}

/* False: there is no more to read now, or ever. */
static bool read_once(struct stream *stream, struct stream_conn *conn)
{
	size_t have = conn->in_len;
	size_t got = 0;

	switch (read_some(conn, stream->scratch + have, &got)) {
	case TLS_DONE:
		break;
	case TLS_WANT_READ:
		return false;
	case TLS_WANT_WRITE:
		conn->is_stuffed = true;
		return false;
	case TLS_ENDED:
		conn_close(stream, conn);
		return false;
	case TLS_FAILED:
		conn_fail(stream, conn);
		return false;
	}
	conn->active_us = stream->now_us;
	stream_count(&conn->listen->totals.rx_bytes, got);
	if (conn->state == CONN_DRAINING)
		return true;
	if (have)
		memcpy(stream->scratch, conn->in, have);
	return process(stream, conn, have + got) && !conn->is_blocked;
}

void conn_read(struct stream *stream, struct stream_conn *conn)
{
	int reads = 0;

	if (conn->is_blocked)
		return;
	/* Of TCP one read; what is left is reported again. */
	while (read_once(stream, conn) && conn->tls)
		if (++reads == READS_A_TURN) {
			block(stream, conn);
			break;
		}
	if (conn->state != CONN_CLOSED)
		conn_update(stream, conn);
}

void stream_unblock(struct stream *stream)
{
	struct stream_conn *list = stream->blocked;

	stream->blocked = NULL;
	while (list) {
		struct stream_conn *conn = list;

		list = conn->blocked_next;
		conn->is_blocked = false;
		if (conn->state == CONN_CLOSED)
			continue;
		if (conn->in_len && conn->state == CONN_OPEN) {
			memcpy(stream->scratch, conn->in, conn->in_len);
			if (!process(stream, conn, conn->in_len))
				continue;
		}
		/* epoll says nothing of what TLS has decrypted already. */
		if (!conn->is_blocked && conn->tls)
			conn_read(stream, conn);
		else
			conn_update(stream, conn);
	}
}
