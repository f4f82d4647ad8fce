/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `clear counters` remembers. Control thread only. */
#pragma once

#include <stdint.h>

enum counter_group {
	COUNTERS_SIP,
	COUNTERS_CALL,
	COUNTERS_REGISTRATION,
	COUNTERS_MEDIA,
	COUNTERS_NAT_KEEP_ALIVE,
	COUNTERS_GUARD,
	COUNTERS_AUTHENTICATION,
	COUNTERS_FIREWALL,
	COUNTERS_GATEWAY,
	COUNTER_GROUPS
};

struct counter_base;

/* All zero: nothing was cleared. */
struct counter_bases {
	struct counter_base *table;         /* by name; one for each counter that was cleared */
	int64_t cleared_ms[COUNTER_GROUPS]; /* wall time, 0 = never */
};

void counters_free(struct counter_bases *bases);
