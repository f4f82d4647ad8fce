/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A candidate: the changes of one session on the configuration it started from.
 *
 * Kept as a change list; nothing is applied before commit or show. What is remembered besides is
 * which objects the list creates or deletes, so that 10,000 lines cost 10,000 look-ups. */
#pragma once

#include "shared/base/secret.h"
#include "shared/config/change.h"
#include "shared/grammar/grammar.h"

struct journal;
struct touched_object;

struct config_candidate {
	struct snapshot *base;  /* NULL = not open */
	struct snapshot *known; /* whose secrets and values a line is compared with */
	struct change_list changes;
	struct touched_object *objects;
	struct journal *journal; /* what survives a restart; NULL = nothing does */
};

/* Takes a reference of base. */
void candidate_open(struct config_candidate *candidate, struct snapshot *base);
/* One that starts from nothing, for a text that is a whole configuration and is compared with
 * `known`. VOS_ENOMEM. */
VOS_CHECK enum vos_err candidate_open_empty(struct config_candidate *candidate,
					    struct snapshot *known);
void candidate_close(struct config_candidate *candidate);
/* Closes it and leaves its journal for the next start. */
void candidate_leave(struct config_candidate *candidate);
/* Drops the changes and moves to another base. */
void candidate_rebase(struct config_candidate *candidate, struct snapshot *base);
bool candidate_has_object(const struct config_candidate *candidate, enum object_kind kind,
			  const char *key);

/* Carries out a matched line of configuration mode: PARAM_*, OBJECT_*, FIELD_* (match->inner).
 * Secrets are sealed with key. Faults have their column; a value that is out of range names the
 * present one. */
VOS_CHECK enum vos_err candidate_apply_match(struct config_candidate *candidate,
					     const struct match *match,
					     const struct secret_key *key, int line,
					     struct vos_fault *fault);
/* Adds to a range fault what the value is now. The match is the failed one. */
void candidate_explain_range(const struct config_candidate *candidate, const struct match *match,
			     struct vos_fault *fault);
/* Adds changes made elsewhere (rollback). Takes what they own; the list is empty afterwards. */
VOS_CHECK enum vos_err candidate_add_list(struct config_candidate *candidate,
					  struct change_list *changes);
