/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pairs of one local address: books without lock, socket or clock.
 *
 * A pair is known by its number, half of its even port, whatever the range is; so a range that is
 * changed under live calls leaves them what they have, and their ports are not given out a second
 * time when the new range has them too. */
#pragma once

#include "shared/base/addr.h"
#include "switchd/media/ports.h"

#define PAIRS_MAX 32768

enum pair_state {
	PAIR_OUTSIDE, /* of no interest: not in the range */
	PAIR_FREE,
	PAIR_READY,   /* bound ahead */
	PAIR_BINDING, /* in the hands of a thread */
	PAIR_USED,    /* by a session, perhaps one from before the range was changed */
	PAIR_RESTING, /* after its release */
	PAIR_TAKEN,   /* someone else had a port of it; looked at again after a rest */
};

struct ports_pool {
	struct addr address;
	uint32_t first; /* of the range */
	uint32_t count;
	uint32_t free_count;
	uint32_t rest_first;
	uint32_t rest_count; /* entries of the ring; pairs outside the range are among them */
	uint32_t ready_count;
	uint32_t ready_target;
	struct port_pair *ready;
	uint32_t kept_count;
	struct port_pair *kept;            /* rest with open sockets */
	uint32_t open_max;                 /* of ready and kept together */
	uint32_t in_state[PAIR_TAKEN + 1]; /* pairs of the range in each */
	uint32_t used;                     /* of the range or not */
	uint32_t high_water;
	uint64_t skipped;
	uint64_t refused;
	uint8_t state[PAIRS_MAX];
	uint16_t free[PAIRS_MAX];
	uint16_t kept_at[PAIRS_MAX]; /* 1 + its place among the kept; 0: it is none */
	uint64_t resting[PAIRS_MAX]; /* a ring: since when (us) << 16 | pair */
};

/* NULL: out of memory. */
struct ports_pool *ports_pool_new(const struct addr *address, uint32_t ready_target,
				  uint32_t kept_max);
/* The sockets of those ready and kept must have been closed. */
void ports_pool_free(struct ports_pool *pool);
/* The range from now on. What was ready is free again, what was kept rests as others do: the caller
 * has closed them. */
void ports_pool_set_range(struct ports_pool *pool, uint32_t first, uint32_t count);

/* Ends the rest of those that had it. */
void ports_pool_wake(struct ports_pool *pool, uint64_t now_us, uint64_t rest_us);
/* One to bind: any of the free ones, by chance; only when there is none and `in_need`, the one that
 * rests longest. False: there is none. */
bool ports_pool_pick(struct ports_pool *pool, bool in_need, uint16_t *out);
/* What became of a pair that was picked. */
void ports_pool_put_back(struct ports_pool *pool, uint16_t pair);
void ports_pool_skip(struct ports_pool *pool, uint16_t pair, uint64_t now_us);
void ports_pool_use(struct ports_pool *pool, uint16_t pair);
/* Bound ahead; false: there are enough. */
bool ports_pool_add_ready(struct ports_pool *pool, const struct port_pair *pair);
/* Takes one that is ready, by chance, which is in use then; false: there is none. */
bool ports_pool_take_ready(struct ports_pool *pool, struct port_pair *out);
/* The same of a pair that was picked; false: it has to be bound. */
bool ports_pool_take_kept(struct ports_pool *pool, uint16_t pair, struct port_pair *out);
/* Of those kept, the one that rests longest; false: there is none. */
bool ports_pool_pick_kept(struct ports_pool *pool, uint16_t *out);
void ports_pool_release(struct ports_pool *pool, uint16_t pair, uint64_t now_us);
/* The same with its sockets open, and after its rest it is ready. False: there are enough, or it
 * is of no use. */
bool ports_pool_keep(struct ports_pool *pool, const struct port_pair *pair, uint64_t now_us);

void ports_pool_status(const struct ports_pool *pool, struct ports_pool_status *out);
