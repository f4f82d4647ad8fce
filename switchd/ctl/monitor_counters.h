/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `monitor counters`: what changed since the second before. Control thread only. */
#pragma once

#include "switchd/ctl/totals.h"

/* Lets the request go on when its second is over. Microseconds until then; UINT64_MAX = it does not
 * wait for that, or is another command (or NULL). */
uint64_t monitor_counters_wake(struct request *request, uint64_t now_us);
/* One counter as it is now, from read_counters(). */
void monitor_counter(struct request *request, const char *group, const char *subject,
		     const char *name, uint64_t value);

/* --- show_counters.c --- */
/* All of them, by what the command makes of each. */
void read_counters(struct request *request, const struct worker_total *total);
