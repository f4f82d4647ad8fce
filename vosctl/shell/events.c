/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that switchd sends unasked, as a person reads them. */
#include <stdio.h>
#include <string.h>

#include "vosctl/render/table.h"
#include "vosctl/shell/shell_private.h"
#include "vosctl/trace/trace.h"

#define EVENTS_MAX (64u * 1024u) /* bytes that wait while a command runs */

/* One line's worth: control characters and line breaks of strangers are replaced. */
static void add_member(struct buf *out, json_t *params, const char *name)
{
	cell_print(json_object_get(params, name), true, false, out);
}

static json_int_t number(json_t *params, const char *name)
{
	return json_integer_value(json_object_get(params, name));
}

static bool is_member(json_t *params, const char *name, const char *text)
{
	const char *value = json_string_value(json_object_get(params, name));

	return value && strcmp(value, text) == 0;
}

static void add_lost(struct buf *out, uint64_t count)
{
	if (count)
		buf_printf(out, "%% %llu event%s not shown\n", (unsigned long long)count,
			   count == 1 ? " was" : "s were");
}

static void add_log(struct buf *out, json_t *params)
{
	add_member(out, params, "time");
	buf_add_char(out, ' ');
	add_member(out, params, "level");
	buf_add_char(out, ' ');
	add_member(out, params, "subsystem");
	buf_add_lit(out, ": ");
	add_member(out, params, "text");
	buf_add_char(out, '\n');
}

static void add_commit(struct buf *out, json_t *params)
{
	buf_printf(out, "%% generation %lld was committed by ",
		   (long long)number(params, "generation"));
	add_member(out, params, "user");
	if (!is_member(params, "comment", "")) {
		buf_add_lit(out, ": ");
		add_member(out, params, "comment");
	}
	buf_add_char(out, '\n');
}

static void add_confirm(struct buf *out, json_t *params)
{
	long long left_s = number(params, "confirm_s");

	buf_printf(out, "%% generation %lld of ", (long long)number(params, "generation"));
	add_member(out, params, "user");
	if (is_member(params, "state", "waiting"))
		buf_printf(out,
			   " is taken back in %lld:%02lld unless commit confirm comes before\n",
			   left_s / 60, left_s % 60);
	else if (is_member(params, "state", "confirmed"))
		buf_add_lit(out, " is confirmed\n");
	else
		buf_printf(out,
			   " was not confirmed and is taken back; in force is generation %lld\n",
			   (long long)number(params, "running"));
}

static void add_line(void *context, struct span line, bool is_heading)
{
	struct buf *out = context;

	(void)is_heading;
	buf_add_span(out, line);
	buf_add_char(out, '\n');
}

/* What debug shows: a message in full, or one line. */
static void add_trace(struct buf *out, json_t *params)
{
	static const char *const names[] = {"time_us",   "call",         "leg",  "kind",
					    "transport", "peer_address", "text", "message"};
	struct trace_cells cells = {.names = json_array()};
	json_t *row = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* The kind of the event is another one. */
		const char *member = strcmp(names[i], "kind") == 0 ? "record" : names[i];
		json_t *value = json_object_get(params, member);

		json_array_append_new(cells.names, json_pack("{s:s}", "name", names[i]));
		json_array_append_new(row, value ? json_incref(value) : json_null());
	}
	trace_message(&cells, row, add_line, out);
	json_decref(row);
	json_decref(cells.names);
}

void events_take(void *context, json_t *params)
{
	struct shell *shell = context;

	if (is_member(params, "kind", "confirm")) {
		shell_set_confirm(shell, (int)number(params, "confirm_s"));
		shell_update_prompt(shell);
	}
	shell->events_lost += (uint64_t)number(params, "lost");
	if (shell->events.len > EVENTS_MAX) {
		shell->events_lost++;
		return;
	}
	add_lost(&shell->events, shell->events_lost);
	shell->events_lost = 0;
	if (is_member(params, "kind", "log"))
		add_log(&shell->events, params);
	else if (is_member(params, "kind", "commit"))
		add_commit(&shell->events, params);
	else if (is_member(params, "kind", "confirm"))
		add_confirm(&shell->events, params);
	else if (is_member(params, "kind", "trace"))
		add_trace(&shell->events, params);
}

bool events_has(const struct shell *shell)
{
	return shell->events.len > 0 || shell->events_lost > 0;
}

void events_print(struct shell *shell)
{
	if (!events_has(shell))
		return;
	add_lost(&shell->events, shell->events_lost);
	shell->events_lost = 0;
	if (!shell->events.failed)
		edit_print_above(shell->edit, buf_cstr(&shell->events));
	buf_free(&shell->events);
	shell->events = buf_new();
}
