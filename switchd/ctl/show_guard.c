/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands between the network and the parser: the guard of each signalling thread, and the
 * kernel's sets. */
#include "shared/base/clock.h"
#include "switchd/auth/firewall.h"
#include "switchd/auth/lockout.h"
#include "switchd/ctl/handlers.h"
#include "switchd/ctl/show_guard.h"
#include "switchd/sip/guard.h"

static const struct column guard_columns[] = {
	{"thread", CELL_INT, "", "THREAD", 6},
	{"is_overloaded", CELL_BOOL, "", "OVERLOAD", 8},
	{"lag_ms", CELL_INT, "ms", "LAG", 5},
	{"queue_percent", CELL_INT, "percent", "QUEUE", 5},
	{"calls_per_s", CELL_INT, "per_s", "CALLS/S", 7},
	{"strangers_per_s", CELL_INT, "per_s", "STRANGERS/S", 11},
	{"suspended_dropped", CELL_INT, "", "SUSPENDED", 9},
	{"suspended_answered", CELL_INT, "", "ANSWERED", -8},
	{"suspended_inside", CELL_INT, "", "INSIDE", -6},
	{"flood_dropped", CELL_INT, "", "FLOOD", 8},
	{"calls_admitted", CELL_INT, "", "CALLS", 8},
	{"cps_refused", CELL_INT, "", "CPS", 6},
	{"overload_calls", CELL_INT, "", "REFUSED-CALLS", 13},
	{"overload_strangers", CELL_INT, "", "REFUSED-STRANGERS", 17},
};

const struct schema schema_sip_guard = SCHEMA_OF_ROWS(guard_columns);

enum step show_sip_guard(struct request *request)
{
	const struct ctl_context *context = &request->ctl->context;
	uint64_t now_us = clock_mono_us();

	EMIT_TABLE(request, guard_columns);
	for (int i = 0; context->guard && i < context->worker_count; i++) {
		struct guard_state state;

		guard_read(context->guard, i, now_us, &state);
		emit_int(request, i);
		emit_bool(request, state.overload.is_on);
		emit_int(request, state.lag_ms);
		emit_int(request, state.queue_percent);
		for (int share = 0; share < OVERLOAD_SHARES; share++)
			if (state.overload.is_on)
				emit_int(request, state.overload.rates[share]);
			else
				emit_null(request);
		for (int counter = 0; counter < GUARD_COUNTERS; counter++)
			emit_int(request, (int64_t)state.counters[counter]);
		emit_row_end(request);
	}
	return STEP_DONE;
}

void guard_counters(struct request *request, guard_counter_fn *emit)
{
	const struct ctl_context *context = &request->ctl->context;
	uint64_t sums[GUARD_COUNTERS] = {0};
	struct firewall_state firewall = {0};

	for (int i = 0; context->guard && i < context->worker_count; i++) {
		struct guard_state state;

		guard_read(context->guard, i, clock_mono_us(), &state);
		for (int counter = 0; counter < GUARD_COUNTERS; counter++)
			sums[counter] += state.counters[counter];
	}
	if (context->guard) {
		for (int counter = 0; counter < GUARD_COUNTERS; counter++)
			emit(request, "guard", guard_counter_name((enum guard_counter)counter),
			     sums[counter]);
		emit(request, "guard", "sources", guard_sources(context->guard));
	}
	if (context->auth) {
		emit(request, "authentication", "suspended",
		     suspensions_count(lockout_suspensions(context->auth)));
		emit(request, "authentication", "failing", lockout_used(context->auth));
	}
	if (context->firewall) {
		firewall_read(context->firewall, &firewall);
		emit(request, "firewall", "elements", firewall.elements);
		emit(request, "firewall", "dropped", firewall.packets);
	}
}

static const struct member firewall_members[] = {
	{"state", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"fault", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"table", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"elements", CELL_INT, MEMBER_ALWAYS, NULL},
	{"packets", CELL_INT, MEMBER_ALWAYS, NULL},
	{"bytes", CELL_INT, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_authentication_firewall = SCHEMA_OF_ITEM(firewall_members);

enum step show_authentication_firewall(struct request *request)
{
	struct firewall_state state = {0};

	if (request->ctl->context.firewall)
		firewall_read(request->ctl->context.firewall, &state);
	item_begin(request);
	item_str(request, NULL, "state",
		 !state.is_wanted  ? "off"
		 : state.is_active ? "active"
		 : state.fault[0]  ? "failed"
				   : "starting");
	if (state.is_wanted && state.fault[0])
		item_str(request, NULL, "fault", state.fault);
	if (state.is_active)
		item_str(request, NULL, "table", FIREWALL_TABLE);
	item_int(request, NULL, "elements", (int64_t)state.elements);
	item_int(request, NULL, "packets", (int64_t)state.packets);
	item_int(request, NULL, "bytes", (int64_t)state.bytes);
	item_end(request);
	return STEP_DONE;
}
