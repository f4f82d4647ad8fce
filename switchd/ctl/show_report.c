/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Days and months of traffic, from the rows that the store of records keeps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "shared/base/clock.h"
#include "switchd/cdr/writer.h"
#include "switchd/ctl/handlers.h"
#include "switchd/ctl/statistics.h"
#include "switchd/stats/report.h"
#include "switchd/store/cdr_store.h"

static const struct column report_columns[] = {
	{"period", CELL_TEXT, "", "PERIOD", 10},           {"scope", CELL_TEXT, "", "SCOPE", 15},
	{"gateway", CELL_TEXT, "", "GATEWAY", 16},         STATISTICS_COLUMNS,
	{"peak_calls", CELL_INT, "", "PEAK", 5},           {"up_s", CELL_INT, "s", "UP", 8},
	{"up_permille", CELL_INT, "permille", "AVAIL", 5}, {"causes", CELL_TEXT, "", "CAUSES", -40},
};

const struct schema schema_report = SCHEMA_OF_ROWS(report_columns);

#define MONTH_LEN 7  /* "2026-11" */
#define DAY_LEN   10 /* "2026-11-21" */

struct period {
	UT_hash_handle hh;
	struct report_row row;
	char key[REPORT_DAY_MAX + STATS_NAME_MAX + 32];
};

struct gather {
	size_t period_len;
	const char *gateway; /* NULL: all */
	struct period *table;
	const struct period *at;
	bool has_failed;
};

static void drop_gather(void *state)
{
	struct gather *gather = state;
	struct period *period;
	struct period *next;

	HASH_ITER (hh, gather->table, period, next) {
		HASH_DEL(gather->table, period);
		free(period);
	}
	free(gather);
}

static struct period *period_of(struct gather *gather, const struct report_row *row)
{
	char key[sizeof(gather->table->key)];
	struct period *period;

	snprintf(key, sizeof(key), "%.*s %s %s", (int)gather->period_len, row->day,
		 stats_scope_word(row->scope), row->name);
	HASH_FIND_STR(gather->table, key, period);
	if (period)
		return period;
	period = calloc(1, sizeof(*period));
	if (!period)
		return NULL;
	memcpy(period->key, key, sizeof(key));
	memcpy(period->row.day, row->day, gather->period_len);
	memcpy(period->row.name, row->name, sizeof(row->name));
	period->row.scope = row->scope;
	HASH_ADD_STR(gather->table, key, period);
	return period;
}

static bool take_row(void *context, const char *key, struct span value)
{
	struct gather *gather = context;
	struct period *period;
	struct report_row row;

	if (!report_parse(key, value, &row))
		return true;
	if (gather->gateway && (row.scope == STATS_TOTAL || strcmp(row.name, gather->gateway) != 0))
		return true;
	period = period_of(gather, &row);
	if (!period) {
		gather->has_failed = true;
		return false;
	}
	stats_sum_add(&period->row.tally.sum, &row.tally.sum);
	period->row.tally.up_ms += row.tally.up_ms;
	if (row.tally.peak_calls > period->row.tally.peak_calls)
		period->row.tally.peak_calls = row.tally.peak_calls;
	for (size_t i = 0; i < row.tally.cause_count; i++)
		stats_count_cause(&period->row.tally, row.tally.causes[i].name,
				  row.tally.causes[i].count);
	return true;
}

/* Days or months before the one that runs, as the key that a walk begins at. */
static void find_start(const struct request *request, bool is_monthly, char out[REPORT_DAY_MAX])
{
	const char *last = request_arg(request, "last");
	int64_t back = last ? strtoll(last, NULL, 10) - 1 : REPORT_DAYS_MAX;
	char today[REPORT_DAY_MAX];
	int64_t months;
	int year;
	int month;

	if (back > REPORT_DAYS_MAX)
		back = REPORT_DAYS_MAX;
	report_day(clock_wall_ms() - (is_monthly ? 0 : back) * INT64_C(86400000), today);
	memcpy(out, today, REPORT_DAY_MAX);
	if (!is_monthly || sscanf(today, "%d-%d", &year, &month) != 2)
		return;
	months = (int64_t)year * 12 + month - 1 - back;
	snprintf(out, REPORT_DAY_MAX, "%04u-%02u", (unsigned)(months / 12) % 10000,
		 (unsigned)(months % 12) + 1);
}

static struct gather *begin(struct request *request)
{
	struct cdr_writer *writer = request->ctl->context.cdr;
	bool is_monthly = request_has(request, "monthly");
	struct gather *gather = request_state(request, sizeof(*gather));
	char from[REPORT_DAY_MAX];

	if (!gather)
		return NULL;
	request->drop_state = drop_gather;
	gather->period_len = is_monthly ? MONTH_LEN : DAY_LEN;
	gather->gateway = request_arg(request, "gateway");
	find_start(request, is_monthly, from);
	if (writer &&
	    cdr_store_walk(cdr_writer_store(writer), 't', from, false, take_row, gather) != VOS_OK)
		gather->has_failed = true;
	gather->at = gather->table;
	return gather->has_failed ? NULL : gather;
}

/* Of the period so far, in seconds; days are those of the machine's time zone. */
static int64_t length_of(const char *period)
{
	bool is_month = strlen(period) == MONTH_LEN;
	int64_t now = clock_wall_ms() / 1000;
	struct tm parts = {.tm_mday = 1, .tm_isdst = -1};
	int64_t begin;
	int64_t end;

	if (sscanf(period, "%4d-%2d-%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday) < 2)
		return 0;
	parts.tm_year -= 1900;
	parts.tm_mon--;
	begin = (int64_t)mktime(&parts);
	parts.tm_isdst = -1;
	parts.tm_mon += is_month;
	parts.tm_mday += !is_month;
	end = (int64_t)mktime(&parts);
	return (end < now ? end : now) - begin;
}

static void emit_samples(struct request *request, const struct report_row *row)
{
	int64_t length_s = length_of(row->day);
	int64_t up_s = (int64_t)(row->tally.up_ms / 1000);

	/* The clock may have been stepped, and samples end some moments after midnight. */
	if (length_s < up_s)
		length_s = up_s;
	emit_int(request, (int64_t)row->tally.peak_calls);
	emit_int(request, up_s);
	emit_known(request, stats_permille((uint64_t)up_s, (uint64_t)length_s));
}

static void emit_causes(struct request *request, const struct stats_tally *tally)
{
	struct buf text = buf_new();

	for (size_t i = 0; i < tally->cause_count; i++)
		buf_printf(&text, "%s%s:%llu", i ? " " : "", tally->causes[i].name,
			   (unsigned long long)tally->causes[i].count);
	emit_str(request, buf_cstr(&text));
	buf_free(&text);
}

enum step show_report(struct request *request)
{
	struct gather *gather = request->state;

	if (!gather) {
		gather = begin(request);
		if (!gather)
			return request_no_memory(request);
		EMIT_TABLE(request, report_columns);
	}
	for (int i = 0; i < CTL_SLICE && gather->at; i++, gather->at = gather->at->hh.next) {
		const struct report_row *row = &gather->at->row;

		emit_str(request, row->day);
		emit_str(request, stats_scope_word(row->scope));
		emit_str(request, row->name);
		emit_sum(request, &row->tally.sum);
		emit_samples(request, row);
		emit_causes(request, &row->tally);
		emit_row_end(request);
	}
	return gather->at ? STEP_MORE : STEP_DONE;
}
