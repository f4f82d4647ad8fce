/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls over a registration of ours: the server's challenges to INVITE and to requests inside the
 * dialog (RFC 3261 section 22).
 *
 * What a server wants answered is kept for all calls of the thread over that registration, so that
 * only the first one has to be asked: the others answer from the start, with a rising count.
 *
 * A challenge is answered only when the request went to that very server and the answer came from
 * it, and inside a dialog its realm stays what it was first. A peer in the dialog that could have
 * us sign what it likes would call on our account: it writes the Request-URI by its Contact, and
 * can hand on a nonce that the server gave to itself. */
#include <stdlib.h>
#include <uthash.h>

#include "switchd/auth/client.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/sip/leg_private.h"
#include "switchd/sip/resolve.h"

#define CHALLENGES_MAX  8
#define CREDENTIALS_MAX 4096 /* two lines, for a server and a proxy */

/* Beyond it those that no call uses are let go. */
#define AUTHS_MAX 1024

/* What the server of a registration asked for last. */
struct trunk_auth {
	UT_hash_handle hh;
	struct auth_client client;
	unsigned legs; /* that use it */
	size_t key_len;
	char key[]; /* name of the registration, NUL, address of the server */
};

struct leg_trunk {
	struct addr server;
	struct trunk_auth *auth;
	bool has_answered; /* a challenge, in this dialog */
	char *credentials; /* of the INVITE sent last, for its ACK; NULL = it had none */
	char name[];       /* of the registration */
};

static void drop_auth(struct sip_worker *worker, struct trunk_auth *auth)
{
	HASH_DEL(worker->trunk_auths, auth);
	auth_client_forget(&auth->client);
	free(auth);
}

static void drop_unused(struct sip_worker *worker)
{
	struct trunk_auth *auth;
	struct trunk_auth *next;

	HASH_ITER (hh, worker->trunk_auths, auth, next)
		if (auth->legs == 0)
			drop_auth(worker, auth);
}

void leg_trunks_destroy(struct sip_worker *worker)
{
	drop_unused(worker);
}

static struct trunk_auth *auth_for(struct sip_worker *worker, const char *name,
				   const struct addr *server)
{
	char memory[RESOLVE_NAME_MAX + ADDR_TEXT_MAX];
	struct buf key = buf_over(memory, sizeof(memory));
	char address[ADDR_TEXT_MAX];
	struct trunk_auth *auth;

	buf_add_str(&key, name);
	buf_add_char(&key, '\0');
	buf_add_str(&key, addr_print(server, address));
	if (key.failed)
		return NULL;
	HASH_FIND(hh, worker->trunk_auths, key.data, key.len, auth);
	if (auth)
		return auth;
	if (HASH_COUNT(worker->trunk_auths) >= AUTHS_MAX)
		drop_unused(worker);
	auth = calloc(1, sizeof(*auth) + key.len);
	if (!auth)
		return NULL;
	auth->key_len = key.len;
	memcpy(auth->key, key.data, key.len);
	HASH_ADD_KEYPTR(hh, worker->trunk_auths, auth->key, auth->key_len, auth);
	return auth;
}

static bool begin(struct sip_leg *leg, const char *name, const struct addr *server)
{
	size_t len = strlen(name);
	struct leg_trunk *trunk = calloc(1, sizeof(*trunk) + len + 1);

	if (trunk)
		trunk->auth = auth_for(leg->worker, name, server);
	if (!trunk || !trunk->auth) {
		free(trunk);
		return false;
	}
	trunk->auth->legs++;
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
	if (!with->trunk)
		return true;
	if (!begin(leg, with->trunk->name, &with->trunk->server))
		return false;
	leg->trunk->has_answered = with->trunk->has_answered;
	return true;
}

void leg_trunk_end(struct sip_leg *leg)
{
	if (!leg->trunk)
		return;
	leg->trunk->auth->legs--;
	free(leg->trunk->credentials);
	free(leg->trunk);
	leg->trunk = NULL;
}

bool leg_trunk_pack(const struct sip_leg *leg, struct leg_trunk_parcel *out)
{
	const struct leg_trunk *trunk = leg->trunk;

	*out = (struct leg_trunk_parcel){0};
	if (!trunk)
		return true;
	out->server = trunk->server;
	out->has_answered = trunk->has_answered;
	out->name = span_dup(span_of(trunk->name));
	if (trunk->credentials)
		out->credentials = span_dup(span_of(trunk->credentials));
	return out->name && (out->credentials || !trunk->credentials);
}

bool leg_trunk_unpack(struct sip_leg *leg, struct leg_trunk_parcel *parcel)
{
	if (!parcel->name)
		return true;
	if (!begin(leg, parcel->name, &parcel->server))
		return false;
	leg->trunk->has_answered = parcel->has_answered;
	leg->trunk->credentials = parcel->credentials;
	parcel->credentials = NULL;
	return true;
}

void leg_trunk_parcel_free(struct leg_trunk_parcel *parcel)
{
	free(parcel->name);
	free(parcel->credentials);
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
	auth_client_write(&leg->trunk->auth->client, &secret,
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
	if (!auth_client_has_challenge(&leg->trunk->auth->client) ||
	    !auth_client_ignores_body(&leg->trunk->auth->client))
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
		.keeps_realm = leg->trunk->has_answered,
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
	if (auth_client_take(&leg->trunk->auth->client, &refusal, &leg->worker->random) !=
	    AUTH_CLIENT_TAKEN) {
		/* The next call asks anew. */
		auth_client_forget(&leg->trunk->auth->client);
		return false;
	}
	leg->trunk->has_answered = true;
	return true;
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
