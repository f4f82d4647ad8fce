/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control thread looks at once a second for the relay: how full the ports and the
 * descriptors are, with an alarm before they are gone; what a packet costs; how the number of calls
 * grows. Control thread only. */
#pragma once

#include "switchd/ctl/capacity_trend.h"
#include "switchd/media/ports.h"

struct ctl;
struct media_status;

/* The alarm ends so many percent below the share at which it is raised. */
#define MEDIA_ALARM_GAP 10

/* What a packet costs that the kernel forwards. Its clock is coarse: it is looked at until enough
 * time has come together. */
struct media_watch_kernel {
	uint64_t packets; /* forwarded by it, at the last figure */
	uint64_t softirq_us;
	uint64_t packets_core; /* as of the threads; what else comes in counts against it */
};

struct media_watch {
	uint64_t due_us;
	uint64_t looked_us;
	uint64_t sample_us; /* the next one of the trend, and of the descriptors */
	uint64_t packets;   /* at the last look, as the next two */
	uint64_t by_threads;
	uint64_t cpu_us;
	uint64_t packets_s;    /* relayed in the last second */
	bool is_by_kernel;     /* most of these cost the threads nothing */
	uint64_t packets_core; /* that one core can relay a second, as measured; 0 = not yet */
	struct media_watch_kernel kernel;
	int64_t descriptors; /* in use at the last sample; -1 = not known */
	bool is_raised[PORTS_ADDRESSES_MAX];
	bool is_descriptors_raised;
	struct capacity_trend trend;
};

/* Returns the milliseconds until it is to be called again, -1 without a relay. */
int media_watch_run(struct ctl *ctl);
/* Whether an alarm that is raised, or not, is to be with this share in use. */
bool media_watch_is_over(bool is_raised, uint64_t percent, int64_t threshold);
/* Takes one look's figures into packets_s, is_by_kernel and packets_core. */
void media_watch_measure(struct media_watch *watch, const struct media_status *status,
			 uint64_t now_us);
/* The same for the kernel's part: softirq_us of all cores so far. */
void media_watch_measure_kernel(struct media_watch_kernel *kernel, uint64_t packets,
				uint64_t softirq_us);
