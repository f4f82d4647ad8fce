/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What monitoring systems read: counters and gauges as text, OpenMetrics 1.0 or the older form of
 * Prometheus. Touches nothing but atomics and what is behind short locks, so any thread may. */
#pragma once

#include "shared/base/log.h"
#include "switchd/stats/stats.h"

struct alarms;
struct cdr_writer;
struct conf;
struct fraud;
struct location;
struct media;
struct sip_worker;

struct metrics_sources {
	struct stats *stats;
	struct alarms *alarms;
	struct cdr_writer *cdr;
	struct fraud *fraud;
	struct media *media;
	struct location *location;
	struct sip_worker **workers;
	int worker_count;
	int64_t started_ms;
	const char *version;
};

void metrics_print(const struct metrics_sources *sources, const struct conf *conf, bool is_open,
		   struct buf *out);
/* NULL: calls can be taken; else why not. */
const char *metrics_unready(const struct metrics_sources *sources);
/* Calls in set-up or up. */
uint64_t metrics_calls(const struct metrics_sources *sources);
/* That have begun since the start. */
uint64_t metrics_calls_begun(const struct metrics_sources *sources);
