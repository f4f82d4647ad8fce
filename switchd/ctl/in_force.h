/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a checked plan to the configuration in force, and back when nobody confirms it. Control
 * thread only. */
#pragma once

#include "switchd/ctl/commit.h"

struct ctl;
struct session;

struct commit_note {
	const char *author;
	const char *comment;
	int confirm_minutes;           /* 0 = holds without confirmation */
	const struct session *session; /* whose commit it is; NULL = switchd's own */
};

/* One write, then everybody gets the new configuration. On failure nothing has changed. */
VOS_CHECK enum vos_err ctl_put_in_force(struct ctl *ctl, const struct commit_plan *plan,
					const struct commit_note *note, struct vos_fault *fault);
/* The plan that takes a generation back; it has to be the one in force. */
VOS_CHECK enum vos_err revert_plan(struct store *store, struct snapshot *running,
				   uint64_t generation, struct commit_plan *out,
				   struct vos_fault *fault);

/* What is due by the clock: an expired confirmation, candidates kept long enough, confs that nobody
 * uses any more. Returns the milliseconds until it is to be called again, -1 = no need. */
int ctl_run_timers(struct ctl *ctl);
