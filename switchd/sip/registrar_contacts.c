/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a REGISTER asks for: its contacts with their lifetimes, instances and path (behaviour A9,
 * RFC 3327, 5626). */
#include "switchd/sip/registrar_private.h"

#include <ctype.h>

#include "switchd/sip/reply.h"

#define EXPIRES_FLOOR_S     20   /* behaviour A9 */
#define EXPIRES_MALFORMED_S 3600 /* what an unreadable one stands for, RFC 3261 20.10 */

static bool is_sip_scheme(const struct sip_uri *uri)
{
	return span_ieq(uri->scheme, SPAN_LIT("sip")) || span_ieq(uri->scheme, SPAN_LIT("sips"));
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

/* Behind NAT: the source is not what the Via or, when it is an address, the Contact names. With a
 * Path the source is a proxy, and the Contact says nothing about that. */
static bool is_behind_nat(const struct registration *reg, const struct sip_uri *contact)
{
	struct addr advertised;

	if (sip_rx_is_nat(reg->rx))
		return true;
	return !reg->path[0] && addr_parse(contact->host, &advertised) &&
	       !addr_ip_eq(&advertised, &reg->rx->source);
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

void registrar_fill_common(const struct registration *reg, struct binding *binding)
{
	struct span agent = reg->user_agent;

	if (agent.len >= LOCATION_AGENT_LEN)
		agent.len = LOCATION_AGENT_LEN - 1;
	memcpy(binding->user, reg->user, reg->user_len + 1);
	span_copy(agent, binding->user_agent, sizeof(binding->user_agent));
	memcpy(binding->path, reg->path, strlen(reg->path) + 1);
	binding->source = reg->rx->source;
	binding->socket_index = reg->rx->socket->index;
	binding->local = reg->rx->socket->local;
	binding->call_id_hash = reg->call_id_hash;
	binding->cseq = reg->rx->msg->cseq;
	binding->keepalive_kind =
		reg->phone ? reg->phone->keepalive : (uint8_t)WORD_PHONE_KEEPALIVE_MESSAGE;
	binding->is_stream = sip_socket_is_stream(reg->rx->socket);
	binding->registered_ms = reg->now_ms;
}

/* "<urn:uuid:...>": what stands in the quotes of +sip.instance (RFC 5626 section 4.1). Something
 * else, or what could not stand in a GRUU (RFC 5627), counts as none. */
static void read_instance(struct span value, struct binding *binding)
{
	struct span urn = {value.ptr + 1, value.len - 2};

	if (value.len <= 2 || value.ptr[0] != '<' || value.ptr[value.len - 1] != '>')
		return;
	for (size_t i = 0; i < urn.len; i++)
		if (!isalnum((unsigned char)urn.ptr[i]) && !strchr("-_.:~+/", urn.ptr[i]))
			return;
	span_copy(urn, binding->instance, sizeof(binding->instance));
}

static void fill_binding(const struct registration *reg, const struct sip_name_addr *contact,
			 struct binding *binding)
{
	struct span value;
	uint64_t reg_id;

	registrar_fill_common(reg, binding);
	span_copy(contact->uri_text, binding->contact, sizeof(binding->contact));
	binding->is_nat = is_behind_nat(reg, &contact->uri);
	binding->q_thousandths = 1000;
	if (sip_param_get(contact->params, SPAN_LIT("q"), &value))
		binding->q_thousandths = read_q(value);
	binding->instance[0] = '\0';
	binding->reg_id = 0;
	if (sip_param_get(contact->params, SPAN_LIT("+sip.instance"), &value))
		read_instance(value, binding);
	if (binding->instance[0] && sip_param_get(contact->params, SPAN_LIT("reg-id"), &value) &&
	    span_to_u64(value, UINT16_MAX, &reg_id))
		binding->reg_id = (uint16_t)reg_id;
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
		registrar_refuse(reg, 400, "Bad Contact");
		return false;
	}
	if (contact.is_star) {
		reg->is_star = true;
		return true;
	}
	if (!is_sip_scheme(&contact.uri) || !contact.uri.host.len) {
		registrar_refuse(reg, 400, "Bad Contact");
		return false;
	}
	if (contact.uri_text.len >= LOCATION_CONTACT_LEN) {
		registrar_refuse(reg, 400, "Contact Too Long");
		return false;
	}
	if (reg->count == LOCATION_UPDATES_MAX) {
		registrar_refuse(reg, 403, "Too Many Contacts");
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

/* RFC 3327 section 5.3: the elements of all Path lines in their order. Answers itself when it
 * returns false. */
static bool read_path(struct registration *reg)
{
	struct buf path = buf_over(reg->path, sizeof(reg->path));
	const struct sip_header *header;
	struct sip_name_addr name;
	struct span element;
	int index = 0;

	reg->path[0] = '\0';
	while ((header = sip_msg_header(reg->rx->msg, SIP_HDR_PATH, &index))) {
		struct span rest = header->value;

		while (sip_list_next(&rest, &element)) {
			if (!sip_name_addr_parse(element, &name) || name.is_star ||
			    !is_sip_scheme(&name.uri) || memchr(element.ptr, '\0', element.len)) {
				registrar_refuse(reg, 400, "Bad Path");
				return false;
			}
			if (path.len)
				buf_add_lit(&path, ", ");
			buf_add_span(&path, element);
		}
	}
	if (path.len)
		buf_add_char(&path, '\0');
	if (path.failed) {
		registrar_refuse(reg, 400, "Path Too Long");
		return false;
	}
	return true;
}

bool registrar_read_contacts(struct registration *reg)
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
	if (!read_path(reg))
		return false;
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
		registrar_refuse(reg, 400, "Bad Contact *");
		return false;
	}
	return true;
}
