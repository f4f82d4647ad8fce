/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bench of calls with a registration "carrier" of the account "alice", password "secret", at a
 * server that the test plays (the first phone of the bench), and a routing gateway "trunk" for 7...
 * that uses it. */
#pragma once

#include "switchd/sip/outbound.h"
#include "tests/support/call_bench.h"

#define REALM "carrier.example" /* of the server's challenges */

/* fields: of the registration besides, keyword, value, ..., NULL; may be NULL. Its first REGISTER
 * has been sent. */
struct bench *outbound_bench_open(const char *const *fields);
/* Removes it, lets everything run out, and frees; nothing may be left. */
void outbound_bench_close(struct bench *bench);

/* Changes for outbound_commit(). */
void outbound_add(struct bench *bench, struct change_list *list, const char *name,
		  const char *account);
void outbound_set(struct change_list *list, const char *name, const char *field, const char *value);
void outbound_set_password(struct change_list *list, const char *name, const char *password);
/* bench_change(), and what it sends is on its way. */
void outbound_commit(struct bench *bench, struct change_list *list);
/* outbound_again(), likewise. */
size_t outbound_by_hand(struct bench *bench, struct span name);
/* A parameter, put in force. */
void outbound_set_param(struct bench *bench, const char *name, const char *value);

struct peer *outbound_server(struct bench *bench);
/* Value of a header of the last request that came; "" when it has none. */
const char *server_value(const struct peer *peer, const char *name);
/* The next request is a REGISTER that proposes so long. */
void server_expects(struct bench *bench, unsigned expires_s);
void server_expects_nothing(struct bench *bench, uint64_t ms);
/* The server answers the last one. extra: header lines. */
void server_answers(struct bench *bench, const char *status, const char *extra);
void server_grants(struct bench *bench, unsigned seconds);
void server_challenges(struct bench *bench, const char *status, const char *nonce);

/* The last request has credentials of alice's for that nonce, with that count. */
void server_expects_credentials(struct bench *bench, const char *header, const char *nonce,
				unsigned count);

/* The first registration of the list. */
struct outbound_info outbound_first(struct bench *bench);
bool trunk_is_offline(struct bench *bench);
size_t outbound_alarms(struct bench *bench);
