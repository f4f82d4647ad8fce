/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others are told of a registration: calls by its trunk, routing by the live state of the
 * gateway, operators by log and alarm. */
#include "switchd/sip/outbound_private.h"

#include "switchd/alarm/alarm.h"
#include "switchd/sip/presence.h"

static bool has_way(const struct conf_routing_gateway *gateway)
{
	for (size_t i = 0; i < gateway->registration_count; i++)
		if (atomic_load(&gateway->registrations[i]->trunk->is_up))
			return true;
	return false;
}

/* Two threads may own registrations of one gateway: whoever writes looks again, so that the last
 * word is of the last state. */
static void tell_gateway(const struct conf_routing_gateway *gateway)
{
	bool is_offline;

	do {
		is_offline = !has_way(gateway);
		live_set_offline(gateway->live, LIVE_UNREGISTERED, is_offline);
	} while (is_offline == has_way(gateway));
}

void outbound_tell_gateways(struct sip_worker *worker)
{
	const struct conf *conf = worker->conf;
	size_t count = conf_routing_gateway_count(conf);

	for (size_t i = 0; i < count; i++) {
		const struct conf_routing_gateway *gateway = conf_routing_gateway_at(conf, i);

		if (gateway->reach == CONF_REACH_REGISTER)
			tell_gateway(gateway);
		else if (gateway->reach == CONF_REACH_DYNAMIC)
			presence_update(worker, gateway);
		else
			live_set_offline(gateway->live, LIVE_UNREGISTERED, false);
	}
}

static void set_up(struct outbound_one *one, bool is_up)
{
	const struct conf_routing_gateway *gateway = one->row->gateway;

	atomic_store(&one->row->trunk->is_up, is_up);
	/* As it is configured now: one that is leaving knows an older one. */
	if (gateway)
		gateway = conf_routing_gateway_find(one->worker->conf, span_of(gateway->name));
	if (gateway && gateway->reach == CONF_REACH_REGISTER)
		tell_gateway(gateway);
}

void outbound_report_up(struct outbound_one *one, uint64_t now_us)
{
	const struct trunk_way way = {.server = one->server, .local = one->socket->local};
	const struct sip_shared *shared = one->worker->shared;

	trunk_set_way(one->row->trunk, &way);
	set_up(one, true);
	alarms_clear(shared->alarms, WORD_ALARM_KIND_GATEWAY_OFFLINE, one->row->name);
	if (one->since_us)
		return;
	one->since_us = now_us;
	if (shared->log)
		log_notice(shared->log, "sip", "registration %s: %s is registered at %s for %u s",
			   one->row->name, one->row->account, one->row->domain,
			   (unsigned)one->machine.granted_s);
}

void outbound_report_down(struct outbound_one *one, bool is_failure)
{
	const struct sip_shared *shared = one->worker->shared;
	uint64_t now_us = one->worker->now_us;

	set_up(one, false);
	one->since_us = 0;
	if (!is_failure) {
		alarms_clear(shared->alarms, WORD_ALARM_KIND_GATEWAY_OFFLINE, one->row->name);
		return;
	}
	alarms_raise(shared->alarms, WORD_ALARM_KIND_GATEWAY_OFFLINE, one->row->name,
		     "registration %s of %s at %s failed: %s; next try in %u s", one->row->name,
		     one->row->account, one->row->domain, one->answer,
		     (unsigned)((one->machine.due_us - now_us) / 1000000));
}
