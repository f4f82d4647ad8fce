/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One object: its key and the fields that were set, a short array sorted by field. */
#include "shared/config/snapshot_private.h"

#include <stdlib.h>

/* What an unset singleton reads as: every field at its default. */
static const struct object unset_singletons[OBJECT_COUNT] = {
#define OBJECT(id, ...) \
	[OBJECT_##id] = {.refs = 1, .kind = OBJECT_##id, .key = (char *)(uintptr_t) ""},
#define FIELD(...)
#include "shared/catalog/objects.def"
#undef OBJECT
#undef FIELD
};

const struct object *object_unset(enum object_kind kind)
{
	return &unset_singletons[kind];
}

struct object *object_create(enum object_kind kind, struct span key)
{
	struct object *object = calloc(1, sizeof(*object));

	if (!object)
		return NULL;
	atomic_init(&object->refs, 1);
	object->kind = kind;
	object->key = span_dup(key);
	if (!object->key) {
		free(object);
		return NULL;
	}
	return object;
}

struct object *object_clone(const struct object *object)
{
	struct object *copy = object_create(object->kind, span_of(object->key));

	if (!copy)
		return NULL;
	for (uint32_t i = 0; i < object->count; i++) {
		if (object_insert(copy, i, object->fields[i].id, &object->fields[i].value)) {
			object_unref(copy);
			return NULL;
		}
	}
	return copy;
}

struct object *object_ref(struct object *object)
{
	atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
	return object;
}

void object_unref(struct object *object)
{
	if (!object || atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (uint32_t i = 0; i < object->count; i++)
		value_clear(&object->fields[i].value);
	free(object->fields);
	free(object->key);
	free(object);
}

/* Index of the first value of that field or of a later one. */
static uint32_t first_from(const struct object *object, uint32_t low, int id)
{
	uint32_t high = object->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if ((int)object->fields[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t object_first(const struct object *object, enum field_id id)
{
	return first_from(object, 0, (int)id);
}

uint32_t object_run(const struct object *object, uint32_t first, enum field_id id)
{
	return first_from(object, first, (int)id + 1) - first;
}

enum vos_err object_insert(struct object *object, uint32_t index, enum field_id id,
			   const struct value *value)
{
	struct value copy = {0};
	enum vos_err err;

	if (object->count == object->cap) {
		uint32_t cap = object->cap ? object->cap * 2 : 4;
		struct field_value *grown = realloc(object->fields, cap * sizeof(*grown));

		if (!grown)
			return VOS_ENOMEM;
		object->fields = grown;
		object->cap = cap;
	}
	err = value_copy(value, &copy);
	if (err)
		return err;
	memmove(object->fields + index + 1, object->fields + index,
		(object->count - index) * sizeof(*object->fields));
	object->fields[index] = (struct field_value){.id = id, .value = copy};
	object->count++;
	return VOS_OK;
}

void object_remove(struct object *object, uint32_t index, uint32_t count)
{
	if (count == 0)
		return;
	for (uint32_t i = 0; i < count; i++)
		value_clear(&object->fields[index + i].value);
	memmove(object->fields + index, object->fields + index + count,
		(object->count - index - count) * sizeof(*object->fields));
	object->count -= count;
}

void object_compact(struct object *object)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < object->count; i++)
		if (object->fields[i].value.type != VALUE_NONE)
			object->fields[kept++] = object->fields[i];
	object->count = kept;
}

const char *object_key(const struct object *object)
{
	return object->key;
}

enum object_kind object_kind_of(const struct object *object)
{
	return object->kind;
}

const struct value *object_field(const struct object *object, enum field_id id)
{
	uint32_t first = object_first(object, id);

	if (object_run(object, first, id) == 0)
		return field_default(id);
	return &object->fields[first].value;
}

bool object_field_is_set(const struct object *object, enum field_id id)
{
	return object_run(object, object_first(object, id), id) > 0;
}

size_t object_list_count(const struct object *object, enum field_id id)
{
	size_t count = object_run(object, object_first(object, id), id);

	if (count == 0 && field_default(id)->type != VALUE_NONE)
		return 1;
	return count;
}

const struct value *object_list_at(const struct object *object, enum field_id id, size_t index)
{
	uint32_t first = object_first(object, id);

	if (object_run(object, first, id) == 0)
		return field_default(id);
	return &object->fields[first + index].value;
}
