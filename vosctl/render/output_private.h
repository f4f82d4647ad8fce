/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of an output: what output.c and document.c share. */
#pragma once

#include <stdio.h>

#include "vosctl/render/output.h"
#include "vosctl/render/pipe.h"
#include "vosctl/render/table.h"
#include "vosctl/trace/view.h"

struct output {
	struct output_options options;
	struct client_sink sink;
	struct pipeline *pipeline;
	struct table table;
	struct trace_view *trace; /* NULL: rows are as any others */
	char schema[64];
	bool has_table;
	bool has_item;
	bool has_text;
	bool unpaged;
	bool is_slow;   /* seconds may lie between two rows: none waits for the next */
	bool is_stream; /* rows come as things happen: each is printed at once */
	bool is_broken; /* saving failed */
	uint64_t row_count;
	uint64_t section_count; /* parts begun; 0: it is one part without a name */
	struct buf text;        /* JSON: text until the end */
	struct buf part;        /* an unfinished line of text */
	json_t *item;
	json_t *warnings;
	json_t *columns; /* JSON formats: names of the cells */
	FILE *file;      /* | save */
	char *file_name;
};

/* To the screen, or into the file of `save`. */
void output_put(struct output *output, struct span text);

/* The JSON formats. Rows go through the pipeline as one object each; document_end() comes after it.
 */
void document_begin(struct output *output, json_t *columns);
void document_row(struct output *output, json_t *row);
void document_end(struct output *output, const struct client_status *status,
		  const struct vos_fault *fault);
void json_print(json_t *json, struct buf *out);
/* {"schema":...,"generation":...,"time":... and no end yet. */
void document_head(const struct output *output, const char *schema, struct buf *out);
/* ,"item":... or ,"text":... or what the status says. */
void document_body(struct output *output, const struct client_status *status, struct buf *out);
/* The same as a line of NDJSON; false when there is none. */
bool document_line(struct output *output, struct buf *out);

/* Parts of an output, each under its command (sections.c). */
void sections_begin_part(struct output *output, const char *schema, const char *command);
void sections_end_part(struct output *output);
