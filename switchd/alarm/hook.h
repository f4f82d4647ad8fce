/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells a program of each alarm that begins or ends (`alarm-hook`): one at a time, in order, in a
 * thread of its own, ended when it takes longer than its time limit.
 *
 *   COMMAND raised|cleared KIND SUBJECT LEVEL TEXT
 *
 * with ALARM_ID and ALARM_TIME (seconds since 1970) and a PATH in its environment, and nothing else
 * of ours: no open descriptor, no other variable. */
#pragma once

#include "switchd/alarm/notices.h"

#define ALARM_HOOK_WAITING_MAX 64 /* further ones are not told, which is logged */

struct alarm_hook;
struct snapshot;

/* Starts the thread; alarms must outlive it. */
VOS_CHECK enum vos_err alarm_hook_start(const struct log *log, struct alarms *alarms,
					const struct snapshot *config, struct alarm_hook **out);
/* Any thread. NULL is allowed, as below. */
void alarm_hook_configure(struct alarm_hook *hook, const struct snapshot *config);
void alarm_hook_status(struct alarm_hook *hook, struct alarm_notice_status *out);
/* What has not been told is not. */
void alarm_hook_stop(struct alarm_hook *hook);
