/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/commit_adapt.h"

#include <stdlib.h>
#include <uthash.h>

/* An object that the copied changes have created or deleted: what they said last. */
struct seen {
	UT_hash_handle hh;
	bool exists;
	char path[FAULT_PATH_MAX];
};

struct adapt {
	const struct snapshot *base;
	const struct snapshot *running;
	remade_fn *fn;
	void *context;
	struct change_list *out;
	struct seen *seen;
};

static const char *object_path(const struct change *change, char out[FAULT_PATH_MAX])
{
	const struct change whole = {
		.op = CHANGE_OBJECT_DELETE, .kind = change->kind, .key = change->key};

	return change_path(&whole, out);
}

static bool exists_now(const struct adapt *adapt, const struct change *change)
{
	char path[FAULT_PATH_MAX];
	struct seen *seen;

	HASH_FIND_STR(adapt->seen, object_path(change, path), seen);
	if (seen)
		return seen->exists;
	return object_type(change->kind)->is_singleton ||
	       snapshot_object_find(adapt->running, change->kind, span_of(change->key));
}

static enum vos_err note(struct adapt *adapt, const struct change *change, bool exists)
{
	char path[FAULT_PATH_MAX];
	struct seen *seen;

	HASH_FIND_STR(adapt->seen, object_path(change, path), seen);
	if (!seen) {
		seen = calloc(1, sizeof(*seen));
		if (!seen)
			return VOS_ENOMEM;
		memcpy(seen->path, path, sizeof(seen->path));
		HASH_ADD_STR(adapt->seen, path, seen);
	}
	seen->exists = exists;
	return VOS_OK;
}

/* A change like `from`, with another op, field and value; value may be NULL. */
static enum vos_err copy(struct adapt *adapt, const struct change *from, enum change_op op,
			 enum field_id field, const struct value *value)
{
	struct change change = {.op = op,
				.param = from->param,
				.kind = from->kind,
				.field = field,
				.line = from->line};
	enum vos_err err = VOS_OK;

	change.key = span_dup(span_of(from->key ? from->key : ""));
	if (!change.key)
		return VOS_ENOMEM;
	if (value && value->type != VALUE_NONE)
		err = value_copy(value, &change.value);
	if (!err)
		err = change_list_push(adapt->out, &change);
	change_clear(&change);
	return err;
}

static enum vos_err copy_fields(struct adapt *adapt, const struct change *change,
				const struct object *object)
{
	const struct object_type *type = object_type(change->kind);
	enum vos_err err = VOS_OK;

	for (int i = 0; i < type->field_count; i++) {
		enum field_id id = (enum field_id)((int)type->first_field + i);

		if (!object_field_is_set(object, id))
			continue;
		for (size_t k = 0; k < object_list_count(object, id) && !err; k++)
			err = copy(adapt, change, CHANGE_FIELD_SET, id,
				   object_list_at(object, id, k));
	}
	return err;
}

/* The object as it was where the changes began. One that was not there either is left to the
 * commit to refuse. */
static enum vos_err make_again(struct adapt *adapt, const struct change *change)
{
	const struct object *object =
		snapshot_object_find(adapt->base, change->kind, span_of(change->key));
	char path[FAULT_PATH_MAX];
	enum vos_err err;

	if (!object)
		return VOS_OK;
	err = note(adapt, change, true);
	if (!err)
		err = copy(adapt, change, CHANGE_OBJECT_CREATE, FIELD_COUNT, NULL);
	if (!err)
		err = copy_fields(adapt, change, object);
	if (!err && adapt->fn)
		adapt->fn(adapt->context, object_path(change, path));
	return err;
}

static enum vos_err take(struct adapt *adapt, const struct change *change)
{
	enum vos_err err = VOS_OK;

	switch (change->op) {
	case CHANGE_OBJECT_CREATE:
		err = note(adapt, change, true);
		break;
	case CHANGE_OBJECT_DELETE:
		if (!exists_now(adapt, change))
			return VOS_OK;
		err = note(adapt, change, false);
		break;
	case CHANGE_FIELD_SET:
	case CHANGE_FIELD_RESET:
		if (!exists_now(adapt, change))
			err = make_again(adapt, change);
		break;
	case CHANGE_PARAM_SET:
	case CHANGE_PARAM_RESET:
		break;
	}
	return err ? err : copy(adapt, change, change->op, change->field, &change->value);
}

enum vos_err commit_adapt(const struct snapshot *base, const struct snapshot *running,
			  const struct change_list *changes, remade_fn *fn, void *context,
			  struct change_list *out)
{
	struct adapt adapt = {
		.base = base, .running = running, .fn = fn, .context = context, .out = out};
	enum vos_err err = VOS_OK;
	struct seen *seen;
	struct seen *next;

	for (size_t i = 0; i < changes->count && !err; i++)
		err = take(&adapt, &changes->items[i]);
	HASH_ITER (hh, adapt.seen, seen, next) {
		HASH_DEL(adapt.seen, seen);
		free(seen);
	}
	return err;
}
