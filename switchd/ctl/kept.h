/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Candidates whose connection was lost: kept for a while for the same user. Bounded; the oldest
 * goes when there is no room. The clock is an argument. */
#pragma once

#include <sys/types.h>

#include "switchd/ctl/candidate.h"

#define KEPT_MAX 16
#define KEPT_US  (10 * 60 * 1000000ull)

struct kept_candidate {
	struct config_candidate candidate; /* base NULL: a free place */
	uid_t uid;
	uint64_t session; /* that it belonged to */
	uint64_t until_us;
};

struct kept {
	struct kept_candidate items[KEPT_MAX];
};

/* Takes the candidate over; it is closed for the caller. */
void kept_put(struct kept *kept, uid_t uid, uint64_t session, struct config_candidate *candidate,
	      uint64_t now_us);
/* The newest one of this user, NULL when there is none. */
struct kept_candidate *kept_find(struct kept *kept, uid_t uid);
/* Hands it out; the place is free afterwards. */
struct config_candidate kept_take(struct kept_candidate *item);
/* Drops what is over; returns when the next one is, UINT64_MAX when nothing is kept. */
uint64_t kept_expire(struct kept *kept, uint64_t now_us);
void kept_clear(struct kept *kept);
