/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes over the whole location table: expiry, the walk for show, and the storage side. None of
 * it holds more than one stripe's lock, nor a lock while foreign code runs. */
#include "switchd/sip/location_private.h"

/* Expires one second of a stripe. */
static size_t expire_slot(struct location *location, struct stripe *stripe, size_t index,
			  int64_t now_ms)
{
	struct slot *next;
	size_t count = 0;

	for (struct slot *slot = stripe->due[index]; slot; slot = next) {
		next = slot->due_next;
		if (slot->expires_ms > now_ms)
			continue; /* a later round's */
		user_mark_dirty(stripe, slot->user);
		slot_remove(location, slot);
		count++;
	}
	return count;
}

size_t location_expire(struct location *location, int64_t now_ms)
{
	int64_t now_tick = now_ms / 1000;
	size_t count = 0;

	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &location->stripes[i];
		int64_t first;

		pthread_mutex_lock(&stripe->lock);
		first = stripe->next_tick;
		if (now_tick - first >= (int64_t)EXPIRY_SLOTS)
			first = now_tick - (int64_t)EXPIRY_SLOTS + 1;
		for (int64_t tick = first; tick <= now_tick; tick++)
			count += expire_slot(location, stripe, (size_t)tick % EXPIRY_SLOTS, now_ms);
		/* Also when the wall clock was set back. */
		stripe->next_tick = now_tick + 1;
		pthread_mutex_unlock(&stripe->lock);
	}
	return count;
}

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

/* The user's node, made when there is none; NULL without memory. */
static struct user *user_need(struct location *location, struct stripe *stripe, uint64_t hash,
			      struct span name)
{
	struct user *user = user_find(stripe, hash, name);

	return user ? user : user_create(location, stripe, hash, name);
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
	node = user_need(location, stripe, hash, name);
	if (node)
		user_mark_dirty(stripe, node);
	pthread_mutex_unlock(&stripe->lock);
}

void location_set_listens(struct location *location, const struct addr *listens, size_t count)
{
	location->listen_count = count < LISTENS_MAX ? count : LISTENS_MAX;
	memcpy(location->listens, listens, location->listen_count * sizeof(*listens));
}

void location_set_streams(struct location *location, uint32_t streams)
{
	location->streams = streams;
}

/* The socket that is bound to the address which the phone registered to. Without one the binding
 * keeps a number that no socket has: calls choose by address, and no keepalive leaves from a wrong
 * port. */
static uint8_t find_socket(const struct location *location, const struct binding *binding)
{
	for (size_t i = 0; i < location->listen_count; i++)
		if (addr_eq(&location->listens[i], &binding->local) &&
		    location_is_stream(location, (uint8_t)i) == binding->is_stream)
			return (uint8_t)i;
	return location->listen_count ? UINT8_MAX : binding->socket_index;
}

enum vos_err location_restore(struct location *location, const struct binding *stored,
			      int64_t now_ms)
{
	struct binding here = *stored;
	const struct binding *binding = &here;
	struct span name = {binding->user, strnlen(binding->user, LOCATION_USER_LEN - 1)};
	uint64_t hash = location_hash(location, name);
	struct stripe *stripe = location_stripe(location, hash);
	enum vos_err err = VOS_OK;
	struct slot *slot = NULL;
	struct user *user;

	if (name.len == 0)
		return VOS_EINVAL;
	here.socket_index = find_socket(location, stored);
	pthread_mutex_lock(&stripe->lock);
	user = user_need(location, stripe, hash, name);
	if (!user) {
		err = VOS_ENOMEM;
		goto out;
	}
	if (binding->expires_ms <= now_ms) {
		user_mark_dirty(stripe, user);
		goto out;
	}
	if (user->count >= LOCATION_CONTACTS_MAX)
		err = VOS_EFULL;
	else if (slot_find(user, span_of(binding->contact)))
		err = VOS_EEXIST;
	else if (!(slot = slot_create(location, binding)))
		err = VOS_ENOMEM;
	if (slot) {
		slot_link(location, user, slot);
		slot_refresh(location, stripe, slot, binding);
	}
	user_release(location, stripe, user);
out:
	pthread_mutex_unlock(&stripe->lock);
	return err;
}
