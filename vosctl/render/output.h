/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output of one command: rows, items and text of a client_sink become a table, JSON, NDJSON or CSV,
 * go through the line's pipes, and leave through `write`.
 *
 * Streams: of 100,000 rows only the first few are held (they size the columns), `| last N` holds N
 * lines. Control characters of strangers never reach a terminal. */
#pragma once

#include "shared/grammar/grammar.h"
#include "vosctl/client.h"

enum output_format { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_NDJSON, OUTPUT_CSV };

struct output_options {
	enum output_format format; /* a `| json` of the line wins over it */
	int width;                 /* columns of the terminal; 0 = no limit, nothing is cut */
	bool quiet;                /* no warnings */
	bool has_color;            /* the screen shows colours and nobody has objected */
	/* Where the output goes, in pieces of whole lines. */
	void (*write)(void *context, const char *data, size_t len);
	/* Where warnings and the faults of a file go, without newline; NULL = stderr as batch
	 * prints them. */
	void (*warn)(void *context, const struct vos_fault *fault, bool is_error);
	bool (*is_cancelled)(void *context); /* may be NULL; see client_sink */
	void *context;                       /* of the three above */
	const struct client_info *info;      /* for the generation; may be NULL */
	int64_t now_ms;                      /* time written into documents; 0 = the clock's */
};

struct output;

/* match may be NULL (no pipes). VOS_EINVAL with the fault: a bad regular expression or file. */
VOS_CHECK enum vos_err output_open(const struct output_options *options, const struct match *match,
				   struct output **out, struct vos_fault *fault);
const struct client_sink *output_sink(struct output *output);
/* The line follows what happens: its rows come as things do. NULL is allowed. */
bool output_is_followed(const struct match *match);
/* True when the line asked not to page, or its output does not go to the screen. */
bool output_is_unpaged(const struct output *output);
/* Ends document and pipes; frees. fault NULL: the command was done; else, in the JSON formats, the
 * fault is written as {"error":...} (in text and CSV it is the caller's to print). VOS_EIO: `save`
 * failed. */
VOS_CHECK enum vos_err output_close(struct output *output, const struct client_status *status,
				    const struct vos_fault *fault, struct vos_fault *save_fault);

/* One fault as text, with a newline: "FILE:LINE:COL: error: ..." when it has a file, else "% ...".
 */
void render_fault_batch(const char *file, const struct vos_fault *fault, bool is_error,
			struct buf *out);
/* A caret under the column of a line that stands behind a prompt of that width, then "% ...". */
void render_fault_caret(int prompt_width, const char *line, const struct vos_fault *fault,
			struct buf *out);
/* Columns that the UTF-8 text takes on a terminal. */
int render_width(struct span text);
/* Bytes of the longest beginning that takes no more than that many columns. */
size_t render_prefix(struct span text, int width);
