/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/stats/machine.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void read_cpu(struct machine *out)
{
	FILE *file = fopen("/proc/stat", "re");
	uint64_t ticks[8] = {0}; /* user nice system idle iowait irq softirq steal */

	if (!file)
		return;
	if (fscanf(file,
		   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64,
		   &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6],
		   &ticks[7]) == 8) {
		for (int i = 0; i < 8; i++)
			out->cpu_all += ticks[i];
		out->cpu_busy = out->cpu_all - ticks[3] - ticks[4];
		out->softirq_us = ticks[6] * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	}
	fclose(file);
}

uint64_t machine_softirq_us(void)
{
	struct machine machine = {0};

	read_cpu(&machine);
	return machine.softirq_us;
}

static void read_memory(struct machine *out)
{
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t total = 0;
	uint64_t available = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemTotal: %" SCNu64, &total) == 1)
			continue;
		if (sscanf(line, "MemAvailable: %" SCNu64, &available) == 1)
			break;
	}
	if (file)
		fclose(file);
	out->memory_percent = total ? (int)((total - available) * 100 / total) : -1;
}

static void read_disk(const char *folder, struct machine *out)
{
	struct statvfs disk;
	uint64_t used;

	out->disk_percent = -1;
	if (!folder || statvfs(folder, &disk) != 0 || !disk.f_blocks)
		return;
	used = disk.f_blocks - disk.f_bfree;
	if (used + disk.f_bavail)
		out->disk_percent = (int)(used * 100 / (used + disk.f_bavail));
}

static void read_network(struct machine *out)
{
	FILE *file = fopen("/proc/net/dev", "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		uint64_t in[2];
		uint64_t sent[2];
		char *colon = strchr(line, ':');
		char name[32];

		if (!colon || sscanf(line, " %31[^:]", name) != 1 || strcmp(name, "lo") == 0)
			continue;
		if (sscanf(colon + 1,
			   "%" SCNu64 " %" SCNu64 " %*u %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
			   &in[0], &in[1], &sent[0], &sent[1]) != 4)
			continue;
		out->bytes_in += in[0];
		out->packets_in += in[1];
		out->bytes_out += sent[0];
		out->packets_out += sent[1];
	}
	if (file)
		fclose(file);
}

void machine_read(const char *folder, struct machine *out)
{
	memset(out, 0, sizeof(*out));
	read_cpu(out);
	read_memory(out);
	read_disk(folder, out);
	read_network(out);
}
