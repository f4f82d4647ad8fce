/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages in full, and how cells are found by the names of their columns. */
#include <time.h>

#include "vosctl/render/table.h"
#include "vosctl/trace/trace.h"

static json_t *cell(const struct trace_cells *cells, json_t *row, const char *name)
{
	json_t *column;
	size_t i;

	json_array_foreach (cells->names, i, column) {
		const char *other = json_string_value(json_object_get(column, "name"));

		if (other && strcmp(other, name) == 0)
			return json_array_get(row, i);
	}
	return NULL;
}

const char *trace_text(const struct trace_cells *cells, json_t *row, const char *name)
{
	return json_string_value(cell(cells, row, name));
}

int64_t trace_number(const struct trace_cells *cells, json_t *row, const char *name)
{
	return json_integer_value(cell(cells, row, name));
}

static void print_time(int64_t time_us, struct buf *out)
{
	time_t seconds = (time_t)(time_us / 1000000);
	char text[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(out, "%s.%06dZ", text, (int)(time_us % 1000000));
}

static void lines_out(const char *text, trace_line_fn *line, void *context)
{
	struct buf clean = buf_new();
	struct span rest;

	for (; *text; text++)
		if (*text != '\r')
			buf_add_char(&clean, *text);
	rest = buf_span(&clean);
	while (rest.len) {
		size_t at = span_find(rest, '\n');
		struct buf one = buf_new();

		at = at < rest.len ? at : rest.len;
		text_clean((struct span){rest.ptr, at}, false, &one);
		line(context, buf_span(&one), false);
		buf_free(&one);
		at += at < rest.len;
		rest.ptr += at;
		rest.len -= at;
	}
	buf_free(&clean);
}

void trace_message(const struct trace_cells *cells, json_t *row, trace_line_fn *line, void *context)
{
	const char *message = trace_text(cells, row, "message");
	const char *kind = trace_text(cells, row, "kind");
	const char *call = trace_text(cells, row, "call");
	const char *leg = trace_text(cells, row, "leg");
	const char *peer = trace_text(cells, row, "peer_address");
	const char *via = trace_text(cells, row, "transport");
	const char *text = trace_text(cells, row, "text");
	struct buf head = buf_new();
	struct buf clean = buf_new();

	buf_add_lit(&head, "--- ");
	print_time(trace_number(cells, row, "time_us"), &head);
	if (call)
		buf_printf(&head, " call %s", call);
	if (leg)
		buf_printf(&head, " leg %s", leg);
	if (message)
		buf_printf(&head, " %s %s %s by %s", kind ? kind : "?",
			   kind && strcmp(kind, "received") == 0 ? "from" : "to", peer ? peer : "?",
			   via ? via : "?");
	else
		buf_printf(&head, ": %s", text ? text : "");
	text_clean(buf_span(&head), false, &clean);
	line(context, buf_span(&clean), true);
	if (message) {
		lines_out(message, line, context);
		line(context, SPAN_LIT(""), false);
	}
	buf_free(&head);
	buf_free(&clean);
}
