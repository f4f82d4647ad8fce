/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces that networks are reached through, as the machine has them when a conf is built: their
 * addresses, at which media is, and their subnets, whose hosts belong to the network. Link-local
 * addresses are left out: one needs to know the interface to reach them. */
#include <ifaddrs.h>
#include <net/if.h>

#include "switchd/conf/conf_private.h"

/* FNV-1a, over what the machine itself says. */
#define PRINT_START UINT64_C(0xcbf29ce484222325)
#define PRINT_PRIME UINT64_C(0x100000001b3)

static uint8_t bits_of(const struct addr *mask)
{
	uint8_t bits = 0;

	for (size_t i = 0; i < sizeof(mask->ip); i++)
		bits = (uint8_t)(bits + __builtin_popcount(mask->ip[i]));
	return bits;
}

/* An address that the interface of a network has, and how much of it names the subnet. */
static bool is_of(const struct conf_network *network, const struct ifaddrs *at,
		  struct addr *address, uint8_t *bits)
{
	size_t len = strlen(network->interface);
	struct addr mask;

	/* An address may have a label, "eth0:1". */
	if (len == 0 || strncmp(network->interface, at->ifa_name, len) != 0 ||
	    (at->ifa_name[len] && at->ifa_name[len] != ':') || !at->ifa_addr ||
	    !addr_from_sockaddr(at->ifa_addr, address))
		return false;
	address->port = 0;
	*bits = address->family == ADDR_IP4 ? 32 : 128;
	if (at->ifa_netmask && addr_from_sockaddr(at->ifa_netmask, &mask))
		*bits = bits_of(&mask);
	return address->family == ADDR_IP4 || address->ip[0] != 0xfe ||
	       (address->ip[1] & 0xc0) != 0x80;
}

static uint64_t mix(uint64_t print, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		print = (print ^ bytes[i]) * PRINT_PRIME;
	return print;
}

static uint64_t print_of(const struct conf *conf, const struct ifaddrs *list)
{
	uint64_t print = PRINT_START;

	for (size_t i = 0; i < conf->network_count; i++) {
		const struct conf_network *network = &conf->networks[i];
		unsigned device = network->interface[0] ? if_nametoindex(network->interface) : 0;
		struct addr address;
		uint8_t bits;

		print = mix(print, &device, sizeof(device));
		for (const struct ifaddrs *at = list; at; at = at->ifa_next)
			if (is_of(network, at, &address, &bits))
				print = mix(mix(print, &address, sizeof(address)), &bits, 1);
	}
	return print;
}

static enum vos_err read_one(struct conf_private *private, uint32_t index,
			     const struct ifaddrs *list)
{
	struct conf_network *network = &private->networks[index];
	struct prefix_entry entry = {.target = index};
	struct addr address;

	network->device = if_nametoindex(network->interface);
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		struct addr *first;

		if (!is_of(network, at, &address, &entry.prefix.bits))
			continue;
		first = &network->addresses[address.family == ADDR_IP6];
		if (first->family == ADDR_NONE)
			*first = address;
		prefix_cut(&address, entry.prefix.bits, &entry.prefix);
		if (prefix_table_add(&private->subnet_table, &entry))
			return VOS_ENOMEM;
	}
	return VOS_OK;
}

enum vos_err conf_read_interfaces(struct conf *conf)
{
	struct conf_private *private = conf->private;
	struct ifaddrs *list = NULL;
	enum vos_err err = VOS_OK;

	if (getifaddrs(&list) < 0)
		list = NULL;
	for (size_t i = 0; i < conf->network_count && !err; i++)
		if (conf->networks[i].interface[0])
			err = read_one(private, (uint32_t)i, list);
	prefix_table_sort(&private->subnet_table);
	private->interfaces_print = print_of(conf, list);
	freeifaddrs(list);
	return err;
}

bool conf_has_interfaces(const struct conf *conf)
{
	for (size_t i = 0; i < conf->network_count; i++)
		if (conf->networks[i].interface[0])
			return true;
	return false;
}

bool conf_interfaces_changed(const struct conf *conf)
{
	struct ifaddrs *list;
	uint64_t print;

	if (!conf_has_interfaces(conf) || getifaddrs(&list) < 0)
		return false;
	print = print_of(conf, list);
	freeifaddrs(list);
	return print != conf->private->interfaces_print;
}
