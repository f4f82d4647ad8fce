/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Candidates whose connection was lost: kept for a while for the same user. Bounded; the oldest
 * goes when there is no room. The clock is an argument. */
#pragma once

#include <sys/types.h>

#include "switchd/ctl/candidate.h"

#define KEPT_MAX 16
#define KEPT_US  (10 * 60 * 1000000ull)

/* Whose it was. */
struct kept_owner {
	uid_t uid;
	uint64_t session;
	uint64_t token; /* by which the client names the session */
};

struct kept_candidate {
	struct config_candidate candidate; /* base NULL: a free place */
	struct kept_owner owner;
	uint64_t until_us;
};

struct kept {
	struct kept_candidate items[KEPT_MAX];
};

/* Takes the candidate over; it is closed for the caller. */
void kept_put(struct kept *kept, const struct kept_owner *owner, struct config_candidate *candidate,
	      uint64_t until_us);
/* The one of that session of this user; token 0: the user's newest. NULL when there is none. */
struct kept_candidate *kept_find(struct kept *kept, uid_t uid, uint64_t token);
/* Hands it out; the place is free afterwards. */
struct config_candidate kept_take(struct kept_candidate *item);
/* Drops what is over; returns when the next one is, UINT64_MAX when nothing is kept. */
uint64_t kept_expire(struct kept *kept, uint64_t now_us);
void kept_clear(struct kept *kept);
/* The same, but their files stay for the next start. */
void kept_leave(struct kept *kept);
