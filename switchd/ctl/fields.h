/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The effective fields of an object as columns of a table: what `detail` adds to a list of objects.
 * Made from the catalogue, so that a field that is added to it is shown. */
#pragma once

#include "switchd/ctl/emit.h"

/* Columns of a list of objects. brief and capacity are those that a text table has in these views;
 * each ends with NULL. With `detail` come the columns of `more`, and behind them all fields of the
 * kind but those that a column has the name of already. */
struct list_view {
	enum object_kind kind;
	const struct column *columns;
	size_t count;
	const struct column *more;
	size_t more_count;
	const char *const *brief;
	const char *const *capacity;
};

/* What `detail` adds. Made once, kept for ever. A secret is shown as whether it is set. */
const struct field_columns *view_detail(const struct list_view *view);
void emit_list_table(struct request *request, const struct list_view *view);
bool is_detailed(const struct request *request);
/* Behind the cells of `columns`, and of `more` when it is detailed: the fields, and the end of the
 * row. */
void emit_list_end(struct request *request, const struct list_view *view,
		   const struct object *object);

/* The objects that "NAME" or "PREFIX*" means; NULL = all. */
struct object_range {
	size_t at;
	size_t end;
};
/* False, with the request refused, when a name was given that nothing has. `arg` is where it stands
 * in the line. */
bool find_objects(struct request *request, const struct snapshot *snapshot, enum object_kind kind,
		  const char *arg, struct object_range *out);
