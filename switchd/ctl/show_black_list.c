/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers whose calls are refused: those of the configuration, and the dynamic black list. */
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "switchd/auth/blacklist.h"
#include "switchd/auth/digest.h"
#include "switchd/ctl/handlers.h"

#define ENTRIES_MAX 4096 /* of one list; nobody reads more */

static const struct column columns[] = {
	{"number", CELL_TEXT, "", "NUMBER", 16},
	{"side", CELL_TEXT, "", "SIDE", 6},
	{"type", CELL_TEXT, "", "TYPE", 10},
	{"calls", CELL_INT, "", "CALLS", 5},
	{"refused", CELL_INT, "", "REFUSED", 7},
	{"since_time", CELL_TIME, "", "SINCE", -20},
	{"until_time", CELL_TIME, "", "UNTIL", 20},
	{"left_s", CELL_INT, "s", "LEFT", 8},
	{"last_call_time", CELL_TIME, "", "LAST", -20},
	{"memo", CELL_TEXT, "", "MEMO", -20},
};

const struct schema schema_black_list = SCHEMA_OF_ROWS(columns);

struct walk {
	struct conf *conf;
	size_t at_static;
	size_t at;
	size_t count;
	struct black_entry entries[ENTRIES_MAX];
};

static void drop_walk(void *state)
{
	struct walk *walk = state;

	conf_unref(walk->conf);
	free(walk);
}

static enum black_type type_of(const struct request *request)
{
	for (int type = BLACK_NONE + 1; type < BLACK_TYPES; type++)
		if (request_has(request, black_type_word((enum black_type)type)))
			return (enum black_type)type;
	return BLACK_NONE;
}

static void emit_object(struct request *request, const struct object *object)
{
	static const char *const sides[] = {
		[WORD_LISTED_AS_BOTH] = "both",
		[WORD_LISTED_AS_CALLER] = "caller",
		[WORD_LISTED_AS_CALLEE] = "callee",
	};

	emit_str(request, object_key(object));
	emit_str(request, sides[object_field(object, FIELD_BLACK_LIST_LISTED_AS)->number]);
	emit_str(request, "static");
	for (int i = 0; i < 6; i++)
		emit_null(request);
	emit_str(request, object_field(object, FIELD_BLACK_LIST_MEMO)->text);
	emit_row_end(request);
}

static void emit_entry(struct request *request, const struct black_entry *entry, uint64_t now_us)
{
	emit_str(request, entry->number);
	emit_str(request, black_type_side(entry->type));
	emit_str(request, black_type_word(entry->type));
	emit_int(request, entry->count);
	emit_int(request, entry->refused);
	emit_time(request, entry->since_ms);
	emit_time(request, entry->until_ms);
	emit_int(request, entry->until_us > now_us
				  ? (int64_t)((entry->until_us - now_us + 999999) / 1000000)
				  : 0);
	if (entry->last_us)
		emit_time(request,
			  clock_wall_ms() - (int64_t)(now_us > entry->last_us
							      ? (now_us - entry->last_us) / 1000
							      : 0));
	else
		emit_null(request);
	emit_null(request);
	emit_row_end(request);
}

/* Entries of the configuration that are asked for; false when none is left. */
static bool emit_static(struct request *request, struct walk *walk)
{
	const char *number = request_arg(request, "listed");
	size_t count = snapshot_object_count(walk->conf->snapshot, OBJECT_BLACK_LIST);

	for (int i = 0; i < CTL_SLICE && walk->at_static < count; i++) {
		const struct object *object = snapshot_object_at(
			walk->conf->snapshot, OBJECT_BLACK_LIST, walk->at_static++);

		if (!number || strcmp(number, object_key(object)) == 0)
			emit_object(request, object);
	}
	return walk->at_static < count;
}

enum step show_black_list(struct request *request)
{
	struct auth *auth = request->ctl->context.auth;
	enum black_type type = type_of(request);
	bool is_static = request_has(request, "static");
	uint64_t now_us = clock_mono_us();
	struct walk *walk = request->state;

	if (!walk) {
		walk = request_state(request, sizeof(*walk));
		if (!walk)
			return request_no_memory(request);
		walk->conf = conf_ref(request->ctl->conf);
		request->drop_state = drop_walk;
		EMIT_TABLE(request, columns);
		if (auth && !is_static)
			walk->count = blacklist_list(auth_blacklist(auth), type,
						     request_arg(request, "listed"), now_us,
						     walk->entries, ENTRIES_MAX);
	}
	if ((is_static || type == BLACK_NONE) && emit_static(request, walk))
		return STEP_MORE;
	for (int i = 0; i < CTL_SLICE && walk->at < walk->count; i++)
		emit_entry(request, &walk->entries[walk->at++], now_us);
	return walk->at < walk->count ? STEP_MORE : STEP_DONE;
}

enum step cmd_clear_black_list(struct request *request)
{
	const char *number = request_arg(request, "listed");
	struct auth *auth = request->ctl->context.auth;
	size_t count;

	if (!auth)
		return request_refuse(request, FAULT_STATE, 0, "authentication is not running");
	count = blacklist_clear(auth_blacklist(auth), type_of(request), number);
	if (number && !count)
		return request_refuse(request, FAULT_NOT_FOUND,
				      match_arg(&request->match, "listed")->column,
				      "%s is not on the dynamic black list", number);
	emit_say(request, "%zu entr%s cleared", count, count == 1 ? "y" : "ies");
	return STEP_DONE;
}
