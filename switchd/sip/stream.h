/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIP over TCP and TLS (RFC 3261 section 18, RFC 5626 section 3.5.1): one thread that owns all
 * connections.
 *
 * It accepts, shakes hands, cuts the bytes into messages and pushes each into the ring of the
 * thread that owns its Call-ID. What signalling threads send comes by rings of theirs, with listen
 * address and peer; it goes by the connection that there is between the two, or by one opened for
 * it. When it cannot be delivered, or a connection is lost, those who sent requests by it are told.
 *
 * Bounded: connections in all and from a source, bytes that wait in a connection and in all, and
 * the time that a handshake, the rest of a message, or a peer that reads nothing may take. */
#pragma once

#include "shared/base/addr.h"
#include "switchd/conf/conf.h"
#include "switchd/loop/mailbox.h"

struct sip_shared;
struct stream;

/* Opens the TCP and TLS listen addresses that the signalling threads have, which must exist. *out
 * is NULL when there are none. VOS_EINUSE/VOS_EPERM with the fault naming address and port. A
 * certificate that cannot be read is no reason to stay down: it is logged, an alarm, and
 * connections are refused until there is one. */
VOS_CHECK enum vos_err stream_create(struct sip_shared *shared, struct conf *conf,
				     struct stream **out, struct vos_fault *fault);
VOS_CHECK enum vos_err stream_start(struct stream *stream);
/* After the signalling threads have ended: sends what waits, for at most grace_ms, and ends. */
void stream_stop(struct stream *stream, int grace_ms);
void stream_destroy(struct stream *stream);

/* --- Of signalling threads. --- */

/* What goes to the stream thread: a message to a peer, or (without one) the word that its
 * connection has a registration. */
struct stream_order {
	struct addr to;
	uint8_t socket_index;
	uint32_t keep_s;
};

/* By the ring of that signalling thread. False: the ring is full. */
bool stream_push(struct stream *stream, int worker, const struct stream_order *order,
		 struct span message);
/* After one or more of these, once a turn. */
void stream_wake(struct stream *stream);

/* --- Of the control thread and of main. Each takes a lock that the stream thread does not. --- */

/* After a commit: takes a reference, and reads the certificates again. */
void stream_configure(struct stream *stream, struct conf *conf);
/* Reads all certificates again and puts them in force, or none when one cannot be used: connections
 * go on with what they have. */
VOS_CHECK enum vos_err stream_reload_certificates(struct stream *stream, struct vos_fault *fault);

/* Totals of a listen address. */
struct stream_counters {
	uint64_t connections; /* now */
	uint64_t accepted;
	uint64_t opened;
	uint64_t refused; /* at accept: a limit, or a suspended source */
	uint64_t rx_messages;
	uint64_t rx_bytes;
	uint64_t tx_messages;
	uint64_t tx_bytes;
	uint64_t errors; /* connections that failed or were ended for cause, messages that were not
			    delivered */
};

/* False when the address is not one of TCP or TLS. From any thread. */
bool stream_counters_of(const struct stream *stream, int socket_index, struct stream_counters *out);

/* A momentary copy of a connection, for show. */
struct stream_conn_info {
	uint32_t number;
	uint8_t socket_index;
	struct addr remote;
	bool is_outgoing;
	bool is_kept;      /* carries a registration */
	const char *state; /* static texts, as the next two */
	const char *tls_version;
	const char *tls_cipher;
	uint64_t age_s;
	uint64_t idle_s;
	uint64_t rx_messages;
	uint64_t tx_messages;
	uint32_t queued_bytes;
};

struct mailbox *stream_mailbox(struct stream *stream);
/* In the stream thread (by mail, whose receiver it is): connections with a number above *after, to
 * any peer or that one; moves *after on. False: there are no more. */
bool stream_list(struct stream *stream, uint32_t *after, const struct addr *peer,
		 struct stream_conn_info *out, size_t max, size_t *count);
