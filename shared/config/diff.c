/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The change list that turns one snapshot into another: parameters, then objects, in the
 * catalogue's order and by key. Objects that both snapshots share are skipped by their pointer, so
 * that a diff of two generations costs a walk over pointers. */
#include "shared/config/change.h"
#include "shared/config/snapshot_private.h"

static enum vos_err push(struct change_list *out, enum change_op op, const struct object *object,
			 enum field_id field, const struct value *value)
{
	struct change change = {
		.op = op, .kind = object->kind, .field = field, .param = PARAM_COUNT};
	enum vos_err err = VOS_OK;

	change.key = span_dup(span_of(object->key));
	if (!change.key)
		return VOS_ENOMEM;
	if (value)
		err = value_copy(value, &change.value);
	if (!err)
		err = change_list_push(out, &change);
	if (err)
		change_clear(&change);
	return err;
}

static enum vos_err diff_params(const struct snapshot *from, const struct snapshot *to,
				struct change_list *out)
{
	for (int i = 0; i < PARAM_COUNT; i++) {
		struct change change = {.op = CHANGE_PARAM_RESET, .param = (enum param_id)i};
		enum vos_err err = VOS_OK;

		if (from->params[i] == to->params[i])
			continue;
		if (from->params[i] && to->params[i] &&
		    value_equal(&from->params[i]->value, &to->params[i]->value))
			continue;
		if (to->params[i]) {
			change.op = CHANGE_PARAM_SET;
			err = value_copy(&to->params[i]->value, &change.value);
		}
		change.key = err ? NULL : span_dup(SPAN_LIT(""));
		if (!err && !change.key)
			err = VOS_ENOMEM;
		if (!err)
			err = change_list_push(out, &change);
		if (err) {
			change_clear(&change);
			return err;
		}
	}
	return VOS_OK;
}

/* The values of one field in one object. */
struct run {
	const struct field_value *values;
	uint32_t count;
};

static struct run run_of(const struct object *object, enum field_id id)
{
	struct run run = {0};
	uint32_t first;

	if (!object || object->count == 0)
		return run;
	first = object_first(object, id);
	run.count = object_run(object, first, id);
	run.values = run.count ? &object->fields[first] : NULL;
	return run;
}

/* Whether `part` is `whole` with some values left out, the others in the same order. */
static bool is_subsequence(struct run part, struct run whole)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; i < whole.count && taken < part.count; i++)
		if (value_equal(&whole.values[i].value, &part.values[taken].value))
			taken++;
	return taken == part.count;
}

static bool is_start(struct run part, struct run whole)
{
	if (part.count > whole.count)
		return false;
	for (uint32_t i = 0; i < part.count; i++)
		if (!value_equal(&part.values[i].value, &whole.values[i].value))
			return false;
	return true;
}

static enum vos_err push_run(struct change_list *out, const struct object *object, enum field_id id,
			     struct run run, uint32_t from)
{
	for (uint32_t i = from; i < run.count; i++) {
		enum vos_err err = push(out, CHANGE_FIELD_SET, object, id, &run.values[i].value);

		if (err)
			return err;
	}
	return VOS_OK;
}

/* Values that `before` has and `after` has not, each removed on its own. */
static enum vos_err push_removed(struct change_list *out, const struct object *object,
				 enum field_id id, struct run before, struct run after)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < before.count; i++) {
		const struct value *value = &before.values[i].value;
		enum vos_err err;

		if (kept < after.count && value_equal(value, &after.values[kept].value)) {
			kept++;
			continue;
		}
		err = push(out, CHANGE_FIELD_RESET, object, id, value);
		if (err)
			return err;
	}
	return VOS_OK;
}

static enum vos_err diff_field(const struct object *from, const struct object *to, enum field_id id,
			       struct change_list *out)
{
	struct run before = run_of(from, id);
	struct run after = run_of(to, id);
	bool is_list = field_get(id)->is_list;
	enum vos_err err;

	if (before.count == after.count && is_start(before, after))
		return VOS_OK;
	if (is_list && is_start(before, after))
		return push_run(out, to, id, after, before.count);
	if (is_list && after.count && is_subsequence(after, before))
		return push_removed(out, to, id, before, after);
	if (is_list || after.count == 0) {
		err = push(out, CHANGE_FIELD_RESET, to, id, NULL);
		if (err)
			return err;
	}
	return push_run(out, to, id, after, 0);
}

/* from NULL: a new object. */
static enum vos_err diff_object(const struct object *from, const struct object *to,
				struct change_list *out)
{
	const struct object_type *type = object_type(to->kind);

	if (!from && !type->is_singleton) {
		enum vos_err err = push(out, CHANGE_OBJECT_CREATE, to, FIELD_COUNT, NULL);

		if (err)
			return err;
	}
	for (int i = 0; i < type->field_count; i++) {
		enum vos_err err =
			diff_field(from, to, (enum field_id)(type->first_field + i), out);

		if (err)
			return err;
	}
	return VOS_OK;
}

static enum vos_err diff_kind(const struct object_set *from, const struct object_set *to,
			      struct change_list *out)
{
	size_t from_count = from ? from->count : 0;
	size_t to_count = to ? to->count : 0;
	size_t i = 0;
	size_t j = 0;

	while (i < from_count || j < to_count) {
		enum vos_err err = VOS_OK;
		int order = i == from_count ? 1
			    : j == to_count ? -1
					    : strcmp(from->items[i]->key, to->items[j]->key);

		if (order < 0) {
			err = push(out, CHANGE_OBJECT_DELETE, from->items[i++], FIELD_COUNT, NULL);
		} else if (order > 0) {
			err = diff_object(NULL, to->items[j++], out);
		} else {
			if (from->items[i] != to->items[j])
				err = diff_object(from->items[i], to->items[j], out);
			i++;
			j++;
		}
		if (err)
			return err;
	}
	return VOS_OK;
}

enum vos_err snapshot_diff(const struct snapshot *from, const struct snapshot *to,
			   struct change_list *out)
{
	struct change_list list = {0};
	enum vos_err err = diff_params(from, to, &list);

	for (int i = 0; !err && i < OBJECT_COUNT; i++)
		if (from->sets[i] != to->sets[i])
			err = diff_kind(from->sets[i], to->sets[i], &list);
	if (err) {
		change_list_clear(&list);
		return err;
	}
	*out = list;
	return VOS_OK;
}
