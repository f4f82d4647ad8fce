/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pools of all local addresses under one lock. It is held for the books only, never over a
 * system call: a signalling thread must not wait for a media thread that binds. */
#include "switchd/media/ports.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "switchd/media/ports_pool.h"

/* Pairs tried in one ports_take() before it gives up: others may own many ports of the range (it
 * overlaps the kernel's ephemeral one), but a caller must not wait for thousands of system calls.
 */
#define TRIES_MAX 256

struct ports {
	pthread_mutex_t lock;
	struct ports_options options;
	uint32_t pair_count;
	uint32_t kept_max;
	uint32_t epoch; /* of range and ToS */
	struct ports_pool *pools[PORTS_ADDRESSES_MAX];
	uint32_t pool_count;
	uint64_t used;
	uint64_t high_water;
};

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
	ports->kept_max = options->kept_max;
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

static void close_open(const struct ports_pool *pool)
{
	for (uint32_t i = 0; i < pool->ready_count; i++)
		close_pair(&pool->ready[i]);
	for (uint32_t i = 0; i < pool->kept_count; i++)
		close_pair(&pool->kept[i]);
}

void ports_destroy(struct ports *ports)
{
	if (!ports)
		return;
	for (uint32_t i = 0; i < ports->pool_count; i++) {
		close_open(ports->pools[i]);
		ports_pool_free(ports->pools[i]);
	}
	pthread_mutex_destroy(&ports->lock);
	free(ports);
}

static void set_range(const struct ports *ports, struct ports_pool *pool)
{
	ports_pool_set_range(pool, ports->options.low / 2, ports->pair_count);
}

enum vos_err ports_configure(struct ports *ports, const struct ports_options *options)
{
	struct ports_options before;
	enum vos_err err;

	pthread_mutex_lock(&ports->lock);
	before = ports->options;
	err = set_options(ports, options);
	ports->options.ready_target = before.ready_target;
	/* Sockets that are open have the ToS of before. */
	if (err == VOS_OK &&
	    (ports->options.low != before.low || ports->options.high != before.high ||
	     ports->options.tos != before.tos)) {
		ports->epoch++;
		for (uint32_t i = 0; i < ports->pool_count; i++) {
			close_open(ports->pools[i]);
			set_range(ports, ports->pools[i]);
		}
	}
	pthread_mutex_unlock(&ports->lock);
	return err;
}

static struct ports_pool *pool_find(struct ports *ports, const struct addr *address)
{
	for (uint32_t i = 0; i < ports->pool_count; i++)
		if (addr_ip_eq(&ports->pools[i]->address, address))
			return ports->pools[i];
	return NULL;
}

static enum vos_err pool_get(struct ports *ports, const struct addr *local, struct ports_pool **out)
{
	struct addr address = *local;

	address.port = 0;
	*out = pool_find(ports, &address);
	if (*out)
		return VOS_OK;
	if (ports->pool_count == PORTS_ADDRESSES_MAX)
		return VOS_EFULL;
	*out = ports_pool_new(&address, ports->options.ready_target, ports->kept_max);
	if (!*out)
		return VOS_ENOMEM;
	set_range(ports, *out);
	ports->pools[ports->pool_count++] = *out;
	return VOS_OK;
}

void ports_prepare(struct ports *ports, const struct addr *local)
{
	struct ports_pool *pool;

	pthread_mutex_lock(&ports->lock);
	/* Without memory now, the first ports_take() tries again. */
	(void)!pool_get(ports, local, &pool);
	pthread_mutex_unlock(&ports->lock);
}

static void count_used(struct ports *ports)
{
	if (++ports->used > ports->high_water)
		ports->high_water = ports->used;
}

static uint32_t pool_number(const struct ports *ports, const struct ports_pool *pool)
{
	uint32_t i = 0;

	while (ports->pools[i] != pool)
		i++;
	return i;
}

/* What a thread needs to bind a pair without the lock. */
struct binding {
	struct ports_pool *pool;
	struct addr local;
	uint8_t tos;
	uint16_t pair;
	uint32_t epoch;
	ports_bind_fn *bind;
	void *context;
	struct port_pair result;
};

static void begin_binding(const struct ports *ports, struct ports_pool *pool, uint16_t pair,
			  struct binding *out)
{
	*out = (struct binding){
		.pool = pool,
		.local = pool->address,
		.tos = ports->options.tos,
		.pair = pair,
		.epoch = ports->epoch,
		.bind = ports->options.bind,
		.context = ports->options.bind_context,
		.result = {.fds = {-1, -1},
			   .port = (uint16_t)(2 * pair),
			   .pool = pool_number(ports, pool),
			   .epoch = ports->epoch},
	};
	out->local.port = out->result.port;
}

/* Binds while the lock is away, then sees to the books of a pair that cannot be had. VOS_EAGAIN:
 * this one did not do, another may. */
static enum vos_err bind_unlocked(struct ports *ports, struct binding *binding, uint64_t now_us)
{
	enum vos_err err;

	pthread_mutex_unlock(&ports->lock);
	err = binding->bind(binding->context, &binding->local, binding->tos, binding->result.fds);
	pthread_mutex_lock(&ports->lock);
	if (err == VOS_EINUSE) {
		ports_pool_skip(binding->pool, binding->pair, now_us);
		return VOS_EAGAIN;
	}
	if (err == VOS_OK && binding->epoch != ports->epoch) {
		/* The range or the ToS is another one by now. */
		close_pair(&binding->result);
		err = VOS_EAGAIN;
	}
	if (err != VOS_OK)
		ports_pool_put_back(binding->pool, binding->pair);
	return err;
}

/* One attempt. VOS_EAGAIN: this pair did not do, try another. */
static enum vos_err take_once(struct ports *ports, struct ports_pool *pool, uint64_t now_us,
			      struct port_pair *out)
{
	struct binding binding;
	enum vos_err err;
	uint16_t pair;

	if (ports_pool_take_ready(pool, out)) {
		count_used(ports);
		return VOS_OK;
	}
	ports_pool_wake(pool, now_us, ports->options.rest_us);
	if (ports_pool_take_ready(pool, out)) {
		count_used(ports);
		return VOS_OK;
	}
	if (!ports_pool_pick(pool, true, &pair))
		return VOS_EFULL;
	if (ports_pool_take_kept(pool, pair, out)) {
		count_used(ports);
		return VOS_OK;
	}
	begin_binding(ports, pool, pair, &binding);
	err = bind_unlocked(ports, &binding, now_us);
	/* Without a descriptor left, what rests with two is better than none. */
	if (err == VOS_EFULL && ports_pool_pick_kept(pool, &pair) &&
	    ports_pool_take_kept(pool, pair, out)) {
		count_used(ports);
		return VOS_OK;
	}
	if (err != VOS_OK)
		return err;
	ports_pool_use(pool, pair);
	count_used(ports);
	*out = binding.result;
	return VOS_OK;
}

/* Pools are never freed while calls may come, so one is good without the lock too. */
static enum vos_err take(struct ports *ports, const struct addr *local, uint64_t now_us,
			 struct port_pair *out)
{
	struct ports_pool *pool;
	enum vos_err err = pool_get(ports, local, &pool);
	uint32_t tries;

	if (err != VOS_OK)
		return err;
	/* Each pair at most once: those that failed went to the end of the resting. */
	tries = ports->pair_count < TRIES_MAX ? ports->pair_count : TRIES_MAX;
	do
		err = take_once(ports, pool, now_us, out);
	while (err == VOS_EAGAIN && --tries);
	if (err == VOS_EAGAIN)
		err = VOS_EFULL;
	pool->refused += err == VOS_EFULL;
	return err;
}

enum vos_err ports_take(struct ports *ports, const struct addr *local, uint64_t now_us,
			struct port_pair *out)
{
	struct port_pair pair = {.fds = {-1, -1}};
	enum vos_err err;

	pthread_mutex_lock(&ports->lock);
	err = take(ports, local, now_us, &pair);
	pthread_mutex_unlock(&ports->lock);
	if (err != VOS_OK)
		return err;
	/* Strangers may have written to a socket that was open ahead. */
	for (int i = 0; i < 2; i++) {
		if (pair.fds[i] < 0)
			continue;
		ports_drain(pair.fds[i]);
		if (pair.is_muted)
			ports_unmute(pair.fds[i]);
	}
	pair.is_muted = false;
	*out = pair;
	return VOS_OK;
}

/* A pair that is being bound ahead is nobody's for a moment. While enough others are free, no call
 * is refused because of that; in a range too small for it, pairs are bound when they are asked for,
 * and closed after it. */
static bool has_spare(const struct ports *ports, const struct ports_pool *pool)
{
	return pool->free_count > ports->options.ready_target;
}

/* False: its sockets are to be closed. */
static bool keep(struct ports *ports, const struct port_pair *pair, uint64_t now_us)
{
	struct ports_pool *pool = ports->pools[pair->pool];
	struct port_pair kept = *pair;
	bool is_kept;

	if (ports->kept_max == 0 || pair->fds[0] < 0 || pair->fds[1] < 0)
		return false;
	for (int i = 0; i < 2; i++)
		ports_mute(pair->fds[i]);
	kept.is_muted = true;
	pthread_mutex_lock(&ports->lock);
	is_kept = pair->epoch == ports->epoch && has_spare(ports, pool) &&
		  ports_pool_keep(pool, &kept, now_us);
	if (is_kept)
		ports->used--;
	pthread_mutex_unlock(&ports->lock);
	return is_kept;
}

void ports_release(struct ports *ports, const struct port_pair *pair, uint64_t now_us)
{
	if (keep(ports, pair, now_us))
		return;
	close_pair(pair);
	pthread_mutex_lock(&ports->lock);
	ports->used--;
	ports_pool_release(ports->pools[pair->pool], pair->port / 2, now_us);
	pthread_mutex_unlock(&ports->lock);
}

void ports_close_one(struct port_pair *pair, int which)
{
	if (pair->fds[which] >= 0)
		close(pair->fds[which]);
	pair->fds[which] = -1;
}

/* Binds one pair ahead for some pool. False: none is wanted, or none can be had now. */
static bool refill_one(struct ports *ports, uint64_t now_us)
{
	struct ports_pool *pool = NULL;
	struct binding binding;
	enum vos_err err;
	uint16_t pair;

	for (uint32_t i = 0; i < ports->pool_count && !pool; i++) {
		ports_pool_wake(ports->pools[i], now_us, ports->options.rest_us);
		if (ports->pools[i]->ready_count < ports->options.ready_target &&
		    has_spare(ports, ports->pools[i]))
			pool = ports->pools[i];
	}
	if (!pool || !ports_pool_pick(pool, false, &pair))
		return false;
	begin_binding(ports, pool, pair, &binding);
	err = bind_unlocked(ports, &binding, now_us);
	if (err == VOS_EAGAIN)
		return true;
	if (err != VOS_OK)
		return false;
	if (!ports_pool_add_ready(pool, &binding.result)) {
		/* Another thread was faster. */
		close_pair(&binding.result);
		ports_pool_put_back(pool, pair);
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
	for (uint32_t i = 0; i < ports->pool_count && !wants; i++)
		wants = ports->pools[i]->ready_count < ports->options.ready_target / 2 &&
			has_spare(ports, ports->pools[i]);
	pthread_mutex_unlock(&ports->lock);
	return wants;
}

bool ports_is_used(struct ports *ports, const struct addr *addr)
{
	const struct ports_pool *pool;
	bool is_used;

	pthread_mutex_lock(&ports->lock);
	pool = pool_find(ports, addr);
	is_used = pool && pool->state[addr->port / 2] == PAIR_USED;
	pthread_mutex_unlock(&ports->lock);
	return is_used;
}

/* With the lock. */
static size_t read_pools(struct ports *ports, uint64_t now_us,
			 struct ports_pool_status out[PORTS_ADDRESSES_MAX])
{
	for (size_t i = 0; i < ports->pool_count; i++) {
		ports_pool_wake(ports->pools[i], now_us, ports->options.rest_us);
		ports_pool_status(ports->pools[i], &out[i]);
	}
	return ports->pool_count;
}

size_t ports_pools(struct ports *ports, uint64_t now_us,
		   struct ports_pool_status out[PORTS_ADDRESSES_MAX])
{
	size_t count;

	pthread_mutex_lock(&ports->lock);
	count = read_pools(ports, now_us, out);
	pthread_mutex_unlock(&ports->lock);
	return count;
}

void ports_status(struct ports *ports, uint64_t now_us, struct ports_status *out)
{
	struct ports_pool_status pools[PORTS_ADDRESSES_MAX];
	size_t count;

	pthread_mutex_lock(&ports->lock);
	count = read_pools(ports, now_us, pools);
	*out = (struct ports_status){
		.low = ports->options.low,
		.high = ports->options.high,
		.total = count ? 0 : ports->pair_count,
		.used = ports->used,
		.high_water = ports->high_water,
	};
	pthread_mutex_unlock(&ports->lock);
	for (size_t i = 0; i < count; i++) {
		out->total += pools[i].total;
		out->ready += pools[i].ready;
		out->resting += pools[i].resting;
		out->taken += pools[i].taken;
		out->bind_failures += pools[i].skipped;
		out->refused += pools[i].refused;
	}
}
