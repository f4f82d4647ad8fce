/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row is text: sums, then the causes as NAME:COUNT. Sums that a row of an earlier version does
 * not have are 0. */
#include "switchd/stats/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "switchd/cdr/writer.h"
#include "switchd/store/cdr_store.h"

#define PURGE_MAX   1000
#define DAY_MS      INT64_C(86400000)
#define VALUE_BYTES 2048

/* The least that a row has. */
#define SUMS_MIN           8
#define SETTLE_S           60
#define SETTLE_CHANGES_MAX 10000
#define COUNTED            "reported"

struct reports {
	struct stats *stats;
	struct cdr_store *store;
	const struct log *log;
	char days[STATS_DAYS][REPORT_DAY_MAX]; /* that stats has sums of; the newest first */
	int64_t minute;                        /* whose day is the next; -1: none */
	char day[REPORT_DAY_MAX];
	uint64_t counted; /* the last record that is */
	uint64_t settled_us;
};

void report_day(int64_t wall_ms, char out[REPORT_DAY_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;

	if (!localtime_r(&seconds, &parts) || !strftime(out, REPORT_DAY_MAX, "%Y-%m-%d", &parts))
		snprintf(out, REPORT_DAY_MAX, "1970-01-01");
}

/* The same; records come by the thousand of one minute, and no day begins within one. */
static const char *day_of(struct reports *reports, int64_t wall_ms)
{
	if (wall_ms / 60000 != reports->minute)
		report_day(wall_ms, reports->day);
	reports->minute = wall_ms / 60000;
	return reports->day;
}

#define SUMS_MAX 14

/* Those of a row, in its order. */
static void sums_of(struct stats_tally *tally, uint64_t *out[SUMS_MAX])
{
	struct stats_sum *sum = &tally->sum;
	uint64_t *const sums[SUMS_MAX] = {
		&sum->attempts,  &sum->answered,     &sum->rang,    &sum->effective,
		&sum->abandoned, &sum->talk_ms,      &sum->pdd_ms,  &sum->pdd_count,
		&sum->mos_centi, &sum->mos_count,    &sum->packets, &sum->lost,
		&tally->up_ms,   &tally->peak_calls,
	};

	memcpy(out, sums, sizeof(sums));
}

void report_print(const struct stats_tally *tally, struct buf *out)
{
	struct stats_tally copy = *tally;
	uint64_t *sums[SUMS_MAX];

	sums_of(&copy, sums);
	for (size_t i = 0; i < SUMS_MAX; i++)
		buf_printf(out, "%s%" PRIu64, i ? " " : "", *sums[i]);
	for (size_t i = 0; i < tally->cause_count; i++)
		buf_printf(out, " %s:%" PRIu64, tally->causes[i].name, tally->causes[i].count);
}

static bool parse_tally(struct span value, struct stats_tally *out)
{
	uint64_t *sums[SUMS_MAX];
	char text[VALUE_BYTES];
	char *rest = NULL;
	size_t count = 0;

	memset(out, 0, sizeof(*out));
	sums_of(out, sums);
	if (value.len >= sizeof(text))
		return false;
	span_copy(value, text, sizeof(text));
	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *colon = strrchr(word, ':');

		if (!colon && count == SUMS_MAX)
			return false;
		if (!colon) {
			*sums[count++] = strtoull(word, NULL, 10);
			continue;
		}
		*colon = '\0';
		stats_count_cause(out, word, strtoull(colon + 1, NULL, 10));
	}
	return count >= SUMS_MIN;
}

bool report_parse(const char *key, struct span value, struct report_row *out)
{
	char scope[32];
	int at = 0;

	memset(out, 0, sizeof(*out));
	if (sscanf(key, "%10[0-9-] %31[a-z-]%n", out->day, scope, &at) != 2 || !at)
		return false;
	for (int i = STATS_TOTAL; i <= STATS_ROUTING; i++) {
		if (strcmp(scope, stats_scope_word((enum stats_scope)i)) != 0)
			continue;
		out->scope = (enum stats_scope)i;
		snprintf(out->name, sizeof(out->name), "%s", key[at] ? key + at + 1 : "");
		return parse_tally(value, &out->tally);
	}
	return false;
}

static void put_row(void *context, const struct stats_view *view)
{
	struct cdr_batch *batch = context;
	char memory[VALUE_BYTES];
	struct buf value = buf_over(memory, sizeof(memory));
	char key[REPORT_DAY_MAX + STATS_NAME_MAX + 32];

	snprintf(key, sizeof(key), "%s %s%s%s", view->day_name, stats_scope_word(view->scope),
		 view->name[0] ? " " : "", view->name);
	report_print(view->day, &value);
	if (!value.failed)
		cdr_batch_put(batch, 't', key, buf_span(&value));
}

/* What was counted, once a transaction and not once a record. */
static void put_changes(void *context, struct cdr_batch *batch)
{
	struct reports *reports = context;

	stats_changes(reports->stats, put_row, batch);
	if (reports->counted)
		cdr_batch_put_number(batch, COUNTED, reports->counted);
	reports->counted = 0;
}

struct purge {
	struct cdr_batch *batch;
	const char *oldest;
	size_t count;
};

static bool purge_row(void *context, const char *key, struct span value)
{
	struct purge *purge = context;

	(void)value;
	if (strcmp(key, purge->oldest) >= 0 || purge->count++ >= PURGE_MAX)
		return false;
	cdr_batch_remove(purge->batch, 't', key);
	return true;
}

static void purge_old(struct reports *reports, struct cdr_batch *batch)
{
	char oldest[REPORT_DAY_MAX];
	struct purge purge = {.batch = batch, .oldest = oldest};

	report_day(clock_wall_ms() - REPORT_DAYS_MAX * DAY_MS, oldest);
	if (cdr_store_walk(reports->store, 't', "", false, purge_row, &purge) != VOS_OK)
		log_error(reports->log, "report", "old rows cannot be read");
}

struct resume {
	struct reports *reports;
	const char *day;
};

static bool resume_row(void *context, const char *key, struct span value)
{
	const struct resume *resume = context;
	struct report_row row;

	if (strncmp(key, resume->day, strlen(resume->day)) != 0)
		return false;
	if (report_parse(key, value, &row))
		stats_resume(resume->reports->stats, row.scope, row.name, row.day, &row.tally);
	return true;
}

/* A day that is not at hand, as at the start, at midnight, or when the clock was stepped: what is
 * stored of it is gone on with. */
static enum vos_err take_up(struct reports *reports, const char *day)
{
	struct resume resume = {reports, day};

	memmove(reports->days[1], reports->days[0], (STATS_DAYS - 1) * REPORT_DAY_MAX);
	snprintf(reports->days[0], REPORT_DAY_MAX, "%s", day);
	return cdr_store_walk(reports->store, 't', day, false, resume_row, &resume);
}

static void begin_day(struct reports *reports, const char *day, struct cdr_batch *batch)
{
	for (size_t i = 0; i < STATS_DAYS; i++)
		if (strcmp(reports->days[i], day) == 0)
			return;
	/* Its place may be that of a day whose rows are to be read again before they are stored. */
	put_changes(reports, batch);
	if (take_up(reports, day) != VOS_OK)
		log_error(reports->log, "report", "rows of %s cannot be read", day);
	purge_old(reports, batch);
}

static void take_record(void *context, const struct cdr *cdr, struct cdr_batch *batch)
{
	struct reports *reports = context;
	const char *day = day_of(reports, cdr->stop_ms ? cdr->stop_ms : clock_wall_ms());

	begin_day(reports, day, batch);
	stats_add(reports->stats, cdr, day, clock_mono_us());
	reports->counted = (uint64_t)cdr->flow;
}

/* In the writer's thread, every CDR_CHECKPOINT_S. */
static void settle(void *context, struct cdr_batch *batch)
{
	struct reports *reports = context;
	uint64_t now_us = clock_mono_us();
	const char *day;

	/* A store that cannot be written makes the batch grow; samples can wait. */
	if (now_us - reports->settled_us < SETTLE_S * UINT64_C(1000000) ||
	    batch->count > SETTLE_CHANGES_MAX)
		return;
	reports->settled_us = now_us;
	day = day_of(reports, clock_wall_ms());
	begin_day(reports, day, batch);
	stats_settle(reports->stats, day);
	put_changes(reports, batch);
}

struct catch_up {
	struct reports *reports;
	struct cdr_batch *batch;
	struct cdr *records;
	uint64_t count;
	bool has_failed;
};

#define CATCH_UP_MAX 256 /* records of one transaction */

static bool read_record(void *context, const char *key, struct span value)
{
	struct catch_up *catch_up = context;

	(void)key;
	catch_up->count += cdr_decode(value, &catch_up->records[catch_up->count]);
	return catch_up->count < CATCH_UP_MAX;
}

/* Records behind the last one that is counted: none, but after a crash. */
static enum vos_err count_left(struct reports *reports, struct catch_up *catch_up)
{
	uint64_t next = cdr_store_number(reports->store, COUNTED) + 1;
	enum vos_err err = VOS_OK;

	do {
		struct vos_fault fault = {0};
		char key[17];

		catch_up->count = 0;
		cdr_number_key(next, key);
		err = cdr_store_walk(reports->store, 'r', key, false, read_record, catch_up);
		if (err || !catch_up->count)
			break;
		for (uint64_t i = 0; i < catch_up->count; i++)
			take_record(reports, &catch_up->records[i], catch_up->batch);
		next = (uint64_t)catch_up->records[catch_up->count - 1].flow + 1;
		put_changes(reports, catch_up->batch);
		err = cdr_store_write(reports->store, catch_up->batch, &fault);
		cdr_batch_reset(catch_up->batch);
		if (err)
			log_error(reports->log, "report", "%s", fault.text);
	} while (!err && catch_up->count == CATCH_UP_MAX);
	return err;
}

/* A store that was never reported on begins with its next record. */
static enum vos_err begin_count(struct reports *reports, struct cdr_batch *batch)
{
	struct buf text = buf_new();
	struct vos_fault fault = {0};
	enum vos_err err = cdr_store_get(reports->store, 'n', COUNTED, &text);
	uint64_t first;
	uint64_t last;

	buf_free(&text);
	if (err != VOS_ENOENT)
		return err;
	err = cdr_store_range(reports->store, &first, &last);
	if (err)
		return err;
	cdr_batch_put_number(batch, COUNTED, last);
	err = cdr_store_write(reports->store, batch, &fault);
	cdr_batch_reset(batch);
	return err;
}

static enum vos_err catch_up(struct reports *reports)
{
	struct cdr_batch batch = {0};
	struct catch_up left = {.reports = reports, .batch = &batch};
	enum vos_err err = VOS_ENOMEM;

	left.records = calloc(CATCH_UP_MAX, sizeof(*left.records));
	if (left.records)
		err = begin_count(reports, &batch);
	if (!err)
		err = count_left(reports, &left);
	free(left.records);
	cdr_batch_free(&batch);
	return err;
}

enum vos_err reports_create(struct stats *stats, struct cdr_writer *writer, const struct log *log,
			    struct reports **out)
{
	struct reports *reports = calloc(1, sizeof(*reports));
	char today[REPORT_DAY_MAX];
	enum vos_err err;

	*out = NULL;
	if (!reports)
		return VOS_ENOMEM;
	reports->stats = stats;
	reports->store = cdr_writer_store(writer);
	reports->log = log;
	reports->minute = -1;
	reports->settled_us = clock_mono_us();
	report_day(clock_wall_ms(), today);
	err = take_up(reports, today);
	if (!err)
		err = catch_up(reports);
	if (err != VOS_OK) {
		free(reports);
		return err;
	}
	cdr_writer_on_record(writer, take_record, reports);
	cdr_writer_on_commit(writer, put_changes, reports);
	cdr_writer_on_sign(writer, settle, reports);
	*out = reports;
	return VOS_OK;
}

void reports_stop(struct reports *reports)
{
	struct cdr_batch batch = {0};
	struct vos_fault fault = {0};

	if (!reports)
		return;
	reports->settled_us = 0;
	settle(reports, &batch);
	if (batch.count && cdr_store_write(reports->store, &batch, &fault) != VOS_OK)
		log_error(reports->log, "report", "what was sampled last is lost: %s", fault.text);
	cdr_batch_free(&batch);
}

void reports_destroy(struct reports *reports)
{
	free(reports);
}
