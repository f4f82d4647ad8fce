/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overload control against a model of a thread: a queue that is read in order, a cost for each kind
 * of work, and callers who do not care. Time is the model's. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "switchd/sip/overload.h"

#define MS    1000u
#define S     1000000u
#define LIMIT (250u * MS) /* of waiting, as SS_SIP_OVERLOAD_LAG has it */
#define QUEUE 20000u      /* what the socket's buffer holds */

struct model {
	struct overload overload;
	uint64_t now_us;
	uint64_t sample_us;
	double left_us; /* of the present millisecond */
	double debt[OVERLOAD_SHARES];
	uint32_t taken[OVERLOAD_SHARES];
	size_t first;
	size_t count;
	struct {
		uint64_t at_us;
		enum overload_share share;
	} queue[QUEUE];
};

/* Microseconds of CPU: 10,000 calls a second are what the thread can do. */
static const double TAKEN_US[OVERLOAD_SHARES] = {100, 10};
static const double REFUSED_US[OVERLOAD_SHARES] = {2, 2};

static void arrive(struct model *model, enum overload_share share, double a_second)
{
	for (model->debt[share] += a_second / 1000; model->debt[share] >= 1; model->debt[share]--) {
		size_t last = (model->first + model->count) % QUEUE;

		if (model->count == QUEUE)
			continue; /* the kernel drops it */
		model->queue[last].at_us = model->now_us;
		model->queue[last].share = share;
		model->count++;
	}
}

/* As guard.c reckons it: by the time of waiting, or by how full the buffer is. */
static uint32_t pressure_of(const struct model *model)
{
	uint64_t lag_us = model->now_us - model->queue[model->first].at_us;
	uint32_t by_lag = (uint32_t)(lag_us * OVERLOAD_LIMIT / LIMIT);
	uint32_t by_queue = (uint32_t)(model->count * 2 * OVERLOAD_LIMIT / QUEUE);

	return by_lag > by_queue ? by_lag : by_queue;
}

static void run_ms(struct model *model, double calls_s, double strangers_s)
{
	model->now_us += MS;
	arrive(model, OVERLOAD_CALLS, calls_s);
	arrive(model, OVERLOAD_STRANGERS, strangers_s);
	if (model->now_us >= model->sample_us + 5 * MS && model->count) {
		model->sample_us = model->now_us;
		overload_sample(&model->overload, model->now_us, pressure_of(model));
	}
	model->left_us = model->left_us < 0 ? model->left_us + 1000 : 1000;
	while (model->count && model->left_us > 0) {
		enum overload_share share = model->queue[model->first].share;
		bool is_taken = overload_takes(&model->overload, share, model->now_us);

		model->taken[share] += is_taken;
		model->left_us -= is_taken ? TAKEN_US[share] : REFUSED_US[share];
		model->first = (model->first + 1) % QUEUE;
		model->count--;
	}
}

static int setup(void **state)
{
	struct model *model = calloc(1, sizeof(*model));

	assert_non_null(model);
	model->now_us = 5000 * (uint64_t)S;
	*state = model;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static uint32_t calls_in(struct model *model, uint32_t ms, double calls_s, double strangers_s)
{
	uint32_t before = model->taken[OVERLOAD_CALLS];

	for (uint32_t i = 0; i < ms; i++)
		run_ms(model, calls_s, strangers_s);
	return model->taken[OVERLOAD_CALLS] - before;
}

static struct overload_state seen(const struct model *model)
{
	return overload_read(&model->overload, model->now_us);
}

static void a_load_that_fits_is_let_alone(void **state)
{
	struct model *model = *state;

	assert_in_range(calls_in(model, 10000, 9000, 0), 89990, 90010);
	assert_false(model->overload.is_on);
	assert_int_equal(seen(model).episodes, 0);
}

static void a_burst_is_no_overload(void **state)
{
	struct model *model = *state;

	calls_in(model, 1000, 1000, 0);
	calls_in(model, 20, 100000, 0); /* 200 ms of work at once */
	calls_in(model, 2000, 1000, 0);
	assert_int_equal(seen(model).episodes, 0);
}

static void five_times_too_much_leaves_four_fifths_useful(void **state)
{
	struct model *model = *state;
	uint32_t useful;

	calls_in(model, 2000, 5000, 0);
	calls_in(model, 3000, 50000, 0); /* time to find the rate */
	assert_true(seen(model).is_on);
	useful = calls_in(model, 20000, 50000, 0);
	if (useful < 20 * 10000 * 80 / 100)
		fail_msg("%u calls of 200,000", useful);
	/* It recovers in less than five seconds. */
	calls_in(model, 5000, 5000, 0);
	assert_false(seen(model).is_on);
	assert_in_range(calls_in(model, 1000, 5000, 0), 4990, 5010);
	assert_int_equal(seen(model).episodes, 1);
}

static void twice_too_much_costs_little(void **state)
{
	struct model *model = *state;

	calls_in(model, 5000, 20000, 0);
	assert_true(calls_in(model, 20000, 20000, 0) >= 20 * 10000 * 90 / 100);
}

static void strangers_go_first(void **state)
{
	struct model *model = *state;

	/* Strangers alone would take one and a half times what there is. */
	calls_in(model, 5000, 4000, 150000);
	assert_true(seen(model).is_on);
	assert_true(calls_in(model, 20000, 4000, 150000) >= 20 * 4000 * 90 / 100);
	assert_true(model->taken[OVERLOAD_STRANGERS] > 0);
	assert_true(seen(model).rates[OVERLOAD_STRANGERS] < 150000);
}

/* Who had no part in it does not wait for its end either. */
static void a_flood_without_calls_leaves_room_for_them(void **state)
{
	struct model *model = *state;

	calls_in(model, 10000, 0, 600000);
	assert_true(seen(model).is_on);
	calls_in(model, 3000, 4000, 0);
	assert_in_range(calls_in(model, 1000, 4000, 0), 3990, 4010);
}

static void hysteresis_keeps_it_from_flapping(void **state)
{
	struct model *model = *state;

	for (int i = 0; i < 20; i++) {
		calls_in(model, 1000, 30000, 0);
		calls_in(model, 500, 5000, 0);
	}
	assert_int_equal(seen(model).episodes, 1);
}

static void silence_ends_it(void **state)
{
	struct model *model = *state;

	calls_in(model, 5000, 50000, 0);
	assert_true(seen(model).is_on);
	/* Nothing comes any more, so nobody measures. */
	assert_false(overload_read(&model->overload, model->now_us + 3 * (uint64_t)S).is_on);
	/* The next datagram finds an empty queue and hours gone. */
	model->now_us += 3600 * (uint64_t)S;
	model->count = 0;
	calls_in(model, 1000, 100, 0);
	assert_false(model->overload.is_on);
}

static void it_can_be_switched_off(void **state)
{
	struct model *model = *state;

	calls_in(model, 5000, 50000, 0);
	assert_true(seen(model).is_on);
	overload_stop(&model->overload);
	assert_false(seen(model).is_on);
	for (int i = 0; i < 100000; i++)
		assert_true(overload_takes(&model->overload, OVERLOAD_CALLS, model->now_us));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(a_load_that_fits_is_let_alone), TEST(a_burst_is_no_overload),
	  TEST(five_times_too_much_leaves_four_fifths_useful), TEST(twice_too_much_costs_little),
	  TEST(strangers_go_first), TEST(a_flood_without_calls_leaves_room_for_them),
	  TEST(hysteresis_keeps_it_from_flapping), TEST(silence_ends_it),
	  TEST(it_can_be_switched_off))
