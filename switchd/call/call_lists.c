/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/call_lists.h"

#include "switchd/auth/black_rules.h"
#include "switchd/call/call_trace.h"

static const enum cause_id CAUSES[BLACK_TYPES] = {
	[BLACK_NONE] = CAUSE_NORMAL,
	[BLACK_MALICIOUS] = CAUSE_BLACK_MALICIOUS,
	[BLACK_CONCURRENT] = CAUSE_BLACK_CONCURRENT,
	[BLACK_NO_ANSWER] = CAUSE_BLACK_NO_ANSWER,
};

/* --- Lists of the configuration. --- */

static bool is_in(const struct snapshot *config, enum object_kind kind, enum field_id field,
		  const char *number, int side)
{
	const struct object *object;
	int64_t as;

	if (snapshot_object_count(config, kind) == 0)
		return false;
	object = snapshot_object_find(config, kind, span_of(number));
	if (!object)
		return false;
	as = object_field(object, field)->number;
	return as == WORD_LISTED_AS_BOTH || as == side;
}

static bool is_white(const struct snapshot *config, const char *number, int side)
{
	return is_in(config, OBJECT_WHITE_LIST, FIELD_WHITE_LIST_LISTED_AS, number, side);
}

static bool is_black(const struct snapshot *config, const char *number, int side)
{
	return is_in(config, OBJECT_BLACK_LIST, FIELD_BLACK_LIST_LISTED_AS, number, side) &&
	       !is_white(config, number, side);
}

static enum cause_id ask_static(const struct snapshot *config, const char *caller,
				const char *callee)
{
	if (is_black(config, caller, WORD_LISTED_AS_CALLER))
		return CAUSE_BLACK_CALLER;
	if (is_black(config, callee, WORD_LISTED_AS_CALLEE))
		return CAUSE_BLACK_CALLEE;
	return CAUSE_NORMAL;
}

/* --- The dynamic one. --- */

static enum cause_id ask_dynamic(const struct call_lists *lists, uint64_t now_us)
{
	struct black_rules rules;
	struct black_entry entry;

	black_rules_read(lists->config, &rules);
	if (!is_white(lists->config, lists->caller, WORD_LISTED_AS_CALLER) &&
	    blacklist_find(lists->blacklist, false, lists->caller, now_us, &entry) &&
	    rules.of[entry.type].limit)
		return CAUSES[entry.type];
	if (!is_white(lists->config, lists->callee, WORD_LISTED_AS_CALLEE) &&
	    blacklist_find(lists->blacklist, true, lists->callee, now_us, &entry) &&
	    rules.of[entry.type].limit)
		return CAUSES[entry.type];
	return CAUSE_NORMAL;
}

enum cause_id call_lists_ask(const struct call_lists *lists, uint64_t now_us)
{
	enum cause_id id = ask_static(lists->config, lists->caller, lists->callee);

	return id == CAUSE_NORMAL && lists->blacklist ? ask_dynamic(lists, now_us) : id;
}

/* --- Of a call. --- */

static bool is_counted(const struct call *call)
{
	const struct conf_mapping_gateway *mapping = call->hunt->mapping;
	const struct conf_phone *phone = call->hunt->phone;
	bool has_list = mapping ? mapping->has_black_list : phone && phone->has_black_list;

	return has_list && call->table->env.blacklist;
}

static enum cause_id check_dynamic(struct call *call, const struct snapshot *config)
{
	const struct call_env *env = &call->table->env;
	const struct call_hunt *hunt = call->hunt;
	enum black_type type = BLACK_NONE;
	struct black_rules rules;

	black_rules_read(config, &rules);
	if (!is_white(config, hunt->caller_number, WORD_LISTED_AS_CALLER))
		type = blacklist_begin(env->blacklist, &rules, hunt->caller_number, *env->now_us,
				       &call->black_held);
	if (type == BLACK_NONE && !is_white(config, hunt->callee_number, WORD_LISTED_AS_CALLEE))
		type = blacklist_called(env->blacklist, &rules, hunt->callee_number, *env->now_us);
	return CAUSES[type];
}

struct cause call_lists_check(struct call *call, bool is_new)
{
	const struct call_hunt *hunt = call->hunt;
	const struct snapshot *config = hunt->conf->snapshot;
	enum cause_id id = ask_static(config, hunt->caller_number, hunt->callee_number);
	bool is_callee;

	if (id == CAUSE_NORMAL && is_new && is_counted(call))
		id = check_dynamic(call, config);
	if (id == CAUSE_NORMAL)
		return cause_of(id);
	is_callee = id == CAUSE_BLACK_CALLEE || id == CAUSE_BLACK_NO_ANSWER;
	call_note(call, TRACE_LISTED, MEDIA_A, cause_number(cause_of(id)), 0,
		  is_callee ? hunt->callee_number : hunt->caller_number);
	return cause_of(id);
}

/* Nobody took it up: a callee who is busy or declines is there. */
static bool is_unanswered(struct cause cause)
{
	if (cause.received)
		return cause.received == 408 || cause.received == 480 || cause.received == 487;
	return cause.id == CAUSE_NO_ANSWER || cause.id == CAUSE_ABANDONED ||
	       cause.id == CAUSE_TIMEOUT_PROGRESS || cause.id == CAUSE_TIMEOUT_SETUP ||
	       cause.id == CAUSE_NORMAL;
}

void call_lists_ended(struct call *call, struct cause cause)
{
	const struct call_env *env = &call->table->env;
	const struct call_hunt *hunt = call->hunt;
	struct black_rules rules;

	if (call->black_held)
		blacklist_end(env->blacklist, call->black_held);
	call->black_held = 0;
	if (call->answer_us || !hunt || !hunt->was_ringing || !is_counted(call) ||
	    !is_unanswered(cause))
		return;
	black_rules_read(hunt->conf->snapshot, &rules);
	if (!is_white(hunt->conf->snapshot, hunt->callee_number, WORD_LISTED_AS_CALLEE))
		blacklist_unanswered(env->blacklist, &rules, hunt->callee_number, *env->now_us);
}
