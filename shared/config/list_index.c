/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/config/list_index.h"

#include <stdlib.h>
#include <utlist.h>

#include "shared/base/hash.h"

/* Open addressing. The slot of a value that was taken away stays: it leads to an empty place, which
 * equals nothing. */
struct list_index {
	struct list_index *next;
	enum field_id field;
	size_t cap;      /* power of two */
	size_t used;     /* slots; more than that many places are not known yet */
	uint32_t *slots; /* place in the list + 1; 0 = free */
};

static size_t start_of(const struct list_index *index, const char *text)
{
	/* Values are an operator's own; nobody gains by aiming them at one slot. */
	static const struct hash_key key = {{0}};

	return hash_lookup(&key, text, strlen(text)) & (index->cap - 1);
}

static void enter(struct list_index *index, const struct value *value, uint32_t place)
{
	size_t at;

	index->used++;
	if (value->type != VALUE_STRING)
		return; /* an empty place */
	for (at = start_of(index, value->text); index->slots[at];)
		at = (at + 1) & (index->cap - 1);
	index->slots[at] = place + 1;
}

static struct list_index *find(struct list_index *list, enum field_id id)
{
	struct list_index *index;

	LL_SEARCH_SCALAR(list, index, field, id);
	return index;
}

/* Room for what the list has and as much again, and all of it entered. */
static enum vos_err fill(struct list_index *index, const struct object *object, uint32_t first,
			 uint32_t run)
{
	size_t cap = LIST_INDEX_MIN;

	while (cap < (size_t)run * 4)
		cap *= 2;
	free(index->slots);
	index->slots = calloc(cap, sizeof(*index->slots));
	index->cap = index->slots ? cap : 0;
	index->used = 0;
	for (uint32_t place = 0; index->slots && place < run; place++)
		enter(index, &object->fields[first + place].value, place);
	return index->slots ? VOS_OK : VOS_ENOMEM;
}

enum vos_err list_index_find(struct list_index **list, const struct object *object,
			     enum field_id id, const struct value *value, uint32_t *at)
{
	uint32_t first = object_first(object, id);
	uint32_t run = object_run(object, first, id);
	struct list_index *index = find(*list, id);
	size_t slot;

	if (!index) {
		index = calloc(1, sizeof(*index));
		if (!index)
			return VOS_ENOMEM;
		index->field = id;
		LL_PREPEND(*list, index);
	}
	if ((index->used != run || (size_t)run * 2 > index->cap) &&
	    fill(index, object, first, run) != VOS_OK)
		return VOS_ENOMEM;
	slot = start_of(index, value->text);
	for (; index->slots[slot]; slot = (slot + 1) & (index->cap - 1)) {
		*at = first + index->slots[slot] - 1;
		if (value_equal(&object->fields[*at].value, value))
			return VOS_OK;
	}
	return VOS_ENOENT;
}

void list_index_append(struct list_index *list, const struct object *object, enum field_id id)
{
	struct list_index *index = find(list, id);
	uint32_t first = object_first(object, id);
	uint32_t run = object_run(object, first, id);

	/* Else the next search makes it anew. */
	if (index && index->used + 1 == run && (size_t)run * 2 <= index->cap)
		enter(index, &object->fields[first + run - 1].value, run - 1);
}

static void free_index(struct list_index *index)
{
	free(index->slots);
	free(index);
}

void list_index_drop(struct list_index **list, enum field_id id)
{
	struct list_index *index = find(*list, id);

	if (!index)
		return;
	LL_DELETE(*list, index);
	free_index(index);
}

void list_index_free(struct list_index **list)
{
	struct list_index *index;
	struct list_index *next;

	LL_FOREACH_SAFE (*list, index, next)
		free_index(index);
	*list = NULL;
}
