/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources with wrong passwords, and those that are refused for it. */
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/auth/lockout.h"
#include "switchd/ctl/handlers.h"

#define SOURCES_MAX 4096 /* of one list; nobody reads more */

static const struct column failures_columns[] = {
	{"source_address", CELL_TEXT, "", "SOURCE", 21}, {"user", CELL_TEXT, "", "USER", 12},
	{"failures", CELL_INT, "", "FAILURES", 8},       {"last_time", CELL_TIME, "", "LAST", 20},
	{"is_suspended", CELL_BOOL, "", "SUSPENDED", 9}, {"suspended_s", CELL_INT, "s", "LEFT", 5},
};

const struct schema schema_authentication = SCHEMA_OF_ROWS(failures_columns);

struct walk_sources {
	size_t at;
	size_t count;
	struct lockout_entry entries[SOURCES_MAX];
};

static void emit_source(struct request *request, const struct lockout_entry *entry, uint64_t now_us)
{
	int64_t age_ms = now_us > entry->last_us ? (int64_t)((now_us - entry->last_us) / 1000) : 0;
	bool is_suspended = entry->suspended_until_us > now_us;

	emit_addr(request, &entry->source);
	emit_str(request, entry->user);
	emit_int(request, entry->failures);
	/* The failure that led to a suspension was the last that counted. */
	emit_time(request, is_suspended ? entry->since_ms : clock_wall_ms() - age_ms);
	emit_bool(request, is_suspended);
	if (is_suspended)
		emit_int(request,
			 (int64_t)((entry->suspended_until_us - now_us + 999999) / 1000000));
	else
		emit_null(request);
	emit_row_end(request);
}

/* False: refused. *given tells whether there was one. */
static bool read_address(struct request *request, struct addr *out, bool *given)
{
	const char *text = request_arg(request, "address");

	*given = text != NULL;
	if (!text || addr_parse(span_of(text), out))
		return true;
	request_refuse(request, FAULT_VALUE_FORMAT, match_arg(&request->match, "address")->column,
		       "\"%s\" is no address", text);
	return false;
}

static enum step show_sources(struct request *request, bool only_suspended)
{
	struct walk_sources *walk = request->state;
	struct auth *auth = request->ctl->context.auth;
	uint64_t now_us = clock_mono_us();
	struct addr address;
	bool has_address;

	if (!walk) {
		if (!read_address(request, &address, &has_address))
			return STEP_DONE;
		walk = request_state(request, sizeof(*walk));
		if (!walk)
			return request_no_memory(request);
		EMIT_TABLE(request, failures_columns);
		if (auth)
			walk->count = lockout_list(auth, now_us, only_suspended,
						   has_address ? &address : NULL, walk->entries,
						   SOURCES_MAX);
	}
	for (int i = 0; i < CTL_SLICE && walk->at < walk->count; i++)
		emit_source(request, &walk->entries[walk->at++], now_us);
	return walk->at < walk->count ? STEP_MORE : STEP_DONE;
}

enum step show_authentication_failures(struct request *request)
{
	return show_sources(request, false);
}

enum step show_authentication_suspended(struct request *request)
{
	return show_sources(request, true);
}

enum step cmd_clear_authentication_suspended(struct request *request)
{
	const char *user = request_arg(request, "user");
	struct addr address;
	bool has_address;
	size_t count;

	if (!request->ctl->context.auth)
		return request_refuse(request, FAULT_STATE, 0, "authentication is not running");
	if (!read_address(request, &address, &has_address))
		return STEP_DONE;
	count = lockout_clear(request->ctl->context.auth, has_address ? &address : NULL, user);
	if (has_address && !count)
		return request_refuse(request, FAULT_NOT_FOUND, 0, "%s%s%s has no failures",
				      request_arg(request, "address"), user ? " user " : "",
				      user ? user : "");
	emit_say(request, "%zu entr%s cleared", count, count == 1 ? "y" : "ies");
	return STEP_DONE;
}
