/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is told of alarms: a program (hook.h) and a URL (post.h), both of the object `alarm-hook`. */
#pragma once

#include <stdint.h>

#include "shared/base/log.h"
#include "switchd/http/delivery.h"

struct alarm_notices;
struct alarms;
struct conf;

/* alarms must outlive it. identity: of this switch among all. */
VOS_CHECK enum vos_err alarm_notices_start(const struct log *log, struct alarms *alarms,
					   const struct conf *conf, uint64_t identity,
					   struct alarm_notices **out);
/* Any thread. NULL is allowed, as below. */
void alarm_notices_configure(struct alarm_notices *notices, const struct conf *conf);
/* At once; what has not been told is not. */
void alarm_notices_stop(struct alarm_notices *notices);

enum alarm_notice_way { ALARM_BY_COMMAND, ALARM_BY_POST, ALARM_NOTICE_WAYS };

struct alarm_notice_status {
	char target[256]; /* program or URL; "": none */
	uint64_t waiting;
	uint64_t told;
	uint64_t failed;     /* tries */
	uint64_t lost;       /* never told: too many waited */
	int64_t answered_ms; /* wall time of the last try; 0: there was none */
	int64_t next_ms;     /* wall time of the next one; 0: at once, or none */
	char answer[HTTP_TEXT_MAX];
};

void alarm_notices_status(struct alarm_notices *notices, enum alarm_notice_way way,
			  struct alarm_notice_status *out);
