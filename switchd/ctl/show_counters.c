/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters of all modules. They only rise; to clear them is to remember what they were, and to
 * subtract that from then on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "shared/base/clock.h"
#include "switchd/ctl/counters.h"
#include "switchd/ctl/gateway.h"
#include "switchd/ctl/handlers.h"
#include "switchd/ctl/monitor_counters.h"
#include "switchd/ctl/show_guard.h"
#include "switchd/ctl/totals.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"

#define NAME_BYTES 160 /* group, kind and name of a gateway, counter */

/* What a counter was when it was cleared. */
struct counter_base {
	UT_hash_handle hh;
	uint64_t value;
	char name[NAME_BYTES]; /* "sip rx_datagrams" */
};

static const struct column counters_columns[] = {
	{"group", CELL_TEXT, "", "GROUP", 14},     {"subject", CELL_TEXT, "", "SUBJECT", -24},
	{"counter", CELL_TEXT, "", "COUNTER", 24}, {"value", CELL_INT, "", "VALUE", 12},
	{"is_gauge", CELL_BOOL, "", "NOW", -3},    {"since_time", CELL_TIME, "", "SINCE", -20},
};

const struct schema schema_counters = SCHEMA_OF_ROWS(counters_columns);

static const char *const groups[COUNTER_GROUPS] = {
	[COUNTERS_SIP] = "sip",
	[COUNTERS_CALL] = "call",
	[COUNTERS_REGISTRATION] = "registration",
	[COUNTERS_MEDIA] = "media",
	[COUNTERS_NAT_KEEP_ALIVE] = "nat-keep-alive",
	[COUNTERS_GUARD] = "guard",
	[COUNTERS_AUTHENTICATION] = "authentication",
	[COUNTERS_FIREWALL] = "firewall",
	[COUNTERS_GATEWAY] = "gateway",
};

void counters_free(struct counter_bases *bases)
{
	struct counter_base *base;
	struct counter_base *next;

	HASH_ITER (hh, bases->table, base, next) {
		HASH_DEL(bases->table, base);
		free(base);
	}
}

static bool is_wanted(const struct request *request, enum counter_group group)
{
	for (int i = 0; i < COUNTER_GROUPS; i++)
		if (request_has(request, groups[i]))
			return i == (int)group;
	return true;
}

/* Either prints them or remembers them. */
struct reader {
	struct request *request;
	struct counter_bases *bases;
	bool is_clearing;
	bool no_memory;
	int64_t started_ms;
};

static void name_of(enum counter_group group, const char *subject, const char *counter,
		    char out[NAME_BYTES])
{
	snprintf(out, NAME_BYTES, "%s %s %s", groups[group], subject ? subject : "", counter);
}

static void remember(struct reader *reader, const char *name, uint64_t value)
{
	struct counter_base *base;

	HASH_FIND_STR(reader->bases->table, name, base);
	if (!base) {
		base = calloc(1, sizeof(*base));
		if (!base) {
			reader->no_memory = true;
			return;
		}
		snprintf(base->name, sizeof(base->name), "%s", name);
		HASH_ADD_STR(reader->bases->table, name, base);
	}
	base->value = value;
}

static uint64_t base_of(const struct reader *reader, const char *name, uint64_t value)
{
	struct counter_base *base;

	HASH_FIND_STR(reader->bases->table, name, base);
	/* A gateway that was deleted and made again counts from zero. */
	return base && base->value <= value ? base->value : 0;
}

static void emit(struct reader *reader, enum counter_group group, const char *subject,
		 const char *counter, uint64_t value, bool is_gauge)
{
	struct request *request = reader->request;
	int64_t cleared_ms = reader->bases->cleared_ms[group];

	if (request->match.command == COMMAND_MONITOR_COUNTERS) {
		monitor_counter(request, groups[group], subject, counter, value);
		return;
	}
	emit_str(request, groups[group]);
	emit_str(request, subject);
	emit_str(request, counter);
	emit_int(request, (int64_t)value);
	emit_bool(request, is_gauge);
	if (is_gauge)
		emit_null(request);
	else
		emit_time(request, cleared_ms ? cleared_ms : reader->started_ms);
	emit_row_end(request);
}

static void counter(struct reader *reader, enum counter_group group, const char *subject,
		    const char *name, uint64_t value)
{
	char full[NAME_BYTES];

	name_of(group, subject, name, full);
	if (reader->is_clearing)
		remember(reader, full, value);
	else
		emit(reader, group, subject, name, value - base_of(reader, full, value), false);
}

/* A figure of the moment: nothing to clear. */
static void gauge(struct reader *reader, enum counter_group group, const char *subject,
		  const char *name, uint64_t value)
{
	if (!reader->is_clearing)
		emit(reader, group, subject, name, value, true);
}

static void read_sip(struct reader *reader, const struct worker_total *total)
{
	const struct sip_counters *c = &total->sip;

	counter(reader, COUNTERS_SIP, NULL, "rx_datagrams", c->rx_datagrams);
	counter(reader, COUNTERS_SIP, NULL, "rx_ignored", c->rx_ignored);
	counter(reader, COUNTERS_SIP, NULL, "rx_rejected", c->rx_rejected);
	counter(reader, COUNTERS_SIP, NULL, "rx_handed_over", c->rx_handed_over);
	counter(reader, COUNTERS_SIP, NULL, "handover_full", c->handover_full);
	counter(reader, COUNTERS_SIP, NULL, "tx_datagrams", c->tx_datagrams);
	counter(reader, COUNTERS_SIP, NULL, "tx_errors", c->tx_errors);
	counter(reader, COUNTERS_SIP, NULL, "retransmissions", c->retransmissions);
	counter(reader, COUNTERS_SIP, NULL, "timeouts", c->timeouts);
	counter(reader, COUNTERS_SIP, NULL, "pauses", c->pauses);
	counter(reader, COUNTERS_SIP, NULL, "refused_recorded", c->refused_recorded);
	counter(reader, COUNTERS_SIP, NULL, "refused_left_out", c->refused_left_out);
}

static void read_media(struct reader *reader)
{
	struct media_status media = {0};

	if (!reader->request->ctl->context.media)
		return;
	media_status(reader->request->ctl->context.media, &media);
	counter(reader, COUNTERS_MEDIA, NULL, "packets", media.packets);
	counter(reader, COUNTERS_MEDIA, NULL, "dropped", media.dropped);
	gauge(reader, COUNTERS_MEDIA, NULL, "pairs_used", media.pairs_used);
	counter(reader, COUNTERS_MEDIA, NULL, "bind_failures", media.bind_failures);
}

static void read_keepalive(struct reader *reader)
{
	struct request *request = reader->request;
	struct keepalive_status status = {0};

	if (!request->ctl->context.keepalive)
		return;
	keepalive_status(request->ctl->context.keepalive, request_running(request), clock_mono_us(),
			 &status);
	counter(reader, COUNTERS_NAT_KEEP_ALIVE, NULL, "sent", status.sent_total);
	counter(reader, COUNTERS_NAT_KEEP_ALIVE, NULL, "missed", status.missed_total);
}

static struct reader reader_of(struct request *request)
{
	return (struct reader){
		.request = request,
		.bases = &request->ctl->counters,
		.is_clearing = request->match.command == COMMAND_CLEAR_COUNTERS,
		.started_ms = request->ctl->context.started_ms,
	};
}

/* How full a table is at the moment. */
static bool is_level(const char *name)
{
	static const char *const levels[] = {"sources", "suspended", "failing", "elements"};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(name, levels[i]) == 0)
			return true;
	return false;
}

static void take_guard_counter(struct request *request, const char *group, const char *name,
			       uint64_t value)
{
	struct reader reader = reader_of(request);

	for (enum counter_group at = COUNTERS_GUARD; at <= COUNTERS_FIREWALL; at++) {
		if (strcmp(groups[at], group) != 0 || !is_wanted(request, at))
			continue;
		if (is_level(name))
			gauge(&reader, at, NULL, name, value);
		else
			counter(&reader, at, NULL, name, value);
	}
}

static void read_gateways(struct reader *reader, enum object_kind kind)
{
	const struct conf *conf = reader->request->ctl->conf;
	size_t count = snapshot_object_count(conf->snapshot, kind);

	for (size_t i = 0; i < count; i++) {
		const char *name = object_key(snapshot_object_at(conf->snapshot, kind, i));
		const struct live *live = gateway_live(conf, kind, name);
		char subject[NAME_BYTES / 2 + 16];

		if (!live)
			continue;
		snprintf(subject, sizeof(subject), "%s %s", object_type(kind)->keyword, name);
		counter(reader, COUNTERS_GATEWAY, subject, "attempts",
			atomic_load_explicit(&live->attempts, memory_order_relaxed));
		counter(reader, COUNTERS_GATEWAY, subject, "rang",
			atomic_load_explicit(&live->rang, memory_order_relaxed));
		counter(reader, COUNTERS_GATEWAY, subject, "answered",
			atomic_load_explicit(&live->answered, memory_order_relaxed));
		counter(reader, COUNTERS_GATEWAY, subject, "talk_ms",
			atomic_load_explicit(&live->talk_ms, memory_order_relaxed));
		gauge(reader, COUNTERS_GATEWAY, subject, "calls",
		      atomic_load_explicit(&live->calls, memory_order_relaxed));
	}
}

static void read_group(struct reader *reader, enum counter_group group,
		       const struct worker_total *total)
{
	struct location *location = reader->request->ctl->context.location;

	switch (group) {
	case COUNTERS_SIP:
		read_sip(reader, total);
		break;
	case COUNTERS_CALL:
		gauge(reader, group, NULL, "active", total->calls);
		break;
	case COUNTERS_REGISTRATION:
		gauge(reader, group, NULL, "bindings", location ? location_count(location) : 0);
		if (location)
			gauge(reader, group, NULL, "memory_bytes", location_memory(location));
		break;
	case COUNTERS_MEDIA:
		read_media(reader);
		break;
	case COUNTERS_NAT_KEEP_ALIVE:
		read_keepalive(reader);
		break;
	case COUNTERS_GUARD: /* the next two with it */
		guard_counters(reader->request, take_guard_counter);
		break;
	case COUNTERS_AUTHENTICATION:
	case COUNTERS_FIREWALL:
		break;
	case COUNTERS_GATEWAY:
		read_gateways(reader, OBJECT_MAPPING_GATEWAY);
		read_gateways(reader, OBJECT_ROUTING_GATEWAY);
		break;
	case COUNTER_GROUPS:
		break;
	}
}

void read_counters(struct request *request, const struct worker_total *total)
{
	struct reader reader = reader_of(request);

	for (enum counter_group group = 0; group < COUNTER_GROUPS; group++)
		if (is_wanted(request, group) || group == COUNTERS_GUARD)
			read_group(&reader, group, total);
}

enum step show_counters(struct request *request)
{
	struct worker_total *total;
	enum step step = sum_workers(request, &total);

	if (step != STEP_DONE || request->has_fault)
		return step;
	EMIT_TABLE(request, counters_columns);
	read_counters(request, total);
	return STEP_DONE;
}

enum step cmd_clear_counters(struct request *request)
{
	struct reader reader = reader_of(request);
	struct worker_total *total;
	enum step step = sum_workers(request, &total);

	if (step != STEP_DONE || request->has_fault)
		return step;
	for (enum counter_group group = 0; group < COUNTER_GROUPS; group++) {
		if (is_wanted(request, group) || group == COUNTERS_GUARD)
			read_group(&reader, group, total);
		if (is_wanted(request, group))
			request->ctl->counters.cleared_ms[group] = clock_wall_ms();
	}
	if (reader.no_memory)
		return request_no_memory(request);
	emit_say(request, "counters begin at zero again");
	return STEP_DONE;
}
