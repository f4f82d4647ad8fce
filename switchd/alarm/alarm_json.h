/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An alarm as a JSON object, for who is told of it. */
#pragma once

#include "shared/base/buf.h"
#include "switchd/alarm/alarm.h"

/* {"event":"raised", "switch":..., and the members of `show alarms`}. What is no UTF-8, such as a
 * name that was cut short, is replaced (RFC 8259 section 8.1). */
void alarm_json(const struct alarm *alarm, enum alarm_event event, const char *hostname,
		struct buf *out);
const char *alarm_event_word(enum alarm_event event);
