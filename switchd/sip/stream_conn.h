/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TCP or TLS connection, and what the stream thread does with it. For stream*.c only. */
#pragma once

#include "shared/base/addr.h"
#include "switchd/loop/wheel.h"
#include "switchd/sip/stream_frame.h"
#include "switchd/sip/tls.h"

struct stream;
struct stream_listen;

enum conn_state {
	CONN_CONNECTING,
	CONN_HANDSHAKE,
	CONN_OPEN,
	CONN_DRAINING, /* refused: the answer goes out; what comes is thrown away, and has to be
			  read, or the reset for it could take the answer with it */
	CONN_CLOSED,   /* freed at the end of the turn */
};

struct stream_conn {
	struct wheel_timer timer; /* first: cast back from it */
	struct stream_conn *hash_next;
	struct stream_conn *dirty_next;
	struct stream_conn *blocked_next;
	struct stream_conn *dead_next;
	struct stream_conn *strange_prev; /* in the list of those that are not proven, by age */
	struct stream_conn *strange_next;
	struct stream_listen *listen;
	struct tls_session *tls; /* NULL: TCP */
	struct addr remote;
	struct addr asked; /* opened in place of a connection to this address; else no family */
	int fd;
	uint32_t slot;
	uint32_t events; /* as epoll has them */
	struct framer framer;
	enum conn_state state;
	bool is_outgoing;
	bool is_proven;  /* has sent a message or a ping */
	bool is_dirty;   /* in the list of those that are to be flushed */
	bool is_blocked; /* the ring of an owner is full: nothing is read until it has room */
	bool is_stuffed; /* the kernel takes no more: wait until it is writable */
	char *in;        /* read, not taken yet */
	uint32_t in_len;
	uint32_t in_cap;
	char *out;
	uint32_t out_len;
	uint32_t out_sent; /* of out_len */
	uint32_t out_cap;
	uint64_t workers; /* bit n: thread n sent a request by it */
	uint64_t opened_us;
	uint64_t active_us;     /* something came or was taken */
	uint64_t unfinished_us; /* since when a message is unfinished; 0 = none is */
	uint64_t unsent_us;     /* since when nothing of the queue was taken; 0 = it is empty */
	uint64_t keep_until_us;
	uint64_t drain_until_us;
	uint64_t rx_messages;
	uint64_t tx_messages;
};

/* --- stream_conn.c --- */
/* Of a connected or connecting socket, which it takes over. NULL: no memory; the socket is closed.
 */
struct stream_conn *conn_new(struct stream *stream, struct stream_listen *listen, int fd,
			     const struct addr *remote, bool is_outgoing);
/* Connects from the listen address. NULL when that cannot be begun. */
struct stream_conn *conn_open(struct stream *stream, struct stream_listen *listen,
			      const struct addr *remote);
void conn_event(struct stream *stream, struct stream_conn *conn, uint32_t events);
/* Ends it. Signalling threads that sent requests by it are told. */
void conn_close(struct stream *stream, struct stream_conn *conn);
/* The same, and counts an error. */
void conn_fail(struct stream *stream, struct stream_conn *conn);
/* Brings what epoll is to report, and the timer, in step with the connection's state. */
void conn_update(struct stream *stream, struct stream_conn *conn);
void conn_free_dead(struct stream *stream);
bool conn_is_full(struct stream *stream);
/* When there is no room for one more, that which has waited longest for a first message gives way:
 * a crowd that says nothing shuts nobody out. False: there is none such. */
bool conn_make_room(struct stream *stream);
/* It has said something: it does not give way to others any more. */
void conn_prove(struct stream *stream, struct stream_conn *conn);

/* --- stream_read.c --- */
/* Reads what there is and takes the messages out. */
void conn_read(struct stream *stream, struct stream_conn *conn);
/* Tries those again that a full ring held up. */
void stream_unblock(struct stream *stream);

/* --- stream_write.c --- */
/* False: too much waits in it, and it has been ended. */
bool conn_queue(struct stream *stream, struct stream_conn *conn, const char *data, size_t len);
void conn_flush(struct stream *stream, struct stream_conn *conn);
void stream_flush(struct stream *stream);
