/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vosctl/render/table.h"

#include <string.h>

#include "vosctl/render/output.h"

static const char *member(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static void take_columns(struct table *table, json_t *columns)
{
	json_t *column;
	size_t i;

	table->schema = json_incref(columns);
	table->count = 0;
	table->has_header = false;
	json_array_foreach (columns, i, column) {
		struct table_column *to = &table->columns[table->count];
		const char *show = member(column, "show");

		if (table->count == TABLE_COLUMNS_MAX)
			break;
		*to = (struct table_column){.name = member(column, "name"),
					    .header = member(column, "header"),
					    .is_optional = strcmp(show, "fits") == 0,
					    .is_hidden = strcmp(show, "never") == 0};
		to->is_number = strcmp(member(column, "type"), "int") == 0;
		to->is_right = to->is_number;
		to->may_cut = strcmp(member(column, "type"), "text") == 0 ||
			      strcmp(member(column, "type"), "value") == 0;
		to->width = render_width(span_of(to->header));
		if (*to->header)
			table->has_header = true;
		table->count++;
	}
}

/* Whether switchd wants rows as records, however wide the screen is. */
static bool has_records(json_t *columns)
{
	return strcmp(member(json_array_get(columns, 0), "show"), "record") == 0;
}

void table_begin(struct table *table, json_t *columns)
{
	take_columns(table, columns);
	table->held = json_array();
	/* Records have no widths to wait for. */
	table->is_vertical = has_records(columns);
	table->is_sized = table->is_vertical;
}

static void add_cell(const struct table *table, const struct table_column *column, bool is_last,
		     struct span text, struct buf *line)
{
	int width = render_width(text);
	int room = column->width - width;

	/* Without a terminal nothing is cut: a script wants the whole value. */
	if (room < 0 && table->width && table->has_header && column->may_cut) {
		struct span part = {text.ptr, table_cut(column, text)};

		buf_add_span(line, part);
		buf_add_lit(line, "…");
		room = column->width - 1 - render_width(part); /* half of a wide character */
		text.len = 0;
	}
	for (int i = 0; column->is_right && i < room; i++)
		buf_add_char(line, ' ');
	buf_add_span(line, text);
	for (int i = 0; !column->is_right && !is_last && i < room; i++)
		buf_add_char(line, ' ');
	for (int i = 0; !is_last && i < table_gap(table); i++)
		buf_add_char(line, ' ');
}

static bool is_last(const struct table *table, int at)
{
	for (int i = at + 1; i < table->count; i++)
		if (!table->columns[i].is_hidden)
			return false;
	return true;
}

static void print_row(struct table *table, json_t *row)
{
	struct buf line = buf_new();
	struct buf text = buf_new();

	if (table->is_vertical) {
		if (row)
			record_row(table, row);
		return;
	}
	for (int i = 0; i < table->count; i++) {
		const struct table_column *column = &table->columns[i];

		if (column->is_hidden)
			continue;
		buf_reset(&text);
		if (row)
			cell_print(json_array_get(row, (size_t)i), false, table->redact, &text);
		else
			buf_add_str(&text, column->header);
		add_cell(table, column, is_last(table, i), buf_span(&text), &line);
	}
	table->line(table->context, buf_span(&line), row == NULL);
	buf_free(&line);
	buf_free(&text);
}

bool table_measure(struct table *table)
{
	struct buf text = buf_new();
	json_t *row;
	size_t i;

	json_array_foreach (table->held, i, row) {
		for (int c = 0; c < table->count; c++) {
			int width;

			buf_reset(&text);
			cell_print(json_array_get(row, (size_t)c), false, table->redact, &text);
			width = render_width(buf_span(&text));
			if (width > table->columns[c].width)
				table->columns[c].width = width;
		}
	}
	buf_free(&text);
	table->is_vertical = !table_fit(table);
	table->is_sized = true;
	return !table->is_vertical;
}

void table_print(struct table *table)
{
	json_t *row;
	size_t i;

	if (table->has_header)
		print_row(table, NULL);
	json_array_foreach (table->held, i, row)
		print_row(table, row);
	json_array_clear(table->held);
}

static void size_columns(struct table *table)
{
	table_measure(table);
	table_print(table);
}

static void take_declared_widths(struct table *table)
{
	json_t *column;
	size_t i;

	json_array_foreach (table->schema, i, column) {
		int width = (int)json_integer_value(json_object_get(column, "width"));

		if ((int)i < table->count && width > table->columns[i].width)
			table->columns[i].width = width;
	}
}

void table_stream(struct table *table)
{
	take_declared_widths(table);
	table->has_header = false;
	size_columns(table);
}

void table_at_once(struct table *table)
{
	take_declared_widths(table);
	size_columns(table);
}

void table_row(struct table *table, json_t *row)
{
	if (table->is_sized) {
		print_row(table, row);
		return;
	}
	json_array_append(table->held, row);
	if (json_array_size(table->held) == TABLE_ROWS_HELD) {
		/* Later rows may be wider than the first ones. */
		take_declared_widths(table);
		size_columns(table);
	}
}

void table_end(struct table *table)
{
	if (table->held && !table->is_sized)
		size_columns(table);
	table_drop(table);
}

void table_drop(struct table *table)
{
	json_decref(table->held);
	json_decref(table->schema);
	table->held = NULL;
	table->schema = NULL;
}

static void add_csv(struct span text, struct buf *line)
{
	bool quote = false;

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] && strchr(",\"\r\n", text.ptr[i]))
			quote = true;
	if (!quote) {
		buf_add_span(line, text);
		return;
	}
	buf_add_char(line, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			buf_add_char(line, '"');
		buf_add_char(line, text.ptr[i]);
	}
	buf_add_char(line, '"');
}

void csv_begin(struct table *table, json_t *columns)
{
	struct buf line = buf_new();

	take_columns(table, columns);
	for (int i = 0; i < table->count; i++) {
		if (i)
			buf_add_char(&line, ',');
		add_csv(span_of(table->columns[i].name), &line);
	}
	table->line(table->context, buf_span(&line), true);
	buf_free(&line);
}

void csv_row(struct table *table, json_t *row)
{
	struct buf line = buf_new();
	struct buf text = buf_new();

	for (int i = 0; i < table->count; i++) {
		json_t *cell = json_array_get(row, (size_t)i);

		buf_reset(&text);
		if (json_is_boolean(cell))
			buf_add_str(&text, json_is_true(cell) ? "true" : "false");
		else
			cell_print(cell, true, table->redact, &text);
		if (i)
			buf_add_char(&line, ',');
		add_csv(buf_span(&text), &line);
	}
	table->line(table->context, buf_span(&line), false);
	buf_free(&line);
	buf_free(&text);
}
