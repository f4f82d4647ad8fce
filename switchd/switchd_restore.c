/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an earlier run has stored and this one goes on with: registrations, suspensions, the dynamic
 * black list, and where number pools stand. */
#include "switchd/switchd.h"

#include "shared/base/clock.h"
#include "switchd/auth/digest.h"
#include "switchd/auth/firewall.h"
#include "switchd/sip/location.h"

/* Stored bindings do not tell what their phones asked for meanwhile. */
static void set_keepalive_kinds(struct switchd *switchd)
{
	const struct snapshot *snapshot = switchd->conf->snapshot;
	size_t count = snapshot_object_count(snapshot, OBJECT_PHONE);

	for (size_t i = 0; i < count; i++) {
		const struct object *phone = snapshot_object_at(snapshot, OBJECT_PHONE, i);
		int64_t kind = object_field(phone, FIELD_PHONE_KEEPALIVE)->number;

		if (kind != WORD_PHONE_KEEPALIVE_MESSAGE)
			location_set_keepalive(switchd->location, span_of(object_key(phone)),
					       (uint8_t)kind);
	}
}

static enum vos_err load_refusals(struct switchd *switchd)
{
	size_t count = 0;
	enum vos_err err =
		store_load_suspensions(switchd->store, switchd->auth, clock_wall_ms(), &count);

	if (err != VOS_OK)
		return err;
	if (count)
		log_notice(&switchd->log, "switchd", "%zu suspensions restored", count);
	count = 0;
	err = store_load_black_list(switchd->store, switchd->auth, clock_wall_ms(), &count);
	if (err != VOS_OK)
		return err;
	if (count)
		log_notice(&switchd->log, "switchd", "%zu black-list entries restored", count);
	store_set_auth(switchd->store, switchd->auth);
	firewall_configure(switchd->firewall, switchd->conf);
	return VOS_OK;
}

static enum vos_err load_bindings(struct switchd *switchd)
{
	const struct sip_worker *worker = switchd->shared.workers[0];
	struct addr locals[SIP_LISTENS_MAX];
	uint32_t streams = 0;
	size_t count = 0;
	enum vos_err err;

	for (int i = 0; i < worker->socket_count; i++)
		locals[i] = worker->sockets[i].local;
	location_set_listens(switchd->location, locals, (size_t)worker->socket_count);
	for (int i = 0; i < worker->socket_count; i++)
		if (sip_socket_is_stream(&worker->sockets[i]))
			streams |= 1u << i;
	location_set_streams(switchd->location, streams);
	err = store_load_bindings(switchd->store, switchd->location,
				  location_now_ms(switchd->location), &count);
	if (err == VOS_OK && count)
		log_notice(&switchd->log, "switchd", "%zu registrations restored", count);
	return err;
}

enum vos_err switchd_restore(struct switchd *switchd)
{
	enum vos_err err = load_bindings(switchd);

	if (err == VOS_OK)
		err = load_refusals(switchd);
	if (err == VOS_OK)
		err = store_load_turns(switchd->store, switchd->conf);
	if (err == VOS_OK)
		set_keepalive_kinds(switchd);
	return err;
}
