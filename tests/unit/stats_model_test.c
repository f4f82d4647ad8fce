/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random sequences of calls against a plain list of them that is added up anew for each question:
 * windows, totals and days of the switch and of every gateway, and the ratios that are shown. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "switchd/stats/stats.h"

#define CALLS    3000
#define GATEWAYS 4
#define US_PER_S UINT64_C(1000000)

/* How a call ends, and by the words of E.425 whether it was effective. */
static const struct {
	const char *cause;
	bool is_answered;
	bool rings_or_not; /* either may be */
	bool is_effective;
	bool is_effective_if_rung;
} ends[] = {
	{"normal", true, true, true, true},       {"486", false, true, true, true},
	{"480", false, true, true, true},         {"603", false, true, true, true},
	{"607", false, true, true, true},         {"no-answer", false, true, true, true},
	{"487", false, true, false, true},        {"abandoned", false, true, false, true},
	{"408", false, true, false, true},        {"503", false, true, false, false},
	{"404", false, true, false, false},       {"gateways-full", false, false, false, false},
	{"no-route", false, false, false, false},
};

#define ENDS (sizeof(ends) / sizeof(ends[0]))

struct model_call {
	uint64_t at_us;
	size_t end;
	bool has_rung;
	int64_t ring_ms;
	int64_t talk_ms;
	int mapping; /* -1: a phone's */
	int first;   /* routing gateway that failed before; -1: none */
	int last;    /* -1: no gateway was tried */
	int day;
	int64_t mos[2];
	int64_t packets[2];
	int64_t lost[2];
};

static uint64_t seed = 20261121;

static unsigned chance(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static void make_call(struct model_call *call, uint64_t at_us, int day)
{
	*call = (struct model_call){.at_us = at_us, .end = chance(ENDS), .day = day};
	call->has_rung = ends[call->end].rings_or_not && chance(2);
	call->ring_ms = call->has_rung ? 1 + (int64_t)chance(9000) : 0;
	call->talk_ms = ends[call->end].is_answered ? 1 + (int64_t)chance(600000) : 0;
	call->mapping = (int)chance(GATEWAYS + 1) - 1;
	call->last = (int)chance(GATEWAYS + 1) - 1;
	call->first = call->last < 0 ? -1 : (int)chance(GATEWAYS + 1) - 1;
	if (call->first == call->last)
		call->first = -1;
	for (int side = 0; side < 2 && call->talk_ms; side++) {
		call->mos[side] = chance(3) ? 100 + (int64_t)chance(351) : 0;
		call->packets[side] = (int64_t)chance(30000);
		call->lost[side] = (int64_t)chance(300);
	}
}

static void feed(struct stats *stats, const struct model_call *call)
{
	struct cdr cdr = {
		.ring_ms = call->ring_ms,
		.talk_ms = call->talk_ms,
		.answer_ms = ends[call->end].is_answered,
		.caller_mos = call->mos[0],
		.callee_mos = call->mos[1],
		.caller_packets = call->packets[0],
		.callee_packets = call->packets[1],
		.caller_lost = call->lost[0],
		.callee_lost = call->lost[1],
	};
	const char *outcome = ends[call->end].is_answered ? "answered" : ends[call->end].cause;
	char day[16];

	snprintf(cdr.cause_name, sizeof(cdr.cause_name), "%s", ends[call->end].cause);
	if (call->mapping >= 0)
		snprintf(cdr.caller_party, sizeof(cdr.caller_party), "mapping-gateway g%d",
			 call->mapping);
	else
		snprintf(cdr.caller_party, sizeof(cdr.caller_party), "phone 1001");
	if (call->last >= 0)
		snprintf(cdr.callee_party, sizeof(cdr.callee_party), "routing-gateway g%d",
			 call->last);
	if (call->first >= 0)
		snprintf(cdr.tried, sizeof(cdr.tried),
			 "routing-gateway g%d:503, routing-gateway g%d:%s", call->first, call->last,
			 outcome);
	else if (call->last >= 0)
		snprintf(cdr.tried, sizeof(cdr.tried), "routing-gateway g%d:%s", call->last,
			 outcome);
	snprintf(day, sizeof(day), "2026-11-%02d", call->day);
	stats_add(stats, &cdr, day, call->at_us);
}

static void hear(struct stats_sum *sum, const struct model_call *call, int side)
{
	if (call->mos[side]) {
		sum->mos_centi += (uint64_t)call->mos[side];
		sum->mos_count++;
	}
	sum->packets += (uint64_t)call->packets[side];
	sum->lost += (uint64_t)call->lost[side];
}

static void add_whole(struct stats_sum *sum, const struct model_call *call)
{
	bool is_answered = ends[call->end].is_answered;

	sum->attempts++;
	sum->answered += is_answered;
	sum->rang += is_answered || call->has_rung;
	sum->effective += call->has_rung ? ends[call->end].is_effective_if_rung
					 : ends[call->end].is_effective;
	sum->abandoned += strcmp(ends[call->end].cause, "abandoned") == 0;
	sum->talk_ms += (uint64_t)call->talk_ms;
	sum->pdd_ms += (uint64_t)call->ring_ms;
	sum->pdd_count += call->has_rung;
}

static void add_for(struct stats_sum *sum, const struct model_call *call, enum stats_scope scope,
		    int gateway)
{
	if (scope == STATS_TOTAL) {
		add_whole(sum, call);
		hear(sum, call, 0);
		hear(sum, call, 1);
	} else if (scope == STATS_MAPPING && call->mapping == gateway) {
		add_whole(sum, call);
		hear(sum, call, 0);
	} else if (scope == STATS_ROUTING && call->last == gateway) {
		add_whole(sum, call);
		hear(sum, call, 1);
	} else if (scope == STATS_ROUTING && call->first == gateway) {
		sum->attempts++; /* answered by 503, and nothing else is known of it */
	}
}

struct wanted {
	enum stats_scope scope;
	char name[8];
	struct stats_view view;
	struct stats_tally total;
	struct stats_tally day;
	bool is_found;
};

static void find(void *context, const struct stats_view *view)
{
	struct wanted *wanted = context;

	if (view->scope != wanted->scope || strcmp(view->name, wanted->name) != 0)
		return;
	wanted->total = *view->total;
	wanted->day = *view->day;
	wanted->is_found = true;
}

/* By its steps of ten seconds, as many as the window is long and the one that runs. */
static bool is_in(const struct model_call *call, uint32_t window_s, uint64_t now_us)
{
	uint64_t step_us = STATS_STEP_S * US_PER_S;

	return now_us / step_us - call->at_us / step_us <=
	       (window_s + STATS_STEP_S - 1) / STATS_STEP_S;
}

static void compare(struct stats *stats, const struct model_call *calls, size_t count,
		    uint64_t now_us, int today, enum stats_scope scope, int gateway)
{
	uint32_t window_s = 1 + chance(STATS_WINDOW_MAX_S);
	struct wanted wanted = {.scope = scope};
	struct stats_sum window = {0};
	struct stats_sum total = {0};
	struct stats_sum day = {0};
	struct stats_sum got;

	if (scope != STATS_TOTAL)
		snprintf(wanted.name, sizeof(wanted.name), "g%d", gateway);
	for (size_t i = 0; i < count; i++) {
		add_for(&total, &calls[i], scope, gateway);
		if (calls[i].day == today)
			add_for(&day, &calls[i], scope, gateway);
		if (is_in(&calls[i], window_s, now_us))
			add_for(&window, &calls[i], scope, gateway);
	}
	stats_read(stats, scope, wanted.name, window_s, now_us, &got);
	assert_memory_equal(&got, &window, sizeof(got));
	stats_walk(stats, find, &wanted);
	if (!wanted.is_found) {
		assert_int_equal(total.attempts, 0);
		return;
	}
	assert_memory_equal(&wanted.total.sum, &total, sizeof(total));
	if (day.attempts)
		assert_memory_equal(&wanted.day.sum, &day, sizeof(day));
}

static void it_is_what_a_list_adds_up_to(void **state)
{
	struct model_call *calls = calloc(CALLS, sizeof(*calls));
	struct stats *stats;
	uint64_t now_us = 5000 * US_PER_S;
	int day = 1;

	(void)state;
	assert_non_null(calls);
	assert_int_equal(stats_create(&stats), VOS_OK);
	for (size_t i = 0; i < CALLS; i++) {
		/* Bursts, pauses, and once in a while longer ones than any window. */
		now_us += chance(50) ? chance(3000000) : chance(2 * STATS_WINDOW_MAX_S) * US_PER_S;
		if (chance(500) == 0)
			day++;
		make_call(&calls[i], now_us, day);
		feed(stats, &calls[i]);
		if (i % 10 == 0) {
			compare(stats, calls, i + 1, now_us, day, STATS_TOTAL, 0);
			compare(stats, calls, i + 1, now_us, day, STATS_MAPPING,
				(int)chance(GATEWAYS));
			compare(stats, calls, i + 1, now_us, day, STATS_ROUTING,
				(int)chance(GATEWAYS));
		}
	}
	stats_destroy(stats);
	free(calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_what_a_list_adds_up_to)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
