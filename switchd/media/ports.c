/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The books of the port pairs. The lock is held for the books only, never over a system call: a
 * signalling thread must not wait for a media thread that binds. */
#include "switchd/media/ports.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Pairs tried in one ports_take() before it gives up: others may own many ports of the range (it
 * overlaps the kernel's ephemeral one), but a caller must not wait for thousands of system calls.
 */
#define TRIES_MAX 256

struct resting {
	uint64_t since_us;
	uint16_t pair;
};

/* Pairs are numbered from the low end of the range. Each is in exactly one of free, ready, resting,
 * in use, or in the hands of a thread that binds it. */
struct pool {
	struct addr address;
	uint16_t *free;
	uint32_t free_count;
	struct port_pair *ready; /* room for ready_target */
	uint32_t ready_count;
	struct resting *resting; /* ring of pair_count entries */
	uint32_t rest_first;
	uint32_t rest_count;
	uint8_t *used; /* bit set */
};

struct ports {
	pthread_mutex_t lock;
	struct ports_options options;
	uint32_t pair_count;
	uint32_t epoch;
	struct pool pools[PORTS_ADDRESSES_MAX];
	uint32_t pool_count;
	uint64_t used; /* of all epochs */
	uint64_t high_water;
	uint64_t bind_failures;
};

static uint16_t port_of(const struct ports *ports, uint16_t pair)
{
	return (uint16_t)(ports->options.low + 2 * pair);
}

static enum vos_err set_options(struct ports *ports, const struct ports_options *options)
{
	uint32_t low = options->low + (options->low & 1u);

	if (low == 0 || options->high <= low || low > UINT16_MAX)
		return VOS_EINVAL;
	ports->options = *options;
	ports->options.low = (uint16_t)low;
	ports->options.tos &= 0xfc;
	if (!ports->options.bind)
		ports->options.bind = ports_bind_udp;
	ports->pair_count = (options->high - low + 1) / 2;
	return VOS_OK;
}

enum vos_err ports_create(const struct ports_options *options, struct ports **out)
{
	struct ports *ports;
	enum vos_err err;

	if (sodium_init() < 0)
		return VOS_EIO;
	ports = calloc(1, sizeof(*ports));
	if (!ports)
		return VOS_ENOMEM;
	err = set_options(ports, options);
	if (err != VOS_OK) {
		free(ports);
		return err;
	}
	pthread_mutex_init(&ports->lock, NULL);
	*out = ports;
	return VOS_OK;
}

static void close_pair(const struct port_pair *pair)
{
	for (int i = 0; i < 2; i++)
		if (pair->fds[i] >= 0)
			close(pair->fds[i]);
}

static void pool_clear(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->ready_count; i++)
		close_pair(&pool->ready[i]);
	free(pool->free);
	free(pool->ready);
	free(pool->resting);
	free(pool->used);
	*pool = (struct pool){0};
}

static void pools_clear(struct ports *ports)
{
	for (uint32_t i = 0; i < ports->pool_count; i++)
		pool_clear(&ports->pools[i]);
	ports->pool_count = 0;
}

void ports_destroy(struct ports *ports)
{
	if (!ports)
		return;
	pools_clear(ports);
	pthread_mutex_destroy(&ports->lock);
	free(ports);
}

enum vos_err ports_configure(struct ports *ports, const struct ports_options *options)
{
	enum vos_err err = VOS_OK;
	struct ports_options before;

	pthread_mutex_lock(&ports->lock);
	before = ports->options;
	if (options->low + (options->low & 1u) != before.low || options->high != before.high ||
	    (options->tos & 0xfc) != before.tos) {
		err = set_options(ports, options);
		if (err == VOS_OK) {
			pools_clear(ports);
			ports->epoch++;
		}
	}
	pthread_mutex_unlock(&ports->lock);
	return err;
}

static enum vos_err pool_init(const struct ports *ports, struct pool *pool,
			      const struct addr *address)
{
	*pool = (struct pool){.address = *address};
	pool->free = calloc(ports->pair_count, sizeof(*pool->free));
	pool->resting = calloc(ports->pair_count, sizeof(*pool->resting));
	pool->used = calloc((ports->pair_count + 7) / 8, 1);
	pool->ready = calloc(ports->options.ready_target + 1, sizeof(*pool->ready));
	if (!pool->free || !pool->resting || !pool->used || !pool->ready) {
		pool_clear(pool);
		return VOS_ENOMEM;
	}
	for (uint32_t i = 0; i < ports->pair_count; i++)
		pool->free[i] = (uint16_t)i;
	pool->free_count = ports->pair_count;
	return VOS_OK;
}

static struct pool *pool_find(struct ports *ports, const struct addr *address)
{
	for (uint32_t i = 0; i < ports->pool_count; i++)
		if (addr_ip_eq(&ports->pools[i].address, address))
			return &ports->pools[i];
	return NULL;
}

static enum vos_err pool_get(struct ports *ports, const struct addr *local, struct pool **out)
{
	struct addr address = *local;
	enum vos_err err;

	address.port = 0;
	*out = pool_find(ports, &address);
	if (*out)
		return VOS_OK;
	if (ports->pool_count == PORTS_ADDRESSES_MAX)
		return VOS_EFULL;
	err = pool_init(ports, &ports->pools[ports->pool_count], &address);
	if (err == VOS_OK)
		*out = &ports->pools[ports->pool_count++];
	return err;
}

void ports_prepare(struct ports *ports, const struct addr *local)
{
	struct pool *pool;

	pthread_mutex_lock(&ports->lock);
	/* Without memory now, the first ports_take() tries again. */
	(void)!pool_get(ports, local, &pool);
	pthread_mutex_unlock(&ports->lock);
}

static void put_to_rest(const struct ports *ports, struct pool *pool, uint16_t pair,
			uint64_t now_us)
{
	uint32_t at = (pool->rest_first + pool->rest_count) % ports->pair_count;

	pool->resting[at] = (struct resting){now_us, pair};
	pool->rest_count++;
}

static uint16_t take_longest_resting(const struct ports *ports, struct pool *pool)
{
	uint16_t pair = pool->resting[pool->rest_first].pair;

	pool->rest_first = (pool->rest_first + 1) % ports->pair_count;
	pool->rest_count--;
	return pair;
}

static void wake_rested(const struct ports *ports, struct pool *pool, uint64_t now_us)
{
	while (pool->rest_count &&
	       now_us - pool->resting[pool->rest_first].since_us >= ports->options.rest_us)
		pool->free[pool->free_count++] = take_longest_resting(ports, pool);
}

static uint16_t take_random(struct pool *pool)
{
	uint32_t at = randombytes_uniform(pool->free_count);
	uint16_t pair = pool->free[at];

	pool->free[at] = pool->free[--pool->free_count];
	return pair;
}

static void mark_used(struct ports *ports, struct pool *pool, uint16_t pair)
{
	pool->used[pair / 8] |= (uint8_t)(1u << (pair % 8));
	ports->used++;
	if (ports->used > ports->high_water)
		ports->high_water = ports->used;
}

/* What a thread needs to bind a pair without the lock. */
struct binding {
	struct addr local;
	uint8_t tos;
	uint16_t pair;
	ports_bind_fn *bind;
	void *context;
	struct port_pair result; /* pool and epoch at first, descriptors later */
};

static void begin_binding(const struct ports *ports, const struct pool *pool, uint16_t pair,
			  struct binding *out)
{
	*out = (struct binding){
		.local = pool->address,
		.tos = ports->options.tos,
		.pair = pair,
		.bind = ports->options.bind,
		.context = ports->options.bind_context,
		.result = {.fds = {-1, -1},
			   .port = port_of(ports, pair),
			   .pool = (uint32_t)(pool - ports->pools),
			   .epoch = ports->epoch},
	};
	out->local.port = out->result.port;
}

static enum vos_err bind_unlocked(struct ports *ports, struct binding *binding)
{
	enum vos_err err;

	pthread_mutex_unlock(&ports->lock);
	err = binding->bind(binding->context, &binding->local, binding->tos, binding->result.fds);
	pthread_mutex_lock(&ports->lock);
	return err;
}

/* The range changed while the lock was away: the pool of the binding is gone. */
static bool is_outdated(const struct ports *ports, const struct binding *binding)
{
	return binding->result.epoch != ports->epoch;
}

/* Gives back a pair that could not be bound. One that someone else holds is looked at again only
 * after a rest. */
static void binding_failed(struct ports *ports, const struct binding *binding, enum vos_err err,
			   uint64_t now_us)
{
	struct pool *pool = &ports->pools[binding->result.pool];

	if (err == VOS_EINUSE)
		ports->bind_failures++;
	if (is_outdated(ports, binding))
		return;
	if (err == VOS_EINUSE)
		put_to_rest(ports, pool, binding->pair, now_us);
	else
		pool->free[pool->free_count++] = binding->pair;
}

/* One attempt. VOS_EAGAIN: this pair did not do, try another. */
static enum vos_err take_once(struct ports *ports, const struct addr *local, uint64_t now_us,
			      struct port_pair *out)
{
	struct binding binding;
	struct pool *pool;
	enum vos_err err = pool_get(ports, local, &pool);
	uint16_t pair;

	if (err != VOS_OK)
		return err;
	if (pool->ready_count) {
		*out = pool->ready[--pool->ready_count];
		mark_used(ports, pool, (uint16_t)((out->port - ports->options.low) / 2));
		return VOS_OK;
	}
	wake_rested(ports, pool, now_us);
	if (pool->free_count)
		pair = take_random(pool);
	else if (pool->rest_count)
		pair = take_longest_resting(ports, pool);
	else
		return VOS_EFULL;
	begin_binding(ports, pool, pair, &binding);
	err = bind_unlocked(ports, &binding);
	if (err != VOS_OK) {
		binding_failed(ports, &binding, err, now_us);
		return err == VOS_EINUSE ? VOS_EAGAIN : err;
	}
	if (is_outdated(ports, &binding)) {
		close_pair(&binding.result);
		return VOS_EAGAIN;
	}
	mark_used(ports, &ports->pools[binding.result.pool], pair);
	*out = binding.result;
	return VOS_OK;
}

enum vos_err ports_take(struct ports *ports, const struct addr *local, uint64_t now_us,
			struct port_pair *out)
{
	enum vos_err err = VOS_EAGAIN;
	struct port_pair pair;
	uint32_t tries;

	pthread_mutex_lock(&ports->lock);
	/* Each pair at most once: those that failed went to the end of the resting. */
	tries = ports->pair_count < TRIES_MAX ? ports->pair_count : TRIES_MAX;
	while (err == VOS_EAGAIN && tries--)
		err = take_once(ports, local, now_us, &pair);
	pthread_mutex_unlock(&ports->lock);
	if (err == VOS_EAGAIN)
		return VOS_EFULL;
	if (err != VOS_OK)
		return err;
	/* Strangers may have written to a socket that was open ahead. */
	for (int i = 0; i < 2; i++)
		if (pair.fds[i] >= 0)
			ports_drain(pair.fds[i]);
	*out = pair;
	return VOS_OK;
}

void ports_release(struct ports *ports, const struct port_pair *pair, uint64_t now_us)
{
	close_pair(pair);
	pthread_mutex_lock(&ports->lock);
	ports->used--;
	if (pair->epoch == ports->epoch) {
		struct pool *pool = &ports->pools[pair->pool];
		uint16_t number = (uint16_t)((pair->port - ports->options.low) / 2);

		pool->used[number / 8] &= (uint8_t) ~(1u << (number % 8));
		put_to_rest(ports, pool, number, now_us);
	}
	pthread_mutex_unlock(&ports->lock);
}

void ports_close_one(struct port_pair *pair, int which)
{
	if (pair->fds[which] >= 0)
		close(pair->fds[which]);
	pair->fds[which] = -1;
}

/* A pair that is being bound ahead is nobody's for a moment. While enough others are free, no call
 * is refused because of that; in a range too small for it, pairs are bound when they are asked for.
 */
static bool has_spare(const struct ports *ports, const struct pool *pool)
{
	return pool->free_count > ports->options.ready_target;
}

/* Binds one pair ahead for some pool. False: none is wanted, or none can be had now. */
static bool refill_one(struct ports *ports, uint64_t now_us)
{
	struct pool *pool = NULL;
	struct binding binding;
	enum vos_err err;

	for (uint32_t i = 0; i < ports->pool_count && !pool; i++) {
		wake_rested(ports, &ports->pools[i], now_us);
		if (ports->pools[i].ready_count < ports->options.ready_target &&
		    has_spare(ports, &ports->pools[i]))
			pool = &ports->pools[i];
	}
	if (!pool)
		return false;
	begin_binding(ports, pool, take_random(pool), &binding);
	err = bind_unlocked(ports, &binding);
	if (err != VOS_OK) {
		binding_failed(ports, &binding, err, now_us);
		return err == VOS_EINUSE;
	}
	pool = &ports->pools[binding.result.pool];
	if (is_outdated(ports, &binding))
		close_pair(&binding.result);
	else if (pool->ready_count < ports->options.ready_target)
		pool->ready[pool->ready_count++] = binding.result;
	else {
		/* Another thread was faster. */
		close_pair(&binding.result);
		pool->free[pool->free_count++] = binding.pair;
	}
	return true;
}

bool ports_refill(struct ports *ports, uint64_t now_us, int max)
{
	bool more = true;

	pthread_mutex_lock(&ports->lock);
	while (more && max-- > 0)
		more = refill_one(ports, now_us);
	pthread_mutex_unlock(&ports->lock);
	return more;
}

bool ports_wants_refill(struct ports *ports)
{
	bool wants = false;

	pthread_mutex_lock(&ports->lock);
	for (uint32_t i = 0; i < ports->pool_count && !wants; i++) {
		const struct pool *pool = &ports->pools[i];

		wants = pool->ready_count < ports->options.ready_target / 2 &&
			has_spare(ports, pool);
	}
	pthread_mutex_unlock(&ports->lock);
	return wants;
}

bool ports_is_used(struct ports *ports, const struct addr *addr)
{
	const struct pool *pool;
	bool is_used = false;

	pthread_mutex_lock(&ports->lock);
	pool = pool_find(ports, addr);
	if (pool && addr->port >= ports->options.low) {
		uint32_t pair = (uint32_t)(addr->port - ports->options.low) / 2;

		is_used = pair < ports->pair_count && (pool->used[pair / 8] >> (pair % 8) & 1);
	}
	pthread_mutex_unlock(&ports->lock);
	return is_used;
}

void ports_status(struct ports *ports, uint64_t now_us, struct ports_status *out)
{
	*out = (struct ports_status){0};
	pthread_mutex_lock(&ports->lock);
	out->low = ports->options.low;
	out->high = ports->options.high;
	out->total = (uint64_t)ports->pair_count * (ports->pool_count ? ports->pool_count : 1);
	for (uint32_t i = 0; i < ports->pool_count; i++) {
		wake_rested(ports, &ports->pools[i], now_us);
		out->ready += ports->pools[i].ready_count;
		out->resting += ports->pools[i].rest_count;
	}
	out->used = ports->used;
	out->high_water = ports->high_water;
	out->bind_failures = ports->bind_failures;
	pthread_mutex_unlock(&ports->lock);
}
