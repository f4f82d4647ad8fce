/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and counting of snapshots. They are made in builder.c. */
#include "shared/config/snapshot_private.h"

#include <stdlib.h>

struct snapshot *snapshot_new_empty(void)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (snapshot)
		atomic_init(&snapshot->refs, 1);
	return snapshot;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
	return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
	if (!snapshot || atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (int i = 0; i < PARAM_COUNT; i++)
		param_cell_unref(snapshot->params[i]);
	for (int i = 0; i < OBJECT_COUNT; i++)
		object_set_unref(snapshot->sets[i]);
	free(snapshot);
}

uint64_t snapshot_generation(const struct snapshot *snapshot)
{
	return snapshot->generation;
}

const struct value *snapshot_param(const struct snapshot *snapshot, enum param_id id)
{
	return snapshot->params[id] ? &snapshot->params[id]->value : param_default(id);
}

bool snapshot_param_is_set(const struct snapshot *snapshot, enum param_id id)
{
	return snapshot->params[id] != NULL;
}

size_t snapshot_object_count(const struct snapshot *snapshot, enum object_kind kind)
{
	return snapshot->sets[kind] ? snapshot->sets[kind]->count : 0;
}

const struct object *snapshot_object_at(const struct snapshot *snapshot, enum object_kind kind,
					size_t index)
{
	return snapshot->sets[kind]->items[index];
}

const struct object *snapshot_object_find(const struct snapshot *snapshot, enum object_kind kind,
					  struct span key)
{
	const struct object_set *set = snapshot->sets[kind];
	bool found;
	size_t index = object_set_search(set, key, &found);

	if (found)
		return set->items[index];
	return object_type(kind)->is_singleton ? object_unset(kind) : NULL;
}

struct param_cell *param_cell_create(const struct value *value)
{
	struct param_cell *cell = calloc(1, sizeof(*cell));

	if (!cell)
		return NULL;
	atomic_init(&cell->refs, 1);
	if (value_copy(value, &cell->value)) {
		free(cell);
		return NULL;
	}
	return cell;
}

struct param_cell *param_cell_ref(struct param_cell *cell)
{
	if (cell)
		atomic_fetch_add_explicit(&cell->refs, 1, memory_order_relaxed);
	return cell;
}

void param_cell_unref(struct param_cell *cell)
{
	if (!cell || atomic_fetch_sub_explicit(&cell->refs, 1, memory_order_acq_rel) != 1)
		return;
	value_clear(&cell->value);
	free(cell);
}

struct object_set *object_set_alloc(size_t count)
{
	struct object_set *set = calloc(1, sizeof(*set) + count * sizeof(set->items[0]));

	if (set)
		atomic_init(&set->refs, 1);
	return set;
}

struct object_set *object_set_ref(struct object_set *set)
{
	if (set)
		atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

void object_set_unref(struct object_set *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < set->count; i++)
		object_unref(set->items[i]);
	free(set);
}

static int compare_key(const char *key, struct span wanted)
{
	int order = strncmp(key, wanted.ptr ? wanted.ptr : "", wanted.len);

	if (order != 0)
		return order;
	return key[wanted.len] == '\0' ? 0 : 1;
}

size_t object_set_search(const struct object_set *set, struct span key, bool *found)
{
	size_t low = 0;
	size_t high = set ? set->count : 0;

	*found = false;
	/* A key has no NUL: text with one names nothing (and would fool strncmp). */
	if (key.len && memchr(key.ptr, '\0', key.len))
		return low;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_key(set->items[middle]->key, key);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
