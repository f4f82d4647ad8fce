/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A registration of ours on its way through outbound*.c. */
#pragma once

#include "switchd/auth/client.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/sip/outbound.h"
#include "switchd/sip/resolve.h"
#include "switchd/sip/txn.h"
#include "switchd/sip/worker_private.h"

#define OUTBOUND_TOKEN_MAX 40

struct outbound_one {
	struct outbound_one *prev;
	struct outbound_one *next;
	struct sip_worker *worker;
	const struct conf_registration *row;
	struct conf *conf; /* reference, of one that leaves: what row is part of; NULL: worker's */
	uint64_t id;
	struct outbound_machine machine;
	struct wheel_timer timer;
	struct txn_client *txn;                   /* under way; NULL = none */
	bool is_looking_up;                       /* a letter with its id is out */
	struct addr found[RESOLVE_ADDRESSES_MAX]; /* of its server's name, as far as we can reach */
	size_t found_count;
	size_t found_at; /* the one in use */
	bool has_failed; /* the one in use: the next lookup goes on to the next */
	struct addr server;
	const struct sip_socket *socket;
	struct auth_client auth;
	char call_id[OUTBOUND_TOKEN_MAX];
	char tag[OUTBOUND_TOKEN_MAX];
	uint32_t cseq;
	char answer[80];
	uint64_t answered_us;
	uint64_t since_us;
};

struct outbound {
	struct sip_worker *worker;
	struct outbound_one *ones;    /* in the order of their names */
	struct outbound_one *leaving; /* no longer configured */
	uint64_t next_id;
	bool is_stopping;
	uint64_t stop_us; /* when it began */
};

/* outbound_message.c */
/* Writes and sends what the machine's state wants. False: there is no way to send it, why says. */
bool outbound_send(struct outbound_one *one, txn_client_fn *fn, const char **why);
/* What a final answer means: the event, and what it brings. */
enum outbound_event outbound_read(struct outbound_one *one, const struct sip_rx *rx,
				  const struct txn_client *txn, struct outbound_news *news);
struct outbound_rules outbound_rules_of(const struct outbound_one *one);

/* outbound_server.c */
/* Chooses address and socket: true when there is both; false: *is_asked, and outbound_found() will
 * be called, or why says what is missing. */
bool outbound_find_server(struct outbound_one *one, bool *is_asked, const char **why);
/* By the letter that came back. */
void outbound_found(struct outbound_one *one, bool has_server, const char *why);
/* NULL: it has ended meanwhile. */
struct outbound_one *outbound_by_id(struct outbound *outbound, uint64_t id);

/* outbound_report.c: what others are told. */
void outbound_report_up(struct outbound_one *one, uint64_t now_us);
void outbound_report_down(struct outbound_one *one, bool is_failure);
