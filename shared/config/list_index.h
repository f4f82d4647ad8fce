/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the values of a long list of text are, so that a builder which adds 100,000 of them one by
 * one, or takes as many away, walks over none. It lives as long as the builder's object, and knows
 * a value by its place behind the first one of its field. For shared/config only.
 *
 * Caveat: in a list that has an index a value is taken away by clearing it where it stands, as
 * the places of all others stay what they were; object_compact() closes the gaps. */
#pragma once

#include "shared/config/snapshot_private.h"

struct list_index; /* those of one object, a field each; NULL: there are none yet */

/* Whether so many values are worth an index. */
#define LIST_INDEX_MIN 64

/* Looks for a text among the values of its field; *at is its index in object->fields. VOS_ENOENT:
 * it is not there; or VOS_ENOMEM. */
VOS_CHECK enum vos_err list_index_find(struct list_index **list, const struct object *object,
				       enum field_id id, const struct value *value, uint32_t *at);
/* The value was put behind the others. */
void list_index_append(struct list_index *list, const struct object *object, enum field_id id);
/* All values of the field are gone. */
void list_index_drop(struct list_index **list, enum field_id id);
void list_index_free(struct list_index **list);
