/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much the switch can take as it is configured, and what sets the limit. */
#include <dirent.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "shared/base/clock.h"
#include "switchd/call/call_table.h"
#include "switchd/ctl/handlers.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"

/* A relayed call has a pair of ports on each side, a pair has a socket for RTP and one for RTCP. */
#define PAIRS_A_CALL       2
#define DESCRIPTORS_A_PAIR 2

static const struct member capacity_members[] = {
	{"call_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{"relayed_call_limit", CELL_INT, MEMBER_ALWAYS, NULL},
	{"relayed_call_limit_by", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"media_ports_low", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_ports_high", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_pairs_used", CELL_INT, MEMBER_ALWAYS, NULL},
	{"media_pairs_total", CELL_INT, MEMBER_ALWAYS, NULL},
	{"descriptors_used", CELL_INT, MEMBER_ALWAYS, NULL},
	{"descriptor_limit", CELL_INT, MEMBER_ALWAYS, NULL},
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

/* Entries of /proc/self/fd but the one of the listing itself; -1 when it cannot be read. */
static int64_t descriptors_used(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	int64_t count = -1;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

struct capacity {
	int64_t descriptors;
	int64_t descriptors_max;
	int64_t calls;
	int64_t relayed_calls;
	const char *relayed_by;
	struct media_status media;
	struct keepalive_status keepalive;
};

static void lower(struct capacity *capacity, int64_t limit, const char *by)
{
	if (limit >= capacity->relayed_calls)
		return;
	capacity->relayed_calls = limit > 0 ? limit : 0;
	capacity->relayed_by = by;
}

static void reckon(const struct request *request, struct capacity *out)
{
	const struct ctl_context *context = &request->ctl->context;
	struct rlimit limit = {0};
	int64_t others;

	if (context->media)
		media_status(context->media, &out->media);
	if (context->keepalive)
		keepalive_status(context->keepalive, request_running(request), clock_mono_us(),
				 &out->keepalive);
	out->descriptors = descriptors_used();
	out->descriptors_max = -1;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		out->descriptors_max = (int64_t)limit.rlim_cur;
	out->calls = (int64_t)CALL_TABLE_MAX * context->worker_count;
	out->relayed_calls = out->calls;
	out->relayed_by = "calls";
	lower(out, (int64_t)out->media.pairs_total / PAIRS_A_CALL, "ports");
	if (out->descriptors_max < 0 || out->descriptors < 0)
		return;
	others = out->descriptors - (int64_t)out->media.pairs_used * DESCRIPTORS_A_PAIR;
	lower(out, (out->descriptors_max - others) / (PAIRS_A_CALL * DESCRIPTORS_A_PAIR),
	      "descriptors");
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

enum step show_capacity(struct request *request)
{
	struct location *location = request->ctl->context.location;
	struct capacity capacity = {0};

	reckon(request, &capacity);
	item_begin(request);
	item_int(request, NULL, "call_limit", capacity.calls);
	item_int(request, NULL, "relayed_call_limit", capacity.relayed_calls);
	item_str(request, NULL, "relayed_call_limit_by", capacity.relayed_by);
	item_int(request, NULL, "media_ports_low", capacity.media.ports_low);
	item_int(request, NULL, "media_ports_high", capacity.media.ports_high);
	item_int(request, NULL, "media_pairs_used", (int64_t)capacity.media.pairs_used);
	item_int(request, NULL, "media_pairs_total", (int64_t)capacity.media.pairs_total);
	item_known(request, "descriptors_used", capacity.descriptors);
	item_known(request, "descriptor_limit", capacity.descriptors_max);
	item_int(request, NULL, "registrations", location ? (int64_t)location_count(location) : 0);
	item_int(request, NULL, "contact_limit", LOCATION_CONTACTS_MAX);
	item_int(request, NULL, "nat_devices",
		 location ? (int64_t)location_nat_count(location) : 0);
	item_int(request, NULL, "nat_device_limit", (int64_t)capacity.keepalive.capacity);
	item_gateways(request);
	item_known(request, "state_free_bytes", free_bytes(request->ctl->context.state_dir));
	item_int(request, NULL, "sessions", request->ctl->session_count);
	item_int(request, NULL, "session_limit", CTL_SESSIONS_MAX);
	item_end(request);
	return STEP_DONE;
}
