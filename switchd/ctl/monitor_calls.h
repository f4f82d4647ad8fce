/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor calls: what begins, rings, is answered and ends, as the flight recorder has it. */
#pragma once

#include "switchd/ctl/ctl_private.h"

/* Microseconds until the request looks again; 0: now, and it no longer waits; UINT64_MAX: it is no
 * such request. NULL is allowed. */
uint64_t monitor_calls_wake(struct request *request, uint64_t now_us);
