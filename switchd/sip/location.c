/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The location table as signalling threads use it: update, find, remove. Walks and storage are in
 * location_walk.c, the parts in location_slot.c.
 *
 * Lock order: stripe, then the keepalive list. Memory that was allocated ahead makes an update all
 * or nothing: once something is changed nothing can fail any more. */
#include "switchd/sip/location_private.h"

#include <malloc.h>
#include <stdlib.h>

#include "shared/base/clock.h"

#define FIRST_BITS  4u
#define STEP_MIN_MS 1000 /* what the two clocks differ by is a step from here on */

static int64_t mono_ms(void)
{
	return (int64_t)(clock_mono_us() / 1000);
}

int64_t location_now_ms(const struct location *location)
{
	return location->epoch_ms + mono_ms();
}

int64_t location_wall_offset_ms(const struct location *location)
{
	int64_t offset_ms = clock_wall_ms() - location_now_ms(location);

	return offset_ms < STEP_MIN_MS && offset_ms > -STEP_MIN_MS ? 0 : offset_ms;
}

bool location_gateway_user(const char *name, char out[LOCATION_USER_LEN])
{
	out[0] = LOCATION_GATEWAY_MARK;
	return span_copy(span_of(name), out + 1, LOCATION_USER_LEN - 1);
}

enum vos_err location_create(struct keepalive *keepalive, struct location **out)
{
	struct location *location = aligned_alloc(64, sizeof(*location));

	if (!location)
		return VOS_ENOMEM;
	memset(location, 0, sizeof(*location));
	location->keepalive = keepalive;
	location->epoch_ms = clock_wall_ms() - mono_ms();
	hash_key_random(&location->key);
	pthread_mutex_init(&location->locals.lock, NULL);
	atomic_init(&location->locals.count, 1);
	atomic_init(&location->memory, sizeof(*location));
	if (source_table_init(&location->sources)) {
		location_destroy(location);
		return VOS_ENOMEM;
	}
	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &location->stripes[i];

		pthread_mutex_init(&stripe->lock, NULL);
		stripe->dirty_last = &stripe->dirty_first;
		stripe->bits = FIRST_BITS;
		stripe->buckets = calloc((size_t)1 << FIRST_BITS, sizeof(*stripe->buckets));
		if (!stripe->buckets) {
			stripe->bits = 0;
			location_destroy(location);
			return VOS_ENOMEM;
		}
		atomic_fetch_add(&location->memory, malloc_usable_size(stripe->buckets) + 8);
	}
	*out = location;
	return VOS_OK;
}

void location_destroy(struct location *location)
{
	if (!location)
		return;
	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &location->stripes[i];

		for (size_t j = 0; stripe->buckets && j < (size_t)1 << stripe->bits; j++) {
			struct user *user;

			while ((user = stripe->buckets[j])) {
				while (user->slots)
					slot_remove(location, user->slots);
				user->is_dirty = false;
				user_release(location, stripe, user);
			}
		}
		free(stripe->buckets);
		pthread_mutex_destroy(&stripe->lock);
	}
	source_table_destroy(&location->sources);
	pthread_mutex_destroy(&location->locals.lock);
	free(location);
}

/* Expired bindings that the sweep has not met yet count for nothing. */
static void drop_expired(struct location *location, struct stripe *stripe, struct user *user,
			 int64_t now_ms)
{
	struct slot *next;

	for (struct slot *slot = user->slots; slot; slot = next) {
		next = slot->next;
		if (slot->expires_ms <= now_ms) {
			slot_remove(location, slot);
			user_mark_dirty(stripe, user);
		}
	}
}

static bool is_removal(const struct location_update *update)
{
	return update->binding.expires_ms == 0;
}

static bool is_repeated(const struct slot *slot, const struct binding *binding)
{
	return slot->call_id_hash == binding->call_id_hash && slot->cseq == binding->cseq;
}

/* Order of requests and number of contacts, before anything is touched. */
static enum location_result check(const struct user *user, const struct location_update *updates,
				  size_t count, const struct location_plan *plan)
{
	size_t total = user ? user->count - plan->count : 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct slot *slot = plan->leaving[i];

		if (slot->call_id_hash == updates[0].binding.call_id_hash &&
		    updates[0].binding.cseq <= slot->cseq)
			return LOCATION_STALE;
	}
	for (size_t i = 0; i < count; i++) {
		const struct binding *binding = &updates[i].binding;
		struct slot *slot = user ? slot_find(user, span_of(binding->contact)) : NULL;

		if (slot && slot->call_id_hash == binding->call_id_hash &&
		    binding->cseq < slot->cseq)
			return LOCATION_STALE;
		if (!slot && !is_removal(&updates[i]))
			total++;
		else if (slot && is_removal(&updates[i]))
			total--;
	}
	return total > LOCATION_CONTACTS_MAX ? LOCATION_TOO_MANY : LOCATION_OK;
}

/* Memory for every binding whose text is new. */
static bool prepare(struct location *location, const struct user *user,
		    const struct location_update *updates, size_t count, struct slot **fresh)
{
	for (size_t i = 0; i < count; i++) {
		const struct binding *binding = &updates[i].binding;
		struct slot *slot;

		if (is_removal(&updates[i]))
			continue;
		slot = user ? slot_find(user, span_of(binding->contact)) : NULL;
		if (slot && slot_has_texts(slot, binding))
			continue;
		fresh[i] = slot_create(location, binding);
		if (!fresh[i])
			return false;
	}
	return true;
}

/* True when it changed something. *fresh is taken or left for the caller to free. */
static bool apply(struct location *location, struct stripe *stripe, struct user *user,
		  const struct location_update *update, struct slot **fresh)
{
	const struct binding *binding = &update->binding;
	struct slot *slot = slot_find(user, span_of(binding->contact));

	if (slot && is_repeated(slot, binding))
		return false;
	if (is_removal(update)) {
		if (slot)
			slot_remove(location, slot);
		return slot != NULL;
	}
	if (*fresh) {
		if (slot) {
			/* The keepalive entry moves along, so that its place and figures stay. */
			(*fresh)->keepalive = slot->keepalive;
			(*fresh)->is_nat = slot->is_nat;
			slot->keepalive = 0;
			slot->is_nat = false;
			slot_remove(location, slot);
		}
		slot = *fresh;
		*fresh = NULL;
		slot_link(location, user, slot);
	}
	if (slot)
		slot_refresh(location, stripe, slot, binding);
	return slot != NULL;
}

static void remove_leaving(struct location *location, struct stripe *stripe, struct user *user,
			   const struct location_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		slot_remove(location, plan->leaving[i]);
		user_mark_dirty(stripe, user);
	}
}

enum location_result location_update(struct location *location, struct span user,
				     const struct location_update *updates, size_t count,
				     const struct location_rule *rule, int64_t now_ms)
{
	uint64_t hash = location_hash(location, user);
	struct stripe *stripe = location_stripe(location, hash);
	struct slot *fresh[LOCATION_UPDATES_MAX] = {NULL};
	enum location_result result;
	struct location_plan plan;
	struct user *node;

	if (user.len == 0 || user.len >= LOCATION_USER_LEN)
		return LOCATION_NO_MEMORY; /* no place for such a name */
	if (count == 0)
		return LOCATION_OK;
	if (count > LOCATION_UPDATES_MAX)
		return LOCATION_TOO_MANY;
	pthread_mutex_lock(&stripe->lock);
	node = user_find(stripe, hash, user);
	if (node)
		drop_expired(location, stripe, node, now_ms);
	result = location_make_plan(node, updates, count, &updates[0].binding, rule, &plan);
	if (result == LOCATION_OK)
		result = check(node, updates, count, &plan);
	if (result == LOCATION_OK && !prepare(location, node, updates, count, fresh))
		result = LOCATION_NO_MEMORY;
	if (result == LOCATION_OK && !node) {
		node = user_create(location, stripe, hash, user);
		result = node ? LOCATION_OK : LOCATION_NO_MEMORY;
	}
	if (result == LOCATION_OK)
		remove_leaving(location, stripe, node, &plan);
	for (size_t i = 0; result == LOCATION_OK && i < count; i++) {
		if (apply(location, stripe, node, &updates[i], &fresh[i]))
			user_mark_dirty(stripe, node);
	}
	for (size_t i = 0; i < count; i++)
		slot_free(location, fresh[i]);
	if (node)
		user_release(location, stripe, node);
	pthread_mutex_unlock(&stripe->lock);
	return result;
}

bool location_is_refresh(struct location *location, struct span user,
			 const struct location_update *updates, size_t count)
{
	uint64_t hash = location_hash(location, user);
	struct stripe *stripe = location_stripe(location, hash);
	struct user *node;
	bool is_known = true;

	pthread_mutex_lock(&stripe->lock);
	node = user_find(stripe, hash, user);
	for (size_t i = 0; is_known && i < count; i++) {
		const struct binding *binding = &updates[i].binding;
		const struct slot *slot = node ? slot_find(node, span_of(binding->contact)) : NULL;

		is_known = slot && binding->expires_ms && slot_has_texts(slot, binding);
	}
	pthread_mutex_unlock(&stripe->lock);
	return is_known;
}

enum location_result location_remove_all(struct location *location, struct span user,
					 const struct binding *request,
					 const struct location_rule *rule, int64_t now_ms)
{
	uint64_t hash = location_hash(location, user);
	struct stripe *stripe = location_stripe(location, hash);
	enum location_result result;
	struct location_plan plan;
	struct user *node;

	pthread_mutex_lock(&stripe->lock);
	node = user_find(stripe, hash, user);
	if (node)
		drop_expired(location, stripe, node, now_ms);
	result = location_make_plan(node, NULL, 0, request, rule, &plan);
	for (struct slot *slot = node ? node->slots : NULL; slot; slot = slot->next) {
		if (slot->call_id_hash == request->call_id_hash && request->cseq <= slot->cseq)
			result = LOCATION_STALE;
	}
	while (result == LOCATION_OK && node && node->slots) {
		slot_remove(location, node->slots);
		user_mark_dirty(stripe, node);
	}
	pthread_mutex_unlock(&stripe->lock);
	return result;
}

struct ranked {
	const struct slot *slot;
	bool is_unreachable;
};

/* Those that answer first, then best q first, newest first among equals. */
static bool goes_before(const struct ranked *first, const struct ranked *second)
{
	const struct slot *a = first->slot;
	const struct slot *b = second->slot;

	if (first->is_unreachable != second->is_unreachable)
		return second->is_unreachable;
	if (a->q_thousandths != b->q_thousandths)
		return a->q_thousandths > b->q_thousandths;
	return a->registered_ms > b->registered_ms;
}

size_t location_find(struct location *location, struct span user, int64_t now_ms,
		     struct binding *out, size_t max)
{
	uint64_t hash = location_hash(location, user);
	struct stripe *stripe = location_stripe(location, hash);
	struct ranked sorted[LOCATION_CONTACTS_MAX];
	struct user *node;
	size_t count = 0;

	pthread_mutex_lock(&stripe->lock);
	node = user_find(stripe, hash, user);
	for (struct slot *slot = node ? node->slots : NULL; slot; slot = slot->next) {
		struct ranked one = {slot, slot_is_unreachable(location, slot)};
		size_t i = count;

		if (slot->expires_ms <= now_ms)
			continue;
		for (; i > 0 && goes_before(&one, &sorted[i - 1]); i--)
			sorted[i] = sorted[i - 1];
		sorted[i] = one;
		count++;
	}
	if (count > max)
		count = max;
	for (size_t i = 0; i < count; i++)
		slot_copy(location, sorted[i].slot, &out[i]);
	pthread_mutex_unlock(&stripe->lock);
	return count;
}

size_t location_keep_instance(struct binding *bindings, size_t count, struct span instance)
{
	size_t kept = 0;

	if (!instance.len)
		return count;
	for (size_t i = 0; i < count; i++) {
		if (!span_ieq(span_of(bindings[i].instance), instance))
			continue;
		if (kept != i)
			bindings[kept] = bindings[i];
		kept++;
	}
	return kept;
}

size_t location_count(const struct location *location)
{
	return atomic_load_explicit(&location->count, memory_order_relaxed);
}

size_t location_nat_count(const struct location *location)
{
	return atomic_load_explicit(&location->nat_count, memory_order_relaxed);
}

size_t location_kept_count(const struct location *location)
{
	return location->keepalive ? keepalive_count(location->keepalive) : 0;
}

size_t location_memory(const struct location *location)
{
	return atomic_load_explicit(&location->memory, memory_order_relaxed) +
	       atomic_load_explicit(&location->sources.memory, memory_order_relaxed);
}

bool location_source_is_registered(struct location *location, const struct addr *source)
{
	return source_table_count(&location->sources, source) > 0;
}

size_t location_clear(struct location *location, struct span user)
{
	uint64_t hash = location_hash(location, user);
	struct stripe *stripe = location_stripe(location, hash);
	struct user *node;
	size_t count = 0;

	pthread_mutex_lock(&stripe->lock);
	node = user_find(stripe, hash, user);
	for (; node && node->slots; count++) {
		slot_remove(location, node->slots);
		user_mark_dirty(stripe, node);
	}
	pthread_mutex_unlock(&stripe->lock);
	return count;
}

void location_set_keepalive(struct location *location, struct span user, uint8_t kind)
{
	uint64_t hash = location_hash(location, user);
	struct stripe *stripe = location_stripe(location, hash);
	struct user *node;

	pthread_mutex_lock(&stripe->lock);
	node = user_find(stripe, hash, user);
	for (struct slot *slot = node ? node->slots : NULL; slot; slot = slot->next) {
		slot->keepalive_kind = kind;
		slot_follow_keepalive(location, slot, slot->is_nat);
	}
	pthread_mutex_unlock(&stripe->lock);
}

bool location_of_target(struct location *location, const struct keepalive_target *target,
			struct binding *out)
{
	uint64_t hash = target->owner;
	struct stripe *stripe = location_stripe(location, hash);
	const struct slot *found = NULL;

	pthread_mutex_lock(&stripe->lock);
	for (struct user *user = user_first_from(stripe, hash);
	     user && user->hash == hash && !found; user = user->next)
		for (struct slot *slot = user->slots; slot && !found; slot = slot->next)
			if (slot->keepalive == target->id)
				found = slot;
	if (found)
		slot_copy(location, found, out);
	pthread_mutex_unlock(&stripe->lock);
	return found != NULL;
}
