/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By which of our listen addresses somebody is called. */
#include "switchd/sip/leg_private.h"
#include "switchd/sip/local_address.h"

static bool is_of_kind(const struct sip_socket *socket, const struct call_target *target)
{
	return target->transports >> socket->transport & 1;
}

const struct sip_socket *leg_socket(struct sip_worker *worker, const struct call_target *target,
				    const struct leg *caller)
{
	const struct sip_socket *socket;

	for (int i = 0; target->local.family && i < worker->socket_count; i++)
		if (is_of_kind(&worker->sockets[i], target) &&
		    addr_eq(&worker->sockets[i].local, &target->local))
			return &worker->sockets[i];
	socket = local_address_socket(worker, target->transports, target->address.family,
				      &target->from);
	if (!socket && caller)
		socket = ((const struct sip_leg *)caller)->socket;
	return socket;
}

struct conf_media_place leg_media_place(void *context, const struct call_target *target,
					const struct leg *caller)
{
	struct sip_worker *worker = context;

	return conf_media_place(worker->conf, target->decide.network,
				&leg_socket(worker, target, caller)->media);
}

bool leg_is_secure(void *context, const struct call_target *target, const struct leg *caller)
{
	return leg_socket(context, target, caller)->transport == CONF_TLS;
}

bool leg_socket_serves(const struct sip_socket *socket, const struct call_target *target)
{
	return socket && socket->local.family == target->address.family &&
	       is_of_kind(socket, target) && local_address_is(socket, &target->from);
}
