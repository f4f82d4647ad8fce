/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vosctl/trace/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vosctl/path.h"

struct trace_view {
	enum trace_style style;
	int width;
	trace_line_fn *line;
	void *context;
	struct trace_cells cells;
	struct trace_pcap *pcap;
	struct trace_ladders *ladders;
	json_t *held; /* for the ladder */
	size_t left_out;
};

static bool is_export(const struct match *match)
{
	return match && (match->command == COMMAND_TRACE_EXPORT ||
			 match->command == COMMAND_TRACE_EXPORT_CALL);
}

static enum trace_style live_style(const struct match *match)
{
	if (match_arg(match, "ladder"))
		return TRACE_AS_LIVE_LADDER;
	return match_arg(match, "summary") ? TRACE_AS_TABLE : TRACE_AS_MESSAGES;
}

enum trace_style trace_style_of(const struct match *match)
{
	if (is_export(match)) {
		if (match_arg(match, "pcap"))
			return TRACE_AS_PCAP;
		return match_arg(match, "text") ? TRACE_AS_MESSAGES : TRACE_AS_TABLE;
	}
	if (match && match->command == COMMAND_MONITOR_TRACE)
		return live_style(match);
	if (!match || match->command != COMMAND_SHOW_TRACE_CALL)
		return TRACE_AS_TABLE;
	if (match_arg(match, "messages"))
		return TRACE_AS_MESSAGES;
	return match_arg(match, "summary") ? TRACE_AS_TABLE : TRACE_AS_LADDER;
}

const char *trace_export_file(const struct match *match)
{
	return is_export(match) ? match_text(match, "trace_file") : NULL;
}

enum vos_err trace_export_open(const char *name, FILE **out, char **path, struct vos_fault *fault)
{
	int fd = -1;

	*path = path_expand(span_of(name));
	if (*path)
		fd = open(*path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	*out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (*out)
		return VOS_OK;
	fault_set(fault, FAULT_STATE, 0, "cannot write %s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return VOS_EINVAL;
}

struct trace_view *trace_view_create(enum trace_style style, int width, trace_line_fn *line,
				     void *context)
{
	struct trace_view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	view->style = style;
	view->width = width;
	view->line = line;
	view->context = context;
	view->held = json_array();
	if (style == TRACE_AS_PCAP)
		view->pcap = trace_pcap_create();
	if (style == TRACE_AS_LIVE_LADDER)
		view->ladders = trace_ladders_create(width, line, context);
	if (view->held && (style != TRACE_AS_PCAP || view->pcap) &&
	    (style != TRACE_AS_LIVE_LADDER || view->ladders))
		return view;
	trace_pcap_free(view->pcap);
	trace_ladders_free(view->ladders);
	json_decref(view->held);
	free(view);
	return NULL;
}

void trace_view_columns(struct trace_view *view, json_t *columns)
{
	if (!view->cells.names)
		view->cells.names = json_incref(columns);
}

void trace_view_row(struct trace_view *view, json_t *row)
{
	switch (view->style) {
	case TRACE_AS_MESSAGES:
		trace_message(&view->cells, row, view->line, view->context);
		break;
	case TRACE_AS_PCAP:
		trace_pcap_row(view->pcap, &view->cells, row);
		break;
	case TRACE_AS_LIVE_LADDER:
		trace_ladders_row(view->ladders, &view->cells, row);
		break;
	case TRACE_AS_LADDER:
		if (json_array_size(view->held) < TRACE_ROWS_MAX)
			json_array_append(view->held, row);
		else
			view->left_out++;
		break;
	case TRACE_AS_TABLE:
		break;
	}
}

static void say_left_out(const struct trace_view *view)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%zu more are not shown", view->left_out);

	view->line(view->context, (struct span){text, (size_t)len}, false);
}

bool trace_view_close(struct trace_view *view, FILE *file)
{
	bool is_good = true;

	if (view->style == TRACE_AS_LADDER && json_array_size(view->held))
		trace_ladder(&view->cells, view->held, view->width, view->line, view->context);
	if (view->left_out)
		say_left_out(view);
	if (view->pcap && file)
		is_good = trace_pcap_write(view->pcap, file);
	trace_pcap_free(view->pcap);
	trace_ladders_free(view->ladders);
	json_decref(view->held);
	json_decref(view->cells.names);
	free(view);
	return is_good;
}
