/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls over a registration of ours: the server's challenges to INVITE and to requests inside the
 * dialog (RFC 3261 section 22).
 *
 * A challenge is answered only when the request went to that very server and the answer came from
 * it, and its realm stays what it was first. A peer in the dialog that could have us sign what it
 * likes would call on our account: it writes the Request-URI by its Contact, and can hand on a
 * nonce that the server gave to itself. */
#include <stdlib.h>

#include "switchd/auth/client.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/sip/leg_private.h"

#define CHALLENGES_MAX  8
#define CREDENTIALS_MAX 4096 /* two lines, for a server and a proxy */

struct leg_trunk {
	struct addr server;
	struct auth_client auth;
	char *credentials; /* of the INVITE sent last, for its ACK; NULL = it had none */
	char name[];       /* of the registration */
};

static bool begin(struct sip_leg *leg, const char *name, const struct addr *server)
{
	size_t len = strlen(name);
	struct leg_trunk *trunk = calloc(1, sizeof(*trunk) + len + 1);

	if (!trunk)
		return false;
	trunk->server = *server;
	memcpy(trunk->name, name, len + 1);
	leg_trunk_end(leg);
	leg->trunk = trunk;
	return true;
}

bool leg_trunk_use(struct sip_leg *leg, const struct conf_registration *registration,
		   const struct addr *server)
{
	return begin(leg, registration->name, server);
}

bool leg_trunk_share(struct sip_leg *leg, const struct sip_leg *with)
{
	return !with->trunk || begin(leg, with->trunk->name, &with->trunk->server);
}

void leg_trunk_end(struct sip_leg *leg)
{
	if (!leg->trunk)
		return;
	auth_client_forget(&leg->trunk->auth);
	free(leg->trunk->credentials);
	free(leg->trunk);
	leg->trunk = NULL;
}

/* The registration as it is configured now; NULL: it is gone, or has no password. */
static const struct conf_registration *registration_of(const struct sip_leg *leg)
{
	const struct conf_registration *registration =
		conf_registration_find(leg->worker->conf, span_of(leg->trunk->name));

	return registration && registration->password_len ? registration : NULL;
}

static struct span write_credentials(struct sip_leg *leg, enum sip_method method, struct span uri,
				     struct span body, char memory[CREDENTIALS_MAX])
{
	const struct conf_registration *registration = registration_of(leg);
	struct buf out = buf_over(memory, CREDENTIALS_MAX);
	struct auth_client_secret secret;

	if (!registration)
		return SPAN_NONE;
	secret.user = span_of(registration->auth_name);
	secret.password = (struct span){registration->password, registration->password_len};
	auth_client_write(&leg->trunk->auth, &secret,
			  &(struct auth_client_request){
				  .method = sip_method_text(method), .uri = uri, .body = body},
			  &out);
	return out.failed ? SPAN_NONE : buf_span(&out);
}

/* RFC 3261 22.1: an ACK has the credentials of its INVITE. */
static void keep_for_ack(struct sip_leg *leg, struct span credentials)
{
	free(leg->trunk->credentials);
	leg->trunk->credentials = credentials.len ? span_dup(credentials) : NULL;
}

/* --- Requests inside the dialog: the nonce is used again. --- */

void leg_trunk_add_credentials(struct sip_leg *leg, enum sip_method method, struct span uri,
			       struct buf *out)
{
	char memory[CREDENTIALS_MAX];
	struct span credentials;

	/* Whom nobody asked on behalf of the server gets none to try elsewhere. */
	if (!leg->trunk || !addr_ip_eq(&leg->peer, &leg->trunk->server))
		return;
	if (method == SIP_ACK) {
		if (leg->trunk->credentials)
			buf_add_str(out, leg->trunk->credentials);
		return;
	}
	if (!auth_client_has_challenge(&leg->trunk->auth) ||
	    !auth_client_ignores_body(&leg->trunk->auth))
		return;
	credentials = write_credentials(leg, method, uri, SPAN_NONE, memory);
	if (method == SIP_INVITE)
		keep_for_ack(leg, credentials);
	buf_add_span(out, credentials);
}

/* --- Challenges. --- */

static bool may_answer(const struct sip_leg *leg, const struct txn_client *txn,
		       const struct sip_rx *rx)
{
	const struct snapshot *config = leg->worker->conf->snapshot;
	uint64_t most = (uint64_t)snapshot_number(config, PARAM_SS_SIP_AUTHENTICATION_RETRY);
	unsigned answered = txn_client_repeats(txn);

	return (answered == 0 || answered < most) && registration_of(leg) &&
	       addr_ip_eq(&rx->source, &leg->trunk->server) &&
	       addr_ip_eq(txn_client_target(txn), &leg->trunk->server);
}

/* Given up: nobody wants an answer any more. */
static bool is_wanted(const struct sip_leg *leg, enum sip_method method)
{
	return method != SIP_INVITE || (leg->state != LEG_CANCELLED && !leg->cancel_wanted);
}

static bool take_challenge(struct sip_leg *leg, const struct txn_client *txn,
			   const struct sip_rx *rx)
{
	bool is_proxy = rx->msg->status == 407;
	struct span lines[CHALLENGES_MAX];
	struct auth_client_refusal refusal = {
		.is_proxy = is_proxy,
		.keeps_realm = true,
		.lines = lines,
		.sent = txn_client_sent(txn),
	};
	const struct sip_header *header;
	int index = 0;

	while (refusal.count < CHALLENGES_MAX &&
	       (header = sip_msg_header(
			rx->msg, is_proxy ? SIP_HDR_PROXY_AUTHENTICATE : SIP_HDR_WWW_AUTHENTICATE,
			&index)))
		lines[refusal.count++] = header->value;
	return auth_client_take(&leg->trunk->auth, &refusal, &leg->worker->random) ==
	       AUTH_CLIENT_TAKEN;
}

/* Request-URI of a request of ours. */
static struct span uri_of(struct span request)
{
	size_t start = span_find(request, ' ') + 1;
	struct span rest;

	if (start > request.len)
		return SPAN_NONE;
	rest = (struct span){request.ptr + start, request.len - start};
	return (struct span){rest.ptr, span_find(rest, ' ')};
}

bool leg_challenged(struct sip_leg *leg, struct txn_client *txn, const struct sip_rx *rx)
{
	char memory[CREDENTIALS_MAX];
	enum sip_method method = rx->msg->method;
	struct span credentials;

	if (!leg->trunk || (rx->msg->status != 401 && rx->msg->status != 407) ||
	    !is_wanted(leg, method) || !may_answer(leg, txn, rx) || !take_challenge(leg, txn, rx))
		return false;
	credentials = write_credentials(leg, method, uri_of(txn_client_sent(txn)),
					txn_client_body(txn), memory);
	if (!credentials.len ||
	    !txn_client_repeat(leg->worker, txn, leg->local_cseq + 1, credentials))
		return false;
	leg->local_cseq++;
	if (method == SIP_INVITE) {
		keep_for_ack(leg, credentials);
		leg->invite_cseq = leg->local_cseq;
		leg->heard_provisional = false;
	}
	return true;
}
