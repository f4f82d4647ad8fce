/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A signalling thread: its sockets, its timer wheel, its tables, and the send batch; all of it
 * belongs to one thread. A datagram goes transport (worker.c) -> gate (msg.c) -> transaction
 * (txn.c) -> the handler of its method (registrar.c, leg.c, options in dispatch.c). */
#pragma once

#include <pthread.h>

#include "shared/base/buf.h"
#include "shared/base/hash.h"
#include "shared/base/random_pool.h"
#include "switchd/auth/bucket.h"
#include "switchd/conf/conf.h"
#include "switchd/loop/mailbox.h"
#include "switchd/loop/wheel.h"
#include "switchd/sip/msg.h"

struct alarms;
struct cdr_writer;
struct recorder;
struct recorder_ring;
struct location;
struct options_check;
struct outbound;
struct refused;
struct resolver;
struct stream;
struct auth;
struct guard;
struct keepalive;
struct media;
struct call_table;
struct sip_ping;
struct message_relay;
struct trunk_auth;
struct txn_table;
struct leg_table;

#define SIP_LISTENS_MAX 16 /* of all transports together */
/* What we send may be longer than what we take: the answer to a request of SIP_MSG_MAX repeats most
 * of it, with `received`, long header names and a body of ours added. */
#define SIP_SEND_MAX (2 * SIP_MSG_MAX + 4096)

/* A listen address as a thread sends by it. Of UDP every thread has a socket of its own
 * (SO_REUSEPORT); TCP and TLS connections are the stream thread's (stream.h). */
struct sip_socket {
	int fd;                        /* UDP; else -1 */
	uint8_t index;                 /* same number in every thread: names the listen address */
	enum conf_transport transport; /* of TCP and TLS, nothing that was sent is repeated */
	struct addr bound;             /* as configured, may be 0.0.0.0 */
	struct addr local;             /* the same, or the outward address in place of 0.0.0.0 */
	char host_port[ADDR_TEXT_MAX]; /* as it stands in our Via and Contact */
	struct conf_media_place media;
};

/* A message, where it came from, and with it how to answer. */
struct sip_rx {
	struct sip_msg *msg;
	struct addr source;
	const struct sip_socket *socket;
	uint64_t dialog;  /* hash of the Call-ID, for the flight recorder; 0: not known */
	uint64_t txn_key; /* of a request that was looked for (txn_server_find); 0: it was not */
	uint8_t reply;    /* WORD_PARTY_ADDRESS_...: how its sender wants to be answered */
};

static inline bool sip_socket_is_stream(const struct sip_socket *socket)
{
	return socket->transport != CONF_UDP;
}

/* Traffic of one UDP socket; that of a stream is the stream thread's to count. */
struct sip_socket_counters {
	uint64_t rx_messages;
	uint64_t rx_bytes;
	uint64_t tx_messages;
	uint64_t tx_bytes;
	uint64_t tx_errors;
};

struct sip_counters {
	uint64_t rx_datagrams;
	uint64_t rx_ignored;
	uint64_t rx_rejected;
	uint64_t rx_handed_over; /* to the thread that owns the Call-ID */
	uint64_t handover_full;  /* dropped: the ring of the owner was full */
	uint64_t tx_datagrams;
	uint64_t tx_errors;
	uint64_t retransmissions;
	uint64_t timeouts;
	uint64_t pauses;                             /* to let messages gather (loop/gather.h) */
	uint64_t refused_recorded, refused_left_out; /* attempts that were no call */
};

/* What all threads share; made by main before the first thread starts. */
struct sip_shared {
	const struct log *log;
	struct alarms *alarms; /* may be NULL */
	struct location *location;
	struct auth *auth;
	struct guard *guard; /* NULL: everything is let in */
	struct keepalive *keepalive;
	struct media *media;
	struct stream *stream;     /* NULL: neither TCP nor TLS is listened on */
	struct resolver *resolver; /* NULL: names are not looked up */
	struct recorder *recorder; /* NULL: nothing is recorded */
	struct cdr_writer *cdr;    /* NULL: no records of calls */
	struct fraud *fraud;       /* NULL: nobody looks for it */
	struct sip_worker **workers;
	int worker_count;
	struct hash_key owner_key; /* hash of foreign Call-IDs */
	struct bucket illegal_records;
};

struct sip_worker {
	int number;
	struct sip_shared *shared;
	struct conf *conf; /* swapped between two messages */
	struct sip_socket sockets[SIP_LISTENS_MAX];
	struct sip_socket_counters socket_counters[SIP_LISTENS_MAX];
	int socket_count;
	uint64_t now_us; /* set once a turn of the loop */
	struct wheel wheel;
	struct mailbox mailbox;
	struct hash_key hash_key;
	struct random_pool random;   /* for tags, branches, Call-IDs */
	struct recorder_ring *trace; /* NULL: nothing is recorded */
	struct txn_table *txns;
	struct leg_table *legs;
	struct call_table *calls;
	struct sip_ping *pings;         /* under way (ping.h) */
	struct message_relay *messages; /* under way (message_relay.h) */
	size_t message_count;
	struct leg_route *routes;       /* dialogs that went to other threads (leg_route.h) */
	struct leg_guest *guests;       /* legs that came from others */
	struct refused *refused;        /* attempts that are no call (refused.h) */
	struct trunk_auth *trunk_auths; /* what servers of registrations ask (leg_trunk.c) */
	struct outbound *outbound;
	struct options_check *options_check;
	struct sip_counters counters;
	struct worker_io *io; /* private to worker.c */
	pthread_t thread;
};

/* Sends a message: a datagram is copied into the batch, which goes out with one sendmmsg at the end
 * of the turn; what goes by TCP or TLS is handed to the stream thread at once, which finds or opens
 * the connection. */
void worker_send(struct sip_worker *worker, const struct sip_socket *socket, const struct addr *to,
		 const char *data, size_t len);
/* Room for a message of up to SIP_SEND_MAX bytes at the end of the batch; fill it and call
 * worker_send_commit, which returns where the bytes are (valid until the end of the turn). */
struct buf *worker_send_begin(struct sip_worker *worker);
struct span worker_send_commit(struct sip_worker *worker, const struct sip_socket *socket,
			       const struct addr *to);
/* Between the two: the hash of the message's Call-ID (sip_rx), which need not be looked for then;
 * 0: it is not known. Behind the second the hash is that of what was written. */
void worker_send_dialog(struct sip_worker *worker, uint64_t dialog);
uint64_t worker_sent_dialog(const struct sip_worker *worker);

/* The connection that a request came by carries a registration for so long, and is not to be closed
 * for being idle. */
void worker_keep_connection(struct sip_worker *worker, const struct sip_rx *rx, uint32_t seconds);

/* --- Answers (RFC 3261 section 8.2.6). --- */

/* Starts a response in the send batch: status line, all Via (top one with received/rport as RFC
 * 3581), From, To (with to_tag when the request had none and to_tag is not empty), Call-ID, CSeq.
 * The caller may append header lines, then calls sip_reply_end. */
struct buf *sip_reply_begin(struct sip_worker *worker, const struct sip_rx *rx, int status,
			    const char *reason, struct span to_tag);
/* Ends the header with Content-Length (and Content-Type when there is a body), appends the body,
 * sends to sip_reply_target(). Returns the bytes sent (valid until the end of the turn). */
struct span sip_reply_end(struct sip_worker *worker, const struct sip_rx *rx,
			  struct span content_type, struct span body);
/* All in one, without a transaction and with a To tag derived from the request. */
void sip_reply_stateless(struct sip_worker *worker, const struct sip_rx *rx, int status,
			 const char *reason);
/* Where a response to this request goes. */
struct addr sip_reply_target(const struct sip_worker *worker, const struct sip_rx *rx);
/* True when the source differs from what Via advertises: behind NAT by RFC 3581's test. */
bool sip_rx_is_nat(const struct sip_rx *rx);

/* --- Life of a thread. --- */

/* Binds the sockets of conf's listens. VOS_EINUSE/VOS_EPERM with the fault naming address and port.
 */
VOS_CHECK enum vos_err worker_create(struct sip_shared *shared, int number, struct conf *conf,
				     struct sip_worker **out, struct vos_fault *fault);
VOS_CHECK enum vos_err worker_start(struct sip_worker *worker);
/* Asks the thread to end its calls with BYE, and to stop after that or grace_ms. */
void worker_stop(struct sip_worker *worker, int grace_ms);
void worker_join(struct sip_worker *worker);
/* In the worker's thread: takes over the reference and what a new configuration changes of the
 * sockets. */
void worker_swap_conf(struct sip_worker *worker, struct conf *conf);
void worker_destroy(struct sip_worker *worker);
/* Number of the thread that owns a Call-ID: our own carry it, a stranger's is hashed. */
int worker_of_call_id(const struct sip_shared *shared, struct span call_id);

/* Handlers that live beside the transport. */
void registrar_request(struct sip_worker *worker, const struct sip_rx *rx);
