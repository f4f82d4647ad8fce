/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of alarms. Shared by alarm.c and alarm_keep.c (what outlives a restart). */
#pragma once

#include <pthread.h>

#include "shared/config/snapshot.h"
#include "switchd/alarm/alarm.h"

#define ALARM_KIND_COUNT  (WORD_ALARM_KIND_PROCESS_ENDED + 1)
#define ALARM_TOUCHED_MAX 256

struct alarm_listener {
	alarms_changed_fn *fn; /* NULL: nobody */
	void *context;
};

struct alarms {
	const struct log *log;
	pthread_mutex_t mutex;
	int levels[ALARM_KIND_COUNT];
	struct alarm_listener listeners[ALARM_LISTENERS_MAX];
	uint32_t last_id;
	size_t active_count;
	bool is_overfull;                      /* one was not kept since there was room last */
	struct alarm active[ALARM_ACTIVE_MAX]; /* in the order of their ids */
	size_t history_next;
	size_t history_count;
	struct alarm history[ALARM_HISTORY_MAX]; /* a ring */
	size_t touched_count;
	bool is_all_touched;
	uint32_t touched[ALARM_TOUCHED_MAX]; /* ids; each may stand here more than once */
	uint64_t restored_us;                /* 0: nothing was */
	int64_t crashed_run_ms;              /* when the run before began; 0: it ended in order */
};

/* All under the lock. */
void alarm_touch(struct alarms *alarms, uint32_t id);
void alarm_to_history(struct alarms *alarms, const struct alarm *alarm);
void alarm_finish(struct alarms *alarms, struct alarm *alarm, const char *how);
