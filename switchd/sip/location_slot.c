/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pieces of the location table: users in their buckets, bindings of a user. Locks are the
 * caller's. */
#include "switchd/sip/location_private.h"

#include <malloc.h>
#include <stdlib.h>

#include "switchd/sip/uri_equal.h"

#define MALLOC_OVERHEAD 8 /* what glibc keeps beside a block */

static void account(struct location *location, void *memory)
{
	atomic_fetch_add_explicit(&location->memory, malloc_usable_size(memory) + MALLOC_OVERHEAD,
				  memory_order_relaxed);
}

static void release(struct location *location, void *memory)
{
	atomic_fetch_sub_explicit(&location->memory, malloc_usable_size(memory) + MALLOC_OVERHEAD,
				  memory_order_relaxed);
	free(memory);
}

uint64_t location_hash(const struct location *location, struct span user)
{
	return hash_bytes(&location->key, user.ptr, user.len);
}

static size_t bucket_of(const struct stripe *stripe, uint64_t hash)
{
	return (size_t)((hash << 8) >> (64 - stripe->bits));
}

struct user *user_find(const struct stripe *stripe, uint64_t hash, struct span name)
{
	struct user *user = stripe->buckets[bucket_of(stripe, hash)];

	while (user &&
	       (user->hash < hash ||
		(user->hash == hash && !span_eq((struct span){user->name, user->name_len}, name))))
		user = user->next;
	return user && user->hash == hash ? user : NULL;
}

struct user *user_first_from(const struct stripe *stripe, uint64_t hash)
{
	for (size_t i = bucket_of(stripe, hash); i < (size_t)1 << stripe->bits; i++) {
		for (struct user *user = stripe->buckets[i]; user; user = user->next) {
			if (user->hash >= hash)
				return user;
		}
	}
	return NULL;
}

/* Doubles the buckets. A chain is sorted by hash, so that its front half goes to the lower of its
 * two new buckets. Without memory the chains just get longer. */
static void grow(struct location *location, struct stripe *stripe)
{
	size_t old_count = (size_t)1 << stripe->bits;
	struct user **buckets = calloc(old_count * 2, sizeof(*buckets));
	struct user **old = stripe->buckets;

	if (!buckets)
		return;
	account(location, buckets);
	stripe->buckets = buckets;
	stripe->bits++;
	for (size_t i = 0; i < old_count; i++) {
		struct user **link = &old[i];

		while (*link && bucket_of(stripe, (*link)->hash) == 2 * i)
			link = &(*link)->next;
		buckets[2 * i + 1] = *link;
		*link = NULL;
		buckets[2 * i] = old[i];
	}
	release(location, old);
}

struct user *user_create(struct location *location, struct stripe *stripe, uint64_t hash,
			 struct span name)
{
	struct user *user = malloc(offsetof(struct user, name) + name.len);
	struct user **link;

	if (!user)
		return NULL;
	account(location, user);
	/* The block may end inside the padding of the struct. */
	memset(user, 0, offsetof(struct user, name));
	user->hash = hash;
	user->name_len = (uint8_t)name.len;
	memcpy(user->name, name.ptr, name.len);
	if (stripe->users >= (size_t)1 << stripe->bits)
		grow(location, stripe);
	for (link = &stripe->buckets[bucket_of(stripe, hash)]; *link && (*link)->hash < hash;)
		link = &(*link)->next;
	user->next = *link;
	*link = user;
	stripe->users++;
	return user;
}

void user_release(struct location *location, struct stripe *stripe, struct user *user)
{
	struct user **link = &stripe->buckets[bucket_of(stripe, user->hash)];

	if (user->count || user->is_dirty)
		return;
	while (*link != user)
		link = &(*link)->next;
	*link = user->next;
	stripe->users--;
	release(location, user);
}

void user_mark_dirty(struct stripe *stripe, struct user *user)
{
	if (user->is_dirty)
		return;
	user->is_dirty = true;
	user->dirty_next = NULL;
	*stripe->dirty_last = user;
	stripe->dirty_last = &user->dirty_next;
}

struct slot *slot_create(struct location *location, const struct binding *binding)
{
	size_t contact_len = strnlen(binding->contact, LOCATION_CONTACT_LEN - 1);
	size_t agent_len = strnlen(binding->user_agent, LOCATION_AGENT_LEN - 1);
	size_t instance_len = strnlen(binding->instance, LOCATION_INSTANCE_LEN - 1);
	size_t path_len = strnlen(binding->path, LOCATION_PATH_LEN - 1);
	struct slot *slot = malloc(offsetof(struct slot, text) + contact_len + agent_len +
				   instance_len + path_len);
	char *text;

	if (!slot)
		return NULL;
	account(location, slot);
	memset(slot, 0, offsetof(struct slot, text));
	slot->contact_len = (uint8_t)contact_len;
	slot->agent_len = (uint8_t)agent_len;
	slot->instance_len = (uint8_t)instance_len;
	slot->path_len = (uint16_t)path_len;
	text = slot->text;
	memcpy(text, binding->contact, contact_len);
	memcpy(text += contact_len, binding->user_agent, agent_len);
	memcpy(text += agent_len, binding->instance, instance_len);
	memcpy(text += instance_len, binding->path, path_len);
	return slot;
}

void slot_free(struct location *location, struct slot *slot)
{
	if (slot)
		release(location, slot);
}

/* A raw datagram holds a pinhole open; a probe tells more, so it is sent where there is none too.
 */
static bool wants_keepalive(const struct location *location, const struct slot *slot)
{
	if (slot->socket_index == UINT8_MAX) /* of none that there is now */
		return false;
	if (slot->keepalive_kind != WORD_PHONE_KEEPALIVE_MESSAGE)
		return slot->keepalive_kind == WORD_PHONE_KEEPALIVE_OPTIONS;
	return slot->is_nat && !location->locals.entries[slot->local].is_stream;
}

void slot_follow_keepalive(struct location *location, struct slot *slot, bool was_nat)
{
	struct keepalive_device device = {
		.address = slot->source,
		.socket_index = slot->socket_index,
		.is_probed = slot->keepalive_kind == WORD_PHONE_KEEPALIVE_OPTIONS,
		.owner = slot->user->hash,
	};

	if (slot->is_nat != was_nat)
		atomic_fetch_add_explicit(&location->nat_count, slot->is_nat ? 1 : (size_t)-1,
					  memory_order_relaxed);
	if (!location->keepalive)
		return;
	if (wants_keepalive(location, slot) && slot->keepalive) {
		keepalive_change(location->keepalive, slot->keepalive, &device);
	} else if (wants_keepalive(location, slot)) {
		slot->keepalive = keepalive_add(location->keepalive, &device);
	} else if (slot->keepalive) {
		keepalive_remove(location->keepalive, slot->keepalive);
		slot->keepalive = 0;
	}
}

void slot_link(struct location *location, struct user *user, struct slot *slot)
{
	slot->user = user;
	slot->next = user->slots;
	user->slots = slot;
	user->count++;
	atomic_fetch_add_explicit(&location->count, 1, memory_order_relaxed);
}

void slot_remove(struct location *location, struct slot *slot)
{
	struct user *user = slot->user;
	struct slot **link = &user->slots;
	bool was_nat = slot->is_nat;

	while (*link != slot)
		link = &(*link)->next;
	*link = slot->next;
	user->count--;
	slot_stop_expiry(slot);
	slot->is_nat = false;
	slot->keepalive_kind = WORD_PHONE_KEEPALIVE_NONE;
	slot_follow_keepalive(location, slot, was_nat);
	if (slot->is_source_counted)
		source_table_remove(&location->sources, &slot->source);
	atomic_fetch_sub_explicit(&location->count, 1, memory_order_relaxed);
	release(location, slot);
}

/* Counts it where it is now. */
static void move_source(struct location *location, struct slot *slot, const struct addr *source)
{
	bool is_same = slot->is_source_counted && addr_ip_eq(&slot->source, source);

	if (slot->is_source_counted && !is_same)
		source_table_remove(&location->sources, &slot->source);
	if (!is_same)
		slot->is_source_counted = source_table_add(&location->sources, source);
	slot->source = *source;
}

void slot_refresh(struct location *location, struct stripe *stripe, struct slot *slot,
		  const struct binding *binding)
{
	int64_t due_tick = slot_due_tick(slot);
	bool was_nat = slot->is_nat;

	slot->call_id_hash = binding->call_id_hash;
	slot->registered_ms = binding->registered_ms;
	slot->expires_ms = binding->expires_ms;
	move_source(location, slot, &binding->source);
	slot->local = location_local(location, binding);
	slot->cseq = binding->cseq;
	slot->q_thousandths = binding->q_thousandths;
	slot->reg_id = binding->reg_id;
	slot->socket_index = binding->socket_index;
	slot->is_nat = binding->is_nat;
	slot->keepalive_kind = binding->keepalive_kind;
	slot_follow_keepalive(location, slot, was_nat);
	/* Where it waits it is met in time, and moves on then. */
	if (!slot->due_prev || slot_due_tick(slot) < due_tick)
		slot_await_expiry(stripe, slot);
}

struct span slot_contact(const struct slot *slot)
{
	return (struct span){slot->text, slot->contact_len};
}

struct span slot_agent(const struct slot *slot)
{
	return (struct span){slot->text + slot->contact_len, slot->agent_len};
}

struct span slot_instance(const struct slot *slot)
{
	return (struct span){slot->text + slot->contact_len + slot->agent_len, slot->instance_len};
}

struct span slot_path(const struct slot *slot)
{
	struct span instance = slot_instance(slot);

	return (struct span){instance.ptr + instance.len, slot->path_len};
}

bool slot_has_texts(const struct slot *slot, const struct binding *binding)
{
	return span_eq(slot_contact(slot), span_of(binding->contact)) &&
	       span_eq(slot_agent(slot), span_of(binding->user_agent)) &&
	       span_eq(slot_instance(slot), span_of(binding->instance)) &&
	       span_eq(slot_path(slot), span_of(binding->path));
}

struct slot *slot_find(const struct user *user, struct span contact)
{
	struct slot *slot = user->slots;

	while (slot && !span_eq(slot_contact(slot), contact))
		slot = slot->next;
	if (slot)
		return slot;
	for (slot = user->slots; slot && !sip_uri_equal(slot_contact(slot), contact);)
		slot = slot->next;
	return slot;
}

bool slot_is_unreachable(const struct location *location, const struct slot *slot)
{
	return slot->keepalive_kind == WORD_PHONE_KEEPALIVE_OPTIONS && slot->keepalive &&
	       keepalive_is_unreachable(location->keepalive, slot->keepalive);
}

void slot_copy(const struct location *location, const struct slot *slot, struct binding *out)
{
	const struct local *local = &location->locals.entries[slot->local];
	const struct user *user = slot->user;

	span_copy((struct span){user->name, user->name_len}, out->user, sizeof(out->user));
	span_copy(slot_contact(slot), out->contact, sizeof(out->contact));
	span_copy(slot_agent(slot), out->user_agent, sizeof(out->user_agent));
	span_copy(slot_instance(slot), out->instance, sizeof(out->instance));
	span_copy(slot_path(slot), out->path, sizeof(out->path));
	out->reg_id = slot->reg_id;
	out->source = slot->source;
	out->socket_index = slot->socket_index;
	out->local = local->address;
	out->is_stream = local->is_stream;
	out->is_nat = slot->is_nat;
	out->q_thousandths = slot->q_thousandths;
	out->call_id_hash = slot->call_id_hash;
	out->cseq = slot->cseq;
	out->registered_ms = slot->registered_ms;
	out->expires_ms = slot->expires_ms;
	out->keepalive_kind = slot->keepalive_kind;
	out->keepalive_id = slot->keepalive;
	out->is_unreachable = slot_is_unreachable(location, slot);
}
