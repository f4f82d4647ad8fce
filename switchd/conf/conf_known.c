/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that the operator named: trusted ones, which are never suspended, and those of
 * gateways, whose datagrams are not a stranger's. */
#include "switchd/conf/conf_private.h"

static enum vos_err add_trusted(struct conf *conf)
{
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_TRUSTED);

	for (size_t i = 0; i < count; i++) {
		const struct object *object = snapshot_object_at(conf->snapshot, OBJECT_TRUSTED, i);
		struct prefix_entry entry = {0};

		/* The catalogue lets no other key in. */
		if (prefix_parse(span_of(object_key(object)), &entry.prefix) &&
		    prefix_table_add(&conf->private->trusted, &entry))
			return VOS_ENOMEM;
	}
	return VOS_OK;
}

static enum vos_err add_gateways(struct conf *conf)
{
	struct conf_private *private = conf->private;

	for (size_t i = 0; i < private->mapping_count; i++) {
		const struct conf_mapping_gateway *gateway = &private->mappings[i];

		for (uint8_t at = 0; at < gateway->source_count; at++) {
			struct prefix_entry entry = {.prefix = gateway->sources[at]};

			if (prefix_table_add(&private->peers, &entry))
				return VOS_ENOMEM;
		}
	}
	for (size_t i = 0; i < private->routing_count; i++) {
		const struct conf_routing_gateway *gateway = &private->routings[i];

		for (uint8_t at = 0; at < gateway->address_count; at++) {
			struct addr address = gateway->addresses[at];
			struct prefix_entry entry = {.prefix.base = address};

			entry.prefix.base.port = 0;
			entry.prefix.bits = address.family == ADDR_IP6 ? 128 : 32;
			if (prefix_table_add(&private->peers, &entry))
				return VOS_ENOMEM;
		}
	}
	return VOS_OK;
}

/* Whose calls are known by it. */
static enum vos_err add_phones(struct conf *conf)
{
	struct conf_private *private = conf->private;

	for (size_t i = 0; i < private->phone_source_count; i++) {
		struct addr address = private->phone_sources[i].address;
		struct prefix_entry entry = {.prefix.base = address};

		entry.prefix.base.port = 0;
		entry.prefix.bits = address.family == ADDR_IP6 ? 128 : 32;
		if (prefix_table_add(&private->peers, &entry))
			return VOS_ENOMEM;
	}
	return VOS_OK;
}

/* Of servers that we register at; those given by name are known only once they are looked up. */
static enum vos_err add_servers(struct conf *conf)
{
	struct conf_private *private = conf->private;

	for (size_t i = 0; i < private->registration_count; i++) {
		struct addr address = private->registrations[i].address;
		struct prefix_entry entry = {.prefix.base = address};

		if (address.family == ADDR_NONE)
			continue;
		entry.prefix.base.port = 0;
		entry.prefix.bits = address.family == ADDR_IP6 ? 128 : 32;
		if (prefix_table_add(&private->peers, &entry))
			return VOS_ENOMEM;
	}
	return VOS_OK;
}

enum vos_err conf_build_known(struct conf *conf)
{
	if (add_trusted(conf) || add_gateways(conf) || add_phones(conf) || add_servers(conf))
		return VOS_ENOMEM;
	prefix_table_sort(&conf->private->trusted);
	prefix_table_sort(&conf->private->peers);
	return VOS_OK;
}

void conf_free_known(struct conf_private *private)
{
	prefix_table_free(&private->trusted);
	prefix_table_free(&private->peers);
}

bool conf_is_trusted(const struct conf *conf, const struct addr *address)
{
	return prefix_table_find(&conf->private->trusted, address) != NULL;
}

bool conf_is_gateway(const struct conf *conf, const struct addr *address)
{
	return prefix_table_find(&conf->private->peers, address) != NULL;
}
