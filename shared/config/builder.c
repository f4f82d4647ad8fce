/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copy on write over a snapshot: touched objects live in a hash a kind until finish merges them,
 * sorted, with the untouched ones. That keeps 10,000 creations in one list linear.
 *
 * A value equal to the catalogue's default is kept as unset, and a singleton without values is no
 * object: so two configurations that read the same are the same. */
#include "shared/config/builder.h"

#include <stdio.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "shared/config/list_index.h"

struct touched {
	struct object *object; /* NULL: not there (any more) */
	bool is_private;       /* may be written */
	bool is_changed;
	bool has_gaps;             /* of values that were taken from a long list */
	struct list_index *places; /* of the values of long lists */
	UT_hash_handle hh;
	char key[];
};

struct snapshot_builder {
	struct snapshot *base; /* may be NULL */
	struct param_cell *params[PARAM_COUNT];
	struct touched *touched[OBJECT_COUNT];
};

struct snapshot_builder *snapshot_builder_new(struct snapshot *base)
{
	struct snapshot_builder *builder = calloc(1, sizeof(*builder));

	if (!builder || !base)
		return builder;
	builder->base = snapshot_ref(base);
	for (int i = 0; i < PARAM_COUNT; i++)
		builder->params[i] = param_cell_ref(base->params[i]);
	return builder;
}

void snapshot_builder_free(struct snapshot_builder *builder)
{
	struct touched *entry;
	struct touched *next;

	if (!builder)
		return;
	for (int i = 0; i < PARAM_COUNT; i++)
		param_cell_unref(builder->params[i]);
	for (int i = 0; i < OBJECT_COUNT; i++) {
		HASH_ITER (hh, builder->touched[i], entry, next) {
			HASH_DEL(builder->touched[i], entry);
			list_index_free(&entry->places);
			object_unref(entry->object);
			free(entry);
		}
	}
	snapshot_unref(builder->base);
	free(builder);
}

static const struct object_set *base_set(const struct snapshot_builder *builder,
					 enum object_kind kind)
{
	return builder->base ? builder->base->sets[kind] : NULL;
}

/* The entry of an object, made at its first use. NULL: out of memory. */
static struct touched *touch(struct snapshot_builder *builder, enum object_kind kind,
			     const char *key)
{
	size_t len = strlen(key);
	const struct object_set *set;
	struct touched *entry;
	size_t count;
	size_t index;
	bool found;

	HASH_FIND(hh, builder->touched[kind], key, len, entry);
	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry) + len + 1);
	if (!entry)
		return NULL;
	memcpy(entry->key, key, len);
	set = base_set(builder, kind);
	index = object_set_search(set, span_of(key), &found);
	if (found)
		entry->object = object_ref(set->items[index]);
	count = HASH_COUNT(builder->touched[kind]);
	HASH_ADD_KEYPTR(hh, builder->touched[kind], entry->key, len, entry);
	if (HASH_COUNT(builder->touched[kind]) == count) {
		object_unref(entry->object);
		free(entry);
		return NULL;
	}
	return entry;
}

/* The entry's object, writable; made when there is none. NULL: out of memory. */
static struct object *writable(struct touched *entry, enum object_kind kind)
{
	struct object *copy;

	if (entry->is_private)
		return entry->object;
	copy = entry->object ? object_clone(entry->object)
			     : object_create(kind, span_of(entry->key));
	if (!copy)
		return NULL;
	object_unref(entry->object);
	entry->object = copy;
	entry->is_private = true;
	entry->is_changed = true;
	return copy;
}

static enum vos_err set_param(struct snapshot_builder *builder, enum param_id id,
			      const struct value *value)
{
	struct param_cell *cell = NULL;

	if (value && value->type != VALUE_NONE && !value_equal(value, param_default(id))) {
		cell = param_cell_create(value);
		if (!cell)
			return VOS_ENOMEM;
	}
	param_cell_unref(builder->params[id]);
	builder->params[id] = cell;
	return VOS_OK;
}

/* Where the value is among those of its field. VOS_ENOENT: nowhere. */
static enum vos_err find_value(struct touched *entry, const struct change *change, uint32_t first,
			       uint32_t run, uint32_t *at)
{
	const struct object *object = entry->object;

	if (run >= LIST_INDEX_MIN && change->value.type == VALUE_STRING)
		return list_index_find(&entry->places, object, change->field, &change->value, at);
	for (*at = first; *at < first + run; ++*at)
		if (value_equal(&object->fields[*at].value, &change->value))
			return VOS_OK;
	return VOS_ENOENT;
}

static enum vos_err set_field(struct touched *entry, const struct change *change)
{
	const struct field *field = field_get(change->field);
	const struct object *now = entry->object;
	uint32_t first = now ? object_first(now, change->field) : 0;
	uint32_t run = now ? object_run(now, first, change->field) : 0;
	struct object *object;
	enum vos_err err;
	uint32_t at;

	err = find_value(entry, change, first, run, &at);
	if (err != VOS_ENOENT)
		return err;
	object = writable(entry, change->kind);
	if (!object)
		return VOS_ENOMEM;
	if (field->is_list) {
		err = object_insert(object, first + run, change->field, &change->value);
		if (!err)
			list_index_append(entry->places, object, change->field);
		return err;
	}
	object_remove(object, first, run);
	if (value_equal(&change->value, field_default(change->field)))
		return VOS_OK;
	return object_insert(object, first, change->field, &change->value);
}

static enum vos_err take_from_list(struct touched *entry, const struct change *change,
				   uint32_t first, uint32_t run)
{
	struct object *object;
	uint32_t at;
	enum vos_err err = find_value(entry, change, first, run, &at);

	if (err)
		return err == VOS_ENOENT ? VOS_OK : err;
	object = writable(entry, change->kind);
	if (!object)
		return VOS_ENOMEM;
	if (run < LIST_INDEX_MIN) {
		object_remove(object, at, 1);
	} else {
		value_clear(&object->fields[at].value);
		entry->has_gaps = true;
	}
	return VOS_OK;
}

static enum vos_err reset_field(struct touched *entry, const struct change *change)
{
	const struct object *now = entry->object;
	uint32_t first = now ? object_first(now, change->field) : 0;
	uint32_t run = now ? object_run(now, first, change->field) : 0;
	struct object *object;

	if (run == 0)
		return VOS_OK;
	if (field_get(change->field)->is_list && change->value.type != VALUE_NONE)
		return take_from_list(entry, change, first, run);
	object = writable(entry, change->kind);
	if (!object)
		return VOS_ENOMEM;
	object_remove(object, first, run);
	list_index_drop(&entry->places, change->field);
	return VOS_OK;
}

static enum vos_err refuse_missing(const struct change *change, struct vos_fault *fault)
{
	char path[FAULT_PATH_MAX];

	if (!fault)
		return VOS_ENOENT;
	change_path(change, path);
	memcpy(fault->path, path, sizeof(fault->path));
	fault->line = change->line;
	fault_set(fault, FAULT_NOT_FOUND, 0, "%s %s does not exist",
		  object_type(change->kind)->keyword, change->key);
	return VOS_ENOENT;
}

static enum vos_err apply_object(struct snapshot_builder *builder, const struct change *change,
				 struct vos_fault *fault)
{
	struct touched *entry = touch(builder, change->kind, change->key ? change->key : "");
	bool is_singleton = object_type(change->kind)->is_singleton;

	if (!entry)
		return VOS_ENOMEM;
	if (!entry->object && change->op != CHANGE_OBJECT_CREATE && !is_singleton)
		return refuse_missing(change, fault);
	switch (change->op) {
	case CHANGE_OBJECT_CREATE:
		if (entry->object || is_singleton)
			return VOS_OK;
		return writable(entry, change->kind) ? VOS_OK : VOS_ENOMEM;
	case CHANGE_OBJECT_DELETE:
		list_index_free(&entry->places);
		object_unref(entry->object);
		entry->object = NULL;
		entry->is_private = false;
		entry->has_gaps = false;
		entry->is_changed = true;
		return VOS_OK;
	case CHANGE_FIELD_SET:
		return set_field(entry, change);
	case CHANGE_FIELD_RESET:
		return reset_field(entry, change);
	case CHANGE_PARAM_SET:
	case CHANGE_PARAM_RESET:
		break;
	}
	return VOS_EINVAL;
}

enum vos_err snapshot_builder_apply(struct snapshot_builder *builder, const struct change *change,
				    struct vos_fault *fault)
{
	enum vos_err err;

	if (change->op == CHANGE_PARAM_SET)
		err = set_param(builder, change->param, &change->value);
	else if (change->op == CHANGE_PARAM_RESET)
		err = set_param(builder, change->param, NULL);
	else
		err = apply_object(builder, change, fault);
	if (err == VOS_ENOMEM)
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	return err;
}

static int compare_touched(const void *a, const void *b)
{
	const struct touched *const *left = a;
	const struct touched *const *right = b;

	return strcmp((*left)->key, (*right)->key);
}

/* Touched objects that differ from the base, by key. */
static enum vos_err sort_touched(struct touched *table, struct touched ***out, size_t *count)
{
	struct touched **list = calloc(HASH_COUNT(table) + 1, sizeof(*list));
	struct touched *entry;
	struct touched *next;

	if (!list)
		return VOS_ENOMEM;
	*count = 0;
	HASH_ITER (hh, table, entry, next) {
		if (entry->is_changed)
			list[(*count)++] = entry;
	}
	qsort(list, *count, sizeof(*list), compare_touched);
	*out = list;
	return VOS_OK;
}

static void append(struct object_set *set, struct object *object)
{
	if (!object)
		return;
	if (object_type(object->kind)->is_singleton && object->count == 0)
		return;
	set->items[set->count++] = object_ref(object);
}

static enum vos_err merge_kind(struct snapshot_builder *builder, enum object_kind kind,
			       struct object_set **out)
{
	struct object_set *old = builder->base ? builder->base->sets[kind] : NULL;
	size_t old_count = old ? old->count : 0;
	struct touched **list = NULL;
	struct object_set *set;
	size_t count = 0;
	size_t i = 0;
	size_t j = 0;

	if (sort_touched(builder->touched[kind], &list, &count))
		return VOS_ENOMEM;
	if (count == 0) {
		free(list);
		*out = object_set_ref(old);
		return VOS_OK;
	}
	set = object_set_alloc(old_count + count);
	if (!set) {
		free(list);
		return VOS_ENOMEM;
	}
	while (i < old_count || j < count) {
		int order = i == old_count ? 1
			    : j == count   ? -1
					   : strcmp(old->items[i]->key, list[j]->key);

		if (order < 0) {
			append(set, old->items[i++]);
			continue;
		}
		if (list[j]->has_gaps)
			object_compact(list[j]->object);
		append(set, list[j++]->object);
		if (order == 0)
			i++;
	}
	free(list);
	if (set->count == 0) {
		object_set_unref(set);
		set = NULL;
	}
	*out = set;
	return VOS_OK;
}

enum vos_err snapshot_builder_finish(struct snapshot_builder *builder, uint64_t generation,
				     struct snapshot **out)
{
	struct snapshot *snapshot = snapshot_new_empty();
	enum vos_err err = snapshot ? VOS_OK : VOS_ENOMEM;

	for (int i = 0; !err && i < OBJECT_COUNT; i++)
		err = merge_kind(builder, (enum object_kind)i, &snapshot->sets[i]);
	if (!err) {
		snapshot->generation = generation;
		for (int i = 0; i < PARAM_COUNT; i++)
			snapshot->params[i] = param_cell_ref(builder->params[i]);
		*out = snapshot;
	} else {
		snapshot_unref(snapshot);
	}
	snapshot_builder_free(builder);
	return err;
}
