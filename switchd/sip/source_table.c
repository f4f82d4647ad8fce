/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A word: 40 bits of the hash, then the count in 24; 0 is free. The 8 bits of the hash in front of
 * those chose the stripe. The first of the 40 are the place in the stripe, so that a word can be
 * moved without its address. */
#include "switchd/sip/source_table.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_BITS 24u
#define COUNT_MAX  (((uint64_t)1 << COUNT_BITS) - 1)
#define TAG_BITS   40u
#define FIRST_BITS 3u

enum vos_err source_table_init(struct source_table *table)
{
	memset(table, 0, sizeof(*table));
	hash_key_random(&table->key);
	for (size_t i = 0; i < SOURCE_STRIPES; i++) {
		struct source_stripe *stripe = &table->stripes[i];

		pthread_mutex_init(&stripe->lock, NULL);
		stripe->bits = FIRST_BITS;
		stripe->words = calloc((size_t)1 << FIRST_BITS, sizeof(*stripe->words));
		if (!stripe->words)
			return VOS_ENOMEM;
		table->memory += malloc_usable_size(stripe->words) + sizeof(size_t);
	}
	return VOS_OK;
}

void source_table_destroy(struct source_table *table)
{
	for (size_t i = 0; i < SOURCE_STRIPES; i++) {
		free(table->stripes[i].words);
		pthread_mutex_destroy(&table->stripes[i].lock);
	}
}

static uint64_t hash_of(const struct source_table *table, const struct addr *source)
{
	struct addr base = *source;

	base.port = 0;
	if (base.family == ADDR_IP6)
		memset(base.ip + 8, 0, 8);
	return hash_bytes(&table->key, &base, sizeof(base));
}

static uint64_t tag_of(uint64_t hash)
{
	return hash << 8 >> (64 - TAG_BITS);
}

static size_t home_of(const struct source_stripe *stripe, uint64_t tag)
{
	return (size_t)(tag >> (TAG_BITS - stripe->bits));
}

/* The place of the tag, or the free one where it would go. There is always a free one. */
static size_t find(const struct source_stripe *stripe, uint64_t tag)
{
	size_t mask = ((size_t)1 << stripe->bits) - 1;
	size_t place = home_of(stripe, tag);

	while (stripe->words[place] && stripe->words[place] >> COUNT_BITS != tag)
		place = (place + 1) & mask;
	return place;
}

static bool grow(struct source_table *table, struct source_stripe *stripe)
{
	size_t old_count = (size_t)1 << stripe->bits;
	uint64_t *old = stripe->words;
	uint64_t *words = calloc(old_count * 2, sizeof(*words));

	if (!words)
		return false;
	stripe->words = words;
	stripe->bits++;
	for (size_t i = 0; i < old_count; i++)
		if (old[i])
			words[find(stripe, old[i] >> COUNT_BITS)] = old[i];
	atomic_fetch_add_explicit(&table->memory,
				  malloc_usable_size(words) - malloc_usable_size(old),
				  memory_order_relaxed);
	free(old);
	return true;
}

static struct source_stripe *lock(struct source_table *table, const struct addr *source,
				  uint64_t *tag)
{
	uint64_t hash = hash_of(table, source);
	struct source_stripe *stripe = &table->stripes[hash >> 56];

	*tag = tag_of(hash);
	pthread_mutex_lock(&stripe->lock);
	return stripe;
}

bool source_table_add(struct source_table *table, const struct addr *source)
{
	uint64_t tag;
	struct source_stripe *stripe = lock(table, source, &tag);
	size_t place = find(stripe, tag);
	bool is_counted = true;

	if (stripe->words[place]) {
		is_counted = (stripe->words[place] & COUNT_MAX) < COUNT_MAX;
		stripe->words[place] += is_counted;
	} else if (stripe->used + 1 < ((size_t)7 << stripe->bits) / 8 || grow(table, stripe)) {
		stripe->words[find(stripe, tag)] = tag << COUNT_BITS | 1;
		stripe->used++;
	} else {
		is_counted = false;
	}
	pthread_mutex_unlock(&stripe->lock);
	return is_counted;
}

/* Closes the gap: what stands behind it, out of its own place, moves up. */
static void close_gap(struct source_stripe *stripe, size_t gap)
{
	size_t mask = ((size_t)1 << stripe->bits) - 1;
	size_t place = gap;

	for (;;) {
		size_t home;

		place = (place + 1) & mask;
		if (!stripe->words[place])
			break;
		home = home_of(stripe, stripe->words[place] >> COUNT_BITS);
		if (((place - home) & mask) < ((place - gap) & mask))
			continue;
		stripe->words[gap] = stripe->words[place];
		gap = place;
	}
	stripe->words[gap] = 0;
	stripe->used--;
}

void source_table_remove(struct source_table *table, const struct addr *source)
{
	uint64_t tag;
	struct source_stripe *stripe = lock(table, source, &tag);
	size_t place = find(stripe, tag);

	if (stripe->words[place] && (--stripe->words[place] & COUNT_MAX) == 0)
		close_gap(stripe, place);
	pthread_mutex_unlock(&stripe->lock);
}

uint32_t source_table_count(struct source_table *table, const struct addr *source)
{
	uint64_t tag;
	struct source_stripe *stripe = lock(table, source, &tag);
	uint32_t count = (uint32_t)(stripe->words[find(stripe, tag)] & COUNT_MAX);

	pthread_mutex_unlock(&stripe->lock);
	return count;
}
