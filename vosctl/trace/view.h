/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command about traces does with its rows instead of a table. */
#pragma once

#include "shared/base/err.h"
#include "shared/grammar/grammar.h"
#include "vosctl/trace/trace.h"

enum trace_style {
	TRACE_AS_TABLE, /* or JSON: as any other rows */
	TRACE_AS_LADDER,
	TRACE_AS_LIVE_LADDER, /* each row when it comes */
	TRACE_AS_MESSAGES,
	TRACE_AS_PCAP,
};

struct trace_view;

/* How the line wants its rows; it may be no command about traces at all. */
enum trace_style trace_style_of(const struct match *match);
/* The file of `trace export`; NULL when the line is none. */
const char *trace_export_file(const struct match *match);
/* Opens it, readable by nobody else: numbers and messages of people are in there. */
VOS_CHECK enum vos_err trace_export_open(const char *name, FILE **out, char **path,
					 struct vos_fault *fault);

/* NULL: out of memory. */
struct trace_view *trace_view_create(enum trace_style style, int width, trace_line_fn *line,
				     void *context);
void trace_view_columns(struct trace_view *view, json_t *columns);
void trace_view_row(struct trace_view *view, json_t *row);
/* Prints what was held; a capture goes into file. False: that failed. Frees. */
bool trace_view_close(struct trace_view *view, FILE *file);
