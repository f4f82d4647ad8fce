/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keepalive (behaviour A1): the round as it runs, what its settings reach, and every device. */
#include <stdlib.h>

#include "shared/base/clock.h"
#include "shared/config/keepalive_fit.h"
#include "switchd/ctl/handlers.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"

static void item_pace(struct request *request, const struct keepalive_pace *pace)
{
	const struct snapshot *config = request_running(request);

	item_int(request, NULL, "period_s", (int64_t)pace->period_s);
	item_int(request, NULL, "send_interval_ms", (int64_t)pace->interval_ms);
	item_int(request, NULL, "send_one_time", (int64_t)pace->one_time);
	item_bool(request, NULL, "is_fair",
		  snapshot_bool(config, PARAM_SS_SIP_NAT_KEEP_ALIVE_FAIR));
	item_int(request, NULL, "capacity_devices", (int64_t)keepalive_capacity(pace));
}

/* --- show nat-keep-alive --- */

static const struct member nat_keep_alive_members[] = {
	{"is_on", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"message", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"period_s", CELL_INT, MEMBER_ALWAYS, NULL},
	{"send_interval_ms", CELL_INT, MEMBER_ALWAYS, NULL},
	{"send_one_time", CELL_INT, MEMBER_ALWAYS, NULL},
	{"is_fair", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"capacity_devices", CELL_INT, MEMBER_ALWAYS, NULL},
	{"devices", CELL_INT, MEMBER_ALWAYS, NULL},
	{"devices_probed", CELL_INT, MEMBER_ALWAYS, NULL},
	{"devices_unreachable", CELL_INT, MEMBER_ALWAYS, NULL},
	{"needed_period_s", CELL_INT, MEMBER_ALWAYS, NULL},
	{"round", CELL_INT, MEMBER_ALWAYS, NULL},
	{"round_start_time", CELL_TIME, MEMBER_ALWAYS, NULL},
	{"round_elapsed_ms", CELL_INT, MEMBER_ALWAYS, NULL},
	{"sent_this_round", CELL_INT, MEMBER_ALWAYS, NULL},
	{"sent_last_round", CELL_INT, MEMBER_ALWAYS, NULL},
	{"missed_last_round", CELL_INT, MEMBER_ALWAYS, NULL},
	{"starved_devices", CELL_INT, MEMBER_ALWAYS, NULL},
	{"sent_total", CELL_INT, MEMBER_ALWAYS, NULL},
	{"missed_total", CELL_INT, MEMBER_ALWAYS, NULL},
	{"memory_bytes", CELL_INT, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_nat_keep_alive = SCHEMA_OF_ITEM(nat_keep_alive_members);

static void item_round(struct request *request, const struct keepalive_status *status)
{
	int64_t start_ms = clock_wall_ms() - (int64_t)status->round_elapsed_ms;

	item_int(request, NULL, "round", (int64_t)status->round);
	item_time(request, NULL, "round_start_time", status->is_round_running ? start_ms : 0);
	item_int(request, NULL, "round_elapsed_ms", (int64_t)status->round_elapsed_ms);
	item_int(request, NULL, "sent_this_round", (int64_t)status->sent_this_round);
	item_int(request, NULL, "sent_last_round", (int64_t)status->sent_last_round);
	item_int(request, NULL, "missed_last_round", (int64_t)status->missed_last_round);
	item_int(request, NULL, "starved_devices", (int64_t)status->starved_count);
	item_int(request, NULL, "sent_total", (int64_t)status->sent_total);
	item_int(request, NULL, "missed_total", (int64_t)status->missed_total);
}

enum step show_nat_keep_alive(struct request *request)
{
	struct keepalive *keepalive = request->ctl->context.keepalive;
	struct snapshot *config = request_running(request);
	struct keepalive_pace pace = keepalive_pace_of(config);
	struct keepalive_status status;

	if (!keepalive)
		return request_refuse(request, FAULT_STATE, 0, "keepalive is not running");
	keepalive_status(keepalive, config, clock_mono_us(), &status);
	item_begin(request);
	item_bool(request, NULL, "is_on", status.is_on);
	item_str(request, NULL, "message",
		 snapshot_text(config, PARAM_SS_SIP_NAT_KEEP_ALIVE_MESSAGE));
	item_pace(request, &pace);
	item_int(request, NULL, "devices", (int64_t)status.device_count);
	item_int(request, NULL, "devices_probed", (int64_t)status.probed_count);
	item_int(request, NULL, "devices_unreachable", (int64_t)status.unreachable_count);
	item_int(request, NULL, "needed_period_s", (int64_t)status.needed_period_s);
	item_round(request, &status);
	item_int(request, NULL, "memory_bytes", (int64_t)status.memory_bytes);
	item_end(request);
	return STEP_DONE;
}

/* --- show nat-keep-alive capacity --- */

/* The fitting ones are null where no value in the range of the setting would do. */
static const struct member capacity_members[] = {
	{"period_s", CELL_INT, MEMBER_ALWAYS, NULL},
	{"send_interval_ms", CELL_INT, MEMBER_ALWAYS, NULL},
	{"send_one_time", CELL_INT, MEMBER_ALWAYS, NULL},
	{"is_fair", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"capacity_devices", CELL_INT, MEMBER_ALWAYS, NULL},
	{"devices", CELL_INT, MEMBER_ALWAYS, NULL},
	{"fits", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"starved_devices", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"fair_rounds", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"fair_reach_s", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"fitting_send_one_time", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"fitting_send_interval_ms", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"fitting_period_s", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"together_send_one_time", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"together_send_interval_ms", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"together_period_s", CELL_INT, MEMBER_AT_TIMES, NULL},
	{0},
};

const struct schema schema_nat_keep_alive_capacity = SCHEMA_OF_ITEM(capacity_members);

static void item_fitting(struct request *request, const char *name, uint64_t number)
{
	if (number)
		item_int(request, NULL, name, (int64_t)number);
	else
		item_str(request, NULL, name, NULL);
}

/* What becomes of the devices as it is, and what would reach them all. */
static void item_misfit(struct request *request, const struct keepalive_pace *pace,
			const struct keepalive_fit *fit)
{
	item_int(request, NULL, "starved_devices", (int64_t)fit->starved);
	item_int(request, NULL, "fair_rounds", (int64_t)fit->fair_rounds);
	item_int(request, NULL, "fair_reach_s", (int64_t)(fit->fair_rounds * pace->period_s));
	item_fitting(request, "fitting_send_one_time", fit->one_time);
	item_fitting(request, "fitting_send_interval_ms", fit->interval_ms);
	item_fitting(request, "fitting_period_s", fit->period_s);
	item_fitting(request, "together_send_one_time", fit->together.one_time);
	item_fitting(request, "together_send_interval_ms", fit->together.interval_ms);
	item_fitting(request, "together_period_s", fit->together.period_s);
}

enum step show_nat_keep_alive_capacity(struct request *request)
{
	struct snapshot *config = request_running(request);
	struct keepalive_pace pace = keepalive_pace_of(config);
	const char *devices = request_arg(request, "devices");
	struct keepalive_status status = {0};
	struct keepalive_fit fit;

	if (request->ctl->context.keepalive)
		keepalive_status(request->ctl->context.keepalive, config, clock_mono_us(), &status);
	keepalive_fit(&pace, devices ? strtoull(devices, NULL, 10) : status.device_count, &fit);
	item_begin(request);
	item_pace(request, &pace);
	item_int(request, NULL, "devices", (int64_t)fit.devices);
	item_bool(request, NULL, "fits", fit.fits);
	if (!fit.fits)
		item_misfit(request, &pace, &fit);
	item_end(request);
	return STEP_DONE;
}

/* --- show nat-keep-alive phones --- */

static const struct column phones_columns[] = {
	{"phone", CELL_TEXT, "", "PHONE", 12},
	{"source_address", CELL_TEXT, "", "SOURCE", 21},
	{"kind", CELL_TEXT, "", "KIND", 7},
	{"last_sent_s", CELL_INT, "s", "LAST-SENT", 9},
	{"missed_rounds", CELL_INT, "", "MISSED", 6},
	{"is_starved", CELL_BOOL, "", "STARVED", -7},
	{"is_reachable", CELL_BOOL, "", "REACHABLE", 9},
	{"unanswered_probes", CELL_INT, "", "UNANSWERED", -10},
	{"contact", CELL_TEXT, "", "CONTACT", -30},
};

const struct schema schema_nat_keep_alive_phones = SCHEMA_OF_ROWS(phones_columns);

struct walk_devices {
	uint64_t cursor;
	bool started;
	struct binding bindings[CTL_SLICE];
};

/* Reachability is known of probed ones only. */
static void emit_probe(struct request *request, const struct keepalive_view *view)
{
	if (view->is_probed) {
		emit_bool(request, !view->is_unreachable);
		emit_int(request, view->unanswered);
	} else {
		emit_null(request);
		emit_null(request);
	}
}

static void emit_device(struct request *request, const struct binding *binding)
{
	struct keepalive_view view;

	/* It may have gone since the binding was read. */
	if (!binding->keepalive_id ||
	    !keepalive_view(request->ctl->context.keepalive, binding->keepalive_id, &view) ||
	    (request_has(request, "missed") && !view.missed) ||
	    (request_has(request, "unreachable") && !view.is_unreachable))
		return;
	emit_str(request, binding->user);
	emit_addr(request, &binding->source);
	emit_str(request, view.is_probed ? "options" : "message");
	if (view.last_sent_us)
		emit_int(request, (int64_t)((clock_mono_us() - view.last_sent_us) / 1000000));
	else
		emit_null(request);
	emit_int(request, view.missed);
	emit_bool(request, view.is_starved);
	emit_probe(request, &view);
	emit_str(request, binding->contact);
	emit_row_end(request);
}

enum step show_nat_keep_alive_phones(struct request *request)
{
	const struct ctl_context *context = &request->ctl->context;
	struct walk_devices *walk = request_state(request, sizeof(*walk));
	const char *phone = request_arg(request, "phone");
	bool is_more = false;
	size_t count;

	if (!walk)
		return request_no_memory(request);
	if (!context->keepalive || !context->location)
		return request_refuse(request, FAULT_STATE, 0, "keepalive is not running");
	if (!walk->started)
		EMIT_TABLE(request, phones_columns);
	walk->started = true;
	if (phone)
		count = location_find(context->location, span_of(phone),
				      location_now_ms(context->location), walk->bindings,
				      LOCATION_CONTACTS_MAX);
	else
		is_more = location_list(context->location, &walk->cursor, walk->bindings, CTL_SLICE,
					&count);
	for (size_t i = 0; i < count; i++)
		emit_device(request, &walk->bindings[i]);
	return is_more ? STEP_MORE : STEP_DONE;
}
