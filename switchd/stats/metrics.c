/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/stats/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/call/call.h"
#include "switchd/cdr/writer.h"
#include "switchd/conf/conf.h"
#include "switchd/fraud/fraud.h"
#include "switchd/media/media.h"
#include "switchd/sip/location.h"
#include "switchd/sip/worker.h"

struct printing {
	const struct metrics_sources *sources;
	const struct conf *conf;
	bool is_open;
	struct buf *out;
};

static void family(const struct printing *printing, const char *name, bool is_counter,
		   const char *help)
{
	const char *suffix = is_counter && !printing->is_open ? "_total" : "";

	buf_printf(printing->out, "# HELP switchd_%s%s %s\n# TYPE switchd_%s%s %s\n", name, suffix,
		   help, name, suffix, is_counter ? "counter" : "gauge");
}

static void gauge(const struct printing *printing, const char *name, const char *help,
		  uint64_t value)
{
	family(printing, name, false, help);
	buf_printf(printing->out, "switchd_%s %" PRIu64 "\n", name, value);
}

static void counter(const struct printing *printing, const char *name, const char *help,
		    uint64_t value)
{
	family(printing, name, true, help);
	buf_printf(printing->out, "switchd_%s_total %" PRIu64 "\n", name, value);
}

/* Names have neither quotes nor backslashes (check_name), but what came from a record may. */
static void add_label(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *text == '\n' ? ' ' : *text);
	}
}

static void add_subject(struct buf *out, const char *name, enum stats_scope scope,
			const char *gateway)
{
	buf_printf(out, "switchd_%s{scope=\"%s\",gateway=\"", name, stats_scope_word(scope));
	add_label(out, gateway);
	buf_add_char(out, '"');
}

/* --- Traffic. --- */

struct sum_row {
	const char *name;
	const char *help;
	size_t offset; /* in struct stats_sum */
	bool is_ms;    /* printed as seconds */
};

static const struct sum_row sum_rows[] = {
	{"attempts", "Call attempts that have ended.", offsetof(struct stats_sum, attempts), false},
	{"answered", "Of these, answered.", offsetof(struct stats_sum, answered), false},
	{"rang", "Of these, rang or were answered.", offsetof(struct stats_sum, rang), false},
	{"effective", "Of these, effective (ITU-T E.425).", offsetof(struct stats_sum, effective),
	 false},
	{"abandoned", "Of these, given up by the caller.", offsetof(struct stats_sum, abandoned),
	 false},
	{"talk_seconds", "Talk time.", offsetof(struct stats_sum, talk_ms), true},
	{"pdd_seconds", "Post-dial delay, summed up.", offsetof(struct stats_sum, pdd_ms), true},
	{"pdd_attempts", "Attempts that the post-dial delay is the sum of.",
	 offsetof(struct stats_sum, pdd_count), false},
	{"mos_hundredths", "Estimated MOS of relayed media in hundredths, summed up.",
	 offsetof(struct stats_sum, mos_centi), false},
	{"mos_streams", "Streams that the estimate is the sum of.",
	 offsetof(struct stats_sum, mos_count), false},
	{"stream_packets", "Packets of relayed media that came, of calls that have ended.",
	 offsetof(struct stats_sum, packets), false},
	{"stream_packets_lost", "And that never came.", offsetof(struct stats_sum, lost), false},
};

struct row_walk {
	const struct printing *printing;
	const struct sum_row *row;
};

static void print_sum(void *context, const struct stats_view *view)
{
	const struct row_walk *walk = context;
	const char *sums = (const char *)&view->total->sum;
	uint64_t value = *(const uint64_t *)(const void *)(sums + walk->row->offset);
	struct buf *out = walk->printing->out;
	char name[64];

	snprintf(name, sizeof(name), "%s_total", walk->row->name);
	add_subject(out, name, view->scope, view->name);
	if (walk->row->is_ms)
		buf_printf(out, "} %" PRIu64 ".%03u\n", value / 1000, (unsigned)(value % 1000));
	else
		buf_printf(out, "} %" PRIu64 "\n", value);
}

static void print_causes(void *context, const struct stats_view *view)
{
	const struct printing *printing = context;

	for (size_t i = 0; i < view->total->cause_count; i++) {
		add_subject(printing->out, "failures_total", view->scope, view->name);
		buf_printf(printing->out, ",cause=\"");
		add_label(printing->out, view->total->causes[i].name);
		buf_printf(printing->out, "\"} %" PRIu64 "\n", view->total->causes[i].count);
	}
}

static void print_traffic(struct printing *printing)
{
	for (size_t i = 0; i < sizeof(sum_rows) / sizeof(sum_rows[0]); i++) {
		struct row_walk walk = {printing, &sum_rows[i]};

		family(printing, sum_rows[i].name, true, sum_rows[i].help);
		stats_walk(printing->sources->stats, print_sum, &walk);
	}
	family(printing, "failures", true, "Attempts without answer, by cause.");
	stats_walk(printing->sources->stats, print_causes, printing);
}

/* --- Gateways as they are now. --- */

struct gateway_now {
	const char *name;
	enum stats_scope scope;
	const struct live *live;
	uint32_t capacity;
};

typedef uint64_t gateway_value_fn(const struct gateway_now *gateway);

static uint64_t calls_now(const struct gateway_now *gateway)
{
	return atomic_load_explicit(&gateway->live->calls, memory_order_relaxed);
}

static uint64_t capacity_now(const struct gateway_now *gateway)
{
	return gateway->capacity;
}

static uint64_t rate_now(const struct gateway_now *gateway)
{
	return live_rate(gateway->live, clock_mono_us());
}

static uint64_t is_up(const struct gateway_now *gateway)
{
	return !atomic_load_explicit(&gateway->live->is_offline, memory_order_relaxed) &&
	       atomic_load_explicit(&gateway->live->admin, memory_order_relaxed) == LIVE_ENABLED;
}

static bool gateway_at(const struct conf *conf, enum object_kind type, size_t index,
		       struct gateway_now *out)
{
	struct span name = span_of(object_key(snapshot_object_at(conf->snapshot, type, index)));

	if (type == OBJECT_MAPPING_GATEWAY) {
		const struct conf_mapping_gateway *gateway = conf_mapping_named(conf, name);

		if (gateway)
			*out = (struct gateway_now){gateway->name, STATS_MAPPING, gateway->live,
						    gateway->capacity};
		return gateway && gateway->live;
	}
	const struct conf_routing_gateway *gateway = conf_routing_gateway_find(conf, name);

	if (gateway)
		*out = (struct gateway_now){gateway->name, STATS_ROUTING, gateway->live,
					    gateway->capacity};
	return gateway && gateway->live;
}

static void print_gateways(const struct printing *printing, const char *name, const char *help,
			   gateway_value_fn *value)
{
	static const enum object_kind types[] = {OBJECT_MAPPING_GATEWAY, OBJECT_ROUTING_GATEWAY};
	struct gateway_now gateway;

	family(printing, name, false, help);
	for (size_t type = 0; type < 2; type++) {
		size_t count = snapshot_object_count(printing->conf->snapshot, types[type]);

		for (size_t i = 0; i < count; i++) {
			if (!gateway_at(printing->conf, types[type], i, &gateway))
				continue;
			add_subject(printing->out, name, gateway.scope, gateway.name);
			buf_printf(printing->out, "} %" PRIu64 "\n", value(&gateway));
		}
	}
}

/* --- The rest. --- */

uint64_t metrics_calls(const struct metrics_sources *sources)
{
	uint64_t calls = 0;

	for (int i = 0; i < sources->worker_count; i++)
		calls += call_table_count(sources->workers[i]->calls);
	return calls;
}

uint64_t metrics_calls_begun(const struct metrics_sources *sources)
{
	uint64_t calls = 0;

	for (int i = 0; i < sources->worker_count; i++)
		calls += call_table_begun(sources->workers[i]->calls);
	return calls;
}

static void print_media(const struct printing *printing)
{
	struct media_status media;

	if (!printing->sources->media)
		return;
	media_status(printing->sources->media, &media);
	gauge(printing, "media_sessions", "Relayed calls.", media.sessions);
	gauge(printing, "media_ports_used", "RTP port pairs in use.", media.pairs_used);
	gauge(printing, "media_ports", "RTP port pairs there are.", media.pairs_total);
	counter(printing, "media_packets", "Packets relayed.", media.packets);
	counter(printing, "media_packets_dropped", "Packets dropped.", media.dropped);
}

static void print_records(const struct printing *printing)
{
	struct cdr_status cdr;

	if (!printing->sources->cdr)
		return;
	cdr_writer_status(printing->sources->cdr, &cdr);
	gauge(printing, "cdr_newest", "Number of the newest call record.", cdr.newest);
	gauge(printing, "cdr_pending", "Call records that wait.", cdr.pending);
	gauge(printing, "cdr_pending_limit", "Call records that may wait.", cdr.pending_max);
	gauge(printing, "cdr_failing", "1: call records cannot be stored.", cdr.is_failing);
}

static void print_alarms(const struct printing *printing)
{
	struct alarm_counts counts;

	if (!printing->sources->alarms)
		return;
	alarms_count(printing->sources->alarms, &counts);
	gauge(printing, "alarms", "Active alarms.", counts.active);
	gauge(printing, "alarms_unacknowledged", "Of these, seen by nobody.",
	      counts.unacknowledged);
	gauge(printing, "alarm_level", "Highest active level: 0 none, 1 low to 4 critical.",
	      counts.active ? (uint64_t)counts.highest + 1 : 0);
}

static void print_fraud(const struct printing *printing)
{
	struct fraud_status fraud;

	if (!printing->sources->fraud)
		return;
	fraud_read(printing->sources->fraud, &fraud);
	gauge(printing, "fraud_findings", "Parties and callers over a limit of fraud.",
	      fraud.findings);
	counter(printing, "fraud_found", "Times that one came over a limit.", fraud.found);
	counter(printing, "fraud_calls_lost", "Calls that were not looked at.", fraud.lost);
}

static void print_process(const struct printing *printing)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;
	struct rusage usage;
	uint64_t cpu_us;

	if (file && fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	gauge(printing, "resident_memory_bytes", "Memory in use.",
	      pages * (uint64_t)sysconf(_SC_PAGESIZE));
	getrusage(RUSAGE_SELF, &usage);
	cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
		 (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	family(printing, "cpu_seconds", true, "Processor time.");
	buf_printf(printing->out, "switchd_cpu_seconds_total %" PRIu64 ".%06u\n", cpu_us / 1000000,
		   (unsigned)(cpu_us % 1000000));
	gauge(printing, "start_time_seconds", "Start, since 1970.",
	      (uint64_t)(printing->sources->started_ms / 1000));
}

void metrics_print(const struct metrics_sources *sources, const struct conf *conf, bool is_open,
		   struct buf *out)
{
	struct printing printing = {sources, conf, is_open, out};

	family(&printing, "build_info", false, "Version.");
	buf_printf(out, "switchd_build_info{version=\"%s\"} 1\n", sources->version);
	gauge(&printing, "ready", "1: calls can be taken.", !metrics_unready(sources));
	gauge(&printing, "calls", "Calls in set-up or up.", metrics_calls(sources));
	counter(&printing, "calls_begun", "Calls that have begun.", metrics_calls_begun(sources));
	if (sources->location)
		gauge(&printing, "registrations", "Contacts of phones.",
		      location_count(sources->location));
	print_traffic(&printing);
	print_gateways(&printing, "gateway_calls", "Calls at a gateway.", calls_now);
	print_gateways(&printing, "gateway_capacity", "Most calls at a gateway; 0: no limit.",
		       capacity_now);
	print_gateways(&printing, "gateway_rate", "Calls begun in the running second.", rate_now);
	print_gateways(&printing, "gateway_up", "1: takes calls.", is_up);
	print_media(&printing);
	print_records(&printing);
	print_alarms(&printing);
	print_fraud(&printing);
	print_process(&printing);
	if (is_open)
		buf_printf(out, "# EOF\n");
}

const char *metrics_unready(const struct metrics_sources *sources)
{
	if (sources->cdr && cdr_writer_refuses(sources->cdr))
		return "call records wait, new calls are refused";
	return NULL;
}
