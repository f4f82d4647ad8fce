/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between message and auth: which credentials count, and what is answered.
 *
 * SS_REPLY_UNAUTHORIZED off silences refusals (suspended source, spent Call-ID), never a challenge:
 * a phone must be challenged before it can say who it is, and silence for unknown users alone would
 * tell which users exist. */
#include "switchd/sip/authorize.h"

#include "switchd/sip/party_address.h"
#include "switchd/sip/reply.h"
#include "switchd/sip/worker_record.h"

#define CREDENTIAL_LINES_MAX 8 /* one for each realm on the way; more is not sense */

static const enum sip_header_id CREDENTIAL_HEADERS[] = {
	SIP_HDR_AUTHORIZATION,
	SIP_HDR_PROXY_AUTHORIZATION,
};

struct span sip_credentials(const struct sip_msg *msg, const struct conf *conf)
{
	struct span lines[CREDENTIAL_LINES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(CREDENTIAL_HEADERS) / sizeof(CREDENTIAL_HEADERS[0]); i++) {
		const struct sip_header *header;
		int index = 0;

		while (count < CREDENTIAL_LINES_MAX &&
		       (header = sip_msg_header(msg, CREDENTIAL_HEADERS[i], &index)))
			lines[count++] = header->value;
	}
	return auth_choose(conf, lines, count);
}

static struct auth_request request_of(const struct sip_worker *worker, const struct sip_rx *rx)
{
	const struct sip_msg *msg = rx->msg;

	return (struct auth_request){
		.method = sip_method_text(msg->method),
		.request_uri = msg->request_uri,
		.credentials = sip_credentials(msg, worker->conf),
		.body = msg->body,
		.call_id = msg->call_id,
		.cseq = msg->cseq,
		.source = rx->source,
		.now_us = worker->now_us,
	};
}

/* Into the recorder: whom the request claims to be from, and whether that was believed. */
static void note_result(const struct sip_worker *worker, const struct sip_rx *rx,
			enum auth_result result, const struct sip_name_addr *from)
{
	static const uint8_t notes[] = {
		[AUTH_OK] = TRACE_AUTH_OK,
		[AUTH_MISSING] = TRACE_AUTH_CHALLENGED,
		[AUTH_STALE] = TRACE_AUTH_CHALLENGED,
		[AUTH_WRONG] = TRACE_AUTH_FAILED,
		[AUTH_MALFORMED] = TRACE_AUTH_FAILED,
		[AUTH_FORBIDDEN] = TRACE_AUTH_FAILED,
		[AUTH_SUSPENDED] = TRACE_AUTH_SUSPENDED,
	};
	struct sip_name_addr name;

	if (!from && worker->trace && sip_name_addr_parse(rx->msg->from, &name))
		from = &name;
	if (from)
		worker_note(worker, rx, (enum trace_note)notes[result], (int64_t)result,
			    from->uri.user);
}

enum auth_result sip_authorize_account(struct sip_worker *worker, const struct sip_rx *rx,
				       const struct sip_name_addr *from,
				       struct auth_account *account)
{
	struct auth_request request = request_of(worker, rx);
	enum auth_result result =
		auth_check_account(worker->shared->auth, worker->conf, &request, account);

	note_result(worker, rx, result, from);
	return result;
}

static void reply_challenge(struct sip_worker *worker, const struct sip_rx *rx, bool is_stale)
{
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out = sip_reply_begin(worker, rx, auth_challenge_status(worker->conf), NULL,
					  sip_stateless_tag(worker, rx, tag));

	auth_write_challenge(worker->shared->auth, worker->conf, &rx->source, is_stale,
			     worker->now_us, out);
	sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
}

int sip_unauthorized_status(const struct conf *conf, enum auth_result result)
{
	switch (result) {
	case AUTH_OK:
		break;
	case AUTH_MISSING:
	case AUTH_WRONG:
	case AUTH_STALE:
		return auth_challenge_status(conf);
	case AUTH_MALFORMED:
		return 400;
	case AUTH_FORBIDDEN:
	case AUTH_SUSPENDED:
		return snapshot_bool(conf->snapshot, PARAM_SS_REPLY_UNAUTHORIZED) ? 403 : 0;
	}
	return 0;
}

void sip_reply_unauthorized(struct sip_worker *worker, const struct sip_rx *rx,
			    enum auth_result result)
{
	int status = sip_unauthorized_status(worker->conf, result);
	struct sip_rx claimed = *rx;

	claimed.reply = party_reply_claimed(rx, worker->conf);
	if (status == auth_challenge_status(worker->conf))
		reply_challenge(worker, &claimed, result == AUTH_STALE);
	else if (status)
		sip_reply_stateless(worker, &claimed, status,
				    status == 400 ? "Malformed Credentials" : NULL);
}
