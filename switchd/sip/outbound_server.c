/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the server of a registration, or the proxy before it, is, and which listen address leads to
 * it. A name is looked up before each new REGISTER, without a port as that of a service (RFC 3263
 * section 4.2; which transport is configured); while that fails, the address that was good before
 * serves on. */
#include <stdlib.h>

#include "switchd/sip/local_address.h"
#include "switchd/sip/outbound_private.h"

static const struct sip_socket *socket_for(const struct outbound_one *one, uint8_t family)
{
	return local_address_socket(one->worker, 1u << one->row->transport, family,
				    &one->row->local_address);
}

static bool use(struct outbound_one *one, const struct addr *server, const char **why)
{
	static const char *const missing[] = {
		[CONF_UDP] = "no listen address has udp for it",
		[CONF_TCP] = "no listen address has tcp for it",
		[CONF_TLS] = "no listen address has tls for it",
	};
	const struct sip_socket *socket = socket_for(one, server->family);

	if (!socket) {
		*why = missing[one->row->transport];
		return false;
	}
	one->server = *server;
	one->socket = socket;
	return true;
}

/* The address in use stays if it is still among those found and has not failed; else the next. */
static void take_found(struct outbound_one *one, const struct resolve_letter *letter)
{
	size_t count = 0;
	size_t at = 0;

	for (size_t i = 0; i < letter->count; i++) {
		struct addr addr = letter->found[i];

		if (!addr.port)
			addr.port = one->row->port;
		if (!socket_for(one, addr.family))
			continue;
		if (addr_eq(&addr, &one->server))
			at = count;
		one->found[count++] = addr;
	}
	if (!count)
		return;
	one->found_count = count;
	one->found_at = one->has_failed ? (at + 1) % count : at;
	one->has_failed = false;
}

static void came_back(struct mail *mail, void *receiver)
{
	struct resolve_letter *letter = (struct resolve_letter *)mail;
	struct sip_worker *worker = receiver;
	struct outbound_one *one = outbound_by_id(worker->outbound, letter->id);
	const char *why = "its name has no address that a listen address leads to";
	bool has_server;

	if (one && one->is_looking_up) {
		one->is_looking_up = false;
		if (!letter->count)
			why = "its name cannot be looked up";
		take_found(one, letter);
		has_server = one->found_count && use(one, &one->found[one->found_at], &why);
		outbound_found(one, has_server, why);
	}
	free(letter);
}

static bool look_up(struct outbound_one *one)
{
	static const char *const services[] = {
		[CONF_UDP] = "_sip._udp", [CONF_TCP] = "_sip._tcp", [CONF_TLS] = "_sips._tcp"};
	struct resolver *resolver = one->worker->shared->resolver;
	struct resolve_letter *letter = resolver ? calloc(1, sizeof(*letter)) : NULL;

	if (!letter)
		return false;
	letter->mail.run = came_back;
	letter->box = &one->worker->mailbox;
	letter->id = one->id;
	if (!one->row->has_port)
		letter->service = services[one->row->transport];
	if (!span_copy(span_of(one->row->hop), letter->name, sizeof(letter->name)) ||
	    !resolver_ask(resolver, letter)) {
		free(letter);
		return false;
	}
	one->is_looking_up = true;
	return true;
}

bool outbound_find_server(struct outbound_one *one, bool *is_asked, const char **why)
{
	*is_asked = false;
	if (one->row->address.family != ADDR_NONE)
		return use(one, &one->row->address, why);
	/* What was registered is removed where it was registered. */
	if (one->machine.state == OUTBOUND_LEAVING && one->server.family != ADDR_NONE)
		return true;
	if (one->is_looking_up || look_up(one)) {
		*is_asked = true;
		return false;
	}
	*why = "its name cannot be looked up";
	return one->found_count && use(one, &one->found[one->found_at], why);
}
