/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of transactions, shared by txn_server.c and txn_client.c. */
#pragma once

#include "switchd/loop/pool.h"
#include "switchd/loop/slots.h"
#include "switchd/sip/txn.h"

/* How long an ended transaction absorbs repeats over UDP: timers D, H, J, L and M, 64*T1. */
#define TXN_LINGER_US (32u * 1000u * 1000u)
/* Timers I and K: T4. */
#define TXN_T4_US (5u * 1000u * 1000u)

#define TXN_SERVER_BUCKETS   131072u /* power of two; 4,000 calls a second leave 250,000 for 32 s */
#define TXN_SERVERS_MAX      500000u /* beyond it new requests are refused */
#define TXN_CLIENT_SLOTS_MAX (1u << 20)

/* The waits of a configuration, for all schedules that were started under it: a commit changes only
 * new ones. One thread's, so that none of its messages waits for the counter of another. */
struct txn_waits {
	uint32_t users; /* schedules, and the table for its newest */
	uint8_t count;
	uint32_t ms[VALUE_INTERVALS_MAX];
};

/* Where a retransmission schedule stands. */
struct txn_schedule {
	struct txn_waits *waits; /* NULL: it has ended */
	uint8_t step;
};

void txn_schedule_start(struct sip_worker *worker, struct txn_schedule *schedule);
/* The list is used up, and so is the last wait. */
static inline bool txn_schedule_is_over(const struct txn_schedule *schedule)
{
	return schedule->step > schedule->waits->count;
}
/* Wait before the next retransmission, in us; the second result false: the list is used up and what
 * was returned is the wait until failure has been served already. */
bool txn_schedule_next(struct txn_schedule *schedule, uint64_t *wait_us);
void txn_schedule_end(struct txn_schedule *schedule);
/* The time to failure, for a transport that needs no repeats: timers B, F and H. */
uint64_t txn_schedule_total_us(const struct conf *conf);

/* Client transactions over TCP and TLS by their peer, for when its connection is lost. */
#define TXN_PEER_BUCKETS 4096u /* power of two */

enum txn_client_state {
	CLIENT_CALLING,    /* nothing heard; being repeated */
	CLIENT_PROCEEDING, /* provisional response: INVITE is repeated no more */
	CLIENT_COMPLETED,  /* final response that is not 2xx to INVITE */
	CLIENT_ACCEPTED,   /* 2xx to INVITE: further ones are the user's */
};

struct txn_client {
	struct sip_worker *worker;
	const struct sip_socket *socket;
	struct addr target;
	struct wheel_timer timer;
	struct txn_schedule schedule;
	txn_client_fn *fn;
	void *user;
	uint64_t start_us;
	char *request; /* NULL again once no answer can ask for it */
	uint32_t request_len;
	uint32_t cancel_len;
	char *cancel; /* CANCEL as sent; NULL = none */
	struct wheel_timer cancel_timer;
	struct txn_schedule cancel_schedule;
	char *ack; /* for a 2xx that comes again after the user has gone; NULL = none */
	uint32_t ack_len;
	uint32_t slot;
	/* Over TCP and TLS: in the table's chain of the peer. */
	struct txn_client *peer_next;
	struct txn_client **peer_prev;
	uint64_t serial; /* of the thread's, when it was sent */
	uint64_t dialog; /* as in sip_rx */
	enum sip_method method;
	enum txn_client_state state;
	bool is_unreachable;
	uint16_t repeats; /* with credentials */
	char branch[TXN_BRANCH_MAX];
};

/* In the table until so long after now; nothing is repeated any more. */
void txn_client_linger(struct txn_client *txn, uint64_t us);
/* Timers D and K: a reliable transport brings no repeats. */
uint64_t txn_client_absorb_us(const struct txn_client *txn, uint64_t us);
/* Out of the chain of its peer. */
void txn_client_leave_peer(struct txn_client *txn);

struct txn_table {
	/* Most requests are new ones and most buckets empty. What tells so has room in the cache,
	 * which the buckets have not: a bit for each key that is or was in the bucket; 0: it is
	 * empty. */
	uint8_t tags[TXN_SERVER_BUCKETS];
	struct txn_server *buckets[TXN_SERVER_BUCKETS];
	uint64_t server_count;
	struct slots clients;
	struct txn_client *peers[TXN_PEER_BUCKETS];
	struct pool pool; /* of transactions, and of the messages that they keep */
	struct txn_waits *waits;
};

/* Each for txn_walk(): the next in the bucket, NULL at its end; what show sees of one. */
const struct txn_server *txn_server_next(const struct txn_server *txn);
void txn_server_describe(const struct txn_server *txn, struct txn_info *out);
void txn_client_describe(const struct txn_client *txn, struct txn_info *out);

/* Each frees its kind; for txn_table_destroy(). Nobody is told. */
void txn_servers_destroy(struct txn_table *table);
void txn_clients_destroy(struct txn_table *table);
