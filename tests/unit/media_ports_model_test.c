/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port pairs against a naive model, over long random histories: pairs are taken and given back, the
 * clock moves, ports are taken by others, the range is changed under live calls. */
#include "tests/support/test.h"

#include <unistd.h>

#include "switchd/media/ports.h"

#define PAIRS   256 /* from BASE on; ranges lie within */
#define BASE    20000
#define ROUNDS  TEST_MANY(60000)
#define LIVE    300
#define SECOND  UINT64_C(1000000)
#define REST_US (5 * SECOND)
#define LOCALS  2

struct model_pair {
	bool is_used;
	bool is_resting; /* until rest_us after since_us */
	uint64_t since_us;
	uint64_t order; /* of going to rest */
};

struct model {
	struct model_pair pairs[LOCALS][PAIRS];
	bool is_taken[LOCALS][PAIRS]; /* by somebody else */
	int first;
	int count;
	bool has_sockets; /* which may be kept open */
	uint64_t now_us;
	uint64_t order;
	uint64_t skipped;
	uint64_t random; /* state of the generator */
};

static unsigned chance(struct model *model, unsigned below)
{
	/* xorshift64: the histories are the same in every run, what the pool draws is not. */
	model->random ^= model->random << 13;
	model->random ^= model->random >> 7;
	model->random ^= model->random << 17;
	return (unsigned)(model->random >> 33) % below;
}

static int local_of(const struct addr *address)
{
	return address->ip[3] - 1;
}

static void rest(struct model *model, struct model_pair *pair)
{
	pair->is_resting = true;
	pair->since_us = model->now_us;
	pair->order = ++model->order;
}

static enum vos_err model_bind(void *context, const struct addr *local, uint8_t tos, int fds[2])
{
	struct model *model = context;
	int number = (local->port - BASE) / 2;
	int where = local_of(local);

	(void)tos;
	for (int i = 0; i < 2; i++)
		fds[i] = model->has_sockets ? dup(STDERR_FILENO) : -1;
	assert_int_equal(local->port % 2, 0);
	assert_in_range(number, model->first, model->first + model->count - 1);
	assert_false(model->pairs[where][number].is_used);
	if (!model->is_taken[where][number])
		return VOS_OK;
	model->skipped++;
	rest(model, &model->pairs[where][number]);
	return VOS_EINUSE;
}

static bool is_resting(const struct model *model, const struct model_pair *pair)
{
	return pair->is_resting && model->now_us - pair->since_us < REST_US;
}

/* A pair that could be bound. */
static bool has_any(const struct model *model, int where)
{
	for (int i = model->first; i < model->first + model->count; i++)
		if (!model->pairs[where][i].is_used && !model->is_taken[where][i])
			return true;
	return false;
}

/* One that rests is given out only when all others are used or rest, and then the one that has
 * rested longest. */
static void check_need(const struct model *model, int where, int number)
{
	const struct model_pair *chosen = &model->pairs[where][number];

	if (!is_resting(model, chosen))
		return;
	for (int i = model->first; i < model->first + model->count; i++) {
		const struct model_pair *other = &model->pairs[where][i];

		if (i == number || other->is_used)
			continue;
		if (!is_resting(model, other))
			fail_msg("pair %d was free, and %d, which rests, was given out", i, number);
		if (other->order < chosen->order)
			fail_msg("pair %d has rested longer than %d", i, number);
	}
}

struct live {
	struct port_pair pair;
	int where;
};

static struct addr local_address(int where)
{
	struct addr addr;

	assert_true(addr_parse(span_of("192.0.2.1"), &addr));
	addr.ip[3] = (uint8_t)(where + 1);
	return addr;
}

static bool take(struct ports *ports, struct model *model, int where, struct live *out)
{
	const struct addr local = local_address(where);
	bool expected = has_any(model, where);
	enum vos_err err = ports_take(ports, &local, model->now_us, &out->pair);
	int number;

	assert_int_equal(err, expected ? VOS_OK : VOS_EFULL);
	if (err != VOS_OK)
		return false;
	number = (out->pair.port - BASE) / 2;
	assert_int_equal(out->pair.port % 2, 0);
	assert_in_range(number, model->first, model->first + model->count - 1);
	assert_false(model->pairs[where][number].is_used);
	check_need(model, where, number);
	model->pairs[where][number] = (struct model_pair){.is_used = true};
	out->where = where;
	return true;
}

static void give(struct ports *ports, struct model *model, const struct live *live)
{
	struct model_pair *pair = &model->pairs[live->where][(live->pair.port - BASE) / 2];

	ports_release(ports, &live->pair, model->now_us);
	pair->is_used = false;
	rest(model, pair);
}

static struct ports_options options_of(struct model *model, uint32_t ready)
{
	return (struct ports_options){
		.low = (uint16_t)(BASE + 2 * model->first),
		.high = (uint16_t)(BASE + 2 * (model->first + model->count) - 1),
		.ready_target = ready,
		.kept_max = model->has_sockets ? 6 : 0,
		.rest_us = REST_US,
		.bind = model_bind,
		.bind_context = model,
	};
}

static void draw_range(struct model *model)
{
	model->count = 1 + (int)chance(model, 60);
	model->first = (int)chance(model, (unsigned)(PAIRS - model->count + 1));
}

static void check_status(struct ports *ports, const struct model *model, size_t live)
{
	struct ports_pool_status pools[PORTS_ADDRESSES_MAX];
	size_t count = ports_pools(ports, model->now_us, pools);
	size_t used = 0;
	uint64_t skipped = 0;

	for (size_t i = 0; i < count; i++) {
		const struct ports_pool_status *pool = &pools[i];
		uint32_t inside = 0;

		for (int j = model->first; j < model->first + model->count; j++)
			inside += model->pairs[local_of(&pool->address)][j].is_used;
		assert_int_equal(pool->total, model->count);
		assert_int_equal(pool->used - pool->used_outside, inside);
		assert_int_equal(inside + pool->free + pool->resting + pool->taken, pool->total);
		assert_true(pool->high_water >= pool->used);
		used += pool->used;
		skipped += pool->skipped;
	}
	assert_int_equal(used, live);
	assert_int_equal(skipped, model->skipped);
}

static void history(uint64_t seed, uint32_t ready, bool with_others, bool has_sockets)
{
	struct model *model = calloc(1, sizeof(*model));
	struct live *live = calloc(LIVE, sizeof(*live));
	struct ports_options options;
	struct ports *ports;
	size_t count = 0;

	assert_non_null(model);
	assert_non_null(live);
	model->random = seed;
	model->has_sockets = has_sockets;
	model->now_us = 1000 * SECOND;
	draw_range(model);
	options = options_of(model, ready);
	assert_int_equal(ports_create(&options, &ports), VOS_OK);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned what = chance(model, 1000);
		int where = (int)chance(model, LOCALS);

		if (what < 400 && count < LIVE) {
			count += take(ports, model, where, &live[count]);
		} else if (what < 750 && count) {
			size_t at = chance(model, (unsigned)count);

			give(ports, model, &live[at]);
			live[at] = live[--count];
		} else if (what < 900) {
			model->now_us += chance(model, 2 * SECOND);
		} else if (what < 990) {
			int number = (int)chance(model, PAIRS);

			if (with_others && !model->pairs[where][number].is_used)
				model->is_taken[where][number] = !model->is_taken[where][number];
			ports_refill(ports, model->now_us, (int)chance(model, 8));
		} else {
			draw_range(model);
			options = options_of(model, ready);
			assert_int_equal(ports_configure(ports, &options), VOS_OK);
		}
		check_status(ports, model, count);
	}
	while (count)
		give(ports, model, &live[--count]);
	ports_destroy(ports);
	free(live);
	free(model);
}

/* Nothing is bound ahead, so that every bind is seen; other programs come and go. */
static void bound_when_asked_for(void **state)
{
	(void)state;
	history(1, 0, true, false);
	history(2, 0, true, false);
}

static void bound_ahead(void **state)
{
	(void)state;
	history(3, 4, false, false);
	history(4, 16, false, false);
}

/* Some rest with open sockets; at the end none is open. */
static void kept_open(void **state)
{
	int before = dup(STDERR_FILENO);
	int after;

	(void)state;
	close(before);
	history(5, 0, false, true);
	history(6, 4, false, true);
	after = dup(STDERR_FILENO);
	close(after);
	assert_int_equal(after, before);
}

TEST_MAIN(cmocka_unit_test(bound_when_asked_for), cmocka_unit_test(bound_ahead),
	  cmocka_unit_test(kept_open))
