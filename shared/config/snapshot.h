/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An immutable, reference-counted view of the whole configuration: parameters and objects.
 *
 * Made only from another snapshot and a change list (snapshot_apply) or from stored records
 * (snapshot_builder). Any thread may read it while it holds a reference. */
#pragma once

#include "shared/catalog/catalog.h"

struct snapshot; /* opaque */
struct object;   /* opaque: one phone, gateway, ... */

struct snapshot *snapshot_new_empty(void);
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);

uint64_t snapshot_generation(const struct snapshot *snapshot);

/* Effective value: the one set, else the catalogue's default (type VALUE_NONE when there is
 * neither). */
const struct value *snapshot_param(const struct snapshot *snapshot, enum param_id id);
bool snapshot_param_is_set(const struct snapshot *snapshot, enum param_id id);

/* Objects of a kind in key order. */
size_t snapshot_object_count(const struct snapshot *snapshot, enum object_kind kind);
const struct object *snapshot_object_at(const struct snapshot *snapshot, enum object_kind kind,
					size_t index);
const struct object *snapshot_object_find(const struct snapshot *snapshot, enum object_kind kind,
					  struct span key);
/* A singleton of which nothing is set is not counted, yet found (key ""): all its fields are at
 * their defaults. */
const struct object *object_unset(enum object_kind kind);
enum object_kind object_kind_of(const struct object *object);
const char *object_key(const struct object *object);
/* Effective value of a field that is not a list. */
const struct value *object_field(const struct object *object, enum field_id id);
bool object_field_is_set(const struct object *object, enum field_id id);
/* Effective values of a list field, in the order given; a field that is no list counts 0 or 1. */
size_t object_list_count(const struct object *object, enum field_id id);
const struct value *object_list_at(const struct object *object, enum field_id id, size_t index);

/* Shorthands for values known to be of that type. */
static inline bool snapshot_bool(const struct snapshot *s, enum param_id id)
{
	return snapshot_param(s, id)->boolean;
}

static inline int64_t snapshot_number(const struct snapshot *s, enum param_id id)
{
	return snapshot_param(s, id)->number;
}

/* "" when unset. */
static inline const char *snapshot_text(const struct snapshot *s, enum param_id id)
{
	const struct value *value = snapshot_param(s, id);

	return value->type == VALUE_STRING && value->text ? value->text : "";
}
