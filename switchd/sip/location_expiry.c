/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expiry of bindings: a wheel of seconds a stripe, looked at in slices.
 *
 * A binding waits in the second that it expires in, counted round the wheel, or in an earlier one:
 * a refresh leaves it where it is, and it moves on when that second comes. A second's bindings are
 * first put aside, so that a slice can end anywhere among them. */
#include "switchd/sip/location_private.h"

void slot_stop_expiry(struct slot *slot)
{
	if (!slot->due_prev)
		return;
	*slot->due_prev = slot->due_next;
	if (slot->due_next)
		slot->due_next->due_prev = slot->due_prev;
	slot->due_prev = NULL;
}

void slot_await_expiry(struct stripe *stripe, struct slot *slot)
{
	int64_t tick = slot_due_tick(slot);
	struct slot **head;

	if (tick < stripe->next_tick)
		tick = stripe->next_tick;
	head = &stripe->due[tick % EXPIRY_SLOTS];
	slot_stop_expiry(slot);
	slot->due_next = *head;
	if (slot->due_next)
		slot->due_next->due_prev = &slot->due_next;
	slot->due_prev = head;
	*head = slot;
}

/* Puts the next second's bindings aside. */
static void begin_tick(struct stripe *stripe)
{
	struct slot **head = &stripe->due[stripe->next_tick++ % EXPIRY_SLOTS];

	stripe->pending = *head;
	if (stripe->pending)
		stripe->pending->due_prev = &stripe->pending;
	*head = NULL;
}

/* False when the slice is used up. */
static bool expire_stripe(struct location *location, struct stripe *stripe, int64_t now_ms,
			  size_t *left, size_t *expired)
{
	int64_t now_tick = now_ms / 1000;

	if (now_tick - stripe->next_tick >= (int64_t)EXPIRY_SLOTS)
		stripe->next_tick = now_tick - (int64_t)EXPIRY_SLOTS + 1;
	for (;;) {
		struct slot *slot = stripe->pending;

		if (!slot && stripe->next_tick > now_tick)
			return true;
		if (!slot) {
			begin_tick(stripe);
			continue;
		}
		if (*left == 0)
			return false;
		(*left)--;
		if (slot->expires_ms > now_ms) {
			slot_await_expiry(stripe, slot);
			continue;
		}
		user_mark_dirty(stripe, slot->user);
		slot_remove(location, slot);
		(*expired)++;
	}
}

bool location_expire_slice(struct location *location, int64_t now_ms, size_t max, size_t *expired)
{
	size_t left = max;

	for (; location->expiry_stripe < STRIPES; location->expiry_stripe++) {
		struct stripe *stripe = &location->stripes[location->expiry_stripe];
		bool is_done;

		pthread_mutex_lock(&stripe->lock);
		is_done = expire_stripe(location, stripe, now_ms, &left, expired);
		pthread_mutex_unlock(&stripe->lock);
		if (!is_done)
			return true;
	}
	location->expiry_stripe = 0;
	return false;
}

size_t location_expire(struct location *location, int64_t now_ms)
{
	size_t expired = 0;

	location->expiry_stripe = 0;
	while (location_expire_slice(location, now_ms, SIZE_MAX, &expired))
		;
	return expired;
}
