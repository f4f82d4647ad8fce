/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digest authentication of requests (RFC 3261 section 22 with RFC 7616 and RFC 8760): the
 * algorithms that SS_SIP_AUTHENTICATION_ALGORITHMS offers, what SS_SIP_AUTHENTICATION_QOP wants
 * signed.
 *
 * Nonces carry their own time and a keyed signature over that and the address they are sent to, so
 * a challenge costs no memory; they die after SS_SIP_AUTHENTICATION_TIMEOUT. What is remembered is
 * the highest nonce count of a nonce that was used with success, until it dies: a replay is
 * refused. An unknown user walks the same steps with a made-up HA1 and gets the same answers.
 * Thread-safe. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "switchd/conf/conf.h"

struct auth;
struct location;

enum auth_result {
	AUTH_OK,
	AUTH_MISSING, /* no credentials for our realm, algorithms and qop: challenge */
	AUTH_STALE, /* well-formed, nonce old (or its count was seen): challenge with stale=true */
	AUTH_WRONG, /* live nonce, wrong answer or unknown user: challenge again, counts as a
		       failure */
	AUTH_MALFORMED, /* credentials that cannot be read: 400 */
	AUTH_FORBIDDEN, /* too many wrong answers in this Call-ID (SS_SIP_AUTHENTICATION_RETRY): 403
			 */
	AUTH_SUSPENDED, /* source is locked out (SS_AUTHENTICATION_MAX_RETRY): 403 or silence */
};

struct auth_request {
	const char *method; /* "REGISTER" */
	struct span request_uri;
	struct span credentials; /* value of Authorization or Proxy-Authorization; empty = none */
	struct span body;        /* signed with auth-int */
	struct span call_id;
	uint32_t cseq;
	struct addr source;
	uint64_t now_us;
};

VOS_CHECK enum vos_err auth_create(struct auth **out);
void auth_destroy(struct auth *auth);
/* Who is registered where, for what wrong passwords lead to; before any thread uses auth. Without
 * it nobody is. */
void auth_set_location(struct auth *auth, struct location *location);

/* Whose password it was: one of these. */
struct auth_account {
	const struct conf_phone *phone;
	const struct conf_routing_gateway *routing; /* REGISTER of one that registers here */
	const struct conf_mapping_gateway *mapping; /* other requests of one with a password */
};

/* Checks credentials against conf's phones and then gateways, which are known by their names. On
 * AUTH_OK *account is who it is (its authentication user). A retransmission (same nonce count,
 * Call-ID and CSeq as the last accepted) is AUTH_OK again. */
enum auth_result auth_check_account(struct auth *auth, const struct conf *conf,
				    const struct auth_request *request,
				    struct auth_account *account);
/* The same of phones alone. */
enum auth_result auth_check(struct auth *auth, const struct conf *conf,
			    const struct auth_request *request, const struct conf_phone **phone);
/* Of several header values the one to check: for our realm, in the strongest algorithm offered;
 * else one for our realm; else the first. Empty when there are none. */
struct span auth_choose(const struct conf *conf, const struct span *lines, size_t count);
/* Appends the challenge to that source, a header line for each algorithm, strongest first (RFC 8760
 * section 2.3): "WWW-Authenticate: Digest ..." CRLF, or Proxy-Authenticate, as
 * SS_SIP_AUTHENTICATION_CODE says. */
void auth_write_challenge(struct auth *auth, const struct conf *conf, const struct addr *source,
			  bool is_stale, uint64_t now_us, struct buf *out);
/* 401 or 407. */
int auth_challenge_status(const struct conf *conf);
