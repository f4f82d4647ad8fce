/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How one connection follows the log: where it stands, what it missed, and how much a terminal gets
 * in a second. Clocks are arguments. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/log_ring.h"

#define FOLLOW_A_SECOND 200 /* lines to a terminal */

/* In no second, wherever it begins, are there more than FOLLOW_A_SECOND. */
struct rate_bound {
	uint64_t taken_us[FOLLOW_A_SECOND]; /* the newest, round and round */
	uint64_t count;                     /* ever taken */
};

/* Microseconds until the next one may be taken; 0 = now. */
uint64_t rate_bound_wait_us(const struct rate_bound *rate, uint64_t now_us);
/* The same for so many lines at once, which are not more than fit into a second. */
uint64_t rate_bound_wait_lines_us(const struct rate_bound *rate, unsigned lines, uint64_t now_us);
void rate_bound_take_lines(struct rate_bound *rate, unsigned lines, uint64_t now_us);
/* False: not now. */
bool rate_bound_take(struct rate_bound *rate, uint64_t now_us);

struct follow {
	bool is_on;      /* terminal monitor: events */
	bool is_bounded; /* by rate: somebody reads it on a screen */
	uint64_t next;   /* line of the ring */
	uint64_t lost;   /* since the last one that was sent */
	struct rate_bound rate;
};

/* Stands at the end of the ring, which may be NULL. */
void follow_begin(struct follow *follow, struct log_ring *ring, bool is_bounded);
/* The next line that may be sent now. Whoever is behind by more than a second's worth is set to the
 * newest ones; what that leaves out is counted in lost. */
bool follow_line(struct follow *follow, struct log_ring *ring, uint64_t now_us,
		 struct log_line *out);
/* For what is no line of the log; false counts it as lost. */
bool follow_take(struct follow *follow, uint64_t now_us);
/* Microseconds until follow_line() has something, or until a count of lost ones may be said;
 * UINT64_MAX = not before another line comes. */
uint64_t follow_wait_us(const struct follow *follow, struct log_ring *ring, uint64_t now_us);
