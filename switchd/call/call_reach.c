/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a gateway is to be called: at an address of its own, where it registered from, or at the
 * server of a registration of ours. One that is nowhere gets no address, and cannot be dialled. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/call/call_hunt.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/sip/location.h"

static void reach_server(const struct conf_routing_gateway *gateway, struct call_target *target)
{
	struct trunk_way way;
	const struct conf_registration *registration = conf_registration_way(gateway, &way);

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

static void reach_registered(struct call *call, const struct conf_routing_gateway *gateway,
			     struct call_target *target)
{
	struct location *location = call->table->env.location;
	char user[LOCATION_USER_LEN];
	struct binding binding;

	if (!location_gateway_user(gateway->name, user) ||
	    !location_find(location, span_of(user), location_now_ms(location), &binding, 1))
		return;
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
		target->transports = 1u << gateway->transport;
		break;
	case CONF_REACH_DYNAMIC:
		reach_registered(call, gateway, target);
		break;
	case CONF_REACH_REGISTER:
		reach_server(gateway, target);
		break;
	}
}
