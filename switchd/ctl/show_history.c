/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that are over, newest first, as the store keeps their records. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/call/cause.h"
#include "switchd/cdr/writer.h"
#include "switchd/ctl/handlers.h"
#include "switchd/sip/msg.h"
#include "switchd/store/cdr_store.h"

#define LAST_DEFAULT 20
#define LOOKED_AT    500 /* records of one slice */

static const char *side_word(int64_t side)
{
	static const char *const words[] = {"caller", "callee", "switch"};

	return side >= CDR_BY_CALLER && side <= CDR_BY_SWITCH ? words[side] : NULL;
}

static const struct column history_columns[] = {
	{"flow", CELL_INT, "", "FLOW", 6},           {"start_time", CELL_TIME, "", "START", 20},
	{"caller", CELL_TEXT, "", "CALLER", 12},     {"callee", CELL_TEXT, "", "CALLEE", 12},
	{"caller_party", CELL_TEXT, "", "FROM", 14}, {"callee_party", CELL_TEXT, "", "TO", 14},
	{"is_answered", CELL_BOOL, "", "", 0},       {"talk_ms", CELL_INT, "ms", "TALK", 7},
	{"cause_name", CELL_TEXT, "", "", 0},        {"cause", CELL_INT, "", "", 0},
	{"hang_up_side", CELL_TEXT, "", "BY", 6},    {"why", CELL_TEXT, "", "WHY", 40},
	{"pdd_ms", CELL_INT, "ms", "PDD", -6},       {"tried", CELL_TEXT, "", "TRIED", -30},
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

/* "no-answer", "-23", "486", "4xx" */
static bool has_cause(const struct cdr *cdr, const char *cause)
{
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)cdr->cause);
	if (strcmp(cause, cdr->cause_name) == 0 || strcmp(cause, number) == 0)
		return true;
	return strlen(cause) == 3 && isdigit((unsigned char)cause[0]) &&
	       strcmp(cause + 1, "xx") == 0 && cdr->cause > 0 && cdr->cause / 100 == cause[0] - '0';
}

static bool is_wanted(const struct walk_history *walk, const struct cdr *cdr)
{
	const struct request *request = walk->request;
	const char *cause = request_arg(request, "cause");
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
	if (cause && !has_cause(cdr, cause))
		return false;
	if (phone && !has_party(cdr, "phone", phone))
		return false;
	return !gateway || has_gateway(cdr, gateway);
}

/* "hung up", "refused: 486 Busy Here", "no-answer: rang without answer [SIP;cause=480]" */
static void emit_why(struct request *request, const struct cdr *cdr)
{
	char memory[512];
	struct buf text = buf_over(memory, sizeof(memory));
	struct cause cause;

	if (cdr->cause == 0)
		buf_add_lit(&text, "hung up");
	else if (cdr->cause > 0)
		buf_printf(&text, "refused: %d %s", (int)cdr->cause,
			   sip_reason_phrase((int)cdr->cause));
	else if (cause_from_number(cdr->cause, &cause))
		buf_printf(&text, "%s: %s", cdr->cause_name, cause_text(cause));
	else
		buf_add_str(&text, cdr->cause_name);
	if (cdr->reason[0])
		buf_printf(&text, " [%s]", cdr->reason);
	emit_text(request, buf_span(&text));
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
	emit_why(request, cdr);
	emit_int(request, cdr->ring_ms);
	emit_str(request, cdr->tried);
	emit_str(request, cdr->key ? call_id_text((uint64_t)cdr->key, id) : NULL);
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
