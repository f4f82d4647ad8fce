/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traffic and quality of the switch and of its gateways (stats.h says what each figure means). */
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "switchd/ctl/handlers.h"
#include "switchd/ctl/statistics.h"

static const struct column statistics_columns[] = {
	{"scope", CELL_TEXT, "", "SCOPE", 15},
	{"gateway", CELL_TEXT, "", "GATEWAY", 16},
	{"window_min", CELL_INT, "min", "WINDOW", 6},
	{"calls", CELL_INT, "", "CALLS", 5},
	{"cps", CELL_INT, "", "CPS", 3},
	STATISTICS_COLUMNS,
	{"attempts_per_min", CELL_INT, "min", "PER-MIN", -7},
	{"peak_calls", CELL_INT, "", "PEAK", 5},
};

const struct schema schema_statistics = SCHEMA_OF_ROWS(statistics_columns);

static const struct column causes_columns[] = {
	{"scope", CELL_TEXT, "", "SCOPE", 15},
	{"gateway", CELL_TEXT, "", "GATEWAY", 16},
	{"cause", CELL_TEXT, "", "CAUSE", 24},
	{"attempts", CELL_INT, "", "ATTEMPTS", 8},
	{"share_permille", CELL_INT, "permille", "‰", 4},
};

const struct schema schema_statistics_causes = SCHEMA_OF_ROWS(causes_columns);

void emit_known(struct request *request, int64_t number)
{
	if (number < 0)
		emit_null(request);
	else
		emit_int(request, number);
}

void emit_sum(struct request *request, const struct stats_sum *sum)
{
	emit_int(request, (int64_t)sum->attempts);
	emit_int(request, (int64_t)sum->answered);
	emit_int(request, (int64_t)sum->abandoned);
	emit_int(request, (int64_t)(sum->talk_ms / 1000));
	emit_known(request, stats_permille(sum->answered, sum->attempts));
	emit_known(request, sum->answered ? (int64_t)(sum->talk_ms / sum->answered / 1000) : -1);
	emit_known(request, stats_permille(sum->effective, sum->attempts));
	emit_known(request, stats_permille(sum->rang, sum->attempts));
	emit_known(request, stats_mean(sum->pdd_ms, sum->pdd_count));
	emit_known(request, stats_mean(sum->mos_centi, sum->mos_count));
	emit_known(request, stats_permille(sum->lost, sum->packets + sum->lost));
}

/* What is shown: the subjects that were asked for, as they were at one moment. */
struct taken {
	enum stats_scope scope;
	char name[STATS_NAME_MAX];
	struct stats_sum sum;
	struct stats_sum minute; /* of the last minutes, for the rate */
	struct stats_tally total;
	uint64_t cps;
};

struct take {
	const struct request *request;
	uint32_t window_s; /* 0: since the start */
	uint64_t now_us;
	size_t at;
	size_t count;
	size_t room;
	struct taken *list;
	bool has_failed;
};

static void drop_take(void *state)
{
	struct take *take = state;

	free(take->list);
	free(take);
}

static bool is_wanted(const struct request *request, const struct stats_view *view)
{
	const char *mapping = request_arg(request, "mapping");
	const char *routing = request_arg(request, "routing");

	if (mapping)
		return view->scope == STATS_MAPPING && strcmp(mapping, view->name) == 0;
	if (routing)
		return view->scope == STATS_ROUTING && strcmp(routing, view->name) == 0;
	return view->scope == STATS_TOTAL || !request_has(request, "total");
}

static void take_view(void *context, const struct stats_view *view)
{
	struct take *take = context;
	struct taken *taken;

	if (!is_wanted(take->request, view) || take->has_failed)
		return;
	if (take->count == take->room) {
		size_t room = take->room ? take->room * 2 : 64;
		struct taken *list = realloc(take->list, room * sizeof(*list));

		if (!list) {
			take->has_failed = true;
			return;
		}
		take->list = list;
		take->room = room;
	}
	taken = &take->list[take->count++];
	taken->scope = view->scope;
	memcpy(taken->name, view->name, strlen(view->name) + 1);
	taken->total = *view->total;
	taken->cps = view->cps;
	taken->sum = view->total->sum;
	if (take->window_s)
		stats_window(view, take->window_s, take->now_us, &taken->sum);
	stats_window(view, take->window_s ? take->window_s : 60, take->now_us, &taken->minute);
}

/* NULL: out of memory. */
static struct take *begin(struct request *request)
{
	const char *window = request_arg(request, "window");
	struct take *take = request_state(request, sizeof(*take));

	if (!take)
		return NULL;
	request->drop_state = drop_take;
	take->request = request;
	take->window_s = window ? (uint32_t)strtoul(window, NULL, 10) * 60 : 0;
	take->now_us = clock_mono_us();
	if (request->ctl->context.stats)
		stats_walk(request->ctl->context.stats, take_view, take);
	return take->has_failed ? NULL : take;
}

static const struct live *live_of(const struct request *request, const struct taken *taken)
{
	const struct conf *conf = request->ctl->conf;
	const struct conf_mapping_gateway *mapping;
	const struct conf_routing_gateway *routing;

	if (taken->scope == STATS_MAPPING) {
		mapping = conf_mapping_named(conf, span_of(taken->name));
		return mapping ? mapping->live : NULL;
	}
	routing = conf_routing_gateway_find(conf, span_of(taken->name));
	return routing ? routing->live : NULL;
}

static void emit_live(struct request *request, const struct taken *taken)
{
	const struct live *live;
	size_t calls = 0;

	if (taken->scope == STATS_TOTAL) {
		for (int i = 0; i < request->ctl->context.worker_count; i++)
			calls += call_table_count(request->ctl->context.workers[i]->calls);
		emit_int(request, (int64_t)calls);
		emit_int(request, (int64_t)taken->cps);
		return;
	}
	live = live_of(request, taken);
	if (live) {
		emit_int(request, atomic_load_explicit(&live->calls, memory_order_relaxed));
		emit_int(request, live_rate(live, clock_mono_us()));
	} else {
		emit_null(request);
		emit_null(request);
	}
}

static void emit_scope(struct request *request, const struct taken *taken)
{
	emit_str(request, stats_scope_word(taken->scope));
	emit_str(request, taken->name);
}

enum step show_statistics(struct request *request)
{
	struct take *take = request->state;

	if (!take) {
		take = begin(request);
		if (!take)
			return request_no_memory(request);
		EMIT_TABLE(request, statistics_columns);
	}
	for (int i = 0; i < CTL_SLICE && take->at < take->count; i++) {
		const struct taken *taken = &take->list[take->at++];
		uint32_t minutes = take->window_s ? take->window_s / 60 : 1;

		emit_scope(request, taken);
		emit_known(request, take->window_s ? (int64_t)minutes : -1);
		emit_live(request, taken);
		emit_sum(request, &taken->sum);
		emit_int(request, (int64_t)(taken->minute.attempts / minutes));
		emit_int(request, (int64_t)taken->total.peak_calls);
		emit_row_end(request);
	}
	return take->at < take->count ? STEP_MORE : STEP_DONE;
}

enum step show_statistics_causes(struct request *request)
{
	struct take *take = request->state;

	if (!take) {
		take = begin(request);
		if (!take)
			return request_no_memory(request);
		EMIT_TABLE(request, causes_columns);
	}
	if (take->at == take->count)
		return STEP_DONE;
	for (size_t i = 0; i < take->list[take->at].total.cause_count; i++) {
		const struct taken *taken = &take->list[take->at];
		const struct stats_cause *cause = &taken->total.causes[i];

		emit_scope(request, taken);
		emit_str(request, cause->name);
		emit_int(request, (int64_t)cause->count);
		emit_known(request, stats_permille(cause->count, taken->total.sum.attempts));
		emit_row_end(request);
	}
	return ++take->at < take->count ? STEP_MORE : STEP_DONE;
}
