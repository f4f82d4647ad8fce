/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that are over: the list, one of them, and how their records fare. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/cdr/push.h"
#include "switchd/conf/conf.h"
#include "switchd/ctl/handlers.h"
#include "switchd/store/cdr_store.h"

#define LAST_DEFAULT 20
#define LOOKED_AT    500 /* records of one slice */

static const char *side_word(int64_t side)
{
	static const char *const words[] = {"caller", "callee", "switch"};

	return side >= CDR_BY_CALLER && side <= CDR_BY_SWITCH ? words[side] : NULL;
}

/* --- show calls history --- */

static const struct column history_columns[] = {
	{"flow", CELL_INT, "", "FLOW", 6},
	{"start_time", CELL_TIME, "", "START", 20},
	{"caller", CELL_TEXT, "", "CALLER", 12},
	{"callee", CELL_TEXT, "", "CALLEE", 12},
	{"caller_party", CELL_TEXT, "", "FROM", 14},
	{"callee_party", CELL_TEXT, "", "TO", 14},
	{"is_answered", CELL_BOOL, "", "ANSWERED", 8},
	{"talk_ms", CELL_INT, "ms", "TALK", 7},
	{"cause_name", CELL_TEXT, "", "END", 14},
	{"cause", CELL_INT, "", "CODE", 4},
	{"hang_up_side", CELL_TEXT, "", "BY", 6},
	{"pdd_ms", CELL_INT, "ms", "PDD", -6},
	{"tried", CELL_TEXT, "", "TRIED", -30},
	{"call", CELL_TEXT, "", "CALL", -16},
};

const struct schema schema_calls_history = SCHEMA_OF_ROWS(history_columns);

struct walk_history {
	char from[17];
	uint64_t wanted; /* rows */
	int64_t since_ms;
	int looked_at;
	bool is_started;
	bool is_over;
	struct request *request;
};

/* "1001", or "10*" for all that begin so; before or after rewriting. */
static bool is_number(const char *wanted, const char *received, const char *number)
{
	size_t len = strlen(wanted);

	if (strcmp(wanted, number) == 0 || strcmp(wanted, received) == 0)
		return true;
	if (!len || wanted[len - 1] != '*')
		return false;
	return strncmp(wanted, number, len - 1) == 0 || strncmp(wanted, received, len - 1) == 0;
}

static bool is_party(const char *party, const char *kind, const char *name)
{
	size_t len = strlen(kind);

	return strncmp(party, kind, len) == 0 && party[len] == ' ' &&
	       strcmp(party + len + 1, name) == 0;
}

static bool has_party(const struct cdr *cdr, const char *kind, const char *name)
{
	return is_party(cdr->caller_party, kind, name) || is_party(cdr->callee_party, kind, name);
}

/* A gateway that was tried and refused counts, too. */
static bool has_gateway(const struct cdr *cdr, const char *name)
{
	char tried[sizeof(cdr->tried) + 32];

	snprintf(tried, sizeof(tried), "routing-gateway %s:", name);
	return has_party(cdr, "mapping-gateway", name) || has_party(cdr, "routing-gateway", name) ||
	       strstr(cdr->tried, tried);
}

static bool is_wanted(const struct walk_history *walk, const struct cdr *cdr)
{
	const struct request *request = walk->request;
	const char *caller = request_arg(request, "caller");
	const char *callee = request_arg(request, "callee");
	const char *phone = request_arg(request, "phone");
	const char *gateway = request_arg(request, "gateway");

	if (request_has(request, "failed") && cdr->answer_ms)
		return false;
	if (cdr->start_ms < walk->since_ms)
		return false;
	if ((caller && !is_number(caller, cdr->caller_received, cdr->caller)) ||
	    (callee && !is_number(callee, cdr->callee_received, cdr->callee)))
		return false;
	if (phone && !has_party(cdr, "phone", phone))
		return false;
	return !gateway || has_gateway(cdr, gateway);
}

static void emit_cdr(struct request *request, const struct cdr *cdr)
{
	char id[CALL_ID_TEXT];

	emit_int(request, cdr->flow);
	emit_time(request, cdr->start_ms);
	emit_str(request, cdr->caller[0] ? cdr->caller : cdr->caller_received);
	emit_str(request, cdr->callee[0] ? cdr->callee : cdr->callee_received);
	emit_str(request, cdr->caller_party);
	emit_str(request, cdr->callee_party);
	emit_bool(request, cdr->answer_ms != 0);
	emit_int(request, cdr->talk_ms);
	emit_str(request, cdr->cause_name);
	emit_int(request, cdr->cause);
	emit_str(request, side_word(cdr->side));
	emit_int(request, cdr->ring_ms);
	emit_str(request, cdr->tried);
	emit_str(request, call_id_text((uint64_t)cdr->key, id));
	emit_row_end(request);
}

static bool look_at(void *context, const char *key, struct span value)
{
	struct walk_history *walk = context;
	struct cdr cdr;

	cdr_number_key(strtoull(key, NULL, 16) - 1, walk->from);
	if (cdr_decode(value, &cdr) && is_wanted(walk, &cdr)) {
		emit_cdr(walk->request, &cdr);
		walk->wanted--;
	}
	walk->is_over = !walk->wanted;
	return !walk->is_over && ++walk->looked_at < LOOKED_AT;
}

static int64_t since_ms(const char *text)
{
	static const struct value_spec spec = {
		.type = VALUE_DURATION, .min = 0, .max = INT32_MAX, .unit = "s"};
	struct value value = {.type = VALUE_NONE};
	int64_t seconds = 0;

	if (value_parse(&spec, "", span_of(text), &value, NULL) == VOS_OK)
		seconds = value.number;
	value_clear(&value);
	return clock_wall_ms() - seconds * 1000;
}

static void begin_walk(struct request *request, struct walk_history *walk)
{
	const char *last = request_arg(request, "last");
	const char *since = request_arg(request, "since");

	EMIT_TABLE(request, history_columns);
	walk->is_started = true;
	walk->wanted = last ? strtoull(last, NULL, 10) : since ? UINT64_MAX : LAST_DEFAULT;
	walk->since_ms = since ? since_ms(since) : 0;
	walk->is_over = !request->ctl->context.cdr;
}

enum step show_calls_history(struct request *request)
{
	struct walk_history *walk = request_state(request, sizeof(*walk));

	if (!walk)
		return request_no_memory(request);
	if (!walk->is_started)
		begin_walk(request, walk);
	if (walk->is_over)
		return STEP_DONE;
	walk->request = request;
	walk->looked_at = 0;
	if (cdr_store_walk(cdr_writer_store(request->ctl->context.cdr), 'r', walk->from, true,
			   look_at, walk) != VOS_OK)
		return request_refuse(request, FAULT_INTERNAL, 0, "the records cannot be read");
	return walk->is_over || walk->looked_at < LOOKED_AT ? STEP_DONE : STEP_MORE;
}

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
