/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of a call that is over, and how records fare. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/cdr/push.h"
#include "switchd/conf/conf.h"
#include "switchd/ctl/handlers.h"
#include "switchd/store/cdr_store.h"

/* --- show cdr <flow> --- */

static const struct member cdr_members[] = {
#define NUMBER(member, when, column, help)     {column, CELL_INT, MEMBER_ALWAYS, NULL},
#define TEXT(member, size, when, column, help) {column, CELL_TEXT, MEMBER_ALWAYS, NULL},
#define ADDRESS(member, when, column, help)    {column, CELL_TEXT, MEMBER_ALWAYS, NULL},
#define TIME(member, when, column, help)       {column, CELL_TIME, MEMBER_ALWAYS, NULL},
#include "switchd/cdr/cdr.def"
#undef NUMBER
#undef TEXT
#undef ADDRESS
#undef TIME
	{0},
};

const struct schema schema_cdr = SCHEMA_OF_ITEM(cdr_members);

static void item_cdr(struct request *request, const struct cdr *cdr)
{
	item_begin(request);
#define NUMBER(member, when, column, help)     item_int(request, NULL, column, cdr->member);
#define TEXT(member, size, when, column, help) item_str(request, NULL, column, cdr->member);
#define ADDRESS(member, when, column, help)    item_addr(request, NULL, column, &cdr->member);
#define TIME(member, when, column, help)       item_time(request, NULL, column, cdr->member);
#include "switchd/cdr/cdr.def"
#undef NUMBER
#undef TEXT
#undef ADDRESS
#undef TIME
	item_end(request);
}

enum step show_cdr(struct request *request)
{
	const char *flow = request_arg(request, "flow");
	struct cdr_writer *writer = request->ctl->context.cdr;
	struct buf bytes = buf_new();
	bool is_found = false;
	struct cdr cdr;
	char key[17];

	cdr_number_key(strtoull(flow, NULL, 10), key);
	if (writer && cdr_store_get(cdr_writer_store(writer), 'r', key, &bytes) == VOS_OK)
		is_found = cdr_decode(buf_span(&bytes), &cdr);
	buf_free(&bytes);
	if (!is_found)
		return request_refuse(request, FAULT_NOT_FOUND,
				      match_arg(&request->match, "flow")->column,
				      "no record is kept under number %s", flow);
	item_cdr(request, &cdr);
	return STEP_DONE;
}

/* --- show cdr status --- */

static const struct member consumer_members[] = {
	{"name", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"is_on", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"done", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pending", CELL_INT, MEMBER_ALWAYS, NULL},
	{0},
};

static const struct member status_members[] = {
	{"newest", CELL_INT, MEMBER_ALWAYS, NULL},
	{"oldest", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pending", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pending_max", CELL_INT, MEMBER_ALWAYS, NULL},
	{"not_stored", CELL_INT, MEMBER_ALWAYS, NULL},
	{"spool_bytes", CELL_INT, MEMBER_ALWAYS, NULL},
	{"commits", CELL_INT, MEMBER_ALWAYS, NULL},
	{"longest_commit_us", CELL_INT, MEMBER_ALWAYS, NULL},
	{"is_failing", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"refuses_calls", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"push_url", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"push_pending", CELL_INT, MEMBER_ALWAYS, NULL},
	{"push_taken", CELL_INT, MEMBER_ALWAYS, NULL},
	{"push_failed", CELL_INT, MEMBER_ALWAYS, NULL},
	{"push_failures_now", CELL_INT, MEMBER_ALWAYS, NULL},
	{"push_answer", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"push_answer_time", CELL_TIME, MEMBER_ALWAYS, NULL},
	{"push_next_time", CELL_TIME, MEMBER_ALWAYS, NULL},
	{"consumers", CELL_TEXT, MEMBER_LIST, consumer_members},
	{0},
};

const struct schema schema_cdr_status = SCHEMA_OF_ITEM(status_members);

/* How the push fares: when it is on, which consumer it is does not matter to who asks. */
static void item_push(struct request *request, const struct cdr_status *cdr)
{
	const struct conf *conf = request->ctl->conf;
	struct delivery_status status = {0};
	uint64_t done;

	done = cdr_push_status(request->ctl->context.cdr_push, &status);
	item_str(request, NULL, "push_url", conf->cdr_push.url);
	item_int(request, NULL, "push_pending",
		 conf->cdr_push.url[0] && cdr->newest > done ? (int64_t)(cdr->newest - done) : 0);
	item_int(request, NULL, "push_taken", (int64_t)status.taken);
	item_int(request, NULL, "push_failed", (int64_t)status.failed);
	item_int(request, NULL, "push_failures_now", status.failures);
	item_str(request, NULL, "push_answer", status.text);
	item_time(request, NULL, "push_answer_time", status.answered_ms);
	item_time(request, NULL, "push_next_time", status.next_ms);
}

static void item_consumers(struct request *request, const struct cdr_writer *writer,
			   uint64_t newest)
{
	struct cdr_consumer_status consumers[CDR_CONSUMERS_MAX];
	int count = cdr_writer_consumers(writer, consumers);
	json_t *list = item_list(request, NULL, "consumers");

	for (int i = 0; i < count; i++) {
		json_t *item = item_child(list);
		uint64_t done = consumers[i].done;

		item_str(request, item, "name", consumers[i].name);
		item_bool(request, item, "is_on", consumers[i].is_on);
		item_int(request, item, "done", (int64_t)done);
		item_int(request, item, "pending",
			 consumers[i].is_on && newest > done ? (int64_t)(newest - done) : 0);
	}
}

enum step show_cdr_status(struct request *request)
{
	struct cdr_writer *writer = request->ctl->context.cdr;
	struct cdr_status status;

	if (!writer)
		return request_refuse(request, FAULT_STATE, 0, "records are not kept");
	cdr_writer_status(writer, &status);
	item_begin(request);
	item_int(request, NULL, "newest", (int64_t)status.newest);
	item_int(request, NULL, "oldest", (int64_t)status.oldest);
	item_int(request, NULL, "pending", (int64_t)status.pending);
	item_int(request, NULL, "pending_max", (int64_t)status.pending_max);
	item_int(request, NULL, "not_stored", (int64_t)status.in_memory);
	item_int(request, NULL, "spool_bytes", (int64_t)status.spool_bytes);
	item_int(request, NULL, "commits", (int64_t)status.commits);
	item_int(request, NULL, "longest_commit_us", (int64_t)status.commit_us);
	item_bool(request, NULL, "is_failing", status.is_failing);
	item_bool(request, NULL, "refuses_calls", status.refuses);
	item_push(request, &status);
	item_consumers(request, writer, status.newest);
	item_end(request);
	return STEP_DONE;
}
