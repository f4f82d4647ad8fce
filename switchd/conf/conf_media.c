/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media of parties: their codecs, and at which of our addresses it is: of a network, else of
 * the listen that a party comes in by. */
#include "switchd/conf/conf_private.h"

void conf_set_codecs(const struct object *object, enum field_id field, struct conf_party *party)
{
	size_t count = object_list_count(object, field);

	party->codecs.count = 0;
	for (size_t i = 0; i < count && i < CONF_CODECS_MAX; i++)
		party->codecs.list[party->codecs.count++] =
			(uint8_t)object_list_at(object, field, i)->number;
}

struct addr conf_media_address(const struct conf *conf, const char *network,
			       const struct addr *usual)
{
	for (size_t i = 0; network[0] && i < conf->network_count; i++)
		if (conf->networks[i].media_address.family != ADDR_NONE &&
		    strcmp(conf->networks[i].name, network) == 0)
			return conf->networks[i].media_address;
	return *usual;
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
	size_t count = 0;

	for (size_t i = 0; i < conf->listen_count; i++) {
		const struct conf_listen *listen = &conf->listens[i];

		count = add_once(out, count,
				 listen->media_address.family != ADDR_NONE ? &listen->media_address
									   : &listen->address);
	}
	for (size_t i = 0; i < conf->network_count; i++)
		count = add_once(out, count, &conf->networks[i].media_address);
	return count;
}
