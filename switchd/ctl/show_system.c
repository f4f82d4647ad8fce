/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The switch as a whole: version, health, sessions, counters, shutdown. */
#include <stdlib.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/ctl/gateway.h"
#include "switchd/ctl/handlers.h"
#include "switchd/ctl/totals.h"
#include "switchd/sip/location.h"

#define SHUTDOWN_GRACE_S 5 /* without `graceful` */

static const struct member version_members[] = {
	{"version", CELL_TEXT, MEMBER_ALWAYS, NULL},  {"hostname", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"protocol", CELL_INT, MEMBER_ALWAYS, NULL},  {"grammar", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"compiler", CELL_TEXT, MEMBER_ALWAYS, NULL}, {0},
};

const struct schema schema_version = SCHEMA_OF_ITEM(version_members);

enum step show_version(struct request *request)
{
	item_begin(request);
	item_str(request, NULL, "version", request->ctl->context.version);
	item_str(request, NULL, "hostname", request->ctl->conf->hostname);
	item_int(request, NULL, "protocol", CONTROL_PROTOCOL);
	item_str(request, NULL, "grammar", grammar_hash(request->ctl->grammar));
	item_str(request, NULL, "compiler", __VERSION__);
	item_end(request);
	return STEP_DONE;
}

static int64_t uptime_s(const struct request *request)
{
	return (clock_wall_ms() - request->ctl->context.started_ms) / 1000;
}

static const struct member uptime_members[] = {
	{"start_time", CELL_TIME, MEMBER_ALWAYS, NULL},
	{"uptime_s", CELL_INT, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_uptime = SCHEMA_OF_ITEM(uptime_members);

enum step show_uptime(struct request *request)
{
	item_begin(request);
	item_time(request, NULL, "start_time", request->ctl->context.started_ms);
	item_int(request, NULL, "uptime_s", uptime_s(request));
	item_end(request);
	return STEP_DONE;
}

static const struct member clock_members[] = {
	{"time", CELL_TIME, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_clock = SCHEMA_OF_ITEM(clock_members);

enum step show_clock(struct request *request)
{
	item_begin(request);
	item_time(request, NULL, "time", clock_wall_ms());
	item_end(request);
	return STEP_DONE;
}

static const struct column sessions_columns[] = {
	{"session", CELL_INT, "", "SESSION", 7},
	{"user", CELL_TEXT, "", "USER", 10},
	{"uid", CELL_INT, "", "UID", -5},
	{"role", CELL_TEXT, "", "ROLE", 8},
	{"client", CELL_TEXT, "", "CLIENT", -10},
	{"pid", CELL_INT, "", "PID", 7},
	{"since_time", CELL_TIME, "", "SINCE", 20},
	{"idle_s", CELL_INT, "s", "IDLE", 4},
	{"pending", CELL_INT, "", "PENDING", 7},
	{"is_exclusive", CELL_BOOL, "", "LOCK", 4},
	{"is_read_only", CELL_BOOL, "", "READ-ONLY", -9},
	{"is_self", CELL_BOOL, "", "SELF", 4},
};

const struct schema schema_sessions = SCHEMA_OF_ROWS(sessions_columns);

enum step show_sessions(struct request *request)
{
	const struct session *session;
	int64_t now_ms = clock_wall_ms();

	EMIT_TABLE(request, sessions_columns);
	DL_FOREACH (request->ctl->sessions, session) {
		int64_t idle_ms = now_ms - session->last_ms;

		emit_int(request, (int64_t)session->id);
		emit_str(request, session->login);
		emit_int(request, (int64_t)session->uid);
		emit_str(request, role_name(session_role(session)));
		emit_str(request, session->client);
		emit_int(request, session->pid);
		emit_time(request, session->since_ms);
		emit_int(request, idle_ms > 0 ? idle_ms / 1000 : 0);
		emit_int(request, (int64_t)session->candidate.changes.count);
		emit_bool(request, request->ctl->exclusive == session);
		emit_bool(request, session->is_read_only);
		emit_bool(request, request->session == session);
		emit_row_end(request);
	}
	return STEP_DONE;
}

static const struct column statistics_columns[] = {
	{"thread", CELL_INT, "", "THREAD", 6},
	{"calls", CELL_INT, "", "CALLS", 7},
	{"legs", CELL_INT, "", "LEGS", 7},
	{"timers", CELL_INT, "", "TIMERS", 7},
	{"rx_datagrams", CELL_INT, "", "RECEIVED", 10},
	{"rx_ignored", CELL_INT, "", "IGNORED", 8},
	{"rx_rejected", CELL_INT, "", "REJECTED", 8},
	{"rx_handed_over", CELL_INT, "", "HANDED-OVER", 11},
	{"handover_full", CELL_INT, "", "FULL", 6},
	{"tx_datagrams", CELL_INT, "", "SENT", 10},
	{"tx_errors", CELL_INT, "", "ERRORS", 7},
	{"retransmissions", CELL_INT, "", "RESENT", 7},
	{"timeouts", CELL_INT, "", "TIMEOUTS", 8},
	{"pauses", CELL_INT, "", "PAUSES", 8},
};

const struct schema schema_sip_statistics = SCHEMA_OF_ROWS(statistics_columns);

static void emit_statistics(struct request *request, int number, const struct ask *reply)
{
	const struct sip_counters *c = &reply->counters;

	emit_int(request, number);
	emit_int(request, (int64_t)reply->calls);
	emit_int(request, (int64_t)reply->legs);
	emit_int(request, (int64_t)reply->timers);
	emit_int(request, (int64_t)c->rx_datagrams);
	emit_int(request, (int64_t)c->rx_ignored);
	emit_int(request, (int64_t)c->rx_rejected);
	emit_int(request, (int64_t)c->rx_handed_over);
	emit_int(request, (int64_t)c->handover_full);
	emit_int(request, (int64_t)c->tx_datagrams);
	emit_int(request, (int64_t)c->tx_errors);
	emit_int(request, (int64_t)c->retransmissions);
	emit_int(request, (int64_t)c->timeouts);
	emit_int(request, (int64_t)c->pauses);
	emit_row_end(request);
}

enum step show_sip_statistics(struct request *request)
{
	struct walk_workers *walk = walk_state(request);

	if (!walk)
		return request_no_memory(request);
	if (!walk->started) {
		EMIT_TABLE(request, statistics_columns);
		walk->started = true;
	} else {
		if (walk->reply)
			emit_statistics(request, walk->worker, walk->reply);
		walk->worker++;
	}
	if (walk->worker >= request->ctl->context.worker_count)
		return STEP_DONE;
	return walk_ask(request, walk, ask_counters, 0, 0, 0);
}

enum step sum_workers(struct request *request, struct worker_total **out)
{
	struct walk_workers *walk = walk_state(request);
	struct worker_total *total;

	if (walk && !walk->more)
		walk->more = calloc(1, sizeof(*total));
	if (!walk || !walk->more)
		return request_no_memory(request);
	total = walk->more;
	if (walk->started) {
		const struct ask *reply = walk->reply;

		if (reply) {
			total->calls += reply->calls;
			total->sip.rx_datagrams += reply->counters.rx_datagrams;
			total->sip.rx_ignored += reply->counters.rx_ignored;
			total->sip.rx_rejected += reply->counters.rx_rejected;
			total->sip.rx_handed_over += reply->counters.rx_handed_over;
			total->sip.handover_full += reply->counters.handover_full;
			total->sip.tx_datagrams += reply->counters.tx_datagrams;
			total->sip.tx_errors += reply->counters.tx_errors;
			total->sip.retransmissions += reply->counters.retransmissions;
			total->sip.timeouts += reply->counters.timeouts;
			total->sip.pauses += reply->counters.pauses;
			total->sip.refused_recorded += reply->counters.refused_recorded;
			total->sip.refused_left_out += reply->counters.refused_left_out;
		}
		walk->worker++;
	}
	walk->started = true;
	if (walk->worker < request->ctl->context.worker_count)
		return walk_ask(request, walk, ask_counters, 0, 0, 0);
	*out = total;
	return STEP_DONE;
}

static size_t registration_count(const struct request *request)
{
	return request->ctl->context.location ? location_count(request->ctl->context.location) : 0;
}

static const struct member status_members[] = {
	{"hostname", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"version", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"uptime_s", CELL_INT, MEMBER_ALWAYS, NULL},
	{"generation", CELL_INT, MEMBER_ALWAYS, NULL},
	{"calls", CELL_INT, MEMBER_ALWAYS, NULL},
	{"registrations", CELL_INT, MEMBER_ALWAYS, NULL},
	{"nat_devices", CELL_INT, MEMBER_ALWAYS, NULL},
	{"phones", CELL_INT, MEMBER_ALWAYS, NULL},
	{"gateways_enabled", CELL_INT, MEMBER_ALWAYS, NULL},
	{"gateways_draining", CELL_INT, MEMBER_ALWAYS, NULL},
	{"gateways_disabled", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_pairs_used", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_pairs_total", CELL_INT, MEMBER_ALWAYS, NULL},
	{"signalling_threads", CELL_INT, MEMBER_ALWAYS, NULL},
	{"sessions", CELL_INT, MEMBER_ALWAYS, NULL},
	{"alarms", CELL_INT, MEMBER_ALWAYS, NULL},
	{"alarms_unacknowledged", CELL_INT, MEMBER_ALWAYS, NULL},
	{"alarm_level", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_status = SCHEMA_OF_ITEM(status_members);

/* How many, and how serious the worst of them is. */
static void add_alarms(struct request *request)
{
	struct alarm_counts counts = {0};

	if (request->ctl->context.alarms)
		alarms_count(request->ctl->context.alarms, &counts);
	item_int(request, NULL, "alarms", (int64_t)counts.active);
	item_int(request, NULL, "alarms_unacknowledged", (int64_t)counts.unacknowledged);
	item_str(request, NULL, "alarm_level",
		 counts.active ? alarm_level_word(counts.highest) : NULL);
}

static void count_gateways(const struct conf *conf, enum object_kind kind,
			   int64_t counts[LIVE_DISABLED + 1])
{
	size_t count = snapshot_object_count(conf->snapshot, kind);

	for (size_t i = 0; i < count; i++) {
		const char *name = object_key(snapshot_object_at(conf->snapshot, kind, i));

		counts[gateway_admin(gateway_live(conf, kind, name))]++;
	}
}

/* By what operators have said of them. */
static void item_gateways(struct request *request)
{
	int64_t counts[LIVE_DISABLED + 1] = {0};

	count_gateways(request->ctl->conf, OBJECT_MAPPING_GATEWAY, counts);
	count_gateways(request->ctl->conf, OBJECT_ROUTING_GATEWAY, counts);
	item_int(request, NULL, "gateways_enabled", counts[LIVE_ENABLED]);
	item_int(request, NULL, "gateways_draining", counts[LIVE_DRAINING]);
	item_int(request, NULL, "gateways_disabled", counts[LIVE_DISABLED]);
}

enum step show_status(struct request *request)
{
	const struct ctl_context *context = &request->ctl->context;
	struct media_status media = {0};
	struct worker_total *total;
	enum step step = sum_workers(request, &total);

	if (step != STEP_DONE || request->has_fault)
		return step;
	if (context->media)
		media_status(context->media, &media);
	item_begin(request);
	item_str(request, NULL, "hostname", request->ctl->conf->hostname);
	item_str(request, NULL, "version", context->version);
	item_int(request, NULL, "uptime_s", uptime_s(request));
	item_int(request, NULL, "generation",
		 (int64_t)snapshot_generation(request_running(request)));
	item_int(request, NULL, "calls", (int64_t)total->calls);
	item_int(request, NULL, "registrations", (int64_t)registration_count(request));
	item_int(request, NULL, "nat_devices",
		 context->location ? (int64_t)location_nat_count(context->location) : 0);
	item_int(request, NULL, "phones",
		 (int64_t)snapshot_object_count(request_running(request), OBJECT_PHONE));
	item_gateways(request);
	item_int(request, NULL, "media_pairs_used", (int64_t)media.pairs_used);
	item_int(request, NULL, "media_pairs_total", (int64_t)media.pairs_total);
	item_int(request, NULL, "signalling_threads", context->worker_count);
	item_int(request, NULL, "sessions", request->ctl->session_count);
	add_alarms(request);
	item_end(request);
	return STEP_DONE;
}

enum step cmd_shutdown(struct request *request)
{
	const char *grace = request_arg(request, "grace");
	int grace_s = grace ? atoi(grace) : SHUTDOWN_GRACE_S;

	if (!request->yes)
		return request_ask(request, "shutdown stops switchd for everybody");
	if (!request->ctl->context.shutdown)
		return request_refuse(request, FAULT_STATE, 0,
				      "this switchd cannot be stopped here");
	emit_say(request, "switchd is stopping, within %d s", grace_s);
	request->is_closing = true;
	request->ctl->context.shutdown(request->ctl->context.user, grace_s);
	return STEP_DONE;
}
