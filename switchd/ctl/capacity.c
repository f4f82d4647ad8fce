/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/capacity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const names[CAPACITY_LIMITS] = {
	[CAPACITY_CALLS] = "calls",
	[CAPACITY_PORTS] = "ports",
	[CAPACITY_DESCRIPTORS] = "descriptors",
	[CAPACITY_MEMORY] = "memory",
	[CAPACITY_PACKETS] = "packets",
};

const char *capacity_limit_name(enum capacity_limit limit)
{
	return names[limit];
}

static int64_t at_least_none(int64_t calls)
{
	return calls > 0 ? calls : 0;
}

/* What others hold is as good as gone: each takes what is left. */
static int64_t by_descriptors(const struct capacity_input *input)
{
	int64_t left = input->descriptors_max - input->descriptors_used;

	if (input->descriptors_max < 0 || input->descriptors_used < 0)
		return -1;
	return input->relayed_now + at_least_none(left / (2 * input->pairs_a_call));
}

static int64_t by_packets(const struct capacity_input *input)
{
	int64_t a_call = CAPACITY_CALL_PACKETS;

	if (!input->packets_core)
		return -1;
	/* Calls may be silent, on hold or ringing; that is measured, too, once there are some. */
	if (input->relayed_now && input->packets_s / input->relayed_now > 0)
		a_call = input->packets_s / input->relayed_now;
	return input->packets_core * input->cores / a_call;
}

void capacity_reckon(const struct capacity_input *input, struct capacity *out)
{
	int64_t ports_left = input->pairs_total - input->pairs_used;

	out->calls[CAPACITY_CALLS] = input->calls_max;
	out->calls[CAPACITY_PORTS] =
		input->relayed_now + at_least_none(ports_left / input->pairs_a_call);
	out->calls[CAPACITY_DESCRIPTORS] = by_descriptors(input);
	out->calls[CAPACITY_MEMORY] =
		input->memory_available < 0
			? -1
			: input->relayed_now + input->memory_available / CAPACITY_CALL_BYTES;
	out->calls[CAPACITY_PACKETS] = by_packets(input);
	out->first = CAPACITY_CALLS;
	for (int i = 0; i < CAPACITY_LIMITS; i++)
		if (out->calls[i] >= 0 && out->calls[i] < out->calls[out->first])
			out->first = (enum capacity_limit)i;
}

/* A number of a file of one line; -1: none, also of "max". */
static int64_t read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int64_t number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%" SCNd64, &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* "0::/system.slice/switchd.service": cgroups(7), version 2. */
static int64_t left_in_group(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[512];
	char path[640];
	int64_t limit = -1;
	int64_t used = -1;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", line + 3);
		limit = read_number(path);
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.current", line + 3);
		used = read_number(path);
	}
	fclose(file);
	return limit < 0 || used < 0 ? -1 : at_least_none(limit - used);
}

int64_t capacity_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	int64_t group = left_in_group();
	int64_t available = -1;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %" SCNd64 " kB", &available) == 1)
			available *= 1024;
	if (file)
		fclose(file);
	return available < 0 || (group >= 0 && group < available) ? group : available;
}

bool capacity_ephemeral(uint16_t *low, uint16_t *high)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	bool is_known;

	if (!file)
		return false;
	is_known = fscanf(file, "%hu %hu", low, high) == 2;
	fclose(file);
	return is_known;
}
