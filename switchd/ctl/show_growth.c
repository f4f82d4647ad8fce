/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How traffic grows: the days that are over, the line through them, and when calls at a time come
 * to what the gateway or the switch can have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "shared/base/clock.h"
#include "switchd/cdr/writer.h"
#include "switchd/ctl/call_limit.h"
#include "switchd/ctl/handlers.h"
#include "switchd/ctl/statistics.h"
#include "switchd/stats/growth.h"
#include "switchd/stats/report.h"
#include "switchd/store/cdr_store.h"

static const struct column growth_columns[] = {
	{"scope", CELL_TEXT, "", "SCOPE", 15},
	{"gateway", CELL_TEXT, "", "GATEWAY", 16},
	{"days", CELL_INT, "", "DAYS", 4},
	{"attempts_day", CELL_INT, "", "ATTEMPTS", 8},
	{"attempts_week_trend", CELL_INT, "", "A-WEEK", 7},
	{"peak_calls", CELL_INT, "", "PEAK", 6},
	{"peak_week_trend", CELL_INT, "", "A-WEEK", 7},
	{"call_limit", CELL_INT, "", "LIMIT", 7},
	{"limit_days", CELL_INT, "", "IN-DAYS", 7},
	{"limit_day", CELL_TEXT, "", "REACHED", 10},
};

const struct schema schema_report_growth = SCHEMA_OF_ROWS(growth_columns);

struct subject {
	UT_hash_handle hh;
	enum stats_scope scope;
	char name[STATS_NAME_MAX];
	struct growth attempts;
	struct growth peaks;
	char key[STATS_NAME_MAX + 32];
};

struct grow {
	const char *gateway; /* NULL: all */
	int64_t today;
	struct subject *table;
	const struct subject *at;
	bool has_failed;
};

static void drop_grow(void *state)
{
	struct grow *grow = state;
	struct subject *subject;
	struct subject *next;

	HASH_ITER (hh, grow->table, subject, next) {
		HASH_DEL(grow->table, subject);
		free(subject);
	}
	free(grow);
}

static struct subject *subject_of(struct grow *grow, const struct report_row *row)
{
	char key[sizeof(grow->table->key)];
	struct subject *subject;

	snprintf(key, sizeof(key), "%s %s", stats_scope_word(row->scope), row->name);
	HASH_FIND_STR(grow->table, key, subject);
	if (subject)
		return subject;
	subject = calloc(1, sizeof(*subject));
	if (!subject)
		return NULL;
	memcpy(subject->key, key, sizeof(key));
	memcpy(subject->name, row->name, sizeof(row->name));
	subject->scope = row->scope;
	HASH_ADD_STR(grow->table, key, subject);
	return subject;
}

static bool take_row(void *context, const char *key, struct span value)
{
	struct grow *grow = context;
	struct subject *subject;
	struct report_row row;
	int64_t day;

	if (!report_parse(key, value, &row) || !growth_day(row.day, &day))
		return true;
	if (grow->gateway && (row.scope == STATS_TOTAL || strcmp(row.name, grow->gateway) != 0))
		return true;
	subject = subject_of(grow, &row);
	if (!subject) {
		grow->has_failed = true;
		return false;
	}
	/* The day that runs would say that traffic falls. */
	if (day >= grow->today)
		return true;
	growth_add(&subject->attempts, day, (int64_t)row.tally.sum.attempts);
	growth_add(&subject->peaks, day, (int64_t)row.tally.peak_calls);
	return true;
}

static struct grow *begin(struct request *request)
{
	struct cdr_writer *writer = request->ctl->context.cdr;
	struct grow *grow = request_state(request, sizeof(*grow));
	char day[REPORT_DAY_MAX];

	if (!grow)
		return NULL;
	request->drop_state = drop_grow;
	grow->gateway = request_arg(request, "gateway");
	report_day(clock_wall_ms(), day);
	if (!growth_day(day, &grow->today))
		return NULL;
	growth_print_day(grow->today - GROWTH_DAYS, day, sizeof(day));
	if (writer &&
	    cdr_store_walk(cdr_writer_store(writer), 't', day, false, take_row, grow) != VOS_OK)
		grow->has_failed = true;
	grow->at = grow->table;
	return grow->has_failed ? NULL : grow;
}

/* -1: there is none. */
static int64_t limit_of(const struct request *request, const struct subject *subject)
{
	const struct conf *conf = request->ctl->conf;
	const struct conf_mapping_gateway *mapping;
	const struct conf_routing_gateway *routing;
	uint32_t capacity = 0;

	if (subject->scope == STATS_TOTAL)
		return call_limit_now(request);
	if (subject->scope == STATS_MAPPING) {
		mapping = conf_mapping_named(conf, span_of(subject->name));
		capacity = mapping ? mapping->capacity : 0;
	} else {
		routing = conf_routing_gateway_find(conf, span_of(subject->name));
		capacity = routing ? routing->capacity : 0;
	}
	return capacity ? (int64_t)capacity : -1;
}

static void emit_trend(struct request *request, const struct growth *growth)
{
	int64_t week;

	if (growth_week(growth, &week))
		emit_int(request, week);
	else
		emit_null(request);
}

static void emit_limit(struct request *request, const struct subject *subject, int64_t today)
{
	int64_t limit = limit_of(request, subject);
	char text[REPORT_DAY_MAX];
	int64_t day;

	emit_known(request, limit);
	if (limit < 0 || !growth_reaches(&subject->peaks, limit, today, &day)) {
		emit_null(request);
		emit_null(request);
		return;
	}
	growth_print_day(day, text, sizeof(text));
	emit_int(request, day - today);
	emit_str(request, text);
}

static void emit_subject(struct request *request, const struct subject *subject, int64_t today)
{
	const struct growth *attempts = &subject->attempts;
	const struct growth *peaks = &subject->peaks;
	int64_t sum = 0;

	for (size_t i = 0; i < attempts->count; i++)
		sum += attempts->values[i];
	emit_str(request, stats_scope_word(subject->scope));
	emit_str(request, subject->name);
	emit_int(request, (int64_t)attempts->count);
	emit_known(request, stats_mean((uint64_t)sum, attempts->count));
	emit_trend(request, attempts);
	emit_known(request, peaks->count ? peaks->values[peaks->count - 1] : -1);
	emit_trend(request, peaks);
	emit_limit(request, subject, today);
	emit_row_end(request);
}

enum step show_report_growth(struct request *request)
{
	struct grow *grow = request->state;

	if (!grow) {
		grow = begin(request);
		if (!grow)
			return request_no_memory(request);
		EMIT_TABLE(request, growth_columns);
	}
	for (int i = 0; i < CTL_SLICE && grow->at; i++, grow->at = grow->at->hh.next)
		emit_subject(request, grow->at, grow->today);
	return grow->at ? STEP_MORE : STEP_DONE;
}
