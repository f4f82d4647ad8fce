/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/ports_pool.h"

#include <sodium.h>
#include <stdlib.h>

/* 48 bits of microseconds are nine years of uptime. */
#define REST_PAIR_BITS 16

struct ports_pool *ports_pool_new(const struct addr *address, uint32_t ready_target,
				  uint32_t kept_max)
{
	struct ports_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->address = *address;
	pool->ready_target = ready_target;
	pool->open_max = ready_target + kept_max;
	pool->ready = calloc(pool->open_max + 1, sizeof(*pool->ready));
	pool->kept = calloc(kept_max + 1, sizeof(*pool->kept));
	if (!pool->ready || !pool->kept) {
		ports_pool_free(pool);
		return NULL;
	}
	return pool;
}

void ports_pool_free(struct ports_pool *pool)
{
	if (!pool)
		return;
	free(pool->ready);
	free(pool->kept);
	free(pool);
}

static bool is_inside(const struct ports_pool *pool, uint32_t pair)
{
	return pair - pool->first < pool->count;
}

static void set_state(struct ports_pool *pool, uint16_t pair, enum pair_state state)
{
	if (is_inside(pool, pair)) {
		pool->in_state[pool->state[pair]]--;
		pool->in_state[state]++;
	}
	pool->state[pair] = (uint8_t)state;
}

static struct port_pair unkeep(struct ports_pool *pool, uint16_t pair)
{
	uint32_t at = pool->kept_at[pair] - 1u;
	struct port_pair kept = pool->kept[at];
	struct port_pair last = pool->kept[--pool->kept_count];

	pool->kept[at] = last;
	pool->kept_at[last.port / 2] = (uint16_t)(at + 1);
	pool->kept_at[pair] = 0;
	return kept;
}

static void set_free(struct ports_pool *pool, uint16_t pair)
{
	if (pool->kept_at[pair]) {
		pool->ready[pool->ready_count++] = unkeep(pool, pair);
		set_state(pool, pair, PAIR_READY);
		return;
	}
	if (!is_inside(pool, pair)) {
		pool->state[pair] = PAIR_OUTSIDE;
		return;
	}
	set_state(pool, pair, PAIR_FREE);
	pool->free[pool->free_count++] = pair;
}

void ports_pool_set_range(struct ports_pool *pool, uint32_t first, uint32_t count)
{
	pool->first = first;
	pool->count = count;
	pool->free_count = 0;
	pool->ready_count = 0;
	while (pool->kept_count)
		(void)unkeep(pool, pool->kept[0].port / 2);
	for (int i = 0; i <= PAIR_TAKEN; i++)
		pool->in_state[i] = 0;
	for (uint32_t pair = 0; pair < PAIRS_MAX; pair++) {
		enum pair_state state = (enum pair_state)pool->state[pair];
		bool is_idle = state <= PAIR_READY;

		if (!is_inside(pool, pair)) {
			if (is_idle)
				pool->state[pair] = PAIR_OUTSIDE;
			continue;
		}
		if (is_idle) {
			state = PAIR_FREE;
			pool->state[pair] = PAIR_FREE;
			pool->free[pool->free_count++] = (uint16_t)pair;
		}
		pool->in_state[state]++;
	}
}

static void put_to_rest(struct ports_pool *pool, uint16_t pair, enum pair_state state,
			uint64_t now_us)
{
	uint32_t at = (pool->rest_first + pool->rest_count++) % PAIRS_MAX;

	pool->resting[at] = now_us << REST_PAIR_BITS | pair;
	set_state(pool, pair, state);
}

static uint16_t end_longest_rest(struct ports_pool *pool)
{
	uint16_t pair = (uint16_t)pool->resting[pool->rest_first];

	pool->rest_first = (pool->rest_first + 1) % PAIRS_MAX;
	pool->rest_count--;
	return pair;
}

void ports_pool_wake(struct ports_pool *pool, uint64_t now_us, uint64_t rest_us)
{
	while (pool->rest_count &&
	       now_us - (pool->resting[pool->rest_first] >> REST_PAIR_BITS) >= rest_us)
		set_free(pool, end_longest_rest(pool));
}

static bool is_kept(const struct ports_pool *pool, uint32_t pair)
{
	return pool->kept_at[pair] != 0;
}

/* The longest resting pair of the range, or of those kept. Those outside the range that have rested
 * longer rest on: it may be changed back. False: there is none. */
static bool end_rest_of(struct ports_pool *pool,
			bool (*is_wanted)(const struct ports_pool *pool, uint32_t pair),
			uint16_t *out)
{
	uint32_t at = 0;

	while (at < pool->rest_count &&
	       !is_wanted(pool, (uint16_t)pool->resting[(pool->rest_first + at) % PAIRS_MAX]))
		at++;
	if (at == pool->rest_count)
		return false;
	*out = (uint16_t)pool->resting[(pool->rest_first + at) % PAIRS_MAX];
	for (; at > 0; at--)
		pool->resting[(pool->rest_first + at) % PAIRS_MAX] =
			pool->resting[(pool->rest_first + at - 1) % PAIRS_MAX];
	(void)end_longest_rest(pool);
	return true;
}

static uint16_t take_random(struct ports_pool *pool)
{
	uint32_t at = randombytes_uniform(pool->free_count);
	uint16_t pair = pool->free[at];

	pool->free[at] = pool->free[--pool->free_count];
	return pair;
}

bool ports_pool_pick(struct ports_pool *pool, bool in_need, uint16_t *out)
{
	if (pool->free_count) {
		*out = take_random(pool);
		set_state(pool, *out, PAIR_BINDING);
		return true;
	}
	if (!in_need || !end_rest_of(pool, is_inside, out))
		return false;
	set_state(pool, *out, PAIR_BINDING);
	return true;
}

bool ports_pool_pick_kept(struct ports_pool *pool, uint16_t *out)
{
	return pool->kept_count && end_rest_of(pool, is_kept, out);
}

void ports_pool_put_back(struct ports_pool *pool, uint16_t pair)
{
	set_free(pool, pair);
}

void ports_pool_skip(struct ports_pool *pool, uint16_t pair, uint64_t now_us)
{
	pool->skipped++;
	put_to_rest(pool, pair, PAIR_TAKEN, now_us);
}

void ports_pool_use(struct ports_pool *pool, uint16_t pair)
{
	set_state(pool, pair, PAIR_USED);
	pool->used++;
	if (pool->used > pool->high_water)
		pool->high_water = pool->used;
}

bool ports_pool_add_ready(struct ports_pool *pool, const struct port_pair *pair)
{
	if (pool->ready_count + pool->kept_count >= pool->open_max)
		return false;
	pool->ready[pool->ready_count++] = *pair;
	set_state(pool, pair->port / 2, PAIR_READY);
	return true;
}

bool ports_pool_take_ready(struct ports_pool *pool, struct port_pair *out)
{
	uint32_t at;

	if (!pool->ready_count)
		return false;
	at = randombytes_uniform(pool->ready_count);
	*out = pool->ready[at];
	pool->ready[at] = pool->ready[--pool->ready_count];
	ports_pool_use(pool, out->port / 2);
	return true;
}

bool ports_pool_take_kept(struct ports_pool *pool, uint16_t pair, struct port_pair *out)
{
	if (!is_kept(pool, pair))
		return false;
	*out = unkeep(pool, pair);
	ports_pool_use(pool, pair);
	return true;
}

void ports_pool_release(struct ports_pool *pool, uint16_t pair, uint64_t now_us)
{
	pool->used--;
	put_to_rest(pool, pair, PAIR_RESTING, now_us);
}

/* Of those that may be open, as many as lie ready at least are left to them. */
bool ports_pool_keep(struct ports_pool *pool, const struct port_pair *pair, uint64_t now_us)
{
	uint32_t ready =
		pool->ready_count > pool->ready_target ? pool->ready_count : pool->ready_target;
	uint16_t number = pair->port / 2;

	if (!is_inside(pool, number) || pool->kept_count + ready >= pool->open_max)
		return false;
	pool->kept[pool->kept_count++] = *pair;
	pool->kept_at[number] = (uint16_t)pool->kept_count;
	ports_pool_release(pool, number, now_us);
	return true;
}

void ports_pool_status(const struct ports_pool *pool, struct ports_pool_status *out)
{
	*out = (struct ports_pool_status){
		.address = pool->address,
		.total = pool->count,
		.used = pool->used,
		.used_outside = pool->used - pool->in_state[PAIR_USED],
		.free = pool->in_state[PAIR_FREE] + pool->in_state[PAIR_READY] +
			pool->in_state[PAIR_BINDING],
		.ready = pool->in_state[PAIR_READY],
		.resting = pool->in_state[PAIR_RESTING],
		.taken = pool->in_state[PAIR_TAKEN],
		.high_water = pool->high_water,
		.skipped = pool->skipped,
		.refused = pool->refused,
	};
}
