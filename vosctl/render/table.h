/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows as a text table or CSV, and an item as labelled lines. Each gives whole lines to `line`. */
#pragma once

#include <jansson.h>

#include "shared/base/buf.h"

#define TABLE_COLUMNS_MAX 96
#define TABLE_ROWS_HELD   200 /* they size the columns; what comes later is not looked at ahead */

typedef void table_line_fn(void *context, struct span line, bool is_heading);

struct table_column {
	const char *name;
	const char *header;
	int width;     /* as printed */
	bool is_right; /* numbers */
	bool is_number;
	bool is_optional;
	bool is_hidden;
	bool may_cut;
};

struct table {
	table_line_fn *line;
	void *context;
	int width; /* of the terminal, 0 = no limit */
	bool redact;
	json_t *schema; /* the columns; the texts above point into it */
	struct table_column columns[TABLE_COLUMNS_MAX];
	int count;
	bool has_header;
	bool is_sized;
	bool is_vertical; /* not even cut do the columns fit: rows are records */
	json_t *held;
};

void table_begin(struct table *table, json_t *columns);
/* No row is held: the declared widths are taken, there is no header, and nothing is cut. */
void table_stream(struct table *table);
/* Nor is one held here, but there is a header. */
void table_at_once(struct table *table);
void table_row(struct table *table, json_t *row);
void table_end(struct table *table);
/* What table_end() does, in two steps, for rows put into `held`: widths from them, false when they
 * do not fit; then the header line and those rows. */
bool table_measure(struct table *table);
void table_print(struct table *table);
/* Forgets the columns without printing what is held. */
void table_drop(struct table *table);
/* CSV (RFC 4180 without CR): names, then values. */
void csv_begin(struct table *table, json_t *columns);
void csv_row(struct table *table, json_t *row);
/* Fit (fit.c): columns hidden and narrowed for the width; false when they cannot be. */
bool table_fit(struct table *table);
/* Bytes of a cell that the column has room for, without the ellipsis where it is cut. */
size_t table_cut(const struct table_column *column, struct span text);
int table_gap(const struct table *table); /* blanks between two columns */
/* A row as lines of "name: value", given to `line` as one (record.c). */
void record_row(const struct table *table, json_t *row);
/* Text with line breaks where the screen ends; what follows them is set in by two more than indent.
 */
void fold_line(struct span text, int width, int indent, struct buf *out);
/* An item as "label  value" lines. */
void item_lines(struct table *table, json_t *item);

/* Printed form of a cell: "-" for null (or "" when empty_null), yes/no. Control characters
 * replaced. */
void cell_print(json_t *cell, bool empty_null, bool redact, struct buf *out);
/* Text without control characters (other than newline and tab), with secrets and long numbers
 * hidden when asked for. */
void text_clean(struct span text, bool redact, struct buf *out);
