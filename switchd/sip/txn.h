/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions (RFC 3261 section 17, RFC 6026), retransmitting on SS_SIP_RESEND_INTERVAL instead of
 * the doubling T1: the list's waits, then failure one first interval after the last (behaviour
 * A10). Over TCP and TLS only the 2xx to INVITE is repeated; failure comes after the same time.
 *
 * A server transaction is found by (branch, sent-by, method class) through a keyed hash; a client
 * transaction by the slot number that its branch carries. Both belong to one signalling thread. The
 * user (a leg) and the transaction point at each other; whoever goes first clears the other's
 * pointer. */
#pragma once

#include "switchd/sip/worker.h"

struct txn_table;

VOS_CHECK enum vos_err txn_table_create(const struct conf *conf, struct txn_table **out);
void txn_table_destroy(struct txn_table *table);

struct txn_stats {
	uint64_t servers;
	uint64_t clients;
};

void txn_stats(const struct txn_table *table, struct txn_stats *out);

#define TXN_BRANCH_MAX 48

/* A transaction as show sees it. */
struct txn_info {
	bool is_server;
	enum sip_method method;
	const char *state;
	uint64_t start_us;
	struct addr peer;
	char branch[TXN_BRANCH_MAX]; /* cut when the peer's is longer */
};

typedef void txn_walk_fn(void *context, const struct txn_info *info);
/* Calls fn for the transactions behind *cursor (start 0), looking at so many places of the table at
 * most; true while more may follow. What begins or ends during a walk may be missed. */
bool txn_walk(const struct txn_table *table, uint64_t *cursor, size_t places, txn_walk_fn *fn,
	      void *context);

/* --- Server --- */

struct txn_server;

enum txn_server_event {
	TXN_SERVER_ACKED,    /* ACK for a final answer to INVITE that is not 2xx */
	TXN_SERVER_NO_ACK,   /* final answer to INVITE retransmitted to the end of the list without
				ACK */
	TXN_SERVER_NO_PRACK, /* the same of a reliable provisional answer; it may be answered still
			      */
	TXN_SERVER_GONE,     /* the transaction has ended; the pointer is dead */
};

typedef void txn_server_fn(struct sip_worker *worker, void *user, struct txn_server *txn,
			   enum txn_server_event event);

/* Matching transaction of a request, NULL when it is new. ACK and CANCEL find the INVITE's. What a
 * new one needs is kept in rx and fetched into the cache. */
struct txn_server *txn_server_find(struct sip_worker *worker, struct sip_rx *rx,
				   enum sip_method method);
/* New transaction; keeps what responses need. NULL: out of memory. */
struct txn_server *txn_server_new(struct sip_worker *worker, const struct sip_rx *rx,
				  txn_server_fn *fn, void *user);
/* A retransmitted request: sends the last response again. */
void txn_server_repeat(struct sip_worker *worker, struct txn_server *txn);
/* ACK that matched: stops the retransmission of the final answer. */
void txn_server_ack(struct sip_worker *worker, struct txn_server *txn);
/* The leg got the ACK for 2xx. */
void txn_server_stop_2xx(struct sip_worker *worker, struct txn_server *txn);
/* Sends a response; extra = further header lines, each with CRLF. */
void txn_server_respond(struct sip_worker *worker, struct txn_server *txn, int status,
			const char *reason, struct span to_tag, struct span extra,
			struct span content_type, struct span body);
/* The same for a provisional response to INVITE that is repeated until txn_server_pracked() (RFC
 * 3262 section 3); a final response ends that too. */
void txn_server_respond_reliably(struct sip_worker *worker, struct txn_server *txn, int status,
				 struct span to_tag, struct span extra, struct span content_type,
				 struct span body);
void txn_server_pracked(struct sip_worker *worker, struct txn_server *txn);
void txn_server_set_user(struct txn_server *txn, txn_server_fn *fn, void *user);
void *txn_server_user(const struct txn_server *txn);
/* How its request's sender wants to be answered, as in sip_rx. */
uint8_t txn_server_reply(const struct txn_server *txn);
bool txn_server_is_final(const struct txn_server *txn); /* a final response was sent */
/* To tag of the response last sent; empty when it had none of ours. */
struct span txn_server_tag(const struct txn_server *txn);

/* --- Client --- */

struct txn_client;

#define TXN_BRANCH_MAX 48

/* Called for every provisional, for the final, and for INVITE for every further 2xx while the
 * transaction lingers. rx NULL: the transaction has ended (without a final before: no answer to the
 * end of the list) and the pointer is dead. */
typedef void txn_client_fn(struct sip_worker *worker, void *user, struct txn_client *txn,
			   const struct sip_rx *rx);

/* Reserves a slot, so that the request can be written with its branch. NULL: out of memory. */
struct txn_client *txn_client_new(struct sip_worker *worker, enum sip_method method,
				  txn_client_fn *fn, void *user);
const char *txn_client_branch(const struct txn_client *txn);
/* Sends the request that was written after worker_send_begin, keeps a copy, starts the timers. */
void txn_client_send(struct sip_worker *worker, struct txn_client *txn,
		     const struct sip_socket *socket, const struct addr *to);
/* CANCEL for an INVITE that has a provisional response, repeated until it is answered. The INVITE
 * ends 32 s later at the latest. extra = further header lines, each with CRLF. */
void txn_client_cancel(struct sip_worker *worker, struct txn_client *txn, struct span extra);
/* Stops retransmitting an INVITE that nobody answered; the transaction lingers 32 s for late
 * answers. */
void txn_client_stop_resend(struct sip_worker *worker, struct txn_client *txn);
/* The user goes; late answers reach nobody (an INVITE's late 2xx is still the orphan handler's). */
void txn_client_forget(struct txn_client *txn);
/* Somebody else is told from here on. */
void txn_client_set_user(struct txn_client *txn, txn_client_fn *fn, void *user);
/* The same for an INVITE that was answered: its 2xx may come again, and is then given this ACK. */
void txn_client_leave_ack(struct txn_client *txn, struct span ack, const struct addr *to);
/* Body of the request as it was sent; valid until the user has been told of a 2xx, or of any final
 * answer to what is no INVITE. */
struct span txn_client_body(const struct txn_client *txn);
/* The request as it was sent; valid as long. */
struct span txn_client_sent(const struct txn_client *txn);
/* From the user's function, for a final answer that asks for credentials: the request again to the
 * same place, with this CSeq, a branch of its own, and these header lines in place of all
 * Authorization and Proxy-Authorization that it had. The transaction goes on as if it had not been
 * answered; what comes to the old branch is absorbed. False: out of memory, and nothing was done.
 */
bool txn_client_repeat(struct sip_worker *worker, struct txn_client *txn, uint32_t cseq,
		       struct span credentials);
/* How often that was done. */
unsigned txn_client_repeats(const struct txn_client *txn);
/* Where the request was sent. */
const struct addr *txn_client_target(const struct txn_client *txn);
/* Whether what ended the transaction is that nothing can be sent there (RFC 3261 8.1.3.1), and not
 * that nobody answered. For the user that is told of the end. */
bool txn_client_is_unreachable(const struct txn_client *txn);
/* The connection to a peer has gone: what was sent by it up to that serial of the thread's, and was
 * not answered at all, fails at once. */
void txn_client_peer_lost(struct sip_worker *worker, const struct sip_socket *socket,
			  const struct addr *peer, uint64_t serial);
/* A response from the network: true when a transaction took it. */
bool txn_client_response(struct sip_worker *worker, const struct sip_rx *rx);
