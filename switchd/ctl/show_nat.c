/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keepalive round (behaviour A1): what it does now, and what other settings would reach. */
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/ctl/handlers.h"
#include "switchd/nat/keepalive.h"

struct pace {
	int64_t period_s;
	int64_t interval_ms;
	int64_t one_time;
};

static struct pace configured_pace(const struct snapshot *snapshot)
{
	return (struct pace){
		.period_s = snapshot_number(snapshot, PARAM_SS_SIP_NAT_KEEP_ALIVE_PERIOD),
		.interval_ms = snapshot_number(snapshot, PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL),
		.one_time = snapshot_number(snapshot, PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME),
	};
}

static int64_t divide_up(int64_t a, int64_t b)
{
	return (a + b - 1) / b;
}

/* Devices that a cycle reaches. */
static int64_t capacity(const struct pace *pace)
{
	return divide_up(pace->period_s * 1000, pace->interval_ms) * pace->one_time;
}

static void item_pace(struct request *request, const struct pace *pace)
{
	item_int(request, NULL, "period_s", pace->period_s);
	item_int(request, NULL, "send_interval_ms", pace->interval_ms);
	item_int(request, NULL, "send_one_time", pace->one_time);
	item_int(request, NULL, "capacity_devices", capacity(pace));
}

/* The one value of each setting that would reach all devices, the other two left as they are. */
static void item_fitting(struct request *request, const struct pace *pace, int64_t devices)
{
	int64_t bursts = divide_up(devices, pace->one_time);
	int64_t period_s = divide_up(bursts * pace->interval_ms, 1000);
	int64_t interval_ms = bursts ? pace->period_s * 1000 / bursts : pace->interval_ms;
	int64_t one_time = divide_up(devices, divide_up(pace->period_s * 1000, pace->interval_ms));

	item_int(request, NULL, "devices", devices);
	item_bool(request, NULL, "fits", devices <= capacity(pace));
	item_int(request, NULL, "fitting_period_s", period_s > 10 ? period_s : 10);
	if (interval_ms >= 1)
		item_int(request, NULL, "fitting_send_interval_ms",
			 interval_ms < 60000 ? interval_ms : 60000);
	else
		item_str(request, NULL, "fitting_send_interval_ms", NULL);
	item_int(request, NULL, "fitting_send_one_time", one_time > 1 ? one_time : 1);
}

/* The fitting ones are of `capacity`, the others that may be absent of the round as it runs. */
static const struct member nat_keep_alive_members[] = {
	{"is_on", CELL_BOOL, MEMBER_AT_TIMES, NULL},
	{"message", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"period_s", CELL_INT, MEMBER_ALWAYS, NULL},
	{"send_interval_ms", CELL_INT, MEMBER_ALWAYS, NULL},
	{"send_one_time", CELL_INT, MEMBER_ALWAYS, NULL},
	{"capacity_devices", CELL_INT, MEMBER_ALWAYS, NULL},
	{"devices", CELL_INT, MEMBER_ALWAYS, NULL},
	{"fits", CELL_BOOL, MEMBER_AT_TIMES, NULL},
	{"fitting_period_s", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"fitting_send_interval_ms", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"fitting_send_one_time", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"needed_period_s", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"round", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"round_elapsed_ms", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"sent_this_round", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"sent_last_round", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"missed_last_round", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"sent_total", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"missed_total", CELL_INT, MEMBER_AT_TIMES, NULL},
	{0},
};

const struct schema schema_nat_keep_alive = SCHEMA_OF_ITEM(nat_keep_alive_members);

static enum step show_pace_capacity(struct request *request, const struct pace *pace)
{
	const char *devices = request_arg(request, "devices");
	struct keepalive_status status = {0};

	if (request->ctl->context.keepalive)
		keepalive_status(request->ctl->context.keepalive, request_running(request),
				 clock_mono_us(), &status);
	item_begin(request);
	item_pace(request, pace);
	item_fitting(request, pace,
		     devices ? strtoll(devices, NULL, 10) : (int64_t)status.device_count);
	item_end(request);
	return STEP_DONE;
}

enum step show_nat_keep_alive(struct request *request)
{
	struct keepalive *keepalive = request->ctl->context.keepalive;
	struct pace pace = configured_pace(request_running(request));
	struct keepalive_status status = {0};

	if (request_has(request, "capacity"))
		return show_pace_capacity(request, &pace);
	if (!keepalive)
		return request_refuse(request, FAULT_STATE, 0, "keepalive is not running");
	keepalive_status(keepalive, request_running(request), clock_mono_us(), &status);
	item_begin(request);
	item_bool(request, NULL, "is_on", status.is_on);
	item_str(request, NULL, "message",
		 snapshot_text(request_running(request), PARAM_SS_SIP_NAT_KEEP_ALIVE_MESSAGE));
	item_pace(request, &pace);
	item_int(request, NULL, "devices", (int64_t)status.device_count);
	item_int(request, NULL, "needed_period_s", (int64_t)status.needed_period_s);
	item_int(request, NULL, "round", (int64_t)status.round);
	item_int(request, NULL, "round_elapsed_ms", (int64_t)status.round_elapsed_ms);
	item_int(request, NULL, "sent_this_round", (int64_t)status.sent_this_round);
	item_int(request, NULL, "sent_last_round", (int64_t)status.sent_last_round);
	item_int(request, NULL, "missed_last_round", (int64_t)status.missed_last_round);
	item_int(request, NULL, "sent_total", (int64_t)status.sent_total);
	item_int(request, NULL, "missed_total", (int64_t)status.missed_total);
	item_end(request);
	return STEP_DONE;
}
