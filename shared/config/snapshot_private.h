/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a snapshot is held: cells of parameters, one sorted array of objects a kind, both counted, so
 * that a new snapshot shares with the old one whatever a change list did not touch.
 *
 * Caveat: an object may be written only between object_create/object_clone and its entry in a set;
 * from then on it is shared and constant. For shared/config only. */
#pragma once

#include <stdatomic.h>

#include "shared/config/snapshot.h"

struct field_value {
	enum field_id id;
	struct value value;
};

struct object {
	atomic_uint refs;
	enum object_kind kind;
	char *key;
	struct field_value *fields; /* by id; values of a list in the order given */
	uint32_t count;
	uint32_t cap;
};

struct param_cell {
	atomic_uint refs;
	struct value value;
};

struct object_set {
	atomic_uint refs;
	size_t count;
	struct object *items[]; /* by key, bytewise */
};

struct snapshot {
	atomic_uint refs;
	uint64_t generation;
	struct param_cell *params[PARAM_COUNT]; /* NULL: not set */
	struct object_set *sets[OBJECT_COUNT];  /* NULL: no object of the kind */
};

struct object *object_create(enum object_kind kind, struct span key);
struct object *object_clone(const struct object *object);
struct object *object_ref(struct object *object);
void object_unref(struct object *object);
/* Index of the first value of a field, or where it would go. */
uint32_t object_first(const struct object *object, enum field_id id);
/* How many values of a field are set, from index `first` on. */
uint32_t object_run(const struct object *object, uint32_t first, enum field_id id);
/* Puts a copy of the value at an index (object_first() plus the place in the list). */
VOS_CHECK enum vos_err object_insert(struct object *object, uint32_t index, enum field_id id,
				     const struct value *value);
void object_remove(struct object *object, uint32_t index, uint32_t count);
/* Closes the gaps that cleared values have left. */
void object_compact(struct object *object);

struct param_cell *param_cell_create(const struct value *value);
struct param_cell *param_cell_ref(struct param_cell *cell);
void param_cell_unref(struct param_cell *cell);

struct object_set *object_set_alloc(size_t count);
struct object_set *object_set_ref(struct object_set *set);
void object_set_unref(struct object_set *set);
/* Index of the object with that key, or where it would go with *found false. */
size_t object_set_search(const struct object_set *set, struct span key, bool *found);
