/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/loop/wheel.h"

#include <string.h>

void wheel_init(struct wheel *wheel, void *owner, uint64_t now_us)
{
	memset(wheel, 0, sizeof(*wheel));
	wheel->owner = owner;
	wheel->next_tick = now_us / WHEEL_TICK_US;
}

static void link_into(struct wheel *wheel, struct wheel_timer *timer)
{
	struct wheel_timer **slot = &wheel->slots[timer->due_tick % WHEEL_SLOTS];

	timer->next = *slot;
	if (timer->next)
		timer->next->prev = &timer->next;
	timer->prev = slot;
	*slot = timer;
	wheel->count++;
}

void wheel_stop(struct wheel *wheel, struct wheel_timer *timer)
{
	if (!timer->prev)
		return;
	*timer->prev = timer->next;
	if (timer->next)
		timer->next->prev = timer->prev;
	timer->prev = NULL;
	timer->next = NULL;
	wheel->count--;
}

void wheel_start(struct wheel *wheel, struct wheel_timer *timer, wheel_fn *fire, uint64_t now_us,
		 uint64_t delay_us)
{
	uint64_t due = (now_us + delay_us + WHEEL_TICK_US - 1) / WHEEL_TICK_US;

	wheel_stop(wheel, timer);
	if (due < wheel->next_tick)
		due = wheel->next_tick;
	timer->due_tick = due;
	timer->fire = fire;
	link_into(wheel, timer);
}

/* Fires what is due in one slot. The slot's list is moved aside first, so that a timer that
 * restarts itself into the same slot is not met again in this run. */
static void run_slot(struct wheel *wheel, uint64_t tick)
{
	struct wheel_timer *pending = wheel->slots[tick % WHEEL_SLOTS];

	if (!pending)
		return;
	wheel->slots[tick % WHEEL_SLOTS] = NULL;
	pending->prev = &pending;
	while (pending) {
		struct wheel_timer *timer = pending;

		wheel_stop(wheel, timer);
		if (timer->due_tick <= tick)
			timer->fire(timer, wheel->owner);
		else
			link_into(wheel, timer);
	}
}

void wheel_run(struct wheel *wheel, uint64_t now_us)
{
	uint64_t now_tick = now_us / WHEEL_TICK_US;

	while (wheel->next_tick <= now_tick) {
		uint64_t tick = wheel->next_tick++;

		run_slot(wheel, tick);
		if (wheel->count == 0)
			wheel->next_tick = now_tick + 1;
	}
}

int wheel_wait_ms(const struct wheel *wheel, uint64_t now_us, int max_ms)
{
	uint64_t tick = wheel->next_tick;
	uint64_t limit = tick + (uint64_t)max_ms * 1000u / WHEEL_TICK_US;
	uint64_t due_us;

	if (wheel->count == 0)
		return max_ms;
	while (tick < limit && !wheel->slots[tick % WHEEL_SLOTS])
		tick++;
	due_us = tick * WHEEL_TICK_US;
	if (due_us <= now_us)
		return 0;
	due_us = (due_us - now_us + 999) / 1000;
	return due_us < (uint64_t)max_ms ? (int)due_us : max_ms;
}
