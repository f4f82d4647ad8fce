/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words that readers look at stand apart from the rest, so that a set is two cache lines.
 *
 * A place changes hands in the order time, key, time: a reader that saw the old key and then the
 * new time finds another key when it looks again, and says no. */
#include "switchd/auth/suspend.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct place {
	_Atomic uint64_t key; /* 0 = free */
	_Atomic uint64_t until_us;
};

struct suspensions {
	_Atomic size_t count; /* so that a quiet switch looks nothing up */
	_Atomic uint64_t version;
	struct place *places;
	struct suspension *entries; /* beside places, under the lock */
	pthread_mutex_t lock;
	uint64_t next_end_us; /* none ends before; under the lock */
	struct suspension_change changes[SUSPENSION_CHANGES_MAX];
	size_t change_count;
	bool is_all_changed;
};

enum vos_err suspensions_create(struct suspensions **out)
{
	struct suspensions *suspensions = calloc(1, sizeof(*suspensions));

	if (!suspensions)
		return VOS_ENOMEM;
	pthread_mutex_init(&suspensions->lock, NULL);
	suspensions->next_end_us = UINT64_MAX;
	suspensions->places = aligned_alloc(64, SUSPENSIONS_MAX * sizeof(*suspensions->places));
	suspensions->entries = calloc(SUSPENSIONS_MAX, sizeof(*suspensions->entries));
	if (!suspensions->places || !suspensions->entries) {
		suspensions_destroy(suspensions);
		return VOS_ENOMEM;
	}
	for (size_t i = 0; i < SUSPENSIONS_MAX; i++) {
		atomic_init(&suspensions->places[i].key, 0);
		atomic_init(&suspensions->places[i].until_us, 0);
	}
	*out = suspensions;
	return VOS_OK;
}

void suspensions_destroy(struct suspensions *suspensions)
{
	if (!suspensions)
		return;
	pthread_mutex_destroy(&suspensions->lock);
	free(suspensions->places);
	free(suspensions->entries);
	free(suspensions);
}

static size_t first_of(uint64_t key)
{
	return (size_t)(key % SUSPENSION_SETS) * SUSPENSION_WAYS;
}

bool suspensions_hold(const struct suspensions *suspensions, uint64_t key, uint64_t now_us)
{
	const struct place *set;

	if (!atomic_load_explicit(&suspensions->count, memory_order_relaxed))
		return false;
	set = &suspensions->places[first_of(key)];
	for (size_t i = 0; i < SUSPENSION_WAYS; i++) {
		uint64_t until_us;

		if (atomic_load_explicit(&set[i].key, memory_order_acquire) != key)
			continue;
		until_us = atomic_load_explicit(&set[i].until_us, memory_order_acquire);
		return until_us > now_us &&
		       atomic_load_explicit(&set[i].key, memory_order_relaxed) == key;
	}
	return false;
}

static uint64_t key_at(const struct suspensions *suspensions, size_t at)
{
	return atomic_load_explicit(&suspensions->places[at].key, memory_order_relaxed);
}

static void set_place(struct suspensions *suspensions, size_t at, uint64_t key, uint64_t until_us)
{
	struct place *place = &suspensions->places[at];

	atomic_store_explicit(&place->until_us, 0, memory_order_relaxed);
	atomic_store_explicit(&place->key, key, memory_order_release);
	/* Release: who reads this time reads the key of before or a later one. */
	atomic_store_explicit(&place->until_us, until_us, memory_order_release);
}

static void note_change(struct suspensions *suspensions, const struct suspension *suspension,
			bool is_over)
{
	atomic_fetch_add_explicit(&suspensions->version, 1, memory_order_release);
	if (suspensions->change_count == SUSPENSION_CHANGES_MAX)
		suspensions->is_all_changed = true;
	if (suspensions->is_all_changed)
		return;
	suspensions->changes[suspensions->change_count++] =
		(struct suspension_change){.suspension = *suspension, .is_over = is_over};
}

/* The place of the key, a free one, or that of the suspension which ends first. */
static size_t place_for(const struct suspensions *suspensions, uint64_t key)
{
	size_t first = first_of(key);
	size_t best = first;

	for (size_t at = first; at < first + SUSPENSION_WAYS; at++)
		if (key_at(suspensions, at) == key)
			return at;
	for (size_t at = first; at < first + SUSPENSION_WAYS; at++) {
		if (!key_at(suspensions, at))
			return at;
		if (suspensions->entries[at].until_us < suspensions->entries[best].until_us)
			best = at;
	}
	return best;
}

void suspensions_begin(struct suspensions *suspensions, uint64_t key,
		       const struct suspension *suspension, bool to_store)
{
	size_t at;
	uint64_t before;

	pthread_mutex_lock(&suspensions->lock);
	at = place_for(suspensions, key);
	before = key_at(suspensions, at);
	if (before && before != key)
		note_change(suspensions, &suspensions->entries[at], true);
	suspensions->entries[at] = *suspension;
	if (!before)
		atomic_fetch_add_explicit(&suspensions->count, 1, memory_order_relaxed);
	set_place(suspensions, at, key, suspension->until_us);
	if (suspension->until_us < suspensions->next_end_us)
		suspensions->next_end_us = suspension->until_us;
	if (to_store)
		note_change(suspensions, suspension, false);
	else
		atomic_fetch_add_explicit(&suspensions->version, 1, memory_order_release);
	pthread_mutex_unlock(&suspensions->lock);
}

/* Under the lock. */
static void end_at(struct suspensions *suspensions, size_t at, suspension_ended_fn *ended,
		   void *context)
{
	const struct suspension *entry = &suspensions->entries[at];

	set_place(suspensions, at, 0, 0);
	atomic_fetch_sub_explicit(&suspensions->count, 1, memory_order_relaxed);
	note_change(suspensions, entry, true);
	if (ended)
		ended(entry, context);
}

size_t suspensions_end(struct suspensions *suspensions, suspension_match_fn *match,
		       suspension_ended_fn *ended, void *context)
{
	size_t count = 0;

	if (!suspensions_count(suspensions))
		return 0;
	pthread_mutex_lock(&suspensions->lock);
	for (size_t at = 0; at < SUSPENSIONS_MAX; at++) {
		if (!key_at(suspensions, at) ||
		    (match && !match(&suspensions->entries[at], context)))
			continue;
		end_at(suspensions, at, ended, context);
		count++;
	}
	pthread_mutex_unlock(&suspensions->lock);
	return count;
}

uint64_t suspensions_expire(struct suspensions *suspensions, uint64_t now_us,
			    suspension_ended_fn *ended, void *context)
{
	uint64_t next_us;

	pthread_mutex_lock(&suspensions->lock);
	if (suspensions->next_end_us <= now_us) {
		suspensions->next_end_us = UINT64_MAX;
		for (size_t at = 0; at < SUSPENSIONS_MAX; at++) {
			uint64_t until_us = suspensions->entries[at].until_us;

			if (!key_at(suspensions, at))
				continue;
			if (until_us <= now_us)
				end_at(suspensions, at, ended, context);
			else if (until_us < suspensions->next_end_us)
				suspensions->next_end_us = until_us;
		}
	}
	next_us = suspensions->next_end_us;
	pthread_mutex_unlock(&suspensions->lock);
	return next_us;
}

size_t suspensions_list(struct suspensions *suspensions, uint64_t now_us, struct suspension *out,
			size_t max)
{
	size_t count = 0;

	if (!suspensions_count(suspensions))
		return 0;
	pthread_mutex_lock(&suspensions->lock);
	for (size_t at = 0; at < SUSPENSIONS_MAX && count < max; at++)
		if (key_at(suspensions, at) && suspensions->entries[at].until_us > now_us)
			out[count++] = suspensions->entries[at];
	pthread_mutex_unlock(&suspensions->lock);
	return count;
}

size_t suspensions_count(const struct suspensions *suspensions)
{
	return atomic_load_explicit(&suspensions->count, memory_order_relaxed);
}

uint64_t suspensions_version(const struct suspensions *suspensions)
{
	return atomic_load_explicit(&suspensions->version, memory_order_acquire);
}

size_t suspensions_drain(struct suspensions *suspensions, struct suspension_change *out, size_t max,
			 bool *is_all)
{
	size_t count = 0;

	pthread_mutex_lock(&suspensions->lock);
	*is_all = suspensions->is_all_changed || suspensions->change_count > max;
	if (!*is_all) {
		count = suspensions->change_count;
		memcpy(out, suspensions->changes, count * sizeof(*out));
	}
	suspensions->is_all_changed = false;
	suspensions->change_count = 0;
	pthread_mutex_unlock(&suspensions->lock);
	return count;
}

void suspensions_mark_all(struct suspensions *suspensions)
{
	pthread_mutex_lock(&suspensions->lock);
	suspensions->is_all_changed = true;
	pthread_mutex_unlock(&suspensions->lock);
}
