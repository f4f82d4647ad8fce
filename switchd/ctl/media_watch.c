/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/media_watch.h"

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/ctl/ctl_private.h"
#include "switchd/media/descriptors.h"
#include "switchd/media/media.h"
#include "switchd/stats/machine.h"

#define LOOK_US   UINT64_C(1000000)
#define SAMPLE_US (TREND_STEP_S * UINT64_C(1000000))
/* Fewer packets or less processor time than that in a second say little of what one costs. */
#define MEASURE_PACKETS 500
#define MEASURE_CPU_US  2000
/* The kernel's clock has ticks of 10 ms. */
#define MEASURE_SOFTIRQ_US 200000
/* The figure follows a new one by an eighth, so that one odd second does not carry it away. */
#define MEASURE_SHARE 8

#define DESCRIPTORS_SUBJECT "descriptors"

bool media_watch_is_over(bool is_raised, uint64_t percent, int64_t threshold)
{
	if (threshold <= 0)
		return false;
	if (is_raised)
		threshold = threshold > MEDIA_ALARM_GAP ? threshold - MEDIA_ALARM_GAP : 1;
	return percent >= (uint64_t)threshold;
}

static void measure_cost(uint64_t *packets_core, uint64_t packets, uint64_t cpu_us)
{
	uint64_t core = packets * 1000000 / cpu_us;

	if (*packets_core)
		core = (*packets_core * (MEASURE_SHARE - 1) + core) / MEASURE_SHARE;
	*packets_core = core;
}

void media_watch_measure_kernel(struct media_watch_kernel *kernel, uint64_t packets,
				uint64_t softirq_us)
{
	uint64_t more = packets - kernel->packets;
	uint64_t spent_us = softirq_us - kernel->softirq_us;

	if (kernel->softirq_us && spent_us < MEASURE_SOFTIRQ_US)
		return;
	/* The first look has nothing to compare with, and time without packets was not theirs. */
	if (kernel->softirq_us && packets > kernel->packets && more >= MEASURE_PACKETS)
		measure_cost(&kernel->packets_core, more, spent_us);
	kernel->packets = packets;
	kernel->softirq_us = softirq_us;
}

void media_watch_measure(struct media_watch *watch, const struct media_status *status,
			 uint64_t now_us)
{
	uint64_t more = status->packets - watch->packets;
	uint64_t by_threads = status->by_threads - watch->by_threads;
	uint64_t passed_us = now_us - watch->looked_us;

	if (watch->looked_us && passed_us) {
		watch->packets_s = more * 1000000 / passed_us;
		watch->is_by_kernel = by_threads < more / 2;
		if (by_threads >= MEASURE_PACKETS &&
		    status->cpu_us - watch->cpu_us >= MEASURE_CPU_US)
			measure_cost(&watch->packets_core, by_threads,
				     status->cpu_us - watch->cpu_us);
	}
	watch->packets = status->packets;
	watch->by_threads = status->by_threads;
	watch->cpu_us = status->cpu_us;
	watch->looked_us = now_us;
}

static void look_at_pool(struct ctl *ctl, const struct ports_pool_status *pool, bool *is_raised,
			 int64_t threshold)
{
	uint32_t usable = pool->total - pool->taken;
	uint32_t used = pool->used - pool->used_outside;
	uint64_t percent = usable ? (uint64_t)used * 100 / usable : 100;
	bool is_over = media_watch_is_over(*is_raised, percent, threshold);
	char address[ADDR_TEXT_MAX];

	addr_print_ip(&pool->address, address);
	if (is_over)
		alarms_raise(ctl->context.alarms, WORD_ALARM_KIND_MEDIA_PORTS, address,
			     "%u of %u RTP port pairs of %s are in use (%u %%); calls get 503 when "
			     "none is left",
			     used, usable, address, (unsigned)percent);
	else if (*is_raised)
		alarms_clear(ctl->context.alarms, WORD_ALARM_KIND_MEDIA_PORTS, address);
	*is_raised = is_over;
}

static void look_at_descriptors(struct ctl *ctl, int64_t threshold)
{
	struct media_watch *watch = &ctl->media_watch;
	struct descriptors descriptors;
	bool is_over = false;

	descriptors_read(&descriptors);
	watch->descriptors = descriptors.used;
	if (descriptors.used >= 0 && descriptors.limit > 0) {
		uint64_t percent = (uint64_t)descriptors.used * 100 / (uint64_t)descriptors.limit;

		is_over = media_watch_is_over(watch->is_descriptors_raised, percent, threshold);
	}
	if (is_over)
		alarms_raise(ctl->context.alarms, WORD_ALARM_KIND_MEDIA_PORTS, DESCRIPTORS_SUBJECT,
			     "%lld of %lld descriptors are in use; relayed calls get 503 when none "
			     "is left",
			     (long long)descriptors.used, (long long)descriptors.limit);
	else if (watch->is_descriptors_raised)
		alarms_clear(ctl->context.alarms, WORD_ALARM_KIND_MEDIA_PORTS, DESCRIPTORS_SUBJECT);
	watch->is_descriptors_raised = is_over;
}

static void look(struct ctl *ctl, uint64_t now_us)
{
	struct media_watch *watch = &ctl->media_watch;
	int64_t threshold = snapshot_number(ctl->conf->snapshot, PARAM_SS_RTP_PORT_ALARM);
	struct ports_pool_status pools[PORTS_ADDRESSES_MAX];
	size_t count = media_pools(ctl->context.media, pools);
	struct media_status status;

	for (size_t i = 0; i < count; i++)
		look_at_pool(ctl, &pools[i], &watch->is_raised[i], threshold);
	look_at_descriptors(ctl, threshold);
	media_status(ctl->context.media, &status);
	media_watch_measure(watch, &status, now_us);
	media_watch_measure_kernel(&watch->kernel, status.packets - status.by_threads,
				   machine_softirq_us());
	if (now_us >= watch->sample_us) {
		watch->sample_us = now_us + SAMPLE_US;
		capacity_trend_add(&watch->trend, (uint32_t)status.sessions);
	}
}

int media_watch_run(struct ctl *ctl)
{
	struct media_watch *watch = &ctl->media_watch;
	uint64_t now_us = clock_mono_us();

	if (!ctl->context.media)
		return -1;
	if (now_us >= watch->due_us) {
		watch->due_us = now_us + LOOK_US;
		look(ctl, now_us);
	}
	return (int)((watch->due_us - now_us) / 1000) + 1;
}
