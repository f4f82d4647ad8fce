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
#include "switchd/sip/worker.h"

#include <stdio.h>
#include <time.h>

#include "shared/base/clock.h"
#include "switchd/sip/authorize.h"
#include "switchd/sip/location.h"
#include "switchd/sip/reply.h"

#define EXPIRES_FLOOR_S     20   /* behaviour A9 */
#define EXPIRES_MALFORMED_S 3600 /* what an unreadable one stands for, RFC 3261 20.10 */
#define DATE_MAX            40

/* A REGISTER on its way: what was read of it so far. */
struct registration {
	struct sip_worker *worker;
	const struct sip_rx *rx;
	const struct conf_phone *phone;
	char user[LOCATION_USER_LEN]; /* NUL-terminated */
	size_t user_len;
	int64_t now_ms;
	uint64_t call_id_hash;
	struct span user_agent;
	uint32_t expires_header_s; /* valid with has_expires */
	bool has_expires;
	bool is_star;
	struct location_update updates[LOCATION_UPDATES_MAX];
	size_t count;
};

static void refuse(const struct registration *reg, int status, const char *reason)
{
	sip_reply_stateless(reg->worker, reg->rx, status, reason);
}

/* RFC 3261 8.2.2.3: we support no extension that a REGISTER could require. */
static bool refuse_extensions(const struct registration *reg)
{
	const struct sip_header *header;
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out = NULL;
	int index = 0;

	while ((header = sip_msg_header(reg->rx->msg, SIP_HDR_REQUIRE, &index))) {
		if (!header->value.len)
			continue;
		if (!out)
			out = sip_reply_begin(reg->worker, reg->rx, 420, NULL,
					      sip_stateless_tag(reg->worker, reg->rx, tag));
		buf_add_lit(out, "Unsupported: ");
		buf_add_span(out, header->value);
		buf_add_lit(out, "\r\n");
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
		refuse(reg, 400, "Bad Request-URI");
		return false;
	}
	if (!is_sip_scheme(&request_uri)) {
		refuse(reg, 416, NULL);
		return false;
	}
	if (!sip_name_addr_parse(msg->from, &from) || from.is_star) {
		refuse(reg, 400, "Bad From");
		return false;
	}
	if (!sip_name_addr_parse(msg->to, &to) || to.is_star || !is_sip_scheme(&to.uri) ||
	    !to.uri.user.len ||
	    !sip_unescape(to.uri.user, reg->user, sizeof(reg->user) - 1, &reg->user_len)) {
		refuse(reg, 400, "Bad To");
		return false;
	}
	return true;
}

/* Whether the phone that proved who it is may register this address of record. */
static bool is_allowed(const struct registration *reg)
{
	const struct conf_phone *phone = reg->phone;

	return span_eq(span_of(phone->number), (struct span){reg->user, reg->user_len}) &&
	       !phone->is_static && phone->lock != CONF_LOCK_ALL;
}

/* delta-seconds; more than 32 bits stands for the most there is, anything else for an hour. */
static uint32_t read_expires(struct span text)
{
	uint64_t seconds;

	text = span_trim(text);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return EXPIRES_MALFORMED_S;
	}
	if (!text.len)
		return EXPIRES_MALFORMED_S;
	return span_to_u64(text, UINT32_MAX, &seconds) ? (uint32_t)seconds : UINT32_MAX;
}

/* qvalue: "0.5", "1", "0.333"; unreadable counts as 1. */
static uint16_t read_q(struct span text)
{
	uint32_t thousandths = 0;
	uint32_t place = 100;

	if (!text.len || text.len > 5 || (text.ptr[0] != '0' && text.ptr[0] != '1') ||
	    (text.len > 1 && text.ptr[1] != '.'))
		return 1000;
	thousandths = text.ptr[0] == '1' ? 1000 : 0;
	for (size_t i = 2; i < text.len; i++, place /= 10) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return 1000;
		thousandths += (uint32_t)(text.ptr[i] - '0') * place;
	}
	return (uint16_t)(thousandths > 1000 ? 1000 : thousandths);
}

/* Behind NAT: the source is not what the Via or, when it is an address, the Contact names. */
static bool is_behind_nat(const struct registration *reg, const struct sip_uri *contact)
{
	struct addr advertised;

	if (sip_rx_is_nat(reg->rx))
		return true;
	return addr_parse(contact->host, &advertised) && !addr_ip_eq(&advertised, &reg->rx->source);
}

/* Behaviour A9: what is asked, at most the maximum, and less for a device behind NAT. */
static uint32_t grant_s(const struct registration *reg, bool has_asked, uint32_t asked_s,
			bool is_nat)
{
	const struct snapshot *config = reg->worker->conf->snapshot;
	const struct value *rule = snapshot_param(config, PARAM_SS_ENDPOINT_EXPIRE);
	int64_t granted = has_asked ? (int64_t)asked_s : rule->expire.standard;
	int64_t nat_max = snapshot_number(config, PARAM_SS_ENDPOINT_NAT_EXPIRE);

	if (granted > rule->expire.max)
		granted = rule->expire.max;
	if (is_nat && granted > nat_max)
		granted = nat_max;
	return (uint32_t)granted;
}

static void refuse_brief(const struct registration *reg)
{
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out = sip_reply_begin(reg->worker, reg->rx, 423, NULL,
					  sip_stateless_tag(reg->worker, reg->rx, tag));

	buf_add_lit(out, "Min-Expires: ");
	buf_add_u64(out, EXPIRES_FLOOR_S);
	buf_add_lit(out, "\r\n");
	sip_reply_end(reg->worker, reg->rx, SPAN_NONE, SPAN_NONE);
}

static void fill_binding(const struct registration *reg, const struct sip_name_addr *contact,
			 struct binding *binding)
{
	struct span agent = reg->user_agent;
	struct span value;

	if (agent.len >= LOCATION_AGENT_LEN)
		agent.len = LOCATION_AGENT_LEN - 1;
	memcpy(binding->user, reg->user, reg->user_len + 1);
	span_copy(contact->uri_text, binding->contact, sizeof(binding->contact));
	span_copy(agent, binding->user_agent, sizeof(binding->user_agent));
	binding->source = reg->rx->source;
	binding->socket_index = reg->rx->socket->index;
	binding->local = reg->rx->socket->local;
	binding->is_nat = is_behind_nat(reg, &contact->uri);
	binding->keepalive_kind = reg->phone->keepalive;
	binding->q_thousandths = 1000;
	if (sip_param_get(contact->params, SPAN_LIT("q"), &value))
		binding->q_thousandths = read_q(value);
	binding->call_id_hash = reg->call_id_hash;
	binding->cseq = reg->rx->msg->cseq;
	binding->registered_ms = reg->now_ms;
}

/* One element of a Contact line. Answers itself when it returns false. */
static bool read_contact(struct registration *reg, struct span element)
{
	uint32_t asked_s = reg->expires_header_s;
	bool has_asked = reg->has_expires;
	struct sip_name_addr contact;
	struct binding *binding;
	struct span value;

	if (!sip_name_addr_parse(element, &contact)) {
		refuse(reg, 400, "Bad Contact");
		return false;
	}
	if (contact.is_star) {
		reg->is_star = true;
		return true;
	}
	if (!is_sip_scheme(&contact.uri) || !contact.uri.host.len) {
		refuse(reg, 400, "Bad Contact");
		return false;
	}
	if (contact.uri_text.len >= LOCATION_CONTACT_LEN) {
		refuse(reg, 400, "Contact Too Long");
		return false;
	}
	if (reg->count == LOCATION_UPDATES_MAX) {
		refuse(reg, 403, "Too Many Contacts");
		return false;
	}
	if (sip_param_get(contact.params, SPAN_LIT("expires"), &value)) {
		asked_s = read_expires(value);
		has_asked = true;
	}
	if (has_asked && asked_s > 0 && asked_s < EXPIRES_FLOOR_S) {
		refuse_brief(reg);
		return false;
	}
	binding = &reg->updates[reg->count++].binding;
	fill_binding(reg, &contact, binding);
	binding->expires_ms = 0;
	if (!has_asked || asked_s > 0)
		binding->expires_ms = reg->now_ms + 1000 * (int64_t)grant_s(reg, has_asked, asked_s,
									    binding->is_nat);
	return true;
}

static bool read_contacts(struct registration *reg)
{
	const struct sip_msg *msg = reg->rx->msg;
	const struct sip_header *header = sip_msg_first(msg, SIP_HDR_EXPIRES);
	int index = 0;

	if (header) {
		reg->expires_header_s = read_expires(header->value);
		reg->has_expires = true;
	}
	header = sip_msg_first(msg, SIP_HDR_USER_AGENT);
	reg->user_agent = header ? header->value : SPAN_NONE;
	reg->call_id_hash =
		hash_bytes(&reg->worker->shared->owner_key, msg->call_id.ptr, msg->call_id.len);
	while ((header = sip_msg_header(msg, SIP_HDR_CONTACT, &index))) {
		struct span rest = header->value;
		struct span element;

		while (sip_list_next(&rest, &element)) {
			if (!read_contact(reg, element))
				return false;
		}
	}
	/* RFC 3261 10.3 step 6. */
	if (reg->is_star && (reg->count || !reg->has_expires || reg->expires_header_s)) {
		refuse(reg, 400, "Bad Contact *");
		return false;
	}
	return true;
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
	struct location *location = reg->worker->shared->location;
	struct span user = {reg->user, reg->user_len};
	enum location_result result = LOCATION_OK;

	if (reg->is_star)
		result = location_remove_all(location, user, reg->call_id_hash, reg->rx->msg->cseq);
	else if (reg->count)
		result = location_update(location, user, reg->updates, reg->count, reg->now_ms);
	switch (result) {
	case LOCATION_OK:
		return true;
	case LOCATION_STALE:
		refuse(reg, 400, "CSeq Out of Order");
		break;
	case LOCATION_TOO_MANY:
		refuse(reg, 403, "Too Many Contacts");
		break;
	case LOCATION_NO_MEMORY:
		refuse(reg, 503, NULL);
		break;
	}
	return false;
}

static void add_two_digits(struct buf *out, int number)
{
	buf_add_char(out, (char)('0' + number / 10 % 10));
	buf_add_char(out, (char)('0' + number % 10));
}

/* RFC 3261 20.17: always GMT, English, whatever the locale. */
static void write_date(struct buf *out, int64_t now_ms)
{
	static const char DAYS[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char MONTHS[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return;
	buf_add_lit(out, "Date: ");
	buf_add(out, DAYS[tm.tm_wday], 3);
	buf_add_lit(out, ", ");
	add_two_digits(out, tm.tm_mday);
	buf_add_char(out, ' ');
	buf_add(out, MONTHS[tm.tm_mon], 3);
	buf_add_char(out, ' ');
	buf_add_u64(out, (uint64_t)(tm.tm_year + 1900));
	buf_add_char(out, ' ');
	add_two_digits(out, tm.tm_hour);
	buf_add_char(out, ':');
	add_two_digits(out, tm.tm_min);
	buf_add_char(out, ':');
	add_two_digits(out, tm.tm_sec);
	buf_add_lit(out, " GMT\r\n");
}

/* 200 with all bindings of the user (RFC 3261 10.3 step 8). */
static void reply_bindings(const struct registration *reg)
{
	struct binding bindings[LOCATION_CONTACTS_MAX];
	size_t count = location_find(reg->worker->shared->location,
				     (struct span){reg->user, reg->user_len}, reg->now_ms, bindings,
				     LOCATION_CONTACTS_MAX);
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out = sip_reply_begin(reg->worker, reg->rx, 200, NULL,
					  sip_stateless_tag(reg->worker, reg->rx, tag));

	for (size_t i = 0; i < count; i++) {
		buf_add_lit(out, "Contact: <");
		buf_add_str(out, bindings[i].contact);
		buf_add_lit(out, ">;expires=");
		buf_add_u64(out, (uint64_t)(bindings[i].expires_ms - reg->now_ms + 999) / 1000);
		if (bindings[i].q_thousandths < 1000)
			buf_printf(out, ";q=0.%03u", (unsigned)bindings[i].q_thousandths);
		buf_add_lit(out, "\r\n");
	}
	write_date(out, reg->now_ms);
	sip_reply_end(reg->worker, reg->rx, SPAN_NONE, SPAN_NONE);
}

void registrar_request(struct sip_worker *worker, const struct sip_rx *rx)
{
	struct registration reg;
	enum auth_result result;
	const char *why = NULL;

	/* The updates are filled one by one as contacts are read. */
	memset(&reg, 0, offsetof(struct registration, updates));
	reg.count = 0;
	reg.worker = worker;
	reg.rx = rx;
	reg.now_ms = clock_wall_ms();
	if (refuse_extensions(&reg) || !read_identity(&reg))
		return;
	result = sip_authorize(worker, rx, &reg.phone);
	if (result != AUTH_OK) {
		sip_reply_unauthorized(worker, rx, result);
		return;
	}
	if (!is_allowed(&reg)) {
		refuse(&reg, 403, NULL);
		return;
	}
	if (!read_contacts(&reg))
		return;
	/* A refresh brings nothing that was not checked when its contact was first stored. */
	if (!is_refresh(&reg) && !sip_msg_check_full(rx->msg, &why)) {
		refuse(&reg, 400, why);
		return;
	}
	if (store_contacts(&reg))
		reply_bindings(&reg);
}
