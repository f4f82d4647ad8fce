/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row is text: eight sums, then the causes as NAME:COUNT. */
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

struct reports {
	struct stats *stats;
	struct cdr_store *store;
	char day[REPORT_DAY_MAX];
};

void report_day(int64_t wall_ms, char out[REPORT_DAY_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;

	if (!localtime_r(&seconds, &parts) || !strftime(out, REPORT_DAY_MAX, "%Y-%m-%d", &parts))
		snprintf(out, REPORT_DAY_MAX, "1970-01-01");
}

void report_print(const struct stats_tally *tally, struct buf *out)
{
	const struct stats_sum *sum = &tally->sum;

	buf_printf(out,
		   "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		   " %" PRIu64 " %" PRIu64,
		   sum->attempts, sum->answered, sum->rang, sum->effective, sum->abandoned,
		   sum->talk_ms, sum->pdd_ms, sum->pdd_count);
	for (size_t i = 0; i < tally->cause_count; i++)
		buf_printf(out, " %s:%" PRIu64, tally->causes[i].name, tally->causes[i].count);
}

static bool parse_tally(struct span value, struct stats_tally *out)
{
	struct stats_sum *sum = &out->sum;
	uint64_t *const sums[] = {&sum->attempts,  &sum->answered, &sum->rang,   &sum->effective,
				  &sum->abandoned, &sum->talk_ms,  &sum->pdd_ms, &sum->pdd_count};
	char text[VALUE_BYTES];
	char *rest = NULL;
	char *word;

	memset(out, 0, sizeof(*out));
	if (value.len >= sizeof(text))
		return false;
	span_copy(value, text, sizeof(text));
	word = strtok_r(text, " ", &rest);
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		if (!word)
			return false;
		*sums[i] = strtoull(word, NULL, 10);
		word = strtok_r(NULL, " ", &rest);
	}
	for (; word; word = strtok_r(NULL, " ", &rest)) {
		char *colon = strrchr(word, ':');

		if (!colon)
			return false;
		*colon = '\0';
		stats_count_cause(out, word, strtoull(colon + 1, NULL, 10));
	}
	return true;
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

struct putting {
	struct cdr_batch *batch;
	const char *day;
};

static void put_row(void *context, const struct stats_view *view)
{
	const struct putting *putting = context;
	char memory[VALUE_BYTES];
	struct buf value = buf_over(memory, sizeof(memory));
	char key[REPORT_DAY_MAX + STATS_NAME_MAX + 32];

	snprintf(key, sizeof(key), "%s %s%s%s", putting->day, stats_scope_word(view->scope),
		 view->name[0] ? " " : "", view->name);
	report_print(view->day, &value);
	if (!value.failed)
		cdr_batch_put(putting->batch, 't', key, buf_span(&value));
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

/* Once a day. */
static void begin_day(struct reports *reports, const char *day, struct cdr_batch *batch)
{
	char oldest[REPORT_DAY_MAX];
	struct purge purge = {.batch = batch, .oldest = oldest};

	memcpy(reports->day, day, sizeof(reports->day));
	report_day(clock_wall_ms() - REPORT_DAYS_MAX * DAY_MS, oldest);
	if (cdr_store_walk(reports->store, 't', "", false, purge_row, &purge) != VOS_OK)
		return;
}

static void take_record(void *context, const struct cdr *cdr, struct cdr_batch *batch)
{
	struct reports *reports = context;
	char day[REPORT_DAY_MAX] = {0};
	struct putting putting = {batch, day};

	report_day(cdr->stop_ms ? cdr->stop_ms : clock_wall_ms(), day);
	if (strcmp(day, reports->day) != 0)
		begin_day(reports, day, batch);
	stats_add(reports->stats, cdr, day, clock_mono_us(), put_row, &putting);
}

static bool resume_row(void *context, const char *key, struct span value)
{
	struct reports *reports = context;
	struct report_row row;

	if (strncmp(key, reports->day, strlen(reports->day)) != 0)
		return false;
	if (report_parse(key, value, &row))
		stats_resume(reports->stats, row.scope, row.name, row.day, &row.tally);
	return true;
}

enum vos_err reports_create(struct stats *stats, struct cdr_writer *writer, struct reports **out)
{
	struct reports *reports = calloc(1, sizeof(*reports));
	enum vos_err err;

	*out = NULL;
	if (!reports)
		return VOS_ENOMEM;
	reports->stats = stats;
	reports->store = cdr_writer_store(writer);
	report_day(clock_wall_ms(), reports->day);
	err = cdr_store_walk(reports->store, 't', reports->day, false, resume_row, reports);
	if (err != VOS_OK) {
		free(reports);
		return err;
	}
	cdr_writer_on_record(writer, take_record, reports);
	*out = reports;
	return VOS_OK;
}

void reports_destroy(struct reports *reports)
{
	free(reports);
}
