/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashed timer wheel: 10 ms ticks, 4,096 slots, intrusive entries, O(1) start and stop. One
 * thread's.
 *
 * Times beyond one turn (40.96 s) wait for their round. Entries fire in no particular order inside
 * a tick and never early. A wheel has no clock of its own: the owner passes now_us. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_TICK_US 10000u
#define WHEEL_SLOTS   4096u

struct wheel_timer;
typedef void wheel_fn(struct wheel_timer *timer, void *owner);

/* Zeroed = not running. Embedded in what it times. */
struct wheel_timer {
	struct wheel_timer *next;
	struct wheel_timer **prev; /* NULL = not running */
	wheel_fn *fire;
	uint64_t due_tick;
};

struct wheel {
	struct wheel_timer *slots[WHEEL_SLOTS];
	uint64_t next_tick; /* first tick not yet run */
	uint64_t count;     /* running timers */
	void *owner;        /* passed to fire */
};

void wheel_init(struct wheel *wheel, void *owner, uint64_t now_us);
/* Starts, or restarts when it runs. Fires at the first tick at or after now_us + delay_us. */
void wheel_start(struct wheel *wheel, struct wheel_timer *timer, wheel_fn *fire, uint64_t now_us,
		 uint64_t delay_us);
void wheel_stop(struct wheel *wheel, struct wheel_timer *timer);
static inline bool wheel_is_running(const struct wheel_timer *timer)
{
	return timer->prev != 0;
}
/* When a timer that has just fired was due. A series that starts each wait from here does not drift
 * by the ticks' rounding. */
static inline uint64_t wheel_due_us(const struct wheel_timer *timer)
{
	return timer->due_tick * WHEEL_TICK_US;
}
/* Runs what is due. A fire function may start and stop any timer, also itself. */
void wheel_run(struct wheel *wheel, uint64_t now_us);
/* Milliseconds until the next tick that can have work, at most max_ms; for epoll_wait. */
int wheel_wait_ms(const struct wheel *wheel, uint64_t now_us, int max_ms);
