/* SPDX-License-Identifier: GPL-2.0-or-later */
/* References: a field that names an object needs that object, and an object that is named stays. */
#include "shared/config/check_private.h"

#include <stdio.h>

#define REFERRERS_NAMED 5

static struct vos_fault *find_in_use(struct check *check, const char *path)
{
	for (size_t i = 0; i < check->report->error_count; i++) {
		struct vos_fault *fault = &check->report->errors[i];

		if (fault->code == FAULT_REF_IN_USE && strcmp(fault->path, path) == 0)
			return fault;
	}
	return NULL;
}

/* One fault a deleted object, that names those who still refer to it. */
static void report_in_use(struct check *check, const struct object *object,
			  const struct field *field, const char *target)
{
	const char *kind = object_type(field->refers_to)->keyword;
	const char *referrer_kind = object_type(object->kind)->keyword;
	char path[FAULT_PATH_MAX];
	struct vos_fault *fault;
	size_t named = 1;
	size_t len;

	snprintf(path, sizeof(path), "%s %s", kind, target);
	fault = find_in_use(check, path);
	if (!fault) {
		check_error(check, FAULT_REF_IN_USE, path, "%s %s is used by %s %s (%s)", kind,
			    target, referrer_kind, object->key, field->keyword);
		return;
	}
	for (const char *p = fault->text; (p = strstr(p, ", ")) != NULL; p += 2)
		named++;
	len = strlen(fault->text);
	if (named < REFERRERS_NAMED)
		snprintf(fault->text + len, sizeof(fault->text) - len, ", %s %s (%s)",
			 referrer_kind, object->key, field->keyword);
	else if (named == REFERRERS_NAMED)
		snprintf(fault->text + len, sizeof(fault->text) - len, ", and others");
}

static void report_missing(struct check *check, const struct object *object,
			   const struct field *field, const char *target)
{
	const struct object_type *type = object_type(object->kind);
	char path[FAULT_PATH_MAX];

	snprintf(path, sizeof(path), "%s %s %s", type->keyword, object->key, field->keyword);
	check_error(check, FAULT_REF_MISSING, path, "%s: %s %s does not exist", path,
		    object_type(field->refers_to)->keyword, target);
}

static void check_field(struct check *check, const struct object *object, enum field_id id,
			const struct field *field)
{
	uint32_t first = object_first(object, id);
	uint32_t count = object_run(object, first, id);

	for (uint32_t i = 0; i < count; i++) {
		const struct value *value = &object->fields[first + i].value;
		struct span target;

		if (value->type != VALUE_STRING || !value->text || !*value->text)
			continue;
		target = span_of(value->text);
		if (snapshot_object_find(check->after, field->refers_to, target))
			continue;
		if (check->before && snapshot_object_find(check->before, field->refers_to, target))
			report_in_use(check, object, field, value->text);
		else
			report_missing(check, object, field, value->text);
	}
}

/* Whether every target of that kind is still there. */
static bool is_target_kept(const struct check *check, enum object_kind kind)
{
	return check->before && check->before->sets[kind] == check->after->sets[kind];
}

void check_references(struct check *check)
{
	for (int i = 0; i < FIELD_COUNT; i++) {
		const struct field *field = field_get((enum field_id)i);
		struct check all = *check;
		struct check_walk walk;
		const struct object *before;
		const struct object *object;

		if (field->refers_to == OBJECT_COUNT)
			continue;
		/* Where targets went, objects that were not touched may refer to them. */
		if (!is_target_kept(check, field->refers_to))
			all.before = NULL;
		walk = check_walk_start(&all, field->kind);
		while ((object = check_walk_next(&walk, &before)) != NULL)
			check_field(check, object, (enum field_id)i, field);
	}
}
