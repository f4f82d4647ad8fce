/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIP transactions: counted by kind and state, and one by one. A thread is asked for a part of its
 * table at a time, so that a large one holds up no call. */
#include <stdlib.h>

#include "switchd/ctl/handlers.h"

#define PLACES_A_TURN 4096 /* about a millisecond of a busy thread */
#define LIMIT_USUAL   100

static const struct column counts_columns[] = {
	{"thread", CELL_INT, "", "THREAD", 6},  {"kind", CELL_TEXT, "", "KIND", 6},
	{"method", CELL_TEXT, "", "METHOD", 9}, {"state", CELL_TEXT, "", "STATE", 10},
	{"count", CELL_INT, "", "COUNT", 8},    {"oldest_s", CELL_INT, "s", "OLDEST", 6},
};

const struct schema schema_sip_transactions = SCHEMA_OF_ROWS(counts_columns);

static const struct column list_columns[] = {
	{"thread", CELL_INT, "", "THREAD", 6},    {"kind", CELL_TEXT, "", "KIND", 6},
	{"method", CELL_TEXT, "", "METHOD", 9},   {"state", CELL_TEXT, "", "STATE", 10},
	{"age_ms", CELL_INT, "ms", "AGE", 8},     {"peer_address", CELL_TEXT, "", "PEER", 21},
	{"branch", CELL_TEXT, "", "BRANCH", -47},
};

const struct schema schema_sip_transactions_list = SCHEMA_OF_ROWS(list_columns);

static void count_one(struct txn_count *kinds, size_t *kind_count, const struct txn_count *one)
{
	for (size_t i = 0; i < *kind_count; i++) {
		struct txn_count *kind = &kinds[i];

		if (kind->of.is_server != one->of.is_server || kind->of.method != one->of.method ||
		    strcmp(kind->of.state, one->of.state) != 0)
			continue;
		kind->count += one->count;
		if (one->of.start_us < kind->of.start_us)
			kind->of.start_us = one->of.start_us;
		return;
	}
	if (*kind_count < CTL_TXN_KINDS)
		kinds[(*kind_count)++] = *one;
}

static void count_txn(void *context, const struct txn_info *info)
{
	struct txn_report *report = context;
	const struct txn_count one = {.of = *info, .count = 1};

	count_one(report->kinds, &report->kind_count, &one);
}

static void copy_txn(void *context, const struct txn_info *info)
{
	struct txn_report *report = context;

	if (report->info_count < CTL_SLICE)
		report->infos[report->info_count++] = *info;
}

static void ask_count(struct ask *ask, struct sip_worker *worker)
{
	struct txn_report *report = &ask->txns;

	report->now_us = worker->now_us;
	report->cursor = ask->low;
	report->is_more = txn_walk(worker->txns, &report->cursor, PLACES_A_TURN, count_txn, report);
}

static void ask_list(struct ask *ask, struct sip_worker *worker)
{
	struct txn_report *report = &ask->txns;

	report->now_us = worker->now_us;
	report->cursor = ask->low;
	report->is_more = true;
	/* Bucket by bucket, so that none of a full slice is lost but those of its last bucket. */
	for (int i = 0; i < PLACES_A_TURN && report->is_more && report->info_count < ask->max; i++)
		report->is_more = txn_walk(worker->txns, &report->cursor, 1, copy_txn, report);
}

static void emit_kind(struct request *request, int thread, const struct txn_info *info)
{
	emit_int(request, thread);
	emit_str(request, info->is_server ? "server" : "client");
	emit_str(request, sip_method_text(info->method));
	emit_str(request, info->state);
}

static int by_kind(const void *a, const void *b)
{
	const struct txn_info *one = &((const struct txn_count *)a)->of;
	const struct txn_info *two = &((const struct txn_count *)b)->of;

	if (one->is_server != two->is_server)
		return one->is_server ? -1 : 1;
	if (one->method != two->method)
		return one->method < two->method ? -1 : 1;
	return strcmp(one->state, two->state);
}

/* All parts of a thread have come. */
static void emit_counts(struct request *request, int thread, struct txn_report *sum)
{
	qsort(sum->kinds, sum->kind_count, sizeof(sum->kinds[0]), by_kind);
	for (size_t i = 0; i < sum->kind_count; i++) {
		const struct txn_count *kind = &sum->kinds[i];

		emit_kind(request, thread, &kind->of);
		emit_int(request, (int64_t)kind->count);
		emit_int(request, (int64_t)((sum->now_us - kind->of.start_us) / 1000000));
		emit_row_end(request);
	}
	sum->kind_count = 0;
}

/* Goes on behind the answer that came: the same thread's next part, or the next thread's first.
 * True when a thread is done. */
static bool next_part(struct walk_workers *walk)
{
	const struct txn_report *report = walk->reply ? &walk->reply->txns : NULL;

	walk->after = report && report->is_more ? report->cursor : 0;
	if (walk->after)
		return false;
	walk->worker++;
	return true;
}

enum step show_sip_transactions(struct request *request)
{
	struct walk_workers *walk = walk_state(request);
	struct txn_report *sum;

	if (walk && !walk->more)
		walk->more = calloc(1, sizeof(*sum));
	if (!walk || !walk->more)
		return request_no_memory(request);
	sum = walk->more;
	if (!walk->started) {
		EMIT_TABLE(request, counts_columns);
		walk->started = true;
	} else {
		const struct txn_report *report = walk->reply ? &walk->reply->txns : NULL;
		int thread = walk->worker;

		for (size_t i = 0; report && i < report->kind_count; i++)
			count_one(sum->kinds, &sum->kind_count, &report->kinds[i]);
		if (report)
			sum->now_us = report->now_us;
		if (next_part(walk))
			emit_counts(request, thread, sum);
	}
	if (walk->worker >= request->ctl->context.worker_count)
		return STEP_DONE;
	return walk_ask(request, walk, ask_count, walk->after, 0, CTL_SLICE);
}

static size_t wanted(const struct request *request, const struct walk_workers *walk)
{
	const char *limit = request_arg(request, "limit");
	size_t most = limit ? (size_t)strtoul(limit, NULL, 10) : LIMIT_USUAL;

	return walk->total < most ? most - walk->total : 0;
}

enum step show_sip_transactions_list(struct request *request)
{
	struct walk_workers *walk = walk_state(request);
	size_t left;

	if (!walk)
		return request_no_memory(request);
	if (!walk->started) {
		EMIT_TABLE(request, list_columns);
		walk->started = true;
	} else {
		const struct txn_report *report = walk->reply ? &walk->reply->txns : NULL;

		left = wanted(request, walk);
		for (size_t i = 0; report && i < report->info_count && i < left; i++) {
			const struct txn_info *info = &report->infos[i];

			emit_kind(request, walk->worker, info);
			emit_int(request, (int64_t)((report->now_us - info->start_us) / 1000));
			emit_addr(request, &info->peer);
			emit_str(request, info->branch);
			emit_row_end(request);
			walk->total++;
		}
		next_part(walk);
	}
	left = wanted(request, walk);
	if (left == 0 || walk->worker >= request->ctl->context.worker_count)
		return STEP_DONE;
	return walk_ask(request, walk, ask_list, walk->after, 0, left);
}
