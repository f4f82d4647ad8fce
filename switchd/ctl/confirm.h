/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A commit that waits to be confirmed: who made it, and until when. Clocks are arguments.
 *
 * Two deadlines run, and the nearer one counts: the one by wall time survives a restart, the one by
 * the monotonic clock holds when the wall clock is set back meanwhile. */
#pragma once

#include "shared/base/err.h"
#include "switchd/store/store.h"

#define CONFIRM_MINUTES_MAX 1440
/* Author of the commit that takes the other one back. */
#define CONFIRM_AUTHOR "commit confirmed expired"

struct confirm {
	struct store_confirm record; /* generation 0: nothing waits */
	uint64_t until_us;           /* monotonic */
};

static inline bool confirm_is_pending(const struct confirm *confirm)
{
	return confirm->record.generation != 0;
}

/* The record of a commit that somebody makes now. */
struct store_confirm confirm_record(uint64_t generation, const char *author, int minutes,
				    int64_t wall_ms);
/* From now on this waits. A record that was read back has at most its own period left. */
void confirm_arm(struct confirm *confirm, const struct store_confirm *record, int64_t wall_ms,
		 uint64_t mono_us);
void confirm_clear(struct confirm *confirm);
/* Milliseconds left, 0 when it is over; INT64_MAX when nothing waits. */
int64_t confirm_left_ms(const struct confirm *confirm, int64_t wall_ms, uint64_t mono_us);
/* "generation 43 of alice waits for commit confirm until ...". */
void confirm_refuse(const struct confirm *confirm, int64_t left_ms, struct vos_fault *fault);

/* What a record that a start finds is good for. */
enum confirm_fate {
	CONFIRM_GOES_ON, /* the timer runs on */
	CONFIRM_EXPIRED, /* taken back at once */
	CONFIRM_STALE,   /* of another generation than the one in force: no use */
};

enum confirm_fate confirm_at_start(const struct store_confirm *record, uint64_t running,
				   int64_t wall_ms);
