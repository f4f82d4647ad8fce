/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/emit.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"

static const char *const type_names[] = {
	[CELL_TEXT] = "text", [CELL_INT] = "int",     [CELL_BOOL] = "bool",
	[CELL_TIME] = "time", [CELL_VALUE] = "value",
};

static void notify(struct request *request, const char *method, json_t *params)
{
	json_object_set_new(params, "id", json_integer(request->id));
	session_send(request->session, control_notice(method, params));
}

static json_t *id_schema(const struct request *request)
{
	const char *schema = command_schema(request->match.command);
	uint64_t generation = snapshot_generation(request_running(request));

	return json_pack("{s:I, s:s, s:I}", "id", (json_int_t)request->id, "schema",
			 schema ? schema : command_name(request->match.command), "generation",
			 (json_int_t)generation);
}

void emit_heading(struct request *request)
{
	json_t *heading = request->emit.heading;

	request->emit.heading = NULL;
	if (heading)
		notify(request, "columns", heading);
}

void emit_section(struct request *request, const char *command)
{
	json_t *params = id_schema(request);

	emit_heading(request);
	emit_flush(request);
	json_object_set_new(params, "command", json_string(command));
	notify(request, "section", params);
}

/* A column of negative width is for those who have the room: `brief` leaves it out, `detail`
 * insists. One without a heading in a table that has them is for JSON and CSV only. */
static const char *show_of(const struct request *request, const struct column *column,
			   bool has_headings)
{
	if (has_headings && !*column->header)
		return "never";
	if (column->width >= 0 || request_has(request, "detail"))
		return NULL;
	return request_has(request, "brief") ? "never" : "fits";
}

/* show NULL: always. */
static json_t *column_json(const struct column *column, const char *show)
{
	json_t *json =
		json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", column->name, "type",
			  type_names[column->type], "unit", column->unit, "header", column->header,
			  "width", column->width < 0 ? -column->width : column->width);

	if (show)
		json_object_set_new(json, "show", json_string(show));
	return json;
}

static void begin_table(struct request *request, const struct column *columns, size_t count,
			json_t *list)
{
	struct emitter *emit = &request->emit;
	json_t *params = id_schema(request);

	emit->columns = columns;
	emit->more = NULL;
	emit->own_count = count;
	emit->column_count = count;
	emit->column_at = 0;
	json_object_set_new(params, "columns", list);
	json_decref(emit->heading);
	emit->heading = params;
}

void emit_table(struct request *request, const struct column *columns, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, column_json(&columns[i], show_of(request, &columns[i],
									     *columns[0].header)));
	begin_table(request, columns, count, list);
}

static bool is_named(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

void emit_table_view(struct request *request, const struct column *columns, size_t count,
		     const char *const *shown)
{
	json_t *list;

	if (!shown) {
		emit_table(request, columns, count);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			list, column_json(&columns[i],
					  is_named(shown, columns[i].name) ? NULL : "never"));
	begin_table(request, columns, count, list);
}

void emit_records(struct request *request, const struct column *columns, size_t count,
		  const struct column *more, size_t more_count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, column_json(&columns[i], "record"));
	for (size_t i = 0; i < more_count; i++)
		json_array_append_new(list, column_json(&more[i], "record"));
	begin_table(request, columns, count, list);
	request->emit.more = more;
	request->emit.column_count = count + more_count;
}

static const struct column *next_column(const struct emitter *emit)
{
	return emit->column_at < emit->own_count ? &emit->columns[emit->column_at]
						 : &emit->more[emit->column_at - emit->own_count];
}

/* The place of the next cell; a handler that does not keep to its columns is wrong in every run. */
static void add_cell(struct request *request, enum cell_type type, json_t *cell)
{
	struct emitter *emit = &request->emit;

	assert(emit->column_at < emit->column_count);
	assert(json_is_null(cell) || next_column(emit)->type == type);
	(void)type;
	if (!emit->row)
		emit->row = json_array();
	json_array_append_new(emit->row, cell);
	emit->column_at++;
}

void emit_text(struct request *request, struct span text)
{
	add_cell(request, CELL_TEXT, control_text(text));
}

void emit_str(struct request *request, const char *text)
{
	if (text && *text)
		emit_text(request, span_of(text));
	else
		emit_null(request);
}

void emit_int(struct request *request, int64_t number)
{
	add_cell(request, CELL_INT, json_integer(number));
}

void emit_bool(struct request *request, bool is_true)
{
	add_cell(request, CELL_BOOL, json_boolean(is_true));
}

static json_t *time_json(int64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	return wall_ms ? json_string(clock_print_utc(wall_ms, text)) : json_null();
}

static json_t *addr_json(const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return addr->family == ADDR_NONE ? json_null() : json_string(addr_print(addr, text));
}

void emit_time(struct request *request, int64_t wall_ms)
{
	add_cell(request, CELL_TIME, time_json(wall_ms));
}

void emit_addr(struct request *request, const struct addr *addr)
{
	add_cell(request, CELL_TEXT, addr_json(addr));
}

static json_t *value_json(const struct value_spec *spec, const struct value *value)
{
	struct buf text = buf_new();
	json_t *json;

	if (!value || value->type == VALUE_NONE)
		return json_null();
	if (spec->type == VALUE_SECRET)
		return json_string("<redacted>");
	value_print(spec, value, &text);
	/* Beside its numbers a parameter may have a word, such as "none". */
	if ((spec->type == VALUE_INT || spec->type == VALUE_DURATION) && text.len &&
	    strspn(buf_cstr(&text), "-0123456789") == text.len)
		json = json_integer(value->number);
	else
		json = control_text(buf_span(&text));
	buf_free(&text);
	return json;
}

void emit_value(struct request *request, const struct value_spec *spec, const struct value *value)
{
	add_cell(request, CELL_VALUE, value_json(spec, value));
}

void emit_null(struct request *request)
{
	add_cell(request, CELL_TEXT, json_null());
}

void emit_row_end(struct request *request)
{
	struct emitter *emit = &request->emit;

	assert(emit->column_at == emit->column_count);
	if (!emit->rows)
		emit->rows = json_array();
	json_array_append_new(emit->rows, emit->row);
	emit->row = NULL;
	emit->column_at = 0;
}

void emit_flush(struct request *request)
{
	struct emitter *emit = &request->emit;

	if (!emit->rows)
		return;
	emit_heading(request);
	notify(request, "rows", json_pack("{s:i, s:o}", "id", 0, "rows", emit->rows));
	emit->rows = NULL;
}

void item_begin(struct request *request)
{
	request->emit.item = json_object();
}

static void set_member(struct request *request, json_t *item, const char *name, json_t *value)
{
	json_object_set_new(item ? item : request->emit.item, name, value);
}

void item_str(struct request *request, json_t *item, const char *name, const char *text)
{
	set_member(request, item, name, text && *text ? control_text(span_of(text)) : json_null());
}

void item_int(struct request *request, json_t *item, const char *name, int64_t number)
{
	set_member(request, item, name, json_integer(number));
}

void item_bool(struct request *request, json_t *item, const char *name, bool is_true)
{
	set_member(request, item, name, json_boolean(is_true));
}

void item_time(struct request *request, json_t *item, const char *name, int64_t wall_ms)
{
	set_member(request, item, name, time_json(wall_ms));
}

void item_addr(struct request *request, json_t *item, const char *name, const struct addr *addr)
{
	set_member(request, item, name, addr_json(addr));
}

void item_value(struct request *request, json_t *item, const char *name,
		const struct value_spec *spec, const struct value *value)
{
	set_member(request, item, name, value_json(spec, value));
}

json_t *item_list(struct request *request, json_t *item, const char *name)
{
	json_t *list = json_array();

	set_member(request, item, name, list);
	return list;
}

json_t *item_child(json_t *list)
{
	json_t *child = json_object();

	json_array_append_new(list, child);
	return child;
}

void item_end(struct request *request)
{
	json_t *params = id_schema(request);

	json_object_set_new(params, "item", request->emit.item);
	request->emit.item = NULL;
	notify(request, "item", params);
}

void emit_document(struct request *request, struct span text)
{
	json_t *params = id_schema(request);

	json_object_set_new(params, "text", control_text(text));
	notify(request, "text", params);
}

void emit_say(struct request *request, const char *format, ...)
{
	struct buf text = buf_new();
	char line[1024];
	va_list args;

	emit_heading(request);
	va_start(args, format);
	vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	buf_add_str(&text, line);
	buf_add_char(&text, '\n');
	notify(request, "text",
	       json_pack("{s:i, s:o}", "id", 0, "text", control_text(buf_span(&text))));
	buf_free(&text);
}

void emit_warning(struct request *request, const struct vos_fault *fault, bool is_error)
{
	json_t *params = control_fault_to_json(fault);

	json_object_set_new(params, "error", json_boolean(is_error));
	notify(request, "warning", params);
}
