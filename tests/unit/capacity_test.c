/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What limits the number of calls, when it is reached, and when an alarm says so before. */
#include "tests/support/test.h"

#include "switchd/ctl/capacity.h"
#include "switchd/ctl/media_watch.h"
#include "switchd/media/media.h"

static const struct capacity_input plenty = {
	.calls_max = 100000,
	.relayed_now = 1000,
	.pairs_total = 15000,
	.pairs_used = 1000,
	.pairs_a_call = 1,
	.descriptors_used = 2200,
	.descriptors_max = 262144,
	.memory_available = INT64_C(8) << 30,
	.packets_s = 100000,
	.packets_core = 250000,
	.cores = 8,
};

static struct capacity reckoned(const struct capacity_input *input)
{
	struct capacity capacity;

	capacity_reckon(input, &capacity);
	return capacity;
}

static void each_resource_has_its_figure(void **state)
{
	struct capacity capacity = reckoned(&plenty);

	(void)state;
	assert_int_equal(capacity.calls[CAPACITY_CALLS], 100000);
	assert_int_equal(capacity.calls[CAPACITY_PORTS], 15000);
	/* Two descriptors a call, and those of others stay. */
	assert_int_equal(capacity.calls[CAPACITY_DESCRIPTORS], 1000 + (262144 - 2200) / 2);
	assert_int_equal(capacity.calls[CAPACITY_MEMORY], 1000 + (INT64_C(8) << 30) / 16384);
	/* 100 packets a second of each call, as measured. */
	assert_int_equal(capacity.calls[CAPACITY_PACKETS], 20000);
	assert_int_equal(capacity.first, CAPACITY_PORTS);
	assert_string_equal(capacity_limit_name(capacity.first), "ports");
}

static void the_lowest_comes_first(void **state)
{
	struct capacity_input input = plenty;

	(void)state;
	input.pairs_a_call = 2;
	assert_int_equal(reckoned(&input).calls[CAPACITY_PORTS], 1000 + 7000);
	assert_int_equal(reckoned(&input).calls[CAPACITY_DESCRIPTORS], 1000 + (262144 - 2200) / 4);
	input = plenty;
	input.descriptors_max = 4096;
	assert_int_equal(reckoned(&input).first, CAPACITY_DESCRIPTORS);
	assert_int_equal(reckoned(&input).calls[CAPACITY_DESCRIPTORS], 1000 + 948);
	input = plenty;
	input.memory_available = 16384 * 10;
	assert_int_equal(reckoned(&input).first, CAPACITY_MEMORY);
	assert_int_equal(reckoned(&input).calls[CAPACITY_MEMORY], 1010);
	input = plenty;
	input.packets_core = 30000;
	assert_int_equal(reckoned(&input).first, CAPACITY_PACKETS);
	input = plenty;
	input.calls_max = 500;
	assert_int_equal(reckoned(&input).first, CAPACITY_CALLS);
}

/* What is not known limits nothing; more in use than there is allows no call more, not fewer. */
static void the_unknown_and_the_overfull(void **state)
{
	struct capacity_input input = plenty;

	(void)state;
	input.descriptors_max = -1;
	input.memory_available = -1;
	input.packets_core = 0;
	assert_int_equal(reckoned(&input).calls[CAPACITY_DESCRIPTORS], -1);
	assert_int_equal(reckoned(&input).calls[CAPACITY_MEMORY], -1);
	assert_int_equal(reckoned(&input).calls[CAPACITY_PACKETS], -1);
	assert_int_equal(reckoned(&input).first, CAPACITY_PORTS);
	input.pairs_total = 10; /* of a range that was made smaller under the calls */
	assert_int_equal(reckoned(&input).calls[CAPACITY_PORTS], 1000);
	input.descriptors_max = 100;
	assert_int_equal(reckoned(&input).calls[CAPACITY_DESCRIPTORS], 1000);
	/* No call is up, so none says how many packets it has. */
	input = plenty;
	input.relayed_now = 0;
	input.packets_s = 0;
	assert_int_equal(reckoned(&input).calls[CAPACITY_PACKETS], 8 * 250000 / 100);
}

static void this_machine_can_be_read(void **state)
{
	uint16_t low = 0;
	uint16_t high = 0;

	(void)state;
	assert_true(capacity_memory() > 0);
	assert_true(capacity_ephemeral(&low, &high));
	assert_true(low < high);
}

static struct capacity_trend trend_of(const uint32_t *calls, size_t count)
{
	struct capacity_trend trend = {0};

	for (size_t i = 0; i < count; i++)
		capacity_trend_add(&trend, calls[i]);
	return trend;
}

static void a_trend_takes_some_samples(void **state)
{
	const uint32_t calls[] = {0, 10, 20, 30, 40};
	struct capacity_trend trend = trend_of(calls, 5);
	int64_t calls_h;

	(void)state;
	assert_false(capacity_trend_slope(&trend, &calls_h));
	assert_int_equal(capacity_trend_reaches(&trend, 40, 100), -1);
	capacity_trend_add(&trend, 50);
	assert_true(capacity_trend_slope(&trend, &calls_h));
	assert_int_equal(calls_h, 3600); /* 10 in 10 s */
	assert_int_equal(capacity_trend_reaches(&trend, 50, 100), 50);
	assert_int_equal(capacity_trend_reaches(&trend, 100, 100), 0);
	assert_int_equal(capacity_trend_reaches(&trend, 120, 100), 0);
}

static void a_trend_that_does_not_rise_reaches_nothing(void **state)
{
	const uint32_t flat[] = {70, 70, 70, 70, 70, 70, 70};
	const uint32_t falling[] = {70, 60, 50, 40, 30, 20, 10};
	struct capacity_trend trend = trend_of(flat, 7);
	int64_t calls_h;

	(void)state;
	assert_true(capacity_trend_slope(&trend, &calls_h));
	assert_int_equal(calls_h, 0);
	assert_int_equal(capacity_trend_reaches(&trend, 70, 100), -1);
	trend = trend_of(falling, 7);
	assert_true(capacity_trend_slope(&trend, &calls_h));
	assert_int_equal(calls_h, -3600);
	assert_int_equal(capacity_trend_reaches(&trend, 10, 100), -1);
}

/* Only the last quarter of an hour counts, however long the ring has turned. */
static void a_trend_forgets(void **state)
{
	struct capacity_trend trend = {0};
	int64_t calls_h;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		capacity_trend_add(&trend, 5000 - i);
	for (uint32_t i = 0; i < TREND_SAMPLES; i++)
		capacity_trend_add(&trend, 2 * i);
	assert_true(capacity_trend_slope(&trend, &calls_h));
	assert_int_equal(calls_h, 2 * 360);
	/* One call more a week from now is no forecast. */
	for (uint32_t i = 0; i < TREND_SAMPLES; i++)
		capacity_trend_add(&trend, i == TREND_SAMPLES - 1);
	assert_int_equal(capacity_trend_reaches(&trend, 1, 100000), -1);
}

static void an_alarm_neither_flutters_nor_hangs(void **state)
{
	(void)state;
	assert_false(media_watch_is_over(false, 84, 85));
	assert_true(media_watch_is_over(false, 85, 85));
	assert_true(media_watch_is_over(true, 84, 85));
	assert_true(media_watch_is_over(true, 75, 85));
	assert_false(media_watch_is_over(true, 74, 85));
	assert_false(media_watch_is_over(false, 75, 85));
	assert_false(media_watch_is_over(false, 100, 0)); /* off */
	assert_false(media_watch_is_over(true, 100, 0));
	/* A low threshold still has an end. */
	assert_true(media_watch_is_over(true, 1, 5));
	assert_false(media_watch_is_over(true, 0, 5));
}

static void look(struct media_watch *watch, uint64_t packets, uint64_t by_threads, uint64_t cpu_us,
		 uint64_t at_s)
{
	const struct media_status status = {
		.packets = packets, .by_threads = by_threads, .cpu_us = cpu_us};

	media_watch_measure(watch, &status, at_s * 1000000);
}

static void the_cost_of_a_packet_is_measured(void **state)
{
	struct media_watch watch = {0};

	(void)state;
	/* The first look has nothing to compare with. */
	look(&watch, 1000000, 1000000, 5000000, 10);
	assert_int_equal(watch.packets_s, 0);
	assert_int_equal(watch.packets_core, 0);
	look(&watch, 1020000, 1020000, 5100000, 11);
	assert_int_equal(watch.packets_s, 20000);
	assert_int_equal(watch.packets_core, 200000);
	/* A quiet second tells nothing of the cost. */
	look(&watch, 1020100, 1020100, 5150000, 12);
	assert_int_equal(watch.packets_s, 100);
	assert_int_equal(watch.packets_core, 200000);
	/* A new figure moves it by an eighth. */
	look(&watch, 1060100, 1060100, 5250000, 13);
	assert_int_equal(watch.packets_core, (7 * 200000 + 400000) / 8);
	assert_false(watch.is_by_kernel);
	/* What the kernel forwards costs the threads nothing, and so says nothing of them. */
	look(&watch, 1460100, 1061100, 5255000, 14);
	assert_int_equal(watch.packets_s, 400000);
	assert_true(watch.is_by_kernel);
	assert_int_equal(watch.packets_core, (7 * 225000 + 200000) / 8);
}

/* By the time that the kernel spent on packets; ticks come together until they say something. */
static void the_kernels_cost_is_measured(void **state)
{
	struct media_watch_kernel kernel = {0};

	(void)state;
	media_watch_measure_kernel(&kernel, 5000000, 9000000);
	assert_int_equal(kernel.packets_core, 0);
	media_watch_measure_kernel(&kernel, 5060000, 9190000);
	assert_int_equal(kernel.packets_core, 0);
	media_watch_measure_kernel(&kernel, 5100000, 9200000);
	assert_int_equal(kernel.packets_core, 500000);
	/* Time in which none was forwarded. */
	media_watch_measure_kernel(&kernel, 5100100, 9500000);
	assert_int_equal(kernel.packets_core, 500000);
	media_watch_measure_kernel(&kernel, 5300100, 9700000);
	assert_int_equal(kernel.packets_core, (7 * 500000 + 1000000) / 8);
}

TEST_MAIN(cmocka_unit_test(each_resource_has_its_figure), cmocka_unit_test(the_lowest_comes_first),
	  cmocka_unit_test(the_unknown_and_the_overfull),
	  cmocka_unit_test(this_machine_can_be_read), cmocka_unit_test(a_trend_takes_some_samples),
	  cmocka_unit_test(a_trend_that_does_not_rise_reaches_nothing),
	  cmocka_unit_test(a_trend_forgets), cmocka_unit_test(an_alarm_neither_flutters_nor_hangs),
	  cmocka_unit_test(the_cost_of_a_packet_is_measured),
	  cmocka_unit_test(the_kernels_cost_is_measured))
