/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registered contacts and the phones they belong to. */
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/ctl/handlers.h"
#include "switchd/sip/location.h"

static const struct column registrations_columns[] = {
	{"phone", CELL_TEXT, "", "PHONE", 12},
	{"contact", CELL_TEXT, "", "CONTACT", 30},
	{"source_address", CELL_TEXT, "", "SOURCE", 21},
	{"local_address", CELL_TEXT, "", "LOCAL", -19},
	{"is_nat", CELL_BOOL, "", "NAT", 3},
	{"expires_s", CELL_INT, "s", "EXPIRES", 7},
	{"registered_time", CELL_TIME, "", "REGISTERED", -20},
	{"user_agent", CELL_TEXT, "", "AGENT", -16},
};

const struct schema schema_registrations = SCHEMA_OF_ROWS(registrations_columns);

struct walk_bindings {
	uint64_t cursor;
	bool started;
	struct binding bindings[CTL_SLICE];
};

static void emit_binding(struct request *request, const struct binding *binding, int64_t now_ms)
{
	int64_t left_ms = binding->expires_ms - now_ms;

	emit_str(request, binding->user);
	emit_str(request, binding->contact);
	emit_addr(request, &binding->source);
	emit_addr(request, &binding->local);
	emit_bool(request, binding->is_nat);
	emit_int(request, left_ms > 0 ? (left_ms + 999) / 1000 : 0);
	emit_time(request, binding->registered_ms);
	emit_str(request, binding->user_agent);
	emit_row_end(request);
}

static enum step emit_one_phone(struct request *request, struct walk_bindings *walk,
				const char *phone)
{
	int64_t now_ms = clock_wall_ms();
	size_t count = location_find(request->ctl->context.location, span_of(phone), now_ms,
				     walk->bindings, LOCATION_CONTACTS_MAX);

	for (size_t i = 0; i < count; i++)
		emit_binding(request, &walk->bindings[i], now_ms);
	return STEP_DONE;
}

enum step show_registrations(struct request *request)
{
	struct walk_bindings *walk = request_state(request, sizeof(*walk));
	const char *phone = request_arg(request, "phone");
	bool nat_only = request_has(request, "nat");
	int64_t now_ms = clock_wall_ms();
	size_t count = 0;
	bool is_more;

	if (!walk)
		return request_no_memory(request);
	if (!walk->started)
		EMIT_TABLE(request, registrations_columns);
	walk->started = true;
	if (!request->ctl->context.location)
		return STEP_DONE;
	if (phone)
		return emit_one_phone(request, walk, phone);
	is_more = location_list(request->ctl->context.location, &walk->cursor, walk->bindings,
				CTL_SLICE, &count);
	for (size_t i = 0; i < count; i++)
		if (!nat_only || walk->bindings[i].is_nat)
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
	if (!phone)
		return clear_all(request);
	count = location_clear(request->ctl->context.location, span_of(phone));
	if (!count)
		return request_refuse(request, FAULT_NOT_FOUND, 0, "%s is not registered", phone);
	emit_say(request, "%zu contact%s of %s removed", count, count == 1 ? "" : "s", phone);
	return STEP_DONE;
}
