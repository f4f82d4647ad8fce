/* SPDX-License-Identifier: GPL-2.0-or-later */
/* References: a field that names an object needs that object, and an object that is named stays. */
#include "shared/config/check_private.h"

#include <stdio.h>

#include "shared/catalog/period_rule.h"

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

/* The kind of object that a field names; OBJECT_COUNT: none. */
static enum object_kind kind_named(enum field_id id)
{
	return id == FIELD_ROUTING_GATEWAY_PERIOD ? OBJECT_NUMBER_TRANSFORM
						  : field_get(id)->refers_to;
}

/* The name in its value; empty: none. */
static struct span name_in(enum field_id id, const struct value *value)
{
	struct period_rule rule;

	if (value->type != VALUE_STRING || !value->text)
		return SPAN_NONE;
	if (id != FIELD_ROUTING_GATEWAY_PERIOD)
		return span_of(value->text);
	return period_rule_parse(span_of(value->text), &rule) ? rule.plan : SPAN_NONE;
}

/* One fault a deleted object, that names those who still refer to it. */
static void report_in_use(struct check *check, const struct object *object, enum field_id id,
			  struct span target)
{
	const struct field *field = field_get(id);
	const char *kind = object_type(kind_named(id))->keyword;
	const char *referrer_kind = object_type(object->kind)->keyword;
	char path[FAULT_PATH_MAX];
	struct vos_fault *fault;
	size_t named = 1;
	size_t len;

	snprintf(path, sizeof(path), "%s %.*s", kind, SPAN_ARG(target));
	fault = find_in_use(check, path);
	if (!fault) {
		check_error(check, FAULT_REF_IN_USE, path, "%s is used by %s %s (%s)", path,
			    referrer_kind, object->key, field->keyword);
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

static void report_missing(struct check *check, const struct object *object, enum field_id id,
			   struct span target)
{
	const struct field *field = field_get(id);
	const struct object_type *type = object_type(object->kind);
	char path[FAULT_PATH_MAX];

	snprintf(path, sizeof(path), "%s %s %s", type->keyword, object->key, field->keyword);
	check_error(check, FAULT_REF_MISSING, path, "%s: %s %.*s does not exist", path,
		    object_type(kind_named(id))->keyword, SPAN_ARG(target));
}

static void check_field(struct check *check, const struct object *object, enum field_id id)
{
	enum object_kind kind = kind_named(id);
	uint32_t first = object_first(object, id);
	uint32_t count = object_run(object, first, id);

	for (uint32_t i = 0; i < count; i++) {
		struct span target = name_in(id, &object->fields[first + i].value);

		if (!target.len || snapshot_object_find(check->after, kind, target))
			continue;
		if (check->before && snapshot_object_find(check->before, kind, target))
			report_in_use(check, object, id, target);
		else
			report_missing(check, object, id, target);
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
		enum object_kind kind = kind_named((enum field_id)i);
		struct check all = *check;
		struct check_walk walk;
		const struct object *before;
		const struct object *object;

		if (kind == OBJECT_COUNT)
			continue;
		/* Where targets went, objects that were not touched may refer to them. */
		if (!is_target_kept(check, kind))
			all.before = NULL;
		walk = check_walk_start(&all, field_get((enum field_id)i)->kind);
		while ((object = check_walk_next(&walk, &before)) != NULL)
			check_field(check, object, (enum field_id)i);
	}
}
