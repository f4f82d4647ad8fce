/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The REGISTER that we send, and what its answers mean (RFC 3261 sections 10.2 and 22). */
#include <stdio.h>

#include "switchd/sip/dispatch.h"
#include "switchd/sip/leg_private.h"
#include "switchd/sip/outbound_private.h"
#include "switchd/sip/reply.h"
#include "switchd/sip/uri_equal.h"

#define CHALLENGES_MAX 8

static const char *via_transport(const struct outbound_one *one)
{
	static const char *const names[] = {
		[CONF_UDP] = "UDP", [CONF_TCP] = "TCP", [CONF_TLS] = "TLS"};

	return names[one->row->transport];
}

static const char *uri_transport(const struct outbound_one *one)
{
	static const char *const texts[] = {
		[CONF_UDP] = "", [CONF_TCP] = ";transport=tcp", [CONF_TLS] = ";transport=tls"};

	return texts[one->row->transport];
}

struct outbound_rules outbound_rules_of(const struct outbound_one *one)
{
	const struct snapshot *config = one->worker->conf->snapshot;

	return (struct outbound_rules){
		.expire_s = one->row->expire_s,
		.is_auto = one->row->is_auto,
		.retry_delay_s = one->row->retry_delay_s,
		.most_answers =
			(uint32_t)snapshot_number(config, PARAM_SS_SIP_AUTHENTICATION_RETRY),
	};
}

/* --- The request. --- */

static void add_request_uri(const struct outbound_one *one, struct buf *out)
{
	buf_add_lit(out, "sip:");
	buf_add_str(out, one->row->domain);
	buf_add_str(out, uri_transport(one));
}

static void add_contact_uri(const struct outbound_one *one, struct buf *out)
{
	buf_add_lit(out, "sip:");
	buf_add_escaped_user(out, one->row->account);
	buf_add_char(out, '@');
	buf_add_str(out, one->socket->host_port);
	buf_add_str(out, uri_transport(one));
}

static void add_address_of_record(const struct outbound_one *one, struct buf *out)
{
	buf_add_lit(out, "<sip:");
	buf_add_escaped_user(out, one->row->account);
	buf_add_char(out, '@');
	buf_add_str(out, one->row->host);
	buf_add_char(out, '>');
}

static void add_credentials(struct outbound_one *one, struct buf *out)
{
	char memory[RESOLVE_NAME_MAX + 64];
	struct buf uri = buf_over(memory, sizeof(memory));
	const struct auth_client_secret secret = {
		.user = span_of(one->row->auth_name),
		.password = {one->row->password, one->row->password_len},
	};
	struct auth_client_request request = {.method = "REGISTER"};

	add_request_uri(one, &uri);
	request.uri = buf_span(&uri);
	auth_client_write(&one->auth, &secret, &request, out);
}

static void write_register(struct outbound_one *one, const char *branch)
{
	struct outbound_rules rules = outbound_rules_of(one);
	uint32_t expires_s = outbound_machine_proposes(&one->machine, &rules);
	struct buf *out = worker_send_begin(one->worker);

	buf_add_lit(out, "REGISTER ");
	add_request_uri(one, out);
	buf_printf(out, " SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=%s\r\n", via_transport(one),
		   one->socket->host_port, branch);
	buf_add_lit(out, "Max-Forwards: 70\r\nFrom: ");
	add_address_of_record(one, out);
	buf_printf(out, ";tag=%s\r\nTo: ", one->tag);
	add_address_of_record(one, out);
	buf_printf(out, "\r\nCall-ID: %s\r\nCSeq: %u REGISTER\r\nContact: <", one->call_id,
		   ++one->cseq);
	add_contact_uri(one, out);
	buf_printf(out, ">;expires=%u\r\nExpires: %u\r\nAllow: " SIP_ALLOW "\r\n", expires_s,
		   expires_s);
	if (*one->row->user_agent)
		buf_printf(out, "User-Agent: %s\r\n", one->row->user_agent);
	if (auth_client_has_challenge(&one->auth))
		add_credentials(one, out);
	sip_write_body(out, SPAN_NONE, SPAN_NONE);
}

bool outbound_send(struct outbound_one *one, txn_client_fn *fn, const char **why)
{
	struct sip_worker *worker = one->worker;

	one->txn = txn_client_new(worker, SIP_REGISTER, fn, one);
	if (!one->txn) {
		*why = "out of memory";
		return false;
	}
	write_register(one, txn_client_branch(one->txn));
	txn_client_send(worker, one->txn, one->socket, &one->server);
	return true;
}

/* --- The answer. --- */

/* RFC 3261 10.2.4: all bindings of the address of record come back, each with what is left of it.
 * One that is not ours by its text is so when it is the only one: some servers write the address in
 * that they saw. */
static uint32_t granted_by(const struct outbound_one *one, const struct sip_msg *msg,
			   uint32_t proposed_s)
{
	char memory[RESOLVE_NAME_MAX];
	struct buf own = buf_over(memory, sizeof(memory));
	const struct sip_header *header;
	uint32_t only_s = 0;
	uint32_t seconds;
	size_t contacts = 0;
	bool has_only = false;
	int index = 0;

	add_contact_uri(one, &own);
	while ((header = sip_msg_header(msg, SIP_HDR_CONTACT, &index))) {
		struct span rest = header->value;
		struct span element;
		struct span value;

		while (sip_list_next(&rest, &element)) {
			struct sip_name_addr name;
			bool has_seconds;

			if (!sip_name_addr_parse(element, &name))
				continue;
			has_seconds = sip_param_get(name.params, SPAN_LIT("expires"), &value) &&
				      sip_seconds_parse(value, &seconds);
			if (has_seconds && sip_uri_equal(name.uri_text, buf_span(&own)))
				return seconds;
			if (has_seconds)
				only_s = seconds;
			has_only = contacts++ == 0 && has_seconds;
		}
	}
	if (has_only)
		return only_s;
	return sip_msg_seconds(msg, SIP_HDR_EXPIRES, &seconds) ? seconds : proposed_s;
}

static enum outbound_event read_challenge(struct outbound_one *one, const struct sip_rx *rx,
					  const struct txn_client *txn,
					  const struct outbound_rules *rules)
{
	struct auth_client_refusal refusal = {.is_proxy = rx->msg->status == 407};
	struct span lines[CHALLENGES_MAX];
	const struct sip_header *header;
	int index = 0;

	/* Only the server that was asked gets an answer: others would let us sign for them. */
	if (!addr_ip_eq(&rx->source, &one->server) || !one->row->password_len ||
	    !outbound_machine_may_answer(&one->machine, rules))
		return OUTBOUND_REFUSED;
	while (refusal.count < CHALLENGES_MAX &&
	       (header = sip_msg_header(rx->msg,
					refusal.is_proxy ? SIP_HDR_PROXY_AUTHENTICATE
							 : SIP_HDR_WWW_AUTHENTICATE,
					&index)))
		lines[refusal.count++] = header->value;
	refusal.lines = lines;
	refusal.sent = txn_client_sent(txn);
	return auth_client_take(&one->auth, &refusal, &one->worker->random) == AUTH_CLIENT_TAKEN
		       ? OUTBOUND_CHALLENGED
		       : OUTBOUND_REFUSED;
}

enum outbound_event outbound_read(struct outbound_one *one, const struct sip_rx *rx,
				  const struct txn_client *txn, struct outbound_news *news)
{
	struct outbound_rules rules = outbound_rules_of(one);
	uint32_t proposed_s = outbound_machine_proposes(&one->machine, &rules);
	int status = rx->msg->status;

	*news = (struct outbound_news){0};
	if (status < 300) {
		news->granted_s = granted_by(one, rx->msg, proposed_s);
		if (news->granted_s || one->machine.state == OUTBOUND_LEAVING)
			return OUTBOUND_GRANTED;
		snprintf(one->answer, sizeof(one->answer), "%d, but nothing was granted", status);
		return OUTBOUND_REFUSED;
	}
	if (status == 401 || status == 407)
		return read_challenge(one, rx, txn, &rules);
	if (status == 423 && sip_msg_seconds(rx->msg, SIP_HDR_MIN_EXPIRES, &news->min_expires_s) &&
	    outbound_machine_may_lengthen(&one->machine, &rules, news->min_expires_s))
		return OUTBOUND_TOO_BRIEF;
	(void)sip_msg_seconds(rx->msg, SIP_HDR_RETRY_AFTER, &news->retry_after_s);
	return OUTBOUND_REFUSED;
}
