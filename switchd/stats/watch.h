/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alarms by thresholds (behaviour E): one look at all that `alarm` objects watch. A value is judged
 * with `lower`, `upper`, `hysteresis`; what is a mean is taken over `window`. Belongs to one
 * thread.
 *
 *   routing/mapping-gateway-asr  percent of the attempts of the window that were answered
 *   routing/mapping-gateway-acd  seconds, mean talk time of the window
 *   routing/mapping-gateway-drop percent by which calls are fewer than their mean; -rise: more
 *   cpu, memory, disk            percent in use, of the machine and of the state folder's disk
 *   pending-cdr                  records that wait
 *   call-duration                seconds that a call which is up has talked; one alarm a call
 *   clock-skew                   ms that the wall clock was stepped by
 *   packets-in ... bytes-out     a second, of all interfaces but the loopback
 *
 * Ratios and means say little of few calls: below `attempts` of them nothing is raised. */
#pragma once

#include "switchd/stats/metrics.h"

struct watch;

VOS_CHECK enum vos_err watch_create(const struct metrics_sources *sources, const char *state_dir,
				    struct watch **out);
/* NULL is allowed. */
void watch_destroy(struct watch *watch);
void watch_look(struct watch *watch, const struct conf *conf, uint64_t now_us);
