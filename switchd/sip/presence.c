/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/presence.h"

#include "switchd/sip/location.h"

void presence_update(struct sip_worker *worker, const struct conf_routing_gateway *gateway)
{
	struct location *location = worker->shared->location;
	char user[LOCATION_USER_LEN];
	struct binding binding;
	bool is_there;

	is_there = location_gateway_user(gateway->name, user) &&
		   location_find(location, span_of(user), location_now_ms(location), &binding, 1);
	live_set_offline(gateway->live, LIVE_UNREGISTERED, !is_there);
}

void presence_update_all(struct sip_worker *worker)
{
	const struct conf_routing_gateway *gateway;
	size_t index = 0;

	if (!conf_dynamic_count(worker->conf))
		return;
	while ((gateway = conf_dynamic_next(worker->conf, &index)))
		presence_update(worker, gateway);
}
