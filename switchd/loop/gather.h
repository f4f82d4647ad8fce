/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wake-up moderation of a thread that receives messages: how long it lets them gather before it
 * looks again.
 *
 * At a thousand messages a second each of them wakes the thread by itself, which costs more than
 * what it does with one; some together cost little more than one. So between a rate at which a few
 * come within the longest pause, and the one at which they come in batches anyway, a thread that
 * has nothing to do pauses first. A lonely message is never held up, nor are many.
 *
 * Who waits for the answer before it sends the next one gathers nothing: when the rate falls to
 * less than half once there are pauses, there are none for a second. */
#pragma once

#include <stdint.h>

#define GATHER_WINDOW_US 100000u  /* the rate is that of the last one */
#define GATHER_WANTED    8u       /* messages of a pause; with twice as many nothing is gained */
#define GATHER_WORTH     3u       /* fewer are not worth a pause */
#define GATHER_LEAST_US  500u     /* nor is a shorter one worth its own wake-up */
#define GATHER_REST_US   1000000u /* without pauses, after they have slowed somebody down */

/* Zeroed = ready for use. One thread's. */
struct gather {
	uint64_t window_us; /* when it began */
	uint64_t window_messages;
	uint64_t turn_messages; /* seen at the turn before */
	uint64_t rate;          /* a second */
	uint64_t rate_before;   /* when the pauses began; 0: there are none */
	uint64_t rest_until_us;
};

/* For how long to pause now, at most max_us; 0: not at all. messages: all that ever came. */
uint32_t gather_pause_us(struct gather *gather, uint64_t now_us, uint64_t messages,
			 uint32_t max_us);
