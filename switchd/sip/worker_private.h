/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the transport share: the receive and send batches of a thread, and the rings
 * through which threads hand datagrams to their owner. */
#pragma once

#include <stdatomic.h>

#include "switchd/loop/gather.h"
#include "switchd/loop/ring.h"
#include "switchd/sip/probe.h"
#include "switchd/sip/worker.h"

#define RX_BATCH 64
/* One byte over the limit is enough to see that it is over. */
#define RX_BUFFER     (SIP_MSG_MAX + 256)
#define TX_BATCH      128
#define TX_ARENA      (1024u * 1024u)
#define HANDOVER_RING (1024u * 1024u)

/* A batch as recvmmsg() and sendmmsg() take it, filled in once but for what differs. */
struct rx_batch {
	struct mmsghdr headers[RX_BATCH];
	struct iovec vectors[RX_BATCH];
	struct sockaddr_storage sources[RX_BATCH];
};

struct tx_batch {
	int count;
	struct mmsghdr headers[TX_BATCH];
	struct iovec vectors[TX_BATCH];
	struct sockaddr_storage to[TX_BATCH];
	uint8_t sockets[TX_BATCH]; /* by index */
};

struct worker_io {
	int epoll_fd;
	atomic_bool is_sleeping; /* in epoll_wait: a producer must ring the eventfd */
	atomic_bool stop_asked;
	bool is_stopping; /* calls are being ended */
	int stop_grace_ms;
	uint64_t stop_deadline_us;
	int handover_fd;      /* eventfd */
	struct ring *inbound; /* one a sending thread, index = its number; the last one is the
				 stream thread's */
	bool has_streamed;    /* something was handed to the stream thread in this turn */
	/* Messages handed to the stream thread so far: what was sent before a connection was lost
	 * is told from what came after by this. */
	uint64_t stream_serial;

	char *rx_memory; /* RX_BATCH x RX_BUFFER, and one more for the rings */
	struct rx_batch rx;
	struct sip_msg rx_msg;         /* index of the message being handled */
	const struct sip_msg *handled; /* that; NULL: none is, but a timer or a wish of ours */

	char *tx_memory;
	size_t tx_used;
	struct tx_batch tx;
	struct buf tx_open; /* message being written */
	uint64_t tx_dialog; /* hash of its Call-ID; 0: not known */
	struct gather gather;
	struct keepalive_sender keepalive;
	uint64_t second_due_us; /* once a second: expiry of bindings */
};

/* What the thread in front of a ring says of the bytes behind it. */
struct handover_head {
	uint64_t dialog; /* as in sip_rx */
	struct addr source;
	uint8_t socket_index;
	bool is_moved;     /* handed on by the thread that its dialog has left (leg_route.h) */
	bool is_repeat;    /* the same by the thread that has it now: answered here, if ever */
	bool is_peer_lost; /* no message: the connection to source has gone, and with it all up to
			      serial */
	uint16_t status;   /* not 0: a message that cannot be framed, to be refused so */
	uint64_t serial;
	const char *why; /* static text */
};

VOS_CHECK enum vos_err worker_io_create(struct sip_worker *worker, struct vos_fault *fault);
void worker_io_destroy(struct sip_worker *worker);
/* ToS, media and advertised addresses of the sockets as worker->conf says; the sockets stay
 * (worker_listen.c). */
void worker_io_configure(struct sip_worker *worker);
/* Reads up to one batch from a socket and handles it; true when the batch was full. */
bool worker_io_receive(struct sip_worker *worker, const struct sip_socket *socket);
void worker_io_flush(struct sip_worker *worker);

/* worker_listen.c */
VOS_CHECK enum vos_err worker_listen_open(struct sip_worker *worker, struct vos_fault *fault);
void worker_listen_close(struct sip_worker *worker);
void worker_set_tos(int fd, const struct addr *local, int tos);

/* worker_handover.c */
VOS_CHECK enum vos_err worker_rings_create(struct sip_worker *worker);
void worker_rings_destroy(struct sip_worker *worker);
bool worker_rings_are_empty(const struct sip_worker *worker);
void worker_receive_handover(struct sip_worker *worker);
/* From the thread whose ring has that index; worker_wake() follows, after one or more of them.
 * False: the ring is full. */
bool worker_hand_in(struct sip_worker *to, int ring, const struct handover_head *head,
		    const char *data, size_t len);
void worker_wake(struct sip_worker *to);
/* The message, which this thread has taken, is for a dialog of another's; is_repeat: or is one that
 * the other has answered, when it had the dialog. */
void worker_hand_on(struct sip_worker *worker, int owner, const struct sip_rx *rx, bool is_repeat);
/* Into the flight recorder: a message that goes. The hash of its Call-ID when it is known, else 0;
 * returned is what it is. */
uint64_t worker_record_sent(const struct sip_worker *worker, const struct sip_socket *socket,
			    const struct addr *peer, struct span message, uint64_t dialog);
/* A message that came, as it came: so before the parse, which joins folded lines in place. Its
 * dialog follows with the second, when that is known; nothing else may be recorded between.
 * Returned is the copy; empty when nothing is recorded. */
struct span worker_record_received(const struct sip_worker *worker, const struct sip_socket *socket,
				   const struct addr *peer, struct span message);
void worker_record_end(const struct sip_worker *worker, uint64_t dialog);
/* Hash of a Call-ID; 0 when it is empty or nothing is recorded. */
uint64_t worker_dialog(const struct sip_worker *worker, struct span call_id);
/* Hands a message for a TCP or TLS peer to the stream thread. False: it is lost. */
bool worker_stream_send(struct sip_worker *worker, const struct sip_socket *socket,
			const struct addr *to, struct span message);

/* Gate, hand-over and dispatch of one datagram (dispatch.c). data is writable. handed_over: how it
 * came from another thread; NULL: it came by the socket. */
void sip_dispatch_datagram(struct sip_worker *worker, const struct sip_socket *socket,
			   const struct addr *source, char *data, size_t len,
			   const struct handover_head *handed_over);
/* Refuses what a stream brought and cannot be a message (dispatch.c). */
void sip_dispatch_refuse(struct sip_worker *worker, const struct sip_socket *socket,
			 const struct addr *source, char *data, size_t len, int status,
			 const char *why);
