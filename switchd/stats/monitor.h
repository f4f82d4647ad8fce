/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that looks at the switch every few seconds: samples how many calls there are and who
 * takes them (sample.h), looks for fraud, raises the alarms that `alarm` objects
 * give thresholds to, and serves metrics over HTTP (/metrics, /healthz, /readyz) as `metrics` says.
 */
#pragma once

#include "switchd/stats/metrics.h"

#define MONITOR_LOOK_S 2

struct monitor;

/* conf: a reference is taken. The thread starts. */
VOS_CHECK enum vos_err monitor_start(const struct metrics_sources *sources, const struct log *log,
				     const char *state_dir, struct conf *conf,
				     struct monitor **out);
/* Any thread. NULL is allowed, as below. */
void monitor_configure(struct monitor *monitor, struct conf *conf);
/* Ends the thread and frees all. Before what it reads goes. */
void monitor_stop(struct monitor *monitor);
