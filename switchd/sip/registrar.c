/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registrar (RFC 3261 section 10.3, behaviour A9, C14).
 *
 * No transaction is kept for a REGISTER: the same request again meets the same state and gets the
 * same answer. A repeated nonce count with its Call-ID and CSeq passes (auth), a binding that
 * already carries that Call-ID and CSeq stays as it is (location), and the To tag is a function of
 * the request. Max-Forwards plays no part, because the request ends here.
 *
 * Order: the request itself, then who sends it (from the index alone), then whether that one may,
 * and only then the full grammar check and the contacts. Until the password was right nothing
 * depends on whether a user exists; after that all refusals are one and the same 403. */
#include "switchd/sip/registrar_private.h"

#include "switchd/sip/authorize.h"
#include "switchd/sip/presence.h"
#include "switchd/sip/reply.h"
#include "switchd/sip/worker_record.h"

void registrar_refuse(const struct registration *reg, int status, const char *reason)
{
	sip_reply_stateless(reg->worker, reg->rx, status, reason);
}

/* RFC 3261 8.2.2.3: of what a REGISTER can require we support these. */
static bool is_supported(struct span extension)
{
	return span_ieq(extension, SPAN_LIT("path")) || span_ieq(extension, SPAN_LIT("gruu"));
}

static bool refuse_extensions(const struct registration *reg)
{
	const struct sip_header *header;
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out = NULL;
	struct span element;
	int index = 0;

	while ((header = sip_msg_header(reg->rx->msg, SIP_HDR_REQUIRE, &index))) {
		struct span rest = header->value;

		while (sip_list_next(&rest, &element)) {
			if (is_supported(element))
				continue;
			if (!out)
				out = sip_reply_begin(reg->worker, reg->rx, 420, NULL,
						      sip_stateless_tag(reg->worker, reg->rx, tag));
			buf_add_lit(out, "Unsupported: ");
			buf_add_span(out, element);
			buf_add_lit(out, "\r\n");
		}
	}
	if (out)
		sip_reply_end(reg->worker, reg->rx, SPAN_NONE, SPAN_NONE);
	return out != NULL;
}

static bool is_sip_scheme(const struct sip_uri *uri)
{
	return span_ieq(uri->scheme, SPAN_LIT("sip")) || span_ieq(uri->scheme, SPAN_LIT("sips"));
}

/* Request-URI, From and To; fills in the user. Answers itself when it returns false. */
static bool read_identity(struct registration *reg)
{
	const struct sip_msg *msg = reg->rx->msg;
	struct sip_name_addr from;
	struct sip_name_addr to;
	struct sip_uri request_uri;

	if (!sip_uri_parse(msg->request_uri, &request_uri)) {
		registrar_refuse(reg, 400, "Bad Request-URI");
		return false;
	}
	if (!is_sip_scheme(&request_uri)) {
		registrar_refuse(reg, 416, NULL);
		return false;
	}
	if (!sip_name_addr_parse(msg->from, &from) || from.is_star) {
		registrar_refuse(reg, 400, "Bad From");
		return false;
	}
	if (!sip_name_addr_parse(msg->to, &to) || to.is_star || !is_sip_scheme(&to.uri) ||
	    !to.uri.user.len ||
	    !sip_unescape(to.uri.user, reg->user, sizeof(reg->user) - 1, &reg->user_len)) {
		registrar_refuse(reg, 400, "Bad To");
		return false;
	}
	reg->aor = to.uri;
	return true;
}

/* A gateway's address of record is not a number that could be called. */
static bool take_gateway(struct registration *reg)
{
	const struct conf_routing_gateway *gateway = reg->gateway;

	if (!span_eq(span_of(gateway->name), (struct span){reg->user, reg->user_len}) ||
	    gateway->lock == CONF_LOCK_ALL || !location_gateway_user(gateway->name, reg->user))
		return false;
	reg->user_len = strlen(reg->user);
	return true;
}

/* Whether who proved who it is may register this address of record. */
static bool is_allowed(struct registration *reg)
{
	const struct conf_phone *phone = reg->phone;

	if (reg->gateway)
		return take_gateway(reg);
	return span_eq(span_of(phone->number), (struct span){reg->user, reg->user_len}) &&
	       !phone->is_static && phone->lock != CONF_LOCK_ALL;
}

static bool is_refresh(const struct registration *reg)
{
	return !reg->is_star && location_is_refresh(reg->worker->shared->location,
						    (struct span){reg->user, reg->user_len},
						    reg->updates, reg->count);
}

/* Changes the table. Answers itself when it returns false. */
static bool store_contacts(struct registration *reg)
{
	const struct snapshot *config = reg->worker->conf->snapshot;
	struct location *location = reg->worker->shared->location;
	struct location_rule rule = {
		.addresses = reg->phone ? reg->phone->max_addresses : 1,
		.replaces = snapshot_bool(config, PARAM_SS_ENDPOINT_REGISTER_REPLACE),
	};
	struct span user = {reg->user, reg->user_len};
	enum location_result result = LOCATION_OK;

	if (reg->is_star) {
		registrar_fill_common(reg, &reg->updates[0].binding);
		result = location_remove_all(location, user, &reg->updates[0].binding, &rule,
					     reg->now_ms);
	} else if (reg->count) {
		result = location_update(location, user, reg->updates, reg->count, &rule,
					 reg->now_ms);
	}
	switch (result) {
	case LOCATION_OK:
		return true;
	case LOCATION_STALE:
		registrar_refuse(reg, 400, "CSeq Out of Order");
		break;
	case LOCATION_TOO_MANY:
		registrar_refuse(reg, 403, "Too Many Contacts");
		break;
	case LOCATION_ELSEWHERE:
		registrar_refuse(reg, 403, "Registered Elsewhere");
		break;
	case LOCATION_NO_MEMORY:
		registrar_refuse(reg, 503, NULL);
		break;
	}
	return false;
}

static void note_change(const struct registration *reg)
{
	const struct span user = {reg->user, reg->user_len};

	if (reg->is_star)
		worker_note(reg->worker, reg->rx, TRACE_UNREGISTERED, 0, user);
	for (size_t i = 0; i < reg->count; i++) {
		int64_t expires_ms = reg->updates[i].binding.expires_ms;

		worker_note(reg->worker, reg->rx,
			    expires_ms ? TRACE_REGISTERED : TRACE_UNREGISTERED,
			    expires_ms ? (expires_ms - reg->now_ms) / 1000 : 0, user);
		if (expires_ms && reg->updates[i].binding.is_nat)
			worker_note(reg->worker, reg->rx, TRACE_NAT_PHONE, 0, user);
	}
}

/* How who proved who it is wants to be answered. */
static uint8_t reply_of(const struct registration *reg)
{
	if (reg->phone)
		return reg->phone->party.reply_address;
	return reg->gateway ? reg->gateway->party.reply_address : WORD_PARTY_ADDRESS_AUTO;
}

void registrar_request(struct sip_worker *worker, const struct sip_rx *rx)
{
	struct auth_account account = {0};
	struct registration reg;
	struct sip_rx known = *rx;
	enum auth_result result;
	const char *why = NULL;

	/* The updates are filled one by one as contacts are read. */
	memset(&reg, 0, offsetof(struct registration, updates));
	reg.count = 0;
	reg.worker = worker;
	reg.rx = rx;
	reg.now_ms = location_now_ms(worker->shared->location);
	if (refuse_extensions(&reg) || !read_identity(&reg))
		return;
	result = sip_authorize_account(worker, rx, NULL, &account);
	if (result != AUTH_OK) {
		sip_reply_unauthorized(worker, rx, result);
		return;
	}
	reg.phone = account.phone;
	reg.gateway = account.routing;
	known.reply = reply_of(&reg);
	reg.rx = &known;
	if (!is_allowed(&reg)) {
		registrar_refuse(&reg, 403, NULL);
		return;
	}
	if (!registrar_read_contacts(&reg))
		return;
	/* A refresh brings nothing that was not checked when its contact was first stored. */
	if (!is_refresh(&reg) && !sip_msg_check_full(rx->msg, &why)) {
		registrar_refuse(&reg, 400, why);
		return;
	}
	if (!store_contacts(&reg))
		return;
	note_change(&reg);
	if (reg.gateway)
		presence_update(worker, reg.gateway);
	registrar_reply_bindings(&reg);
}
