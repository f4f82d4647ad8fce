/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/fields.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "switchd/ctl/handlers.h"

#define NAME_MAX_BYTES 64

/* One list a kind, made when it is first asked for. */
static struct field_columns lists[OBJECT_COUNT];
static pthread_mutex_t lists_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_secret(const struct field *field)
{
	return field->spec.type == VALUE_SECRET;
}

/* "max-call-duration" in seconds is max_call_duration_s, "password" has_password. */
static char *name_of(const struct field *field)
{
	const char *unit = field->spec.unit ? field->spec.unit : "";
	bool has_suffix = strcmp(unit, "s") == 0 || strcmp(unit, "ms") == 0;
	char name[NAME_MAX_BYTES];

	snprintf(name, sizeof(name), "%s%s%s%s", is_secret(field) ? "has_" : "", field->keyword,
		 has_suffix ? "_" : "", has_suffix ? unit : "");
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	return strdup(name);
}

static enum cell_type type_of(const struct field *field)
{
	if (is_secret(field))
		return CELL_BOOL;
	return field->is_list ? CELL_TEXT : CELL_VALUE;
}

static bool is_shown(const char *name, const struct column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, columns[i].name) == 0)
			return true;
	return false;
}

static void make_list(struct field_columns *list, const struct list_view *view)
{
	const struct object_type *type = object_type(view->kind);
	size_t most = view->more_count + (size_t)type->field_count;
	struct column *columns = calloc(most, sizeof(*columns));
	enum field_id *fields = calloc(most, sizeof(*fields));

	list->columns = columns;
	list->fields = fields;
	for (size_t i = 0; columns && fields && i < view->more_count; i++) {
		fields[list->count] = FIELD_COUNT;
		columns[list->count++] = view->more[i];
	}
	for (int i = 0; columns && fields && i < type->field_count; i++) {
		enum field_id id = (enum field_id)(type->first_field + i);
		const struct field *field = field_get(id);
		char *name = name_of(field);

		if (!name || is_shown(name, view->columns, view->count) ||
		    is_shown(name, view->more, view->more_count)) {
			free(name);
			continue;
		}
		fields[list->count] = id;
		columns[list->count++] =
			(struct column){name, type_of(field), "", field->keyword, 0};
	}
}

const struct field_columns *view_detail(const struct list_view *view)
{
	struct field_columns *list = &lists[view->kind];

	pthread_mutex_lock(&lists_lock);
	if (!list->columns)
		make_list(list, view);
	pthread_mutex_unlock(&lists_lock);
	return list;
}

static void emit_list_field(struct request *request, const struct object *object, enum field_id id)
{
	struct buf text = buf_new();
	size_t count = object_list_count(object, id);

	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_add_char(&text, ' ');
		value_print(&field_get(id)->spec, object_list_at(object, id, i), &text);
	}
	emit_str(request, buf_cstr(&text));
	buf_free(&text);
}

static void emit_field(struct request *request, const struct object *object, enum field_id id)
{
	const struct field *field = field_get(id);

	if (is_secret(field))
		emit_bool(request, object_field_is_set(object, id));
	else if (field->is_list)
		emit_list_field(request, object, id);
	else
		emit_value(request, &field->spec, object_field(object, id));
}

/* --- Lists in their views. --- */

bool is_detailed(const struct request *request)
{
	return request_has(request, "detail");
}

void emit_list_table(struct request *request, const struct list_view *view)
{
	const char *const *shown = request_has(request, "brief")      ? view->brief
				   : request_has(request, "capacity") ? view->capacity
								      : NULL;

	if (is_detailed(request))
		emit_records(request, view->columns, view->count, view_detail(view)->columns,
			     view_detail(view)->count);
	else
		emit_table_view(request, view->columns, view->count, shown);
}

void emit_list_end(struct request *request, const struct list_view *view,
		   const struct object *object)
{
	const struct field_columns *detail = view_detail(view);

	for (size_t i = 0; is_detailed(request) && i < detail->count; i++)
		if (detail->fields[i] != FIELD_COUNT)
			emit_field(request, object, detail->fields[i]);
	emit_row_end(request);
}

/* First place whose key is not before the name, of which the first len bytes count. */
static size_t lower_bound(const struct snapshot *snapshot, enum object_kind kind, const char *name,
			  size_t len, bool behind)
{
	size_t low = 0;
	size_t high = snapshot_object_count(snapshot, kind);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *key = object_key(snapshot_object_at(snapshot, kind, middle));
		int order = strncmp(key, name, len);

		if (order < 0 || (behind && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool find_objects(struct request *request, const struct snapshot *snapshot, enum object_kind kind,
		  const char *arg, struct object_range *out)
{
	const char *name = request_arg(request, arg);
	size_t len = name ? strlen(name) : 0;
	bool is_prefix = len && name[len - 1] == '*';

	*out = (struct object_range){.end = snapshot_object_count(snapshot, kind)};
	if (!name)
		return true;
	if (is_prefix)
		len--;
	else
		len++; /* the NUL too: the whole key */
	out->at = lower_bound(snapshot, kind, name, len, false);
	out->end = lower_bound(snapshot, kind, name, len, true);
	if (is_prefix || out->at < out->end)
		return true;
	request_refuse(request, FAULT_NOT_FOUND, match_arg(&request->match, arg)->column,
		       "there is no %s %s", object_type(kind)->keyword, name);
	return false;
}
