/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digest authentication as a client (RFC 3261 section 22.2, 22.3, RFC 7616, RFC 8760): challenges
 * of others, and what they are answered with.
 *
 * Of several challenges the strongest that is known is taken. One of a server (401) and one of a
 * proxy (407) are kept beside each other, and answered again in later requests with a rising nonce
 * count until they are refused. Whether a challenge may be answered at all is for the caller to
 * say: it knows whom the request was sent to. */
#pragma once

#include "shared/base/buf.h"
#include "shared/base/random_pool.h"

struct auth_client_challenge;

/* All zero has none. */
struct auth_client {
	struct auth_client_challenge *server;
	struct auth_client_challenge *proxy;
};

enum auth_client_verdict {
	AUTH_CLIENT_TAKEN,    /* answer it */
	AUTH_CLIENT_ANSWERED, /* that nonce was answered, and the answer refused */
	AUTH_CLIENT_UNUSABLE, /* no algorithm and qop that are known, or nothing that can be read */
	AUTH_CLIENT_FOREIGN,  /* another realm than before, where it must not change */
	AUTH_CLIENT_NO_MEMORY,
};

/* A response that asks for credentials. */
struct auth_client_refusal {
	bool is_proxy;            /* 407 */
	bool keeps_realm;         /* a challenge of another realm than the kept one is not taken */
	const struct span *lines; /* values of WWW-Authenticate, or of Proxy-Authenticate */
	size_t count;
	struct span sent; /* the request as it was sent */
};

enum auth_client_verdict auth_client_take(struct auth_client *client,
					  const struct auth_client_refusal *refusal,
					  struct random_pool *random);

struct auth_client_secret {
	struct span user;
	struct span password;
};

struct auth_client_request {
	const char *method;
	struct span uri; /* Request-URI */
	struct span body;
};

static inline bool auth_client_has_challenge(const struct auth_client *client)
{
	return client->server || client->proxy;
}

/* Appends Authorization and Proxy-Authorization, each with CRLF, for what is kept; counts up. */
void auth_client_write(struct auth_client *client, const struct auth_client_secret *secret,
		       const struct auth_client_request *request, struct buf *out);
/* Whether what is kept can be answered before the body is known: it is no part of the answer. */
bool auth_client_ignores_body(const struct auth_client *client);
/* Keeps none. */
void auth_client_forget(struct auth_client *client);
