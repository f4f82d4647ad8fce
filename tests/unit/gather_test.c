/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a thread pauses to let messages gather, and when it does not; the clock is the test's. */
#include "tests/support/test.h"

#include <stdbool.h>

#include "switchd/loop/gather.h"

#define MAX_US 3000u

struct thread {
	struct gather gather;
	uint64_t now_us;
	uint64_t messages;
	uint64_t pauses;
	uint32_t last_us;
};

/* Turns with so many messages each, every_us apart, for a second and a half; pauses come on top of
 * that when `waits` says that the sender waits for its answers. */
static void run(struct thread *thread, unsigned a_turn, uint64_t every_us, bool waits)
{
	uint64_t until_us = thread->now_us + 1500000;

	thread->pauses = 0;
	while (thread->now_us < until_us) {
		uint32_t pause_us;

		thread->messages += a_turn;
		pause_us =
			gather_pause_us(&thread->gather, thread->now_us, thread->messages, MAX_US);
		thread->pauses += pause_us != 0;
		thread->last_us = pause_us;
		thread->now_us += every_us + (waits ? pause_us : 0);
	}
}

static void few_messages_are_not_held_up(void **state)
{
	struct thread thread = {.now_us = 5000000};

	(void)state;
	run(&thread, 1, 1250, false); /* 800 a second: 2.4 in the longest pause */
	assert_int_equal(thread.pauses, 0);
	run(&thread, 1, 500000, false);
	assert_int_equal(thread.pauses, 0);
}

static void some_gather(void **state)
{
	struct thread thread = {.now_us = 5000000};

	(void)state;
	run(&thread, 1, 667, false); /* 1,500 a second: as long as is allowed */
	assert_true(thread.pauses > 1000);
	assert_int_equal(thread.last_us, MAX_US);
	run(&thread, 1, 200, false); /* 5,000: until eight have come */
	assert_int_equal(thread.last_us, 1600);
}

static void many_come_in_batches_anyway(void **state)
{
	struct thread thread = {.now_us = 5000000};

	(void)state;
	run(&thread, 1, 50, false); /* 20,000: 0.4 ms, shorter than is worth it */
	assert_int_equal(thread.last_us, 0);
	run(&thread, 16, 4000, false); /* 4,000, but already together */
	assert_int_equal(thread.last_us, 0);
	run(&thread, 15, 3750, false);
	assert_int_equal(thread.last_us, 2000);
}

static void who_waits_for_answers_is_not_slowed_down(void **state)
{
	struct thread thread = {.now_us = 5000000};
	uint64_t before;

	(void)state;
	run(&thread, 1, 400, true); /* 2,500 a second, one after the other */
	before = thread.messages;
	run(&thread, 1, 400, true);
	/* Only each second's trial costs: a tenth. */
	assert_true(thread.pauses > 0);
	assert_true(thread.pauses < 100);
	assert_true(thread.messages - before > 3000);
}

static void pauses_can_be_forbidden(void **state)
{
	struct thread thread = {.now_us = 5000000};

	(void)state;
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(gather_pause_us(&thread.gather, thread.now_us + i * 667, i, 0), 0);
}

/* A thread that has slept for long starts a new window; its first messages are a rate of nothing.
 */
static void silence_ends_it(void **state)
{
	struct thread thread = {.now_us = 5000000};

	(void)state;
	run(&thread, 1, 667, false);
	thread.now_us += 60000000;
	assert_int_equal(gather_pause_us(&thread.gather, thread.now_us, ++thread.messages, MAX_US),
			 0);
	run(&thread, 1, 667, false);
	assert_int_equal(thread.last_us, MAX_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_messages_are_not_held_up),
		cmocka_unit_test(some_gather),
		cmocka_unit_test(many_come_in_batches_anyway),
		cmocka_unit_test(who_waits_for_answers_is_not_slowed_down),
		cmocka_unit_test(pauses_can_be_forbidden),
		cmocka_unit_test(silence_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
