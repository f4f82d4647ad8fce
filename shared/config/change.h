/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Change lists: the only way in which configuration moves. A candidate, a generation's record, its
 * inverse, a diff and a configuration file are all lists of changes.
 *
 * Path text (stable, used in faults, audit and storage): "param SS_SIP_SESSION_TTL",
 * "phone 1001", "phone 1001 password", "routing-gateway a address". */
#pragma once

#include "shared/config/snapshot.h"

enum change_op {
	CHANGE_PARAM_SET,
	CHANGE_PARAM_RESET,   /* back to the catalogue's default */
	CHANGE_OBJECT_CREATE, /* nothing when it exists */
	CHANGE_OBJECT_DELETE,
	CHANGE_FIELD_SET,   /* list fields: append, nothing when the value is there */
	CHANGE_FIELD_RESET, /* list fields: remove `value`, or all when its type is VALUE_NONE */
};

struct change {
	enum change_op op;
	enum param_id param;   /* PARAM_* ops */
	enum object_kind kind; /* others */
	enum field_id field;   /* FIELD_* ops */
	char *key;             /* owned; "" for singletons */
	struct value value;    /* owned; *_SET, and FIELD_RESET of one list value */
	int line;              /* of the file it came from, 0 else */
};

struct change_index;

/* All zero is an empty list. */
struct change_list {
	struct change *items;
	size_t count;
	size_t cap;
	struct change_index *index; /* of paths; private to change.c */
};

void change_clear(struct change *change);
void change_list_clear(struct change_list *list);
/* Takes what change owns (it is then empty; on failure it stays the caller's); a later set of the
 * same path supersedes an earlier one. */
VOS_CHECK enum vos_err change_list_add(struct change_list *list, struct change *change);
/* Appends without looking for what it supersedes: lists that are read back or computed. */
VOS_CHECK enum vos_err change_list_push(struct change_list *list, struct change *change);
/* "param X" / "phone 1001 password" into out[FAULT_PATH_MAX]. */
char *change_path(const struct change *change, char out[FAULT_PATH_MAX]);

/* New snapshot with generation as given; base untouched. Errors: ENOENT (delete or field of an
 * object that does not exist), with the fault's path and line filled in. */
VOS_CHECK enum vos_err snapshot_apply(struct snapshot *base, const struct change_list *changes,
				      uint64_t generation, struct snapshot **out,
				      struct vos_fault *fault);
/* What turns `from` into `to`, in canonical order. */
VOS_CHECK enum vos_err snapshot_diff(const struct snapshot *from, const struct snapshot *to,
				     struct change_list *out);
