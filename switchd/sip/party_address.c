/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/party_address.h"

#define SIP_PORT 5060

/* Nothing is sent to what is no address of one party. */
static bool may_lead(const struct addr *claim, const struct addr *source, const struct conf *conf)
{
	if (claim->family != source->family || !addr_is_host(claim))
		return false;
	return addr_ip_eq(claim, source) || conf_is_gateway(conf, claim) ||
	       conf_is_trusted(conf, claim);
}

struct addr party_reply_address(uint8_t how, const struct sip_rx *rx, const struct conf *conf)
{
	const struct sip_via *via = &rx->msg->top_via;
	uint16_t port = via->port ? via->port : SIP_PORT;
	struct addr target = rx->source;
	struct addr claim;

	switch (how) {
	case WORD_PARTY_ADDRESS_SOCKET:
		return target;
	case WORD_PARTY_ADDRESS_FULL:
		if (addr_parse(via->host, &claim) && may_lead(&claim, &rx->source, conf))
			target = claim;
		break;
	case WORD_PARTY_ADDRESS_PORT:
		break;
	default:
		/* RFC 3261 18.2.2: to the source address (what `received` would say); the port of
		 * rport (RFC 3581) or of sent-by. maddr is not followed: it would let a stranger
		 * aim our answers at a third party. */
		if (via->has_rport)
			return target;
		break;
	}
	target.port = port;
	return target;
}

struct addr party_request_address(uint8_t how, const struct addr *source,
				  const struct party_contact *contact, bool is_proven,
				  const struct conf *conf)
{
	struct addr target = *source;

	if (how == WORD_PARTY_ADDRESS_SOCKET || !contact->port)
		return target;
	if (how == WORD_PARTY_ADDRESS_FULL && contact->address.family == source->family &&
	    ((is_proven && !addr_is_loopback(&contact->address) &&
	      addr_is_host(&contact->address)) ||
	     may_lead(&contact->address, source, conf)))
		target = contact->address;
	target.port = contact->port;
	return target;
}

/* Who proves itself by a password does so under that name. */
static const struct conf_party *party_named(const struct conf *conf, struct span name)
{
	const struct conf_phone *phone = conf_phone_find(conf, name);
	const struct conf_mapping_gateway *mapping;
	const struct conf_routing_gateway *routing;

	if (phone)
		return &phone->party;
	mapping = conf_mapping_named(conf, name);
	if (mapping)
		return &mapping->party;
	routing = conf_routing_gateway_find(conf, name);
	return routing ? &routing->party : NULL;
}

uint8_t party_reply_claimed(const struct sip_rx *rx, const struct conf *conf)
{
	bool is_registration = rx->msg->method == SIP_REGISTER;
	const struct conf_party *party;
	struct sip_name_addr name;
	char user[64];
	size_t len;

	if (!conf->has_reply_addresses ||
	    !sip_name_addr_parse(is_registration ? rx->msg->to : rx->msg->from, &name) ||
	    !sip_unescape(name.uri.user, user, sizeof(user), &len))
		return WORD_PARTY_ADDRESS_AUTO;
	party = party_named(conf, (struct span){user, len});
	return party ? party->reply_address : WORD_PARTY_ADDRESS_AUTO;
}
