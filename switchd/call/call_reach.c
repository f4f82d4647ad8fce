/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a gateway is to be called: at an address of its own, where it registered from, or at the
 * server of a registration of ours. One that is nowhere gets no address, and cannot be dialled. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/call/call_hunt.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/conf/live.h"
#include "switchd/sip/location.h"

static void reach_server(const struct call *call, const struct conf_routing_gateway *gateway,
			 struct call_target *target)
{
	struct trunk_way way;
	const struct conf_registration *registration =
		conf_registration_free_way(gateway, *call->table->env.now_us, &way);

	if (!registration)
		return;
	target->registration = registration;
	target->address = way.server;
	target->local = way.local;
	target->transports = 1u << registration->transport;
}

/* Its contact with the called number for a user; where that would need escapes, and where the
 * contact is none of a user, number at address serves. */
static void write_request_uri(const struct binding *binding, struct call_target *target)
{
	const char *host = strrchr(binding->contact, '@');

	if (!host || strncmp(binding->contact, "sip:", 4) != 0 ||
	    target->number[strspn(target->number, "0123456789+*")] != '\0')
		return;
	if ((size_t)snprintf(target->request_uri, sizeof(target->request_uri), "sip:%s%s",
			     target->number, host) >= sizeof(target->request_uri))
		target->request_uri[0] = '\0';
}

/* Contacts of a gateway that registered here, those first that are to be called first: none that
 * was asked and did not answer, unless that is all there are. */
static size_t find_contacts(const struct call *call, const struct conf_routing_gateway *gateway,
			    struct binding out[LIVE_ADDRESSES_MAX])
{
	struct location *location = call->table->env.location;
	char user[LOCATION_USER_LEN];
	size_t alive = 0;
	size_t count;

	if (!location_gateway_user(gateway->name, user))
		return 0;
	count = location_find(location, span_of(user), location_now_ms(location), out,
			      LIVE_ADDRESSES_MAX);
	for (size_t i = 0; i < count; i++) {
		size_t place = live_place_of(gateway->live, &out[i].source);

		if (place == LIVE_ADDRESSES_MAX || !live_address_is_dead(gateway->live, place))
			out[alive++] = out[i];
	}
	return alive ? alive : count;
}

static void reach_registered(struct call *call, const struct conf_routing_gateway *gateway,
			     size_t address, struct call_target *target)
{
	struct binding bindings[LIVE_ADDRESSES_MAX];
	size_t count = find_contacts(call, gateway, bindings);
	struct binding binding;

	if (!count)
		return;
	binding = bindings[address < count ? address : count - 1];
	write_request_uri(&binding, target);
	target->address = binding.source;
	target->local = binding.local;
	target->transports = binding.is_stream ? 1u << CONF_TCP | 1u << CONF_TLS : 1u << CONF_UDP;
	target->is_nat = binding.is_nat;
	/* Without memory the call takes the direct way, and mostly fails. */
	target->route = binding.path[0] ? strdup(binding.path) : NULL;
}

void call_gateway_reach(struct call *call, const struct conf_routing_gateway *gateway,
			size_t address, struct call_target *target)
{
	switch (gateway->reach) {
	case CONF_REACH_STATIC:
		target->address = gateway->addresses[address];
		target->from = gateway->local_address;
		target->transports = 1u << gateway->transport;
		break;
	case CONF_REACH_DYNAMIC:
		reach_registered(call, gateway, address, target);
		break;
	case CONF_REACH_REGISTER:
		reach_server(call, gateway, target);
		break;
	}
}

bool call_gateway_next_place(const struct call *call, const struct conf_routing_gateway *gateway,
			     size_t *address)
{
	struct binding bindings[LIVE_ADDRESSES_MAX];

	if (gateway->reach == CONF_REACH_REGISTER)
		return false; /* the registration says where */
	if (gateway->reach == CONF_REACH_DYNAMIC)
		return *address < find_contacts(call, gateway, bindings);
	while (*address < gateway->address_count && live_address_is_dead(gateway->live, *address))
		++*address;
	return *address < gateway->address_count;
}
