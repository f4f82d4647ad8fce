/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting wrong passwords (behaviour A7, C2): by source address for the suspension, by Call-ID for
 * the final 403.
 *
 * A source is an IPv4 address or an IPv6 /64. Tables are of fixed size (131,072 sources, 65,536
 * Call-IDs), in sets of eight under keyed hashes; a full set gives up the counter that rested
 * longest, and a running suspension only when the whole set is suspended, the one that ends first.
 */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"
#include "shared/base/span.h"

struct lockout;
struct auth;

struct lockout_rules {
	uint32_t max_retry; /* failures tolerated before suspension; 0 = nobody is suspended */
	uint32_t suspend_s;
	uint32_t call_retry; /* failures tolerated in one Call-ID */
};

enum lockout_verdict {
	LOCKOUT_COUNTED,
	LOCKOUT_CALL_SPENT, /* more than call_retry in this Call-ID */
	LOCKOUT_SUSPENDED,  /* this failure began a suspension */
};

VOS_CHECK enum vos_err lockout_create(struct lockout **out);
void lockout_destroy(struct lockout *lockout);

bool lockout_is_suspended(struct lockout *lockout, const struct addr *source, uint64_t now_us);
enum lockout_verdict lockout_fail(struct lockout *lockout, const struct lockout_rules *rules,
				  const struct addr *source, struct span call_id, uint64_t now_us);
/* A right password: both counters start over. */
void lockout_succeed(struct lockout *lockout, const struct addr *source, struct span call_id);

/* One row of show authentication. */
struct lockout_entry {
	struct addr source;          /* port 0; an IPv6 one with its last 64 bits cleared */
	uint32_t failures;           /* in a row */
	uint64_t last_us;            /* monotonic time of the last one */
	uint64_t suspended_until_us; /* 0 = not suspended */
};

/* Sources with failures; with only_suspended those that are refused now. Returns how many were
 * written. */
size_t lockout_list(struct auth *auth, uint64_t now_us, bool only_suspended,
		    struct lockout_entry *out, size_t max);
/* Forgets a source, or all when it is NULL. Returns how many had an entry. */
size_t lockout_clear(struct auth *auth, const struct addr *source);
