/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bindings that come back at start, and the listen addresses that they came by. */
#include "switchd/sip/location_private.h"

static unsigned find_local(const struct locals *locals, unsigned count,
			   const struct binding *binding)
{
	for (unsigned i = 1; i < count; i++)
		if (locals->entries[i].is_stream == binding->is_stream &&
		    addr_eq(&locals->entries[i].address, &binding->local))
			return i;
	return 0;
}

uint8_t location_local(struct location *location, const struct binding *binding)
{
	struct locals *locals = &location->locals;
	unsigned number;
	unsigned count;

	if (binding->socket_index < locals->listen_count)
		return (uint8_t)(binding->socket_index + 1);
	count = atomic_load_explicit(&locals->count, memory_order_acquire);
	number = find_local(locals, count, binding);
	if (number || binding->local.family == ADDR_NONE)
		return (uint8_t)number;
	pthread_mutex_lock(&locals->lock);
	count = atomic_load_explicit(&locals->count, memory_order_relaxed);
	number = find_local(locals, count, binding);
	if (!number && count < LOCALS_MAX) {
		locals->entries[count] =
			(struct local){.address = binding->local, .is_stream = binding->is_stream};
		number = count;
		atomic_store_explicit(&locals->count, count + 1, memory_order_release);
	}
	pthread_mutex_unlock(&locals->lock);
	return (uint8_t)number;
}

void location_set_listens(struct location *location, const struct addr *listens, size_t count)
{
	struct locals *locals = &location->locals;

	locals->listen_count = (unsigned)(count < LISTENS_MAX ? count : LISTENS_MAX);
	for (unsigned i = 0; i < locals->listen_count; i++)
		locals->entries[i + 1] = (struct local){.address = listens[i]};
	atomic_store(&locals->count, locals->listen_count + 1);
}

void location_set_streams(struct location *location, uint32_t streams)
{
	for (unsigned i = 0; i < location->locals.listen_count; i++)
		location->locals.entries[i + 1].is_stream = streams >> i & 1;
}

/* The socket that is bound to the address which the phone registered to. Without one the binding
 * keeps a number that no socket has: calls choose by address, and no keepalive leaves from a wrong
 * port. */
static uint8_t find_socket(const struct location *location, const struct binding *binding)
{
	unsigned listens = location->locals.listen_count;
	unsigned number = find_local(&location->locals, listens + 1, binding);

	if (!listens)
		return binding->socket_index;
	return number ? (uint8_t)(number - 1) : UINT8_MAX;
}

/* The wall clock may stand anywhere after a restart: a binding that seems to come from the future
 * has at most the lifetime that it was granted. */
static void bound_lifetime(struct binding *binding, int64_t now_ms)
{
	if (binding->registered_ms <= now_ms || binding->expires_ms < binding->registered_ms)
		return;
	binding->expires_ms += now_ms - binding->registered_ms;
	binding->registered_ms = now_ms;
}

/* With the stripe's lock held. */
static enum vos_err restore(struct location *location, struct stripe *stripe, uint64_t hash,
			    struct span name, const struct binding *binding, int64_t now_ms)
{
	struct user *user = user_find(stripe, hash, name);
	enum vos_err err = VOS_OK;
	struct slot *slot = NULL;

	if (!user)
		user = user_create(location, stripe, hash, name);
	if (!user)
		return VOS_ENOMEM;
	if (binding->expires_ms <= now_ms || slot_find(user, span_of(binding->contact)))
		user_mark_dirty(stripe, user);
	else if (user->count >= LOCATION_CONTACTS_MAX)
		err = VOS_EFULL;
	else if (!(slot = slot_create(location, binding)))
		err = VOS_ENOMEM;
	if (slot) {
		slot_link(location, user, slot);
		slot_refresh(location, stripe, slot, binding);
	}
	user_release(location, stripe, user);
	return err;
}

enum vos_err location_restore(struct location *location, const struct binding *stored,
			      int64_t now_ms)
{
	struct span name = {stored->user, strnlen(stored->user, LOCATION_USER_LEN - 1)};
	uint64_t hash = location_hash(location, name);
	struct stripe *stripe = location_stripe(location, hash);
	struct binding here = *stored;
	enum vos_err err;

	if (name.len == 0)
		return VOS_EINVAL;
	here.socket_index = find_socket(location, stored);
	bound_lifetime(&here, now_ms);
	pthread_mutex_lock(&stripe->lock);
	err = restore(location, stripe, hash, name, &here, now_ms);
	pthread_mutex_unlock(&stripe->lock);
	return err;
}
