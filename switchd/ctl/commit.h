/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From changes to a new configuration: conflicts, effective difference, checks, one write. Knows
 * nothing of sessions, so that `switchd --apply` takes the same way. */
#pragma once

#include "shared/config/change.h"
#include "shared/config/check.h"
#include "switchd/store/store.h"

struct location;

#define GENERATIONS_KEPT 50

/* What a commit would do. */
struct commit_plan {
	struct snapshot *after;  /* NULL when nothing would change */
	struct change_list diff; /* running -> after */
	struct check_report report;
};

/* changes on top of running, or (replace) on top of an empty configuration. VOS_OK also when the
 * report has errors. VOS_ENOENT: a change names what is not there. */
VOS_CHECK enum vos_err commit_plan_make(struct snapshot *running, const struct change_list *changes,
					bool replace, const struct check_facts *facts,
					struct commit_plan *out, struct vos_fault *fault);
void commit_plan_clear(struct commit_plan *plan);
/* Device count of location (may be NULL) and the kernel's ephemeral ports. */
void commit_facts(struct location *location, struct check_facts *out);

/* Calls back (fn may be NULL) for each path that both `changes` and a generation newer than base
 * changed: with our change, the path, and who changed it. A path conflicts with itself, and with
 * the deletion of the object that holds it; the deletion of an object with every field of it that
 * was changed; two deletions do not. *count is how many. */
typedef void conflict_fn(void *context, const struct change *ours, const char *path,
			 uint64_t generation, const char *author);
VOS_CHECK enum vos_err commit_conflicts(struct store *store, const struct snapshot *base,
					const struct snapshot *running,
					const struct change_list *changes, conflict_fn *fn,
					void *context, size_t *count);

/* The configuration as it was at an older generation (or `running` itself), as a new reference.
 * VOS_ENOENT: not kept any more. */
VOS_CHECK enum vos_err commit_snapshot_at(struct store *store, struct snapshot *running,
					  uint64_t generation, struct snapshot **out);
