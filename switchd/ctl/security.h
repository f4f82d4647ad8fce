/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What attacks and overload mean to people: the audit line and the alarm of a suspension, the alarm
 * of an overload and of a kernel that refuses its sets. Control thread only.
 *
 * Alarms mirror the tables rather than the events, so a lost event leaves none behind. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switchd/auth/blacklist.h"
#include "switchd/auth/suspend.h"

#define SECURITY_ALARMS 32 /* suspensions with an alarm of their own; the others share one */

struct ctl;

struct security {
	struct suspension shown[SECURITY_ALARMS];
	size_t shown_count;
	bool has_rest; /* the shared alarm is raised */
	struct black_entry black_shown[SECURITY_ALARMS];
	size_t black_count;
	bool has_black_rest;
	bool is_loaded; /* those of before the start were looked at */
	uint64_t due_us;
	uint64_t overload_until_us; /* the alarm stays so long; 0 = none */
	uint32_t episodes;          /* of overload, so far */
	bool is_firewall_failing;
	uint64_t lines_until_us; /* of the present second */
	unsigned lines;          /* audit lines in it */
	uint64_t untold;         /* events beyond them */
};

/* black_watch.c: alarms of the dynamic black list. */
void security_watch_black_list(struct ctl *ctl, uint64_t now_us);
/* Events, ends, alarms. Returns the milliseconds until it is to be called again, -1 = not before an
 * event. */
int security_run(struct ctl *ctl);
