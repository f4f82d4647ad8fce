/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/test.h"

#include "switchd/loop/wheel.h"

struct entry {
	struct wheel_timer timer;
	uint64_t fired_us;
	int count;
	uint64_t again_us; /* restarts itself with this delay, 0 = not */
};

static void fired(struct wheel_timer *timer, void *owner)
{
	struct entry *entry = (struct entry *)timer;

	entry->fired_us = wheel_due_us(timer);
	entry->count++;
	if (entry->again_us)
		wheel_start(owner, timer, fired, wheel_due_us(timer), entry->again_us);
}

static struct wheel *new_wheel(uint64_t now_us)
{
	struct wheel *wheel = malloc(sizeof(*wheel));

	assert_non_null(wheel);
	wheel_init(wheel, wheel, now_us);
	return wheel;
}

/* Every delay, also beyond one turn of the wheel: never early, at most a tick late. */
static void fires_in_time(void **state)
{
	static const uint64_t delays_ms[] = {0,    1,     9,     10,    11,    500,
					     1000, 32000, 40950, 40960, 40970, 120000};
	uint64_t start_us = 123456789;

	(void)state;
	for (size_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++) {
		struct wheel *wheel = new_wheel(start_us);
		struct entry entry = {0};
		uint64_t due_us = start_us + delays_ms[i] * 1000;

		wheel_start(wheel, &entry.timer, fired, start_us, delays_ms[i] * 1000);
		for (uint64_t now = start_us; entry.count == 0; now += 1000)
			wheel_run(wheel, now);
		assert_true(entry.fired_us >= due_us);
		assert_true(entry.fired_us <= due_us + WHEEL_TICK_US + 1000);
		assert_int_equal(wheel->count, 0);
		free(wheel);
	}
}

static void stopped_does_not_fire(void **state)
{
	struct wheel *wheel = new_wheel(0);
	struct entry entries[3] = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		wheel_start(wheel, &entries[i].timer, fired, 0, 50000);
	wheel_stop(wheel, &entries[1].timer);
	wheel_stop(wheel, &entries[1].timer);
	assert_false(wheel_is_running(&entries[1].timer));
	wheel_run(wheel, 1000000);
	assert_int_equal(entries[0].count, 1);
	assert_int_equal(entries[1].count, 0);
	assert_int_equal(entries[2].count, 1);
	free(wheel);
}

static void restart_moves(void **state)
{
	struct wheel *wheel = new_wheel(0);
	struct entry entry = {0};

	(void)state;
	wheel_start(wheel, &entry.timer, fired, 0, 50000);
	wheel_start(wheel, &entry.timer, fired, 0, 500000);
	wheel_run(wheel, 400000);
	assert_int_equal(entry.count, 0);
	wheel_run(wheel, 600000);
	assert_int_equal(entry.count, 1);
	free(wheel);
}

static void may_restart_itself(void **state)
{
	struct wheel *wheel = new_wheel(0);
	struct entry entry = {.again_us = 20000};

	(void)state;
	wheel_start(wheel, &entry.timer, fired, 0, 20000);
	for (uint64_t now = 0; now <= 1000000; now += 5000)
		wheel_run(wheel, now);
	assert_int_equal(entry.count, 50); /* no drift by the ticks */
	wheel_stop(wheel, &entry.timer);
	free(wheel);
}

/* A loop that sleeps as told meets every timer. */
static void wait_reaches_the_next(void **state)
{
	struct wheel *wheel = new_wheel(5000);
	struct entry entry = {0};
	uint64_t now = 5000;

	(void)state;
	assert_int_equal(wheel_wait_ms(wheel, now, 500), 500);
	wheel_start(wheel, &entry.timer, fired, now, 1234000);
	while (entry.count == 0) {
		int wait_ms = wheel_wait_ms(wheel, now, 500);

		assert_in_range(wait_ms, 0, 500);
		now += (uint64_t)wait_ms * 1000 + 1;
		wheel_run(wheel, now);
	}
	assert_in_range(now, 5000 + 1234000, 5000 + 1234000 + 2 * WHEEL_TICK_US);
	free(wheel);
}

TEST_MAIN(cmocka_unit_test(fires_in_time), cmocka_unit_test(stopped_does_not_fire),
	  cmocka_unit_test(restart_moves), cmocka_unit_test(may_restart_itself),
	  cmocka_unit_test(wait_reaches_the_next))
