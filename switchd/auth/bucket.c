/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/auth/bucket.h"

#include <stdlib.h>

#define SECOND_NS UINT64_C(1000000000)

struct place {
	_Atomic uint64_t key; /* 0 = free */
	struct bucket bucket;
};

struct buckets {
	atomic_size_t used;
	struct place places[BUCKETS_MAX];
};

/* When the bucket is full again after one more token; 0: it has none. */
static uint64_t without_one(uint64_t full_ns, struct bucket_rule rule, uint64_t now_ns)
{
	uint64_t token_ns = SECOND_NS / rule.rate;
	uint64_t wanted_ns = (full_ns > now_ns ? full_ns : now_ns) + token_ns;

	return wanted_ns - now_ns > rule.burst * token_ns ? 0 : wanted_ns;
}

bool bucket_has(const struct bucket *bucket, struct bucket_rule rule, uint64_t now_us)
{
	return without_one(atomic_load_explicit(&bucket->full_ns, memory_order_relaxed), rule,
			   now_us * 1000) != 0;
}

bool bucket_take(struct bucket *bucket, struct bucket_rule rule, uint64_t now_us)
{
	uint64_t full_ns = atomic_load_explicit(&bucket->full_ns, memory_order_relaxed);

	for (;;) {
		uint64_t wanted_ns = without_one(full_ns, rule, now_us * 1000);

		if (!wanted_ns)
			return false;
		if (atomic_compare_exchange_weak_explicit(&bucket->full_ns, &full_ns, wanted_ns,
							  memory_order_relaxed,
							  memory_order_relaxed))
			return true;
	}
}

enum vos_err buckets_create(struct buckets **out)
{
	struct buckets *buckets = calloc(1, sizeof(*buckets));

	if (!buckets)
		return VOS_ENOMEM;
	*out = buckets;
	return VOS_OK;
}

void buckets_destroy(struct buckets *buckets)
{
	free(buckets);
}

/* The place of the key. Two threads that bring in two keys at once may meet in one place; then one
 * of them counts for both, once. */
static struct place *place_for(struct buckets *buckets, uint64_t key)
{
	struct place *set = &buckets->places[key % BUCKET_SETS * BUCKET_WAYS];
	struct place *best = NULL;
	uint64_t best_full_ns = UINT64_MAX;
	uint64_t before = 0;

	for (size_t i = 0; i < BUCKET_WAYS; i++) {
		uint64_t found = atomic_load_explicit(&set[i].key, memory_order_relaxed);
		uint64_t full_ns;

		if (found == key)
			return &set[i];
		full_ns = found ? atomic_load_explicit(&set[i].bucket.full_ns, memory_order_relaxed)
				: 0;
		if (!best || full_ns < best_full_ns) {
			best = &set[i];
			best_full_ns = full_ns;
			before = found;
		}
	}
	if (atomic_compare_exchange_strong_explicit(&best->key, &before, key, memory_order_relaxed,
						    memory_order_relaxed)) {
		atomic_store_explicit(&best->bucket.full_ns, 0, memory_order_relaxed);
		if (!before)
			atomic_fetch_add_explicit(&buckets->used, 1, memory_order_relaxed);
	}
	return best;
}

bool buckets_take(struct buckets *buckets, uint64_t key, struct bucket_rule rule, uint64_t now_us)
{
	return bucket_take(&place_for(buckets, key)->bucket, rule, now_us);
}

size_t buckets_used(const struct buckets *buckets)
{
	return atomic_load_explicit(&buckets->used, memory_order_relaxed);
}
