/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every counter was at its last row is remembered by name; one that has gone is forgotten, so
 * that there are never more of them than counters. A row that is left out leaves its counter as it
 * was, and its change is in a later row. */
#include "switchd/ctl/monitor_counters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "shared/base/clock.h"

#define PERIOD_US  1000000u
#define NAME_BYTES 192 /* group, subject, counter */
/* Of one second, to a program; the send buffer has room for them. */
#define ROWS_OF_BATCH 4096u

static const struct column columns[] = {
	{"time", CELL_TIME, "", "TIME", 20},       {"group", CELL_TEXT, "", "GROUP", 14},
	{"subject", CELL_TEXT, "", "SUBJECT", 24}, {"counter", CELL_TEXT, "", "COUNTER", 24},
	{"value", CELL_INT, "", "VALUE", 12},      {"change", CELL_INT, "", "CHANGE", 10},
};

const struct schema schema_monitor_counters = SCHEMA_OF_ROWS(columns);

struct seen {
	UT_hash_handle hh;
	uint64_t value; /* of its last row */
	uint64_t round; /* in which it was there last */
	char name[NAME_BYTES];
};

struct monitor_counters {
	struct walk_workers walk; /* the first: what the walk's own functions know */
	struct seen *table;
	uint64_t round;  /* from 1; the first one has no rows */
	uint64_t due_us; /* the next one; 0 = one is under way */
	int64_t time_ms; /* of this one */
	size_t rows;
	size_t left_out;
	bool no_memory;
};

static void drop_state(void *state)
{
	struct monitor_counters *monitor = state;
	struct seen *seen;
	struct seen *next;

	HASH_ITER (hh, monitor->table, seen, next) {
		HASH_DEL(monitor->table, seen);
		free(seen);
	}
	free(monitor->walk.reply);
	free(monitor->walk.more);
	free(monitor);
}

uint64_t monitor_counters_wake(struct request *request, uint64_t now_us)
{
	const struct monitor_counters *monitor;

	if (!request || request->step != cmd_monitor_counters || !request->state)
		return UINT64_MAX;
	monitor = request->state;
	if (!monitor->due_us)
		return UINT64_MAX;
	if (now_us < monitor->due_us)
		return monitor->due_us - now_us;
	request->is_waiting = false;
	return 0;
}

static void emit_change(struct request *request, const char *group, const char *subject,
			const char *name, uint64_t value, int64_t change)
{
	const struct monitor_counters *monitor = request->state;

	emit_time(request, monitor->time_ms);
	emit_str(request, group);
	emit_str(request, subject);
	emit_str(request, name);
	emit_int(request, (int64_t)value);
	emit_int(request, change);
	emit_row_end(request);
}

/* NULL: out of memory. A counter that is new began at zero, but those of the first round. */
static struct seen *seen_of(struct monitor_counters *monitor, const char *name, uint64_t value)
{
	struct seen *seen;

	HASH_FIND_STR(monitor->table, name, seen);
	if (seen)
		return seen;
	seen = calloc(1, sizeof(*seen));
	if (!seen)
		return NULL;
	snprintf(seen->name, sizeof(seen->name), "%s", name);
	seen->value = monitor->round == 1 ? value : 0;
	HASH_ADD_STR(monitor->table, name, seen);
	return seen;
}

void monitor_counter(struct request *request, const char *group, const char *subject,
		     const char *name, uint64_t value)
{
	struct monitor_counters *monitor = request->state;
	size_t most = request->batch ? ROWS_OF_BATCH : FOLLOW_A_SECOND;
	char full[NAME_BYTES];
	struct seen *seen;

	snprintf(full, sizeof(full), "%s %s %s", group, subject ? subject : "", name);
	seen = seen_of(monitor, full, value);
	if (!seen) {
		monitor->no_memory = true;
		return;
	}
	seen->round = monitor->round;
	if (seen->value == value)
		return;
	if (monitor->rows >= most) {
		monitor->left_out++;
		return;
	}
	monitor->rows++;
	emit_change(request, group, subject, name, value, (int64_t)(value - seen->value));
	seen->value = value;
}

static void forget_gone(struct monitor_counters *monitor)
{
	struct seen *seen;
	struct seen *next;

	HASH_ITER (hh, monitor->table, seen, next) {
		if (seen->round == monitor->round)
			continue;
		HASH_DEL(monitor->table, seen);
		free(seen);
	}
}

static void begin_round(struct monitor_counters *monitor)
{
	free(monitor->walk.reply);
	free(monitor->walk.more);
	memset(&monitor->walk, 0, sizeof(monitor->walk));
	monitor->due_us = 0;
	monitor->rows = 0;
	monitor->left_out = 0;
	monitor->round++;
}

static struct monitor_counters *begin(struct request *request)
{
	struct monitor_counters *monitor = request_state(request, sizeof(*monitor));

	if (!monitor)
		return NULL;
	request->drop_state = drop_state;
	emit_table(request, columns, sizeof(columns) / sizeof(columns[0]));
	begin_round(monitor);
	return monitor;
}

enum step cmd_monitor_counters(struct request *request)
{
	struct monitor_counters *monitor = request->state ? request->state : begin(request);
	struct worker_total *total;
	enum step step;

	if (!monitor)
		return request_no_memory(request);
	if (monitor->due_us)
		begin_round(monitor);
	step = sum_workers(request, &total);
	request->drop_state = drop_state; /* the walk has set its own */
	if (step != STEP_DONE || request->has_fault)
		return step;
	monitor->time_ms = clock_wall_ms();
	read_counters(request, total);
	if (monitor->no_memory)
		return request_no_memory(request);
	forget_gone(monitor);
	if (monitor->left_out)
		emit_change(request, "monitor", NULL, "rows_left_out", monitor->left_out,
			    (int64_t)monitor->left_out);
	/* Only now is it followed: what is seen of it tells so. */
	if (monitor->round == 1)
		emit_heading(request);
	monitor->due_us = clock_mono_us() + PERIOD_US;
	request->ctl->has_events = true; /* how long the thread may sleep is asked before a turn */
	return STEP_WAIT;
}
