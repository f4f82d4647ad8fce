/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two tables of one kind. Keys are 64-bit keyed hashes; an entry is found by its hash alone, which
 * nobody outside can aim at another's. */
#include "switchd/auth/lockout.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shared/base/hash.h"
#include "switchd/auth/auth_private.h"

#define WAYS        8u
#define LOCKS       64u
#define SOURCE_SETS 16384u
#define CALL_SETS   8192u

struct tally {
	uint64_t key; /* 0 = free */
	struct addr source;
	uint32_t failures;
	uint64_t last_us;
	uint64_t until_us; /* 0 = not suspended */
};

struct tally_set {
	struct tally ways[WAYS];
};

struct tally_table {
	struct hash_key hash_key;
	atomic_size_t used; /* so that a quiet switch looks nothing up */
	size_t set_count;
	pthread_mutex_t locks[LOCKS];
	struct tally_set *sets;
};

struct lockout {
	struct tally_table sources;
	struct tally_table calls;
};

static bool table_init(struct tally_table *table, size_t set_count)
{
	table->sets = calloc(set_count, sizeof(*table->sets));
	if (!table->sets)
		return false;
	table->set_count = set_count;
	hash_key_random(&table->hash_key);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&table->locks[i], NULL);
	return true;
}

static void table_free(struct tally_table *table)
{
	if (!table->sets)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&table->locks[i]);
	free(table->sets);
}

enum vos_err lockout_create(struct lockout **out)
{
	struct lockout *lockout = calloc(1, sizeof(*lockout));

	if (!lockout)
		return VOS_ENOMEM;
	if (!table_init(&lockout->sources, SOURCE_SETS) ||
	    !table_init(&lockout->calls, CALL_SETS)) {
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
	free(lockout);
}

/* The address that is counted: without port, and of IPv6 the network, since a host owns all of a
 * /64. */
static struct addr source_of(const struct addr *source)
{
	struct addr base = *source;

	base.port = 0;
	base.pad = 0;
	if (base.family == ADDR_IP6)
		memset(base.ip + 8, 0, 8);
	return base;
}

static uint64_t source_key(const struct tally_table *table, const struct addr *base)
{
	uint64_t key = hash_bytes(&table->hash_key, base, sizeof(*base));

	return key ? key : 1;
}

static uint64_t call_key(const struct tally_table *table, const struct addr *base,
			 struct span call_id)
{
	struct {
		uint64_t call_id;
		struct addr source;
		uint32_t pad;
	} text = {
		.call_id = hash_bytes(&table->hash_key, call_id.ptr, call_id.len),
		.source = *base,
	};
	uint64_t key;

	_Static_assert(sizeof(text) == 32, "no padding, so that the whole may be hashed");
	key = hash_bytes(&table->hash_key, &text, sizeof(text));
	return key ? key : 1;
}

static pthread_mutex_t *lock_of(struct tally_table *table, size_t set)
{
	return &table->locks[set % LOCKS];
}

static struct tally *tally_find(struct tally_table *table, uint64_t key)
{
	struct tally_set *set = &table->sets[key % table->set_count];

	for (size_t i = 0; i < WAYS; i++) {
		if (set->ways[i].key == key)
			return &set->ways[i];
	}
	return NULL;
}

static void tally_drop(struct tally_table *table, struct tally *tally)
{
	*tally = (struct tally){0};
	atomic_fetch_sub_explicit(&table->used, 1, memory_order_relaxed);
}

static bool is_suspended(const struct tally *tally, uint64_t now_us)
{
	return tally->until_us > now_us;
}

/* True when a is to be given up rather than b. */
static bool goes_before(const struct tally *a, const struct tally *b, uint64_t now_us)
{
	bool a_held = is_suspended(a, now_us);
	bool b_held = is_suspended(b, now_us);

	if (a_held != b_held)
		return b_held;
	return a_held ? a->until_us < b->until_us : a->last_us < b->last_us;
}

/* The entry of that key, made in the place of the least valuable one. */
static struct tally *tally_need(struct tally_table *table, uint64_t key, const struct addr *base,
				uint64_t now_us)
{
	struct tally_set *set = &table->sets[key % table->set_count];
	struct tally *place = tally_find(table, key);

	if (place && place->until_us && !is_suspended(place, now_us)) {
		/* Served its time: counts from the start again. */
		place->failures = 0;
		place->until_us = 0;
	}
	if (place)
		return place;
	place = &set->ways[0];
	for (size_t i = 0; i < WAYS && place->key; i++) {
		if (!set->ways[i].key || goes_before(&set->ways[i], place, now_us))
			place = &set->ways[i];
	}
	if (!place->key)
		atomic_fetch_add_explicit(&table->used, 1, memory_order_relaxed);
	*place = (struct tally){.key = key, .source = *base};
	return place;
}

static void tally_reset(struct tally_table *table, uint64_t key)
{
	pthread_mutex_t *lock = lock_of(table, key % table->set_count);
	struct tally *tally;

	pthread_mutex_lock(lock);
	tally = tally_find(table, key);
	if (tally)
		tally_drop(table, tally);
	pthread_mutex_unlock(lock);
}

static bool table_is_empty(struct tally_table *table)
{
	return atomic_load_explicit(&table->used, memory_order_relaxed) == 0;
}

bool lockout_is_suspended(struct lockout *lockout, const struct addr *source, uint64_t now_us)
{
	struct tally_table *table = &lockout->sources;
	struct addr base = source_of(source);
	pthread_mutex_t *lock;
	struct tally *tally;
	uint64_t key;
	bool result;

	if (table_is_empty(table))
		return false;
	key = source_key(table, &base);
	lock = lock_of(table, key % table->set_count);
	pthread_mutex_lock(lock);
	tally = tally_find(table, key);
	result = tally && is_suspended(tally, now_us);
	pthread_mutex_unlock(lock);
	return result;
}

/* Counts one failure; returns how many there are in a row. */
static uint32_t count_failure(struct tally_table *table, uint64_t key, const struct addr *base,
			      const struct lockout_rules *suspension, uint64_t now_us)
{
	pthread_mutex_t *lock = lock_of(table, key % table->set_count);
	struct tally *tally;
	uint32_t failures;

	pthread_mutex_lock(lock);
	tally = tally_need(table, key, base, now_us);
	if (tally->failures < UINT32_MAX)
		tally->failures++;
	tally->last_us = now_us;
	/* From the trigger on for a fixed time: what fails meanwhile makes it no longer. */
	if (suspension && tally->failures > suspension->max_retry && !tally->until_us)
		tally->until_us = now_us + (uint64_t)suspension->suspend_s * 1000000u;
	failures = tally->failures;
	pthread_mutex_unlock(lock);
	return failures;
}

enum lockout_verdict lockout_fail(struct lockout *lockout, const struct lockout_rules *rules,
				  const struct addr *source, struct span call_id, uint64_t now_us)
{
	struct addr base = source_of(source);
	uint32_t in_call = count_failure(&lockout->calls, call_key(&lockout->calls, &base, call_id),
					 &base, NULL, now_us);
	uint32_t in_row = count_failure(&lockout->sources, source_key(&lockout->sources, &base),
					&base, rules->max_retry ? rules : NULL, now_us);

	if (rules->max_retry && in_row > rules->max_retry)
		return LOCKOUT_SUSPENDED;
	return in_call > rules->call_retry ? LOCKOUT_CALL_SPENT : LOCKOUT_COUNTED;
}

void lockout_succeed(struct lockout *lockout, const struct addr *source, struct span call_id)
{
	struct addr base = source_of(source);

	if (!table_is_empty(&lockout->sources))
		tally_reset(&lockout->sources, source_key(&lockout->sources, &base));
	if (!table_is_empty(&lockout->calls))
		tally_reset(&lockout->calls, call_key(&lockout->calls, &base, call_id));
}

size_t lockout_list(struct auth *auth, uint64_t now_us, bool only_suspended,
		    struct lockout_entry *out, size_t max)
{
	struct tally_table *table = &auth->lockout->sources;
	size_t count = 0;

	for (size_t i = 0; i < table->set_count && count < max; i++) {
		pthread_mutex_lock(lock_of(table, i));
		for (size_t j = 0; j < WAYS && count < max; j++) {
			const struct tally *tally = &table->sets[i].ways[j];
			bool is_held = is_suspended(tally, now_us);

			if (!tally->key || (tally->until_us && !is_held) ||
			    (only_suspended && !is_held))
				continue;
			out[count++] = (struct lockout_entry){
				.source = tally->source,
				.failures = tally->failures,
				.last_us = tally->last_us,
				.suspended_until_us = tally->until_us,
			};
		}
		pthread_mutex_unlock(lock_of(table, i));
	}
	return count;
}

size_t lockout_clear(struct auth *auth, const struct addr *source)
{
	struct tally_table *table = &auth->lockout->sources;
	struct addr base = source ? source_of(source) : (struct addr){0};
	size_t count = 0;

	for (size_t i = 0; i < table->set_count; i++) {
		pthread_mutex_lock(lock_of(table, i));
		for (size_t j = 0; j < WAYS; j++) {
			struct tally *tally = &table->sets[i].ways[j];

			if (!tally->key || (source && !addr_ip_eq(&tally->source, &base)))
				continue;
			tally_drop(table, tally);
			count++;
		}
		pthread_mutex_unlock(lock_of(table, i));
	}
	return count;
}
