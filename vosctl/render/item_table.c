/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list within an item as a small table, when its entries have the same members and it fits. */
#include <ctype.h>
#include <string.h>

#include "vosctl/render/item.h"

#define WIDTH_UNKNOWN 100 /* of what is no terminal: wider lists are easier to read one by one */

struct inner {
	struct table table;
	struct table *outer;
	int indent;
};

static void put_line(void *context, struct span text, bool is_heading)
{
	struct inner *inner = context;
	struct buf line = buf_new();

	(void)is_heading; /* of the table within, and no heading for the filters */
	buf_printf(&line, "%*s", inner->indent, "");
	buf_add_span(&line, text);
	inner->outer->line(inner->outer->context, buf_span(&line), false);
	buf_free(&line);
}

/* The same members in the same order, and nothing that is a list itself. */
static bool is_alike(json_t *first, json_t *entry)
{
	void *at = json_object_iter(first);
	const char *name;
	json_t *value;

	if (!json_is_object(entry) || json_object_size(entry) != json_object_size(first))
		return false;
	json_object_foreach (entry, name, value) {
		if (json_is_array(value) || json_is_object(value) ||
		    strcmp(name, json_object_iter_key(at)) != 0)
			return false;
		at = json_object_iter_next(first, at);
	}
	return true;
}

static json_t *columns_of(json_t *entry)
{
	json_t *columns = json_array();
	const char *name;
	json_t *value;

	json_object_foreach (entry, name, value) {
		const char *unit;
		struct span label = item_label(name, &unit);
		struct buf header = buf_new();

		for (size_t i = 0; i < label.len; i++)
			buf_add_char(&header, label.ptr[i] == '_'
						      ? '-'
						      : (char)toupper((unsigned char)label.ptr[i]));
		json_array_append_new(
			columns,
			json_pack("{s:s, s:s%, s:s}", "name", name, "header", header.data,
				  header.len, "type",
				  json_is_integer(value) || json_is_real(value) ? "int" : "word"));
		buf_free(&header);
	}
	return columns;
}

/* With its unit, as beside a label. */
static json_t *cell_of(const char *name, json_t *value)
{
	const char *unit;

	item_label(name, &unit);
	return *unit && json_is_integer(value) ? json_sprintf("%" JSON_INTEGER_FORMAT " %s",
							      json_integer_value(value), unit)
					       : json_incref(value);
}

static json_t *row_of(json_t *entry)
{
	json_t *row = json_array();
	const char *name;
	json_t *value;

	json_object_foreach (entry, name, value)
		json_array_append_new(row, cell_of(name, value));
	return row;
}

bool item_table(struct table *outer, json_t *list, int indent)
{
	struct inner inner = {.outer = outer, .indent = indent};
	json_t *first = json_array_get(list, 0);
	json_t *columns;
	json_t *entry;
	size_t i;
	bool fits;

	if (!json_array_size(list))
		return false;
	json_array_foreach (list, i, entry)
		if (!is_alike(first, entry))
			return false;
	inner.table = (struct table){
		.line = put_line,
		.context = &inner,
		.width = (outer->width ? outer->width : WIDTH_UNKNOWN) - indent,
		.redact = outer->redact,
	};
	columns = columns_of(first);
	table_begin(&inner.table, columns);
	json_array_foreach (list, i, entry)
		json_array_append_new(inner.table.held, row_of(entry));
	fits = table_measure(&inner.table);
	if (fits)
		table_print(&inner.table);
	table_drop(&inner.table);
	json_decref(columns);
	return fits;
}
