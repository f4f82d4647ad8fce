/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much the switch can take as it is configured, and what sets the limit. */
#include <sys/statvfs.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/call/call_table.h"
#include "switchd/ctl/call_limit.h"
#include "switchd/ctl/capacity.h"
#include "switchd/ctl/handlers.h"
#include "switchd/media/descriptors.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"

/* calls: relayed ones in all that the resource allows, those that are up among them. */
static const struct member limit_members[] = {
	{"limit", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"calls", CELL_INT, MEMBER_ALWAYS, NULL},
	{"calls_left", CELL_INT, MEMBER_ALWAYS, NULL},
	{0},
};

static const struct member capacity_members[] = {
	{"call_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{"relayed_calls", CELL_INT, MEMBER_ALWAYS, NULL},
	{"relayed_call_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{"relayed_call_limit_by", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"limits", CELL_TEXT, MEMBER_LIST, limit_members},
	{"relayed_calls_trend", CELL_INT, MEMBER_ALWAYS, NULL},
	{"limit_reached_s", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_ports_low", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_ports_high", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_port_layout", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"media_pairs_used", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_pairs_total", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_pairs_skipped", CELL_INT, MEMBER_ALWAYS, NULL},
	{"ephemeral_pairs", CELL_INT, MEMBER_ALWAYS, NULL},
	{"descriptors_used", CELL_INT, MEMBER_ALWAYS, NULL},
	{"descriptor_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{"descriptor_hard_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{"memory_available_bytes", CELL_INT, MEMBER_ALWAYS, NULL},
	{"memory_call_bytes", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_path", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"packet_rate", CELL_INT, MEMBER_ALWAYS, NULL},
	{"packet_rate_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{"registrations", CELL_INT, MEMBER_ALWAYS, NULL},
	{"contact_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{"nat_devices", CELL_INT, MEMBER_ALWAYS, NULL},
	{"nat_device_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{"gateway_calls", CELL_INT, MEMBER_ALWAYS, NULL},
	{"gateway_call_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{"state_free_bytes", CELL_INT, MEMBER_ALWAYS, NULL},
	{"sessions", CELL_INT, MEMBER_ALWAYS, NULL},
	{"session_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_capacity = SCHEMA_OF_ITEM(capacity_members);

struct figures {
	struct media_status media;
	struct descriptors descriptors;
	struct keepalive_status keepalive;
	struct capacity_input input;
	struct capacity capacity;
};

/* Threads that relay, as far as there are cores for them; the kernel takes any core. */
static int64_t cores_of(const struct media_status *media, bool is_by_kernel)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online > 0 && (is_by_kernel || online < (long)media->threads) ? online
									     : media->threads;
}

static void reckon(const struct request *request, struct figures *out)
{
	const struct ctl_context *context = &request->ctl->context;
	const struct media_watch *watch = &request->ctl->media_watch;
	int64_t layout = snapshot_number(request_running(request), PARAM_SS_RTP_PORT_LAYOUT);

	if (context->media)
		media_status(context->media, &out->media);
	if (context->keepalive)
		keepalive_status(context->keepalive, request_running(request), clock_mono_us(),
				 &out->keepalive);
	descriptors_read(&out->descriptors);
	out->input = (struct capacity_input){
		.calls_max = (int64_t)CALL_TABLE_MAX * context->worker_count,
		.relayed_now = (int64_t)out->media.sessions,
		.pairs_total = (int64_t)(out->media.pairs_total - out->media.pairs_taken),
		.pairs_used = (int64_t)out->media.pairs_used,
		.pairs_a_call = layout == WORD_PORT_LAYOUT_PAIRED ? 2 : 1,
		.descriptors_used = out->descriptors.used,
		.descriptors_max = out->descriptors.limit,
		.memory_available = capacity_memory(),
		.packets_s = (int64_t)watch->packets_s,
		.packets_core = (int64_t)(watch->is_by_kernel ? watch->kernel.packets_core
							      : watch->packets_core),
		.cores = cores_of(&out->media, watch->is_by_kernel),
	};
	capacity_reckon(&out->input, &out->capacity);
}

int64_t call_limit_now(const struct request *request)
{
	struct figures figures = {0};

	reckon(request, &figures);
	return figures.capacity.calls[figures.capacity.first];
}

static void item_known(struct request *request, const char *name, int64_t number)
{
	if (number < 0)
		item_str(request, NULL, name, NULL);
	else
		item_int(request, NULL, name, number);
}

/* Calls out through routing gateways, and how many there may be; not known when one of the gateways
 * has no limit. */
static void item_gateways(struct request *request)
{
	const struct conf *conf = request->ctl->conf;
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_ROUTING_GATEWAY);
	int64_t calls = 0;
	int64_t limit = 0;

	for (size_t i = 0; i < count; i++) {
		const struct object *object =
			snapshot_object_at(conf->snapshot, OBJECT_ROUTING_GATEWAY, i);
		const struct conf_routing_gateway *gateway =
			conf_routing_gateway_find(conf, span_of(object_key(object)));

		if (!gateway)
			continue;
		calls += atomic_load_explicit(&gateway->live->calls, memory_order_relaxed);
		if (!gateway->capacity)
			limit = -1;
		else if (limit >= 0)
			limit += gateway->capacity;
	}
	item_int(request, NULL, "gateway_calls", calls);
	item_known(request, "gateway_call_limit", limit);
}

/* Of the file system that the folder is in; -1: not known. */
static int64_t free_bytes(const char *folder)
{
	struct statvfs fs;

	if (!folder || statvfs(folder, &fs) != 0)
		return -1;
	return (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize);
}

static void item_limits(struct request *request, const struct figures *figures)
{
	json_t *list = item_list(request, NULL, "limits");

	for (int i = 0; i < CAPACITY_LIMITS; i++) {
		int64_t calls = figures->capacity.calls[i];
		json_t *item = item_child(list);

		item_str(request, item, "limit", capacity_limit_name((enum capacity_limit)i));
		if (calls < 0) {
			item_str(request, item, "calls", NULL);
			item_str(request, item, "calls_left", NULL);
			continue;
		}
		item_int(request, item, "calls", calls);
		item_int(request, item, "calls_left",
			 calls > figures->input.relayed_now ? calls - figures->input.relayed_now
							    : 0);
	}
}

static void item_trend(struct request *request, const struct figures *figures, int64_t limit)
{
	const struct capacity_trend *trend = &request->ctl->media_watch.trend;
	int64_t calls_h;

	if (capacity_trend_slope(trend, &calls_h))
		item_int(request, NULL, "relayed_calls_trend", calls_h);
	else
		item_str(request, NULL, "relayed_calls_trend", NULL);
	item_known(request, "limit_reached_s",
		   capacity_trend_reaches(trend, figures->input.relayed_now, limit));
}

/* Pairs of the range that the kernel may give to others for connections of theirs. */
static int64_t ephemeral_pairs(const struct media_status *media)
{
	uint16_t low;
	uint16_t high;

	if (!capacity_ephemeral(&low, &high))
		return -1;
	if (low < media->ports_low)
		low = (uint16_t)media->ports_low;
	if (high > media->ports_high)
		high = (uint16_t)media->ports_high;
	return low <= high ? high / 2 - low / 2 + 1 : 0;
}

/* The best way that a packet may take here. */
static const char *media_path(struct media *media)
{
	struct media_fast_status fast;
	struct media_steering steering;

	if (!media)
		return "none";
	media_fast_path(media, &fast);
	media_steering(media, &steering);
	return fast.is_on ? "kernel" : steering.is_on ? "steered" : "sockets";
}

static void item_media(struct request *request, const struct figures *figures)
{
	const struct media_status *media = &figures->media;
	const struct capacity_input *input = &figures->input;

	item_int(request, NULL, "media_ports_low", media->ports_low);
	item_int(request, NULL, "media_ports_high", media->ports_high);
	item_str(request, NULL, "media_port_layout",
		 input->pairs_a_call == 2 ? "paired" : "compact");
	item_int(request, NULL, "media_pairs_used", (int64_t)media->pairs_used);
	item_int(request, NULL, "media_pairs_total", (int64_t)media->pairs_total);
	item_int(request, NULL, "media_pairs_skipped", (int64_t)media->bind_failures);
	item_known(request, "ephemeral_pairs", ephemeral_pairs(media));
	item_known(request, "descriptors_used", figures->descriptors.used);
	item_known(request, "descriptor_limit", figures->descriptors.limit);
	item_known(request, "descriptor_hard_limit", figures->descriptors.hard_limit);
	item_known(request, "memory_available_bytes", input->memory_available);
	item_int(request, NULL, "memory_call_bytes", CAPACITY_CALL_BYTES);
	item_str(request, NULL, "media_path", media_path(request->ctl->context.media));
	item_int(request, NULL, "packet_rate", input->packets_s);
	item_known(request, "packet_rate_limit",
		   input->packets_core ? input->packets_core * input->cores : -1);
}

enum step show_capacity(struct request *request)
{
	struct location *location = request->ctl->context.location;
	struct figures figures = {0};
	int64_t limit;

	reckon(request, &figures);
	limit = figures.capacity.calls[figures.capacity.first];
	item_begin(request);
	item_int(request, NULL, "call_limit", figures.input.calls_max);
	item_int(request, NULL, "relayed_calls", figures.input.relayed_now);
	item_int(request, NULL, "relayed_call_limit", limit);
	item_str(request, NULL, "relayed_call_limit_by",
		 capacity_limit_name(figures.capacity.first));
	item_limits(request, &figures);
	item_trend(request, &figures, limit);
	item_media(request, &figures);
	item_int(request, NULL, "registrations", location ? (int64_t)location_count(location) : 0);
	item_int(request, NULL, "contact_limit", LOCATION_CONTACTS_MAX);
	item_int(request, NULL, "nat_devices",
		 location ? (int64_t)location_nat_count(location) : 0);
	item_int(request, NULL, "nat_device_limit", (int64_t)figures.keepalive.capacity);
	item_gateways(request);
	item_known(request, "state_free_bytes", free_bytes(request->ctl->context.state_dir));
	item_int(request, NULL, "sessions", request->ctl->session_count);
	item_int(request, NULL, "session_limit", CTL_SESSIONS_MAX);
	item_end(request);
	return STEP_DONE;
}
