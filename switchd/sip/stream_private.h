/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of the stream thread, shared by stream*.c. All of it is that thread's but for what is
 * marked. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "switchd/loop/ring.h"
#include "switchd/loop/slots.h"
#include "switchd/sip/stream.h"
#include "switchd/sip/stream_frame.h"
#include "switchd/sip/stream_table.h"
#include "switchd/sip/tls.h"
#include "switchd/sip/worker_private.h"

#define STREAM_READ_BYTES 65536u
/* What was read and not taken yet, with a read behind it: an unfinished message and one read. */
#define STREAM_SCRATCH     (SIP_MSG_MAX + 1u + STREAM_READ_BYTES)
#define STREAM_QUEUE_MAX   (512u * 1024u)         /* that waits in one connection to be sent */
#define STREAM_MEMORY_MAX  (256u * 1024u * 1024u) /* that waits in all of them, either way */
#define STREAM_ORDER_RING  (4u * 1024u * 1024u)
#define STREAM_CONNECT_US  4000000u
#define STREAM_DRAIN_US    1000000u
#define STREAM_FAULT_MAX   200
#define STREAM_NUMBERS_MAX (1u << 21)

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
	struct stream_listen *listen;
	struct tls *tls; /* NULL: TCP */
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

/* Written by the stream thread, read by any. */
struct stream_totals {
	atomic_uint_fast64_t connections;
	atomic_uint_fast64_t accepted;
	atomic_uint_fast64_t opened;
	atomic_uint_fast64_t refused;
	atomic_uint_fast64_t rx_messages;
	atomic_uint_fast64_t rx_bytes;
	atomic_uint_fast64_t tx_messages;
	atomic_uint_fast64_t tx_bytes;
	atomic_uint_fast64_t errors;
};

/* There is one writer, so a plain addition does. */
static inline void stream_count(atomic_uint_fast64_t *total, uint64_t more)
{
	atomic_store_explicit(total, atomic_load_explicit(total, memory_order_relaxed) + more,
			      memory_order_relaxed);
}

struct stream_listen {
	struct wheel_timer resume; /* first: accepting goes on when it fires */
	struct stream *stream;
	int fd;
	uint8_t socket_index;
	enum conf_transport transport;
	struct addr bound;
	char name[72];
	struct tls_context *tls;          /* NULL: TCP, or no certificate could be read yet */
	char tls_fault[STREAM_FAULT_MAX]; /* why the last try to read it failed; "" = it did not */
	struct stream_totals totals;
};

struct stream_limits {
	uint32_t connections;
	uint32_t per_source; /* 0 = no limit */
	uint64_t idle_us;    /* 0 = for ever */
	uint64_t message_us; /* a handshake, the first message, the rest of one, an unread answer */
	int tos;
};

struct stream {
	struct sip_shared *shared;
	struct conf *conf;
	struct stream_limits limits;
	int epoll_fd;
	int wake_fd;
	atomic_bool is_sleeping; /* a signalling thread must ring */
	atomic_bool stop_asked;
	int stop_grace_ms;
	struct mailbox mailbox;
	struct wheel wheel;
	struct wheel_timer expiry; /* looks at the certificates */
	uint64_t now_us;
	uint64_t full_said_us; /* when it was last logged that there is no room */
	struct stream_listen listens[SIP_LISTENS_MAX];
	int listen_count;
	struct ring *orders; /* one a signalling thread */
	uint64_t *taken;     /* orders taken from each so far */
	struct slots conns;
	struct stream_table table;
	struct stream_conn *dirty;
	struct stream_conn *blocked;
	struct stream_conn *dead;
	size_t memory;  /* of all in and out */
	char *scratch;  /* STREAM_SCRATCH; in turn for reading and for an order */
	int handshakes; /* steps in this turn */
	pthread_t thread;
	bool is_started;
	/* Of the control thread and of main. */
	pthread_mutex_t control_lock;
	struct conf *control_conf;
};

/* --- stream.c --- */
/* One turn of the loop, which waits no longer than that; true when there is more to do at once. */
bool stream_turn(struct stream *stream, int wait_ms);

/* --- stream_listen.c --- */
VOS_CHECK enum vos_err stream_listen_open(struct stream *stream, struct vos_fault *fault);
void stream_listen_close(struct stream *stream);
void stream_accept(struct stream *stream, struct stream_listen *listen);
struct stream_listen *stream_listen_of(struct stream *stream, int socket_index);

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

/* --- stream_read.c --- */
/* Reads what there is and takes the messages out. */
void conn_read(struct stream *stream, struct stream_conn *conn);
/* Tries those again that a full ring held up. */
void stream_unblock(struct stream *stream);

/* --- stream_write.c --- */
/* False: the connection has failed, as too much waits in it. */
bool conn_queue(struct stream *stream, struct stream_conn *conn, const char *data, size_t len);
void conn_flush(struct stream *stream, struct stream_conn *conn);
void stream_flush(struct stream *stream);
/* --- stream_order.c --- */
/* Takes the orders of all rings, some of each; true when there may be more. */
bool stream_take_orders(struct stream *stream);
bool stream_orders_are_empty(const struct stream *stream);
/* Tells signalling threads (bits) that what they sent to an address so far is lost. */
void stream_tell_lost(struct stream *stream, const struct stream_listen *listen,
		      const struct addr *peer, uint64_t workers);

/* --- stream_certs.c --- */
/* Before the thread runs. */
void stream_certs_load_first(struct stream *stream);
void stream_certs_watch(struct stream *stream);
void stream_apply_conf(struct stream *stream, struct conf *conf);
