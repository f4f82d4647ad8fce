/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Posts each alarm that begins, ends or is acknowledged to a URL (`alarm-hook post`), as a JSON
 * object: one at a time, in order, each tried until it is taken (switchd/http/delivery.h), in a
 * thread of its own. What waits is not kept over a restart; when too many wait the oldest goes. */
#pragma once

#include "shared/base/log.h"
#include "switchd/alarm/notices.h"

#define ALARM_POST_WAITING_MAX 256

struct alarm_post;

/* Starts the thread; alarms must outlive it. identity: of this switch, for Idempotency-Key. */
VOS_CHECK enum vos_err alarm_post_start(const struct log *log, struct alarms *alarms,
					const struct conf *conf, uint64_t identity,
					struct alarm_post **out);
/* Any thread. NULL is allowed, as below. */
void alarm_post_configure(struct alarm_post *post, const struct conf *conf);
void alarm_post_status(struct alarm_post *post, struct alarm_notice_status *out);
/* At once. What has not been posted is not. */
void alarm_post_stop(struct alarm_post *post);
