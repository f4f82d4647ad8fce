/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What switchd says unasked: events for the connections that want them. Control thread only. A
 * connection that does not read loses events and is told how many; nobody waits for it. */
#pragma once

#include "switchd/ctl/ctl_private.h"
#include "switchd/ctl/in_force.h"

/* New lines of the log to those who follow it. Returns the milliseconds until it is to be called
 * again, -1 = not before something happens. */
int monitor_run(struct ctl *ctl);
/* A generation is in force; everybody but its session is told. */
void monitor_commit(struct ctl *ctl, const struct commit_note *note, uint64_t generation);
/* state: "waiting", "confirmed" or "reverted"; by: whose doing it is, NULL = switchd's. */
void monitor_confirm(struct ctl *ctl, const char *state, const struct store_confirm *record,
		     const struct session *by);
