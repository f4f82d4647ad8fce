/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes over the whole location table: the walk for show, and the storage side. None of it
 * holds more than one stripe's lock, nor a lock while foreign code runs. */
#include "switchd/sip/location_private.h"

/* Copies users in hash order from *cursor on; true when the stripe holds more than there was room
 * for. */
static bool list_stripe(const struct location *location, struct stripe *stripe, uint64_t *cursor,
			struct binding *out, size_t max, size_t *count)
{
	struct user *user;

	while ((user = user_first_from(stripe, *cursor))) {
		if (user->count > max - *count && *count > 0)
			return true;
		for (struct slot *slot = user->slots; slot && *count < max; slot = slot->next)
			slot_copy(location, slot, &out[(*count)++]);
		if (user->hash == UINT64_MAX || (user->hash + 1) >> 56 != user->hash >> 56) {
			*cursor = user->hash;
			return false;
		}
		*cursor = user->hash + 1;
		if (*count == max)
			return true;
	}
	return false;
}

bool location_list(struct location *location, uint64_t *cursor, struct binding *out, size_t max,
		   size_t *count)
{
	*count = 0;
	while (true) {
		uint64_t number = *cursor >> 56;
		struct stripe *stripe = &location->stripes[number];
		bool is_full;

		pthread_mutex_lock(&stripe->lock);
		is_full = list_stripe(location, stripe, cursor, out, max, count);
		pthread_mutex_unlock(&stripe->lock);
		if (is_full)
			return true;
		if (number == STRIPES - 1) {
			*cursor = UINT64_MAX;
			return false;
		}
		*cursor = (number + 1) << 56;
	}
}

/* Takes the oldest dirty user off the stripe; false when there is none. */
static bool drain_one(struct location *location, struct stripe *stripe,
		      char user[LOCATION_USER_LEN], struct binding *out, size_t *count)
{
	struct user *node;

	pthread_mutex_lock(&stripe->lock);
	node = stripe->dirty_first;
	if (node) {
		stripe->dirty_first = node->dirty_next;
		if (!stripe->dirty_first)
			stripe->dirty_last = &stripe->dirty_first;
		node->is_dirty = false;
		span_copy((struct span){node->name, node->name_len}, user, LOCATION_USER_LEN);
		*count = 0;
		for (struct slot *slot = node->slots; slot; slot = slot->next)
			slot_copy(location, slot, &out[(*count)++]);
		user_release(location, stripe, node);
	}
	pthread_mutex_unlock(&stripe->lock);
	return node != NULL;
}

size_t location_drain_dirty(struct location *location, size_t max, location_dirty_fn *fn,
			    void *context)
{
	/* Each drain starts where the last one stopped, so that a small max starves no stripe. */
	unsigned first = atomic_load_explicit(&location->drain_stripe, memory_order_relaxed);
	struct binding bindings[LOCATION_CONTACTS_MAX];
	char user[LOCATION_USER_LEN];
	size_t taken = 0;
	size_t count = 0;

	for (unsigned i = 0; i < STRIPES; i++) {
		unsigned number = (first + i) % STRIPES;

		while (taken < max &&
		       drain_one(location, &location->stripes[number], user, bindings, &count)) {
			fn(context, user, bindings, count);
			taken++;
		}
		if (taken == max) {
			atomic_store_explicit(&location->drain_stripe, number,
					      memory_order_relaxed);
			break;
		}
	}
	return taken;
}

void location_mark_dirty(struct location *location, const char *user)
{
	struct span name = span_of(user);
	uint64_t hash = location_hash(location, name);
	struct stripe *stripe = location_stripe(location, hash);
	struct user *node;

	if (name.len == 0 || name.len >= LOCATION_USER_LEN)
		return;
	pthread_mutex_lock(&stripe->lock);
	node = user_find(stripe, hash, name);
	if (!node)
		node = user_create(location, stripe, hash, name);
	if (node)
		user_mark_dirty(stripe, node);
	pthread_mutex_unlock(&stripe->lock);
}

void location_mark_all_dirty(struct location *location)
{
	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &location->stripes[i];

		pthread_mutex_lock(&stripe->lock);
		for (size_t j = 0; j < (size_t)1 << stripe->bits; j++)
			for (struct user *user = stripe->buckets[j]; user; user = user->next)
				user_mark_dirty(stripe, user);
		pthread_mutex_unlock(&stripe->lock);
	}
}
