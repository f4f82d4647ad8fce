/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traffic of every day, kept in the store of call records: a row a day for the switch and for every
 * gateway, written in the same transaction as the records it is the sum of, so that the two agree
 * whatever moment a run ends at. How far the rows have come is in it too: records that another run
 * has left (calls that it cut, spools) are counted at the start, and no record twice. What comes in
 * samples (time up, most calls) is written once a minute and at the end.
 *
 * Days are those of the machine's time zone; rows go after REPORT_DAYS_MAX days. */
#pragma once

#include "shared/base/log.h"
#include "switchd/stats/stats.h"

#define REPORT_DAYS_MAX 800
#define REPORT_DAY_MAX  16

struct cdr_batch;
struct cdr_store;
struct cdr_writer;
struct reports;

/* Takes up the day that runs, records that are not counted yet, and each from now on: before the
 * writer's start. */
VOS_CHECK enum vos_err reports_create(struct stats *stats, struct cdr_writer *writer,
				      const struct log *log, struct reports **out);
/* After the writer's stop: stores what was sampled last. NULL is allowed. */
void reports_stop(struct reports *reports);
/* After the writer's stop. NULL is allowed. */
void reports_destroy(struct reports *reports);

/* A row, as its key and its value have it. */
struct report_row {
	char day[REPORT_DAY_MAX]; /* "2026-11-21" */
	enum stats_scope scope;
	char name[STATS_NAME_MAX];
	struct stats_tally tally;
};

bool report_parse(const char *key, struct span value, struct report_row *out);
void report_print(const struct stats_tally *tally, struct buf *out);
/* The day that a moment belongs to. */
void report_day(int64_t wall_ms, char out[REPORT_DAY_MAX]);
