/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Change lists. A list keeps a hash of the paths it names, so that a later change finds the one it
 * supersedes without a walk. */
#include "shared/config/change.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/hash.h"
#include "shared/config/builder.h"

/* Open addressing over positions in the list. It describes the first `covered` items; a list that
 * was changed by other hands no longer agrees and is indexed anew. */
struct change_index {
	size_t covered;
	size_t cap;      /* power of two */
	uint32_t *slots; /* position + 1 of the latest change of that path; 0 = free */
};

void change_clear(struct change *change)
{
	free(change->key);
	value_clear(&change->value);
	*change = (struct change){0};
}

static void index_free(struct change_index *index)
{
	if (!index)
		return;
	free(index->slots);
	free(index);
}

void change_list_clear(struct change_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		change_clear(&list->items[i]);
	free(list->items);
	index_free(list->index);
	*list = (struct change_list){0};
}

static const char *key_of(const struct change *change)
{
	return change->key ? change->key : "";
}

static bool is_param(const struct change *change)
{
	return change->op == CHANGE_PARAM_SET || change->op == CHANGE_PARAM_RESET;
}

static bool is_whole_object(const struct change *change)
{
	return change->op == CHANGE_OBJECT_CREATE || change->op == CHANGE_OBJECT_DELETE;
}

/* Whether both name the same parameter, the same object as a whole, or the same field. */
static bool same_path(const struct change *a, const struct change *b)
{
	if (is_param(a) || is_param(b))
		return is_param(a) && is_param(b) && a->param == b->param;
	if (is_whole_object(a) != is_whole_object(b) || a->kind != b->kind)
		return false;
	if (!is_whole_object(a) && a->field != b->field)
		return false;
	return strcmp(key_of(a), key_of(b)) == 0;
}

static uint64_t hash_path(const struct change *change)
{
	/* Paths are an operator's own; nobody gains by aiming them at one slot, so no key is
	 * needed. */
	static const struct hash_key key = {{0}};
	char text[256];
	int len;

	if (is_param(change))
		len = snprintf(text, sizeof(text), "p%d", (int)change->param);
	else
		len = snprintf(text, sizeof(text), "o%d/%d/%s", (int)change->kind,
			       is_whole_object(change) ? -1 : (int)change->field, key_of(change));
	if ((size_t)len >= sizeof(text))
		len = sizeof(text) - 1;
	return hash_bytes(&key, text, (size_t)len);
}

static uint32_t *index_slot(const struct change_list *list, const struct change *change)
{
	struct change_index *index = list->index;
	size_t at = hash_path(change) & (index->cap - 1);

	while (index->slots[at] && !same_path(&list->items[index->slots[at] - 1], change))
		at = (at + 1) & (index->cap - 1);
	return &index->slots[at];
}

/* Brings the index up to date with the list, with room for one more. */
static enum vos_err index_update(struct change_list *list)
{
	struct change_index *index = list->index;
	size_t cap = 64;

	if (index && index->covered == list->count && (list->count + 1) * 2 <= index->cap)
		return VOS_OK;
	while (cap < (list->count + 1) * 4)
		cap *= 2;
	if (!index) {
		index = calloc(1, sizeof(*index));
		if (!index)
			return VOS_ENOMEM;
		list->index = index;
	}
	free(index->slots);
	index->covered = 0;
	index->cap = 0;
	index->slots = calloc(cap, sizeof(*index->slots));
	if (!index->slots)
		return VOS_ENOMEM;
	index->cap = cap;
	for (size_t i = 0; i < list->count; i++)
		*index_slot(list, &list->items[i]) = (uint32_t)i + 1;
	index->covered = list->count;
	return VOS_OK;
}

enum vos_err change_list_push(struct change_list *list, struct change *change)
{
	if (list->count >= UINT32_MAX - 1)
		return VOS_EFULL;
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 16;
		struct change *grown = realloc(list->items, cap * sizeof(*grown));

		if (!grown)
			return VOS_ENOMEM;
		list->items = grown;
		list->cap = cap;
	}
	list->items[list->count++] = *change;
	*change = (struct change){0};
	return VOS_OK;
}

/* The earlier change that this one makes void, or NULL. An earlier change of a field stays when the
 * object was created or deleted after it, since the order then matters; changes of lists add up. */
static struct change *superseded(struct change_list *list, const struct change *change)
{
	uint32_t at = *index_slot(list, change);
	struct change whole = {
		.op = CHANGE_OBJECT_CREATE, .kind = change->kind, .key = change->key};

	if (!at)
		return NULL;
	if (is_param(change))
		return &list->items[at - 1];
	if (is_whole_object(change)) {
		bool is_again = change->op == CHANGE_OBJECT_CREATE &&
				list->items[at - 1].op == CHANGE_OBJECT_CREATE;

		return is_again ? &list->items[at - 1] : NULL;
	}
	if (field_get(change->field)->is_list || *index_slot(list, &whole) > at)
		return NULL;
	return &list->items[at - 1];
}

enum vos_err change_list_add(struct change_list *list, struct change *change)
{
	struct change *earlier;
	uint32_t *slot;
	enum vos_err err;

	err = index_update(list);
	if (err)
		return err;
	earlier = superseded(list, change);
	if (earlier) {
		change_clear(earlier);
		*earlier = *change;
		*change = (struct change){0};
		return VOS_OK;
	}
	slot = index_slot(list, change);
	err = change_list_push(list, change);
	if (err)
		return err;
	*slot = (uint32_t)list->count;
	list->index->covered = list->count;
	return VOS_OK;
}

char *change_path(const struct change *change, char out[FAULT_PATH_MAX])
{
	struct buf text = buf_over(out, FAULT_PATH_MAX - 1);
	char whole[FAULT_PATH_MAX * 2];
	const char *parts[3] = {"", "", ""};

	if (is_param(change)) {
		parts[0] = "param";
		parts[1] = param_get(change->param)->name;
	} else {
		parts[0] = object_type(change->kind)->keyword;
		parts[1] = key_of(change);
		if (!is_whole_object(change))
			parts[2] = field_get(change->field)->keyword;
	}
	for (int i = 0; i < 3; i++) {
		if (!*parts[i])
			continue;
		if (text.len)
			buf_add_char(&text, ' ');
		snprintf(whole, sizeof(whole), "%s", parts[i]);
		/* A long key is cut rather than the whole path lost. */
		whole[FAULT_PATH_MAX - 1 - text.len] = '\0';
		buf_add_str(&text, whole);
	}
	out[text.len] = '\0';
	return out;
}

enum vos_err snapshot_apply(struct snapshot *base, const struct change_list *changes,
			    uint64_t generation, struct snapshot **out, struct vos_fault *fault)
{
	struct snapshot_builder *builder = snapshot_builder_new(base);

	if (!builder) {
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
		return VOS_ENOMEM;
	}
	for (size_t i = 0; i < changes->count; i++) {
		enum vos_err err = snapshot_builder_apply(builder, &changes->items[i], fault);

		if (err) {
			snapshot_builder_free(builder);
			return err;
		}
	}
	return snapshot_builder_finish(builder, generation, out);
}
