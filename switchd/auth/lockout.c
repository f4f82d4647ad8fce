/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two tables of counters of one kind. Keys are 64-bit keyed hashes; an entry is found by its hash
 * alone, which nobody outside can aim at another's. */
#include "switchd/auth/lockout.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/auth/lockout_private.h"
#include "switchd/auth/source.h"

#define SOURCE_SETS         (LOCKOUT_SOURCES_MAX / LOCKOUT_WAYS)
#define CALL_SETS           8192u
#define STRANGERS_WINDOW_US UINT64_C(3600000000)

static bool table_init(struct tally_table *table, size_t set_count)
{
	table->sets = calloc(set_count, sizeof(*table->sets));
	if (!table->sets)
		return false;
	table->set_count = set_count;
	for (size_t i = 0; i < LOCKOUT_LOCKS; i++)
		pthread_mutex_init(&table->locks[i], NULL);
	return true;
}

static void table_free(struct tally_table *table)
{
	if (!table->sets)
		return;
	for (size_t i = 0; i < LOCKOUT_LOCKS; i++)
		pthread_mutex_destroy(&table->locks[i]);
	free(table->sets);
}

enum vos_err lockout_create(struct lockout **out)
{
	struct lockout *lockout = calloc(1, sizeof(*lockout));

	if (!lockout)
		return VOS_ENOMEM;
	hash_key_random(&lockout->hash_key);
	if (!table_init(&lockout->sources, SOURCE_SETS) ||
	    !table_init(&lockout->calls, CALL_SETS) || suspensions_create(&lockout->suspensions) ||
	    security_events_create(&lockout->events)) {
		lockout_destroy(lockout);
		return VOS_ENOMEM;
	}
	*out = lockout;
	return VOS_OK;
}

void lockout_destroy(struct lockout *lockout)
{
	if (!lockout)
		return;
	table_free(&lockout->sources);
	table_free(&lockout->calls);
	suspensions_destroy(lockout->suspensions);
	security_events_destroy(lockout->events);
	free(lockout);
}

/* --- Keys. --- */

static uint64_t never_zero(uint64_t key)
{
	return key ? key : 1;
}

uint64_t lockout_key(const struct lockout *lockout, const struct addr *source)
{
	struct addr base = source_of(source);

	return never_zero(hash_bytes(&lockout->hash_key, &base, sizeof(base)));
}

/* Of something at a source: a user, a Call-ID. */
static uint64_t key_within(const struct lockout *lockout, uint64_t source_key, struct span text)
{
	uint64_t parts[2] = {source_key, hash_bytes(&lockout->hash_key, text.ptr, text.len)};

	return never_zero(hash_bytes(&lockout->hash_key, parts, sizeof(parts)));
}

/* "" is the source itself. */
uint64_t lockout_key_of(const struct lockout *lockout, const struct addr *source, const char *user)
{
	uint64_t key = lockout_key(lockout, source);

	return *user ? key_within(lockout, key, span_of(user)) : key;
}

/* --- Counters. --- */

pthread_mutex_t *tally_lock(struct tally_table *table, size_t set)
{
	return &table->locks[set % LOCKOUT_LOCKS];
}

static struct tally *tally_find(struct tally_table *table, uint64_t key)
{
	struct tally_set *set = &table->sets[key % table->set_count];

	for (size_t i = 0; i < LOCKOUT_WAYS; i++)
		if (set->ways[i].key == key)
			return &set->ways[i];
	return NULL;
}

void tally_drop(struct tally_table *table, struct tally *tally)
{
	*tally = (struct tally){0};
	atomic_fetch_sub_explicit(&table->used, 1, memory_order_relaxed);
}

/* The entry of that key, made in the place of the one that rested longest. */
static struct tally *tally_need(struct tally_table *table, uint64_t key, const struct addr *source,
				const char *user)
{
	struct tally_set *set = &table->sets[key % table->set_count];
	struct tally *place = tally_find(table, key);

	if (place)
		return place;
	place = &set->ways[0];
	for (size_t i = 0; i < LOCKOUT_WAYS && place->key; i++)
		if (!set->ways[i].key || set->ways[i].last_us < place->last_us)
			place = &set->ways[i];
	if (!place->key)
		atomic_fetch_add_explicit(&table->used, 1, memory_order_relaxed);
	*place = (struct tally){.key = key, .source = source_of(source)};
	snprintf(place->user, sizeof(place->user), "%s", user);
	return place;
}

bool tally_table_is_empty(struct tally_table *table)
{
	return atomic_load_explicit(&table->used, memory_order_relaxed) == 0;
}

static void tally_reset(struct tally_table *table, uint64_t key)
{
	pthread_mutex_t *lock = tally_lock(table, key % table->set_count);
	struct tally *tally;

	pthread_mutex_lock(lock);
	tally = tally_find(table, key);
	if (tally)
		tally_drop(table, tally);
	pthread_mutex_unlock(lock);
}

/* One more; returns how many there are in a row, or in an hour of what nobody ever ends by a right
 * password. More than `most` starts the counter over, so that exactly one caller sees it exceeded.
 */
static uint32_t count_one(struct tally_table *table, uint64_t key, const struct addr *source,
			  const char *user, uint32_t most, uint64_t now_us)
{
	pthread_mutex_t *lock = tally_lock(table, key % table->set_count);
	struct tally *tally;
	uint32_t failures;

	pthread_mutex_lock(lock);
	tally = tally_need(table, key, source, user);
	if (!tally->failures ||
	    (strcmp(user, STRANGERS_USER) == 0 && now_us > tally->first_us + STRANGERS_WINDOW_US)) {
		tally->failures = 0;
		tally->first_us = now_us;
	}
	tally->last_us = now_us;
	failures = tally->failures < UINT32_MAX ? ++tally->failures : UINT32_MAX;
	if (failures > most)
		tally_drop(table, tally);
	pthread_mutex_unlock(lock);
	return failures;
}

/* --- Suspensions. --- */

bool lockout_has_suspensions(const struct lockout *lockout)
{
	return suspensions_count(lockout->suspensions) > 0;
}

bool lockout_holds(const struct lockout *lockout, uint64_t key, uint64_t now_us)
{
	return suspensions_hold(lockout->suspensions, key, now_us);
}

bool lockout_is_suspended(const struct lockout *lockout, const struct addr *source, uint64_t now_us)
{
	return suspensions_count(lockout->suspensions) &&
	       lockout_holds(lockout, lockout_key(lockout, source), now_us);
}

bool lockout_user_is_suspended(const struct lockout *lockout, const struct addr *source,
			       const char *user, uint64_t now_us, lockout_is_own_fn *is_own,
			       void *context)
{
	if (!suspensions_count(lockout->suspensions))
		return false;
	if (*user && lockout_holds(lockout, lockout_key_of(lockout, source, user), now_us))
		return true;
	return lockout_holds(lockout, lockout_key_of(lockout, source, STRANGERS_USER), now_us) &&
	       !is_own(context);
}

/* user: what is suspended ("" = the source). */
static void suspend(struct lockout *lockout, const struct lockout_rules *rules,
		    const struct lockout_failure *failure, const char *user, uint32_t failures,
		    uint64_t now_us)
{
	struct suspension suspension = {
		.source = source_of(&failure->source),
		.failures = failures,
		.since_ms = clock_wall_ms(),
		.until_us = now_us + (uint64_t)rules->suspend_s * 1000000u,
	};
	struct security_event event = {
		.kind = SECURITY_SUSPENDED,
		.source = suspension.source,
		.failures = failures,
		.period_s = rules->suspend_s,
	};

	suspension.until_ms = suspension.since_ms + (int64_t)rules->suspend_s * 1000;
	snprintf(suspension.user, sizeof(suspension.user), "%s", user);
	snprintf(event.user, sizeof(event.user), "%s", user);
	snprintf(event.last, sizeof(event.last), "%s", failure->user);
	suspensions_begin(lockout->suspensions, lockout_key_of(lockout, &failure->source, user),
			  &suspension, true);
	security_events_push(lockout->events, &event);
}

/* Counts under that name and suspends it when that was one too many. */
static bool count_towards(struct lockout *lockout, const struct lockout_rules *rules,
			  const struct lockout_failure *failure, const char *user, uint32_t most,
			  uint64_t now_us, uint32_t *failures)
{
	uint64_t key = lockout_key_of(lockout, &failure->source, user);

	*failures = count_one(&lockout->sources, key, &failure->source, user, most, now_us);
	if (*failures <= most)
		return false;
	suspend(lockout, rules, failure, user, *failures, now_us);
	return true;
}

static bool count_failure(struct lockout *lockout, const struct lockout_rules *rules,
			  const struct lockout_failure *failure, uint64_t now_us)
{
	uint32_t most = rules->max_retry ? rules->max_retry : UINT32_MAX;
	bool is_stranger = failure->is_home && !failure->is_own;
	uint32_t on_pair = 0;
	uint32_t count;

	if (rules->by_user || is_stranger) {
		if (count_towards(lockout, rules, failure, failure->user, most, now_us, &on_pair))
			return true;
	}
	if (is_stranger) {
		uint32_t together = most < UINT32_MAX / STRANGERS_FACTOR - 1
					    ? STRANGERS_FACTOR * (most + 1)
					    : UINT32_MAX;

		return count_towards(lockout, rules, failure, STRANGERS_USER, together, now_us,
				     &count);
	}
	/* By pairs, the source counts the users it failed on, unless it is somebody's home. */
	if (rules->by_user && (failure->is_home || on_pair > 1))
		return false;
	return count_towards(lockout, rules, failure, "", most, now_us, &count);
}

enum lockout_verdict lockout_fail(struct lockout *lockout, const struct lockout_rules *rules,
				  const struct lockout_failure *failure, uint64_t now_us)
{
	uint64_t key = lockout_key(lockout, &failure->source);
	uint32_t in_call;

	/* Was on its way when the suspension began: it makes that no longer. */
	if (rules->max_retry && lockout_holds(lockout, key, now_us))
		return LOCKOUT_SUSPENDED;
	in_call = count_one(&lockout->calls, key_within(lockout, key, failure->call_id),
			    &failure->source, "", UINT32_MAX, now_us);
	if (count_failure(lockout, rules, failure, now_us))
		return LOCKOUT_SUSPENDED;
	return in_call > rules->call_retry ? LOCKOUT_CALL_SPENT : LOCKOUT_COUNTED;
}

void lockout_succeed(struct lockout *lockout, const struct addr *source, const char *user,
		     struct span call_id)
{
	uint64_t key;

	if (tally_table_is_empty(&lockout->sources) && tally_table_is_empty(&lockout->calls))
		return;
	key = lockout_key(lockout, source);
	tally_reset(&lockout->calls, key_within(lockout, key, call_id));
	tally_reset(&lockout->sources, key);
	tally_reset(&lockout->sources, key_within(lockout, key, span_of(user)));
}
