/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only way in which a handler can say something: typed cells of declared columns, typed members
 * of an item, and sentences. What vosctl prints, JSON, CSV and the schemas all come from these. */
#pragma once

#include "shared/base/addr.h"
#include "switchd/ctl/ctl_private.h"
#include "switchd/ctl/schema.h"

/* What follows is the output of that command, a part of the present one's. */
void emit_section(struct request *request, const char *command);

/* Rows of a table. Every row has all its cells, in order. The columns are sent with the first row
 * or at the end, so that a command that is refused before has no heading; emit_heading() sends them
 * now. */
void emit_table(struct request *request, const struct column *columns, size_t count);
void emit_heading(struct request *request);
/* In a text table only the columns named in `shown` (ends with NULL) are there; NULL: as above. */
void emit_table_view(struct request *request, const struct column *columns, size_t count,
		     const char *const *shown);
/* Rows with two lists of columns, which as text are printed one line a column. */
void emit_records(struct request *request, const struct column *columns, size_t count,
		  const struct column *more, size_t more_count);
#define EMIT_TABLE(request, columns) \
	emit_table((request), (columns), sizeof(columns) / sizeof((columns)[0]))
void emit_text(struct request *request, struct span text);
void emit_str(struct request *request, const char *text); /* NULL and "" are unknown: null */
void emit_int(struct request *request, int64_t number);
void emit_bool(struct request *request, bool is_true);
void emit_time(struct request *request, int64_t wall_ms);         /* 0 = null */
void emit_addr(struct request *request, const struct addr *addr); /* with port; none = null */
/* A whole number is a number; the rest, also a word in its place, is text. NULL and unset: null. */
void emit_value(struct request *request, const struct value_spec *spec, const struct value *value);
void emit_null(struct request *request);
void emit_row_end(struct request *request);
/* Sends the rows collected so far; done by itself at the end of each step. */
void emit_flush(struct request *request);

/* Members of a thing. item is NULL for the top one, or what item_child() returned. */
void item_begin(struct request *request);
void item_str(struct request *request, json_t *item, const char *name, const char *text);
void item_int(struct request *request, json_t *item, const char *name, int64_t number);
void item_bool(struct request *request, json_t *item, const char *name, bool is_true);
void item_time(struct request *request, json_t *item, const char *name, int64_t wall_ms);
void item_addr(struct request *request, json_t *item, const char *name, const struct addr *addr);
void item_value(struct request *request, json_t *item, const char *name,
		const struct value_spec *spec, const struct value *value);
/* Empty list; fill it with item_child(). */
json_t *item_list(struct request *request, json_t *item, const char *name);
json_t *item_child(json_t *list);
void item_end(struct request *request);

/* A sentence for people, without newline. */
void emit_say(struct request *request, const char *format, ...) VOS_PRINTF(2, 3);
/* Text that is a document (running-config): whole lines. Keep a piece under 64 KiB. */
void emit_document(struct request *request, struct span text);
void emit_warning(struct request *request, const struct vos_fault *fault, bool is_error);
