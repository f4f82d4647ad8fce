/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registered contacts and the phones they belong to. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/ctl/handlers.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"
#include "switchd/sip/worker.h"

/* What has a heading only in detail is in JSON all the same. */
static const struct column brief_columns[] = {
	{"phone", CELL_TEXT, "", "PHONE", 12},
	{"contact", CELL_TEXT, "", "CONTACT", 30},
	{"source_address", CELL_TEXT, "", "SOURCE", 21},
	{"local_address", CELL_TEXT, "", "LOCAL", -19},
	{"is_nat", CELL_BOOL, "", "NAT", 3},
	{"expires_s", CELL_INT, "s", "EXPIRES", 7},
	{"is_reachable", CELL_BOOL, "", "REACHABLE", -9},
	{"registered_time", CELL_TIME, "", "REGISTERED", -20},
	{"user_agent", CELL_TEXT, "", "AGENT", -16},
	{"transport", CELL_TEXT, "", "", 9},
	{"q", CELL_TEXT, "", "", 5},
	{"instance", CELL_TEXT, "", "", 45},
	{"reg_id", CELL_INT, "", "", 6},
	{"path", CELL_TEXT, "", "", 30},
	{"keep_alive", CELL_TEXT, "", "", 10},
	{"keep_alive_sent_time", CELL_TIME, "", "", 20},
	{"keep_alive_missed", CELL_INT, "", "", 6},
	{"gateway", CELL_TEXT, "", "GATEWAY", -16},
};

static const struct column detail_columns[] = {
	{"phone", CELL_TEXT, "", "PHONE", 12},
	{"contact", CELL_TEXT, "", "CONTACT", 30},
	{"source_address", CELL_TEXT, "", "SOURCE", 21},
	{"local_address", CELL_TEXT, "", "LOCAL", 19},
	{"is_nat", CELL_BOOL, "", "NAT", 3},
	{"expires_s", CELL_INT, "s", "EXPIRES", 7},
	{"is_reachable", CELL_BOOL, "", "REACHABLE", 9},
	{"registered_time", CELL_TIME, "", "REGISTERED", 20},
	{"user_agent", CELL_TEXT, "", "AGENT", 16},
	{"transport", CELL_TEXT, "", "TRANSPORT", 9},
	{"q", CELL_TEXT, "", "Q", 5},
	{"instance", CELL_TEXT, "", "INSTANCE", 45},
	{"reg_id", CELL_INT, "", "REG-ID", 6},
	{"path", CELL_TEXT, "", "PATH", 30},
	{"keep_alive", CELL_TEXT, "", "KEEP-ALIVE", 10},
	{"keep_alive_sent_time", CELL_TIME, "", "LAST-SENT", 20},
	{"keep_alive_missed", CELL_INT, "", "MISSED", 6},
	{"gateway", CELL_TEXT, "", "GATEWAY", 16},
};

const struct schema schema_registrations = SCHEMA_OF_ROWS(brief_columns);

struct walk_bindings {
	uint64_t cursor;
	bool started;
	struct binding bindings[CTL_SLICE];
};

/* Of the socket that it registered to; one that is there no more is known as a stream or not. */
static const char *transport_of(const struct ctl_context *context, const struct binding *binding)
{
	static const char *const names[] = {
		[CONF_UDP] = "udp", [CONF_TCP] = "tcp", [CONF_TLS] = "tls"};

	if (context->worker_count > 0 && binding->socket_index < context->workers[0]->socket_count)
		return names[context->workers[0]->sockets[binding->socket_index].transport];
	return binding->is_stream ? "stream" : "udp";
}

static void emit_keepalive(struct request *request, const struct binding *binding)
{
	struct keepalive *keepalive = request->ctl->context.keepalive;
	uint64_t now_us = clock_mono_us();
	struct keepalive_view view;

	if (!keepalive || !binding->keepalive_id ||
	    !keepalive_view(keepalive, binding->keepalive_id, &view)) {
		for (int i = 0; i < 3; i++)
			emit_null(request);
		return;
	}
	emit_str(request, view.is_probed ? "options" : "message");
	emit_time(request, view.last_sent_us && view.last_sent_us <= now_us
				   ? clock_wall_ms() - (int64_t)(now_us - view.last_sent_us) / 1000
				   : 0);
	emit_int(request, view.missed);
}

static void emit_binding(struct request *request, const struct binding *binding, int64_t now_ms)
{
	const struct ctl_context *context = &request->ctl->context;
	bool is_gateway = binding->user[0] == LOCATION_GATEWAY_MARK;
	int64_t left_ms = binding->expires_ms - now_ms;
	char q[8];

	emit_str(request, is_gateway ? NULL : binding->user);
	emit_str(request, binding->contact);
	emit_addr(request, &binding->source);
	emit_addr(request, &binding->local);
	emit_bool(request, binding->is_nat);
	emit_int(request, left_ms > 0 ? (left_ms + 999) / 1000 : 0);
	/* Known of those only that are probed. */
	if (binding->keepalive_kind == WORD_PHONE_KEEPALIVE_OPTIONS)
		emit_bool(request, !binding->is_unreachable);
	else
		emit_null(request);
	emit_time(request, binding->registered_ms + location_wall_offset_ms(context->location));
	emit_str(request, binding->user_agent);
	emit_str(request, transport_of(context, binding));
	snprintf(q, sizeof(q), "%u.%03u", binding->q_thousandths / 1000u % 10,
		 binding->q_thousandths % 1000u);
	emit_str(request, q);
	emit_str(request, binding->instance);
	if (binding->reg_id)
		emit_int(request, binding->reg_id);
	else
		emit_null(request);
	emit_str(request, binding->path);
	emit_keepalive(request, binding);
	emit_str(request, is_gateway ? binding->user + 1 : NULL);
	emit_row_end(request);
}

/* What the command asks for, of one binding. */
static bool is_wanted(const struct request *request, const struct binding *binding, int64_t now_ms)
{
	const char *expiring = request_arg(request, "expiring");

	if (request_has(request, "nat") && !binding->is_nat)
		return false;
	return !expiring ||
	       binding->expires_ms - now_ms <= 1000 * (int64_t)strtoll(expiring, NULL, 10);
}

static bool registers_here(const struct request *request, const char *name)
{
	const struct conf_routing_gateway *gateway =
		conf_routing_gateway_find(request->ctl->conf, span_of(name));

	return gateway && gateway->reach == CONF_REACH_DYNAMIC;
}

enum step show_registrations(struct request *request)
{
	struct location *location = request->ctl->context.location;
	struct walk_bindings *walk = request_state(request, sizeof(*walk));
	const char *gateway = request_arg(request, "routing");
	const char *user = request_arg(request, "phone");
	char address[LOCATION_USER_LEN];
	bool is_more = false;
	size_t count = 0;
	int64_t now_ms;

	if (!walk)
		return request_no_memory(request);
	if (gateway && !registers_here(request, gateway))
		return request_refuse(
			request, FAULT_NOT_FOUND, match_arg(&request->match, "routing")->column,
			"there is no routing gateway %s that registers here", gateway);
	if (!walk->started && request_has(request, "detail"))
		EMIT_TABLE(request, detail_columns);
	else if (!walk->started)
		EMIT_TABLE(request, brief_columns);
	walk->started = true;
	if (!location)
		return STEP_DONE;
	now_ms = location_now_ms(location);
	if (gateway)
		user = location_gateway_user(gateway, address) ? address : gateway;
	if (user)
		count = location_find(location, span_of(user), now_ms, walk->bindings,
				      LOCATION_CONTACTS_MAX);
	else
		is_more = location_list(location, &walk->cursor, walk->bindings, CTL_SLICE, &count);
	for (size_t i = 0; i < count; i++)
		if (is_wanted(request, &walk->bindings[i], now_ms))
			emit_binding(request, &walk->bindings[i], now_ms);
	return is_more ? STEP_MORE : STEP_DONE;
}

/* Users of the slice that are to go; the table must not change under location_list's feet more than
 * it does anyway, which its cursor allows. */
static enum step clear_all(struct request *request)
{
	struct walk_bindings *walk = request_state(request, sizeof(*walk));
	struct location *location = request->ctl->context.location;
	size_t count = 0;
	bool is_more;

	if (!walk)
		return request_no_memory(request);
	is_more = location_list(location, &walk->cursor, walk->bindings, CTL_SLICE, &count);
	for (size_t i = 0; i < count; i++)
		location_clear(location, span_of(walk->bindings[i].user));
	if (is_more)
		return STEP_MORE;
	emit_say(request, "all registrations were removed");
	return STEP_DONE;
}

enum step cmd_clear_registration(struct request *request)
{
	const char *phone = request_arg(request, "phone");
	size_t count;

	if (!request->ctl->context.location)
		return request_refuse(request, FAULT_STATE, 0, "registrations are not kept here");
	if (!phone && !request->yes)
		return request_ask(request,
				   "%zu contacts cannot be called until they register again",
				   location_count(request->ctl->context.location));
	if (!phone)
		return clear_all(request);
	count = location_clear(request->ctl->context.location, span_of(phone));
	if (!count)
		return request_refuse(request, FAULT_NOT_FOUND, 0, "%s is not registered", phone);
	emit_say(request, "%zu contact%s of %s removed", count, count == 1 ? "" : "s", phone);
	return STEP_DONE;
}
