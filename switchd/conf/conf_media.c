/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media of parties: their codecs and digits, and at which of our addresses it is: of a network,
 * else of the listen that a party comes in by. */
#include "switchd/conf/conf_private.h"

static const struct media_fields {
	enum field_id codecs;
	enum field_id g729_mode;
	enum field_id annexb;
	enum field_id annexa;
	enum field_id t38;
	enum field_id dtmf;
	enum field_id dtmf_receive;
	enum field_id dtmf_type;
} fields_of[] = {
	[OBJECT_PHONE] = {FIELD_PHONE_CODECS, FIELD_PHONE_G729_MODE, FIELD_PHONE_G729_ANNEXB,
			  FIELD_PHONE_G723_ANNEXA, FIELD_PHONE_T38, FIELD_PHONE_DTMF,
			  FIELD_PHONE_DTMF_RECEIVE, FIELD_PHONE_DTMF_PAYLOAD_TYPE},
	[OBJECT_MAPPING_GATEWAY] = {FIELD_MAPPING_GATEWAY_CODECS, FIELD_MAPPING_GATEWAY_G729_MODE,
				    FIELD_MAPPING_GATEWAY_G729_ANNEXB,
				    FIELD_MAPPING_GATEWAY_G723_ANNEXA, FIELD_MAPPING_GATEWAY_T38,
				    FIELD_MAPPING_GATEWAY_DTMF, FIELD_MAPPING_GATEWAY_DTMF_RECEIVE,
				    FIELD_MAPPING_GATEWAY_DTMF_PAYLOAD_TYPE},
	[OBJECT_ROUTING_GATEWAY] = {FIELD_ROUTING_GATEWAY_CODECS, FIELD_ROUTING_GATEWAY_G729_MODE,
				    FIELD_ROUTING_GATEWAY_G729_ANNEXB,
				    FIELD_ROUTING_GATEWAY_G723_ANNEXA, FIELD_ROUTING_GATEWAY_T38,
				    FIELD_ROUTING_GATEWAY_DTMF, FIELD_ROUTING_GATEWAY_DTMF_RECEIVE,
				    FIELD_ROUTING_GATEWAY_DTMF_PAYLOAD_TYPE},
};

static uint8_t small(const struct object *object, enum field_id field)
{
	return (uint8_t)object_field(object, field)->number;
}

void conf_set_media_words(const struct object *object, struct conf_party *party)
{
	const struct media_fields *fields = &fields_of[object_kind_of(object)];
	const struct value *type = object_field(object, fields->dtmf_type);
	size_t count = object_list_count(object, fields->codecs);

	party->codecs = (struct conf_codecs){
		.g729_mode = small(object, fields->g729_mode),
		.annexb = small(object, fields->annexb),
		.annexa = small(object, fields->annexa),
		.has_no_fax = !object_field(object, fields->t38)->boolean,
	};
	for (size_t i = 0; i < count && i < CONF_CODECS_MAX; i++)
		party->codecs.list[party->codecs.count++] =
			(uint8_t)object_list_at(object, fields->codecs, i)->number;
	party->dtmf = (struct conf_dtmf){
		.send = small(object, fields->dtmf),
		.receive = small(object, fields->dtmf_receive),
		.type = type->type == VALUE_INT ? (uint8_t)type->number : 0,
	};
}

/* Of the network itself; family ADDR_NONE: it says nothing. */
static const struct addr *own_address(const struct conf_network *network, uint8_t family)
{
	return network->media_address.family != ADDR_NONE ? &network->media_address
							  : &network->addresses[family == ADDR_IP6];
}

static struct addr shown(const struct addr *local, const struct addr *advertised)
{
	struct addr out = advertised->family == local->family ? *advertised : *local;

	out.port = 0;
	return out;
}

/* What is advertised for the listen's address holds of that one alone. */
struct conf_media_place conf_media_of_listen(const struct conf_listen *listen,
					     const struct addr *local)
{
	bool has_own = listen->media_address.family != ADDR_NONE;
	const struct addr *at = has_own ? &listen->media_address : local;

	return (struct conf_media_place){
		.local = *at,
		.shown = shown(at, has_own ? at : &listen->advertised_address),
	};
}

struct conf_media_place conf_media_place(const struct conf *conf, const char *network,
					 const struct conf_media_place *usual)
{
	struct conf_media_place place = *usual;

	for (size_t i = 0; network[0] && i < conf->network_count; i++) {
		const struct conf_network *at = &conf->networks[i];
		const struct addr *address = own_address(at, usual->local.family);

		if (strcmp(at->name, network) != 0)
			continue;
		if (address->family != ADDR_NONE)
			place.local = place.shown = *address;
		place.shown = shown(&place.shown, &at->advertised_address);
		place.device = at->device;
		break;
	}
	return place;
}

static size_t add_once(struct addr *list, size_t count, const struct addr *address)
{
	if (address->family == ADDR_NONE || count == CONF_MEDIA_ADDRESSES_MAX)
		return count;
	for (size_t i = 0; i < count; i++)
		if (addr_ip_eq(&list[i], address))
			return count;
	list[count] = *address;
	list[count].port = 0;
	return count + 1;
}

size_t conf_media_addresses(const struct conf *conf, struct addr out[CONF_MEDIA_ADDRESSES_MAX])
{
	bool has_family[2] = {false, false}; /* spoken at all: IPv4, IPv6 */
	size_t count = 0;

	for (size_t i = 0; i < conf->listen_count; i++) {
		const struct conf_listen *listen = &conf->listens[i];
		const struct addr *address = listen->media_address.family != ADDR_NONE
						     ? &listen->media_address
						     : &listen->address;

		has_family[address->family == ADDR_IP6] = true;
		count = add_once(out, count, address);
	}
	for (size_t i = 0; i < conf->network_count; i++)
		for (int is_ip6 = 0; is_ip6 < 2; is_ip6++)
			if (has_family[is_ip6] || conf->networks[i].media_address.family)
				count = add_once(out, count,
						 own_address(&conf->networks[i],
							     is_ip6 ? ADDR_IP6 : ADDR_IP4));
	return count;
}
