/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of calls, and the end of many: asked of one signalling thread after the other, in slices of
 * their ids. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/ctl/handlers.h"

/* What has a heading only in detail is in JSON all the same. */
static const struct column brief_columns[] = {
	{"id", CELL_TEXT, "", "CALL", 16},
	{"state", CELL_TEXT, "", "STATE", 9},
	{"caller", CELL_TEXT, "", "CALLER", 12},
	{"callee", CELL_TEXT, "", "CALLEE", 12},
	{"caller_party", CELL_TEXT, "", "FROM", -14},
	{"callee_party", CELL_TEXT, "", "TO", -14},
	{"start_time", CELL_TIME, "", "START", -20},
	{"age_s", CELL_INT, "s", "AGE", 5},
	{"talk_s", CELL_INT, "s", "TALK", 5},
	{"is_relayed", CELL_BOOL, "", "RELAY", 5},
	{"codec", CELL_TEXT, "", "CODEC", -8},
	{"caller_address", CELL_TEXT, "", "", 21},
	{"callee_address", CELL_TEXT, "", "", 21},
	{"media_step", CELL_TEXT, "", "", 14},
};

static const struct column detail_columns[] = {
	{"id", CELL_TEXT, "", "CALL", 16},
	{"state", CELL_TEXT, "", "STATE", 9},
	{"caller", CELL_TEXT, "", "CALLER", 12},
	{"callee", CELL_TEXT, "", "CALLEE", 12},
	{"caller_party", CELL_TEXT, "", "FROM", 14},
	{"callee_party", CELL_TEXT, "", "TO", 14},
	{"start_time", CELL_TIME, "", "START", 20},
	{"age_s", CELL_INT, "s", "AGE", 5},
	{"talk_s", CELL_INT, "s", "TALK", 5},
	{"is_relayed", CELL_BOOL, "", "RELAY", 5},
	{"codec", CELL_TEXT, "", "CODEC", 8},
	{"caller_address", CELL_TEXT, "", "FROM-ADDRESS", 21},
	{"callee_address", CELL_TEXT, "", "TO-ADDRESS", 21},
	{"media_step", CELL_TEXT, "", "MEDIA", 14},
};

const struct schema schema_calls = SCHEMA_OF_ROWS(brief_columns);

static bool has_party(const struct call_info *call, const char *kind, const char *name)
{
	char party[CALL_PARTY_MAX];

	if (snprintf(party, sizeof(party), "%s %s", kind, name) >= (int)sizeof(party))
		return false;
	return strcmp(call->legs[0].party, party) == 0 || strcmp(call->legs[1].party, party) == 0;
}

/* "1001", or "10*" for all that begin so. A number that has a star itself fits, too. */
static bool is_number(const char *wanted, const char *number)
{
	size_t len = strlen(wanted);

	if (strcmp(wanted, number) == 0)
		return true;
	return len && wanted[len - 1] == '*' && strncmp(wanted, number, len - 1) == 0;
}

/* Seconds of a duration that the grammar has let pass. */
static int64_t seconds_of(const char *text)
{
	static const struct value_spec spec = {
		.type = VALUE_DURATION, .min = 0, .max = INT32_MAX, .unit = "s"};
	struct value value = {.type = VALUE_NONE};
	int64_t seconds = 0;

	if (value_parse(&spec, "", span_of(text), &value, NULL) == VOS_OK)
		seconds = value.number;
	value_clear(&value);
	return seconds;
}

static bool is_wanted(const struct request *request, const struct call_info *call)
{
	const char *older_than = request_arg(request, "older_than");
	const char *caller = request_arg(request, "caller");
	const char *callee = request_arg(request, "callee");
	const char *phone = request_arg(request, "phone");
	const char *gateway = request_arg(request, "gateway");
	const char *state = request_arg(request, "state");

	if (request_has(request, "active") && !call->answer_ms)
		return false;
	if (older_than && call->age_s <= seconds_of(older_than))
		return false;
	if ((caller && !is_number(caller, call->caller)) ||
	    (callee && !is_number(callee, call->callee)) ||
	    (state && strcmp(state, call->state) != 0))
		return false;
	if (phone && !has_party(call, "phone", phone))
		return false;
	return !gateway || has_party(call, "routing-gateway", gateway) ||
	       has_party(call, "mapping-gateway", gateway);
}

static void emit_call(struct request *request, const struct call_info *call)
{
	const char *codec = call->legs[1].codec[0] ? call->legs[1].codec : call->legs[0].codec;
	char id[CALL_ID_TEXT];

	emit_str(request, call_id_text(call->id, id));
	emit_str(request, call->state);
	emit_str(request, call->caller);
	emit_str(request, call->callee);
	emit_str(request, call->legs[0].party);
	emit_str(request, call->legs[1].party);
	emit_time(request, call->start_ms);
	emit_int(request, call->age_s);
	if (call->answer_ms)
		emit_int(request, call->talk_s);
	else
		emit_null(request);
	emit_bool(request, call->is_relayed);
	emit_str(request, codec);
	emit_addr(request, &call->legs[0].signalling);
	emit_addr(request, &call->legs[1].signalling);
	emit_str(request, decide_step_name(call->media_step));
	emit_row_end(request);
}

static void emit_if_wanted(struct request *request, const struct call_info *call)
{
	if (is_wanted(request, call))
		emit_call(request, call);
}

enum step show_calls(struct request *request)
{
	struct walk_workers *walk = walk_state(request);

	if (!walk)
		return request_no_memory(request);
	if (!walk->started && request_has(request, "detail"))
		EMIT_TABLE(request, detail_columns);
	else if (!walk->started)
		EMIT_TABLE(request, brief_columns);
	return walk_calls(request, walk, emit_if_wanted);
}

static void ask_clear_calls(struct ask *ask, struct sip_worker *worker)
{
	/* Not the calls that begin while others are ended. */
	if (ask->high == 0)
		ask->high = call_table_newest(worker->calls);
	ask->is_found =
		call_table_clear_some(worker->calls, &ask->low, ask->high,
				      ask->text[0] ? ask->text : NULL, ask->max, &ask->count);
}

static bool is_gateway(const struct request *request, const char *name)
{
	const struct conf *conf = request->ctl->conf;

	return conf_routing_gateway_find(conf, span_of(name)) ||
	       snapshot_object_find(conf->snapshot, OBJECT_MAPPING_GATEWAY, span_of(name));
}

enum step cmd_clear_calls(struct request *request)
{
	struct walk_workers *walk = walk_state(request);
	const char *gateway = request_arg(request, "gateway");
	const struct ask *reply;
	uint64_t until = 0;

	if (!walk)
		return request_no_memory(request);
	reply = walk->reply;
	if (!walk->started && gateway && !is_gateway(request, gateway))
		return request_refuse(request, FAULT_NOT_FOUND,
				      match_arg(&request->match, "gateway")->column,
				      "there is no gateway %s", gateway);
	if (!walk->started && !request->yes)
		return request_ask(request, "this ends every call%s%s", gateway ? " of " : "",
				   gateway ? gateway : "");
	if (walk->started) {
		walk->total += reply ? reply->count : 0;
		walk->after = reply && reply->is_found ? reply->low : 0;
		until = reply && reply->is_found ? reply->high : 0;
		walk->worker += !until;
	}
	walk->started = true;
	if (walk->worker < request->ctl->context.worker_count)
		return walk_ask_text(request, walk, ask_clear_calls, walk->after, until, gateway);
	emit_say(request, "%zu call%s ended", walk->total, walk->total == 1 ? "" : "s");
	return STEP_DONE;
}
