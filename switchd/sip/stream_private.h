/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of the stream thread, shared by stream*.c. All of it is that thread's but for what is
 * marked. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "switchd/loop/ring.h"
#include "switchd/loop/slots.h"
#include "switchd/sip/stream.h"
#include "switchd/sip/stream_conn.h"
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
	bool is_reset; /* what is closed is reset (SS_TCP_CLOSE_RESET) */
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
	struct stream_conn *strangers; /* accepted and not proven, oldest first */
	uint64_t handed;               /* bit n: thread n was given something in this turn */
	size_t memory;                 /* of all in and out */
	char *scratch;                 /* STREAM_SCRATCH; in turn for reading and for an order */
	int handshakes;                /* steps in this turn */
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

/* --- stream_order.c --- */
/* To that signalling thread, which is woken at the end of the turn. False: its ring is full. */
bool stream_hand_in(struct stream *stream, int worker, const struct handover_head *head,
		    struct span text);
void stream_wake_workers(struct stream *stream);
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
