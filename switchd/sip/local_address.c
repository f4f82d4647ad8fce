/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/local_address.h"

bool local_address_is(const struct sip_socket *socket, const struct addr *wanted)
{
	if (wanted->family == ADDR_NONE)
		return true;
	return addr_ip_eq(&socket->bound, wanted) &&
	       (!wanted->port || wanted->port == socket->bound.port);
}

const struct sip_socket *local_address_socket(const struct sip_worker *worker, unsigned transports,
					      uint8_t family, const struct addr *wanted)
{
	for (int i = 0; i < worker->socket_count; i++) {
		const struct sip_socket *socket = &worker->sockets[i];

		if (transports >> socket->transport & 1 && socket->local.family == family &&
		    local_address_is(socket, wanted))
			return socket;
	}
	return NULL;
}
