/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who follows the log: the bound of a second by a set clock, and the count of what is left out. */
#include "switchd/ctl/follow.h"

#include "tests/support/test.h"

#include <poll.h>
#include <stdio.h>

#include "shared/base/log.h"

#define SECOND_US 1000000u

static void add(struct log_ring *ring, int count)
{
	for (int i = 0; i < count; i++) {
		char text[32];
		int len = snprintf(text, sizeof(text), "%llu",
				   (unsigned long long)log_ring_end(ring));

		log_ring_add(ring, 1, LOG_LEVEL_NOTICE, "test", text, (size_t)len);
	}
}

/* Lines that are let through now; the number of the last one goes to *last. */
static int take_all(struct follow *follow, struct log_ring *ring, uint64_t now_us,
		    unsigned long long *last)
{
	struct log_line line;
	int count = 0;

	while (follow_line(follow, ring, now_us, &line)) {
		assert_int_equal(sscanf(line.text, "%llu", last), 1);
		count++;
	}
	return count;
}

static void any_second_has_its_bound(void **state)
{
	struct rate_bound rate = {0};

	(void)state;
	/* Half of them at 0, half at 0.6 s. */
	for (int i = 0; i < FOLLOW_A_SECOND / 2; i++)
		assert_true(rate_bound_take(&rate, 0));
	for (int i = 0; i < FOLLOW_A_SECOND / 2; i++)
		assert_true(rate_bound_take(&rate, 600000));
	assert_false(rate_bound_take(&rate, 600000));
	assert_int_equal(rate_bound_wait_us(&rate, 600000), 400000);
	assert_false(rate_bound_take(&rate, SECOND_US - 1));
	/* At 1 s the first half is free again, and no more than that. */
	for (int i = 0; i < FOLLOW_A_SECOND / 2; i++)
		assert_true(rate_bound_take(&rate, SECOND_US));
	assert_false(rate_bound_take(&rate, SECOND_US));
	assert_int_equal(rate_bound_wait_us(&rate, SECOND_US), 600000);
}

static void a_flood_is_cut_and_counted(void **state)
{
	struct log_ring *ring = log_ring_create();
	struct follow follow = {0};
	unsigned long long last = 0;

	(void)state;
	add(ring, 7);
	follow_begin(&follow, ring, true);
	assert_int_equal(follow_wait_us(&follow, ring, 5), UINT64_MAX);
	add(ring, FOLLOW_A_SECOND);
	assert_int_equal(take_all(&follow, ring, 5, &last), FOLLOW_A_SECOND);
	assert_int_equal(follow.lost, 0);
	add(ring, 5000);
	assert_int_equal(take_all(&follow, ring, 6, &last), 0);
	assert_int_equal(follow_wait_us(&follow, ring, 6), SECOND_US - 1);
	assert_int_equal(follow_wait_us(&follow, ring, 5 + SECOND_US), 0);
	assert_int_equal(take_all(&follow, ring, 5 + SECOND_US, &last), FOLLOW_A_SECOND);
	assert_int_equal(follow.lost, 5000 - FOLLOW_A_SECOND);
	assert_int_equal(last, log_ring_end(ring) - 1);
	assert_int_equal(follow_wait_us(&follow, ring, 6 + SECOND_US),
			 SECOND_US - 1); /* the count */
	log_ring_destroy(ring);
}

/* Without a bound by rate, only what the ring no longer has is left out. */
static void a_pipe_gets_what_the_ring_holds(void **state)
{
	struct log_ring *ring = log_ring_create();
	struct follow follow = {0};
	unsigned long long last = 0;

	(void)state;
	follow_begin(&follow, ring, false);
	add(ring, LOG_RING_LINES);
	assert_int_equal(take_all(&follow, ring, 1, &last), LOG_RING_LINES);
	assert_int_equal(follow.lost, 0);
	add(ring, LOG_RING_LINES + 12);
	assert_int_equal(take_all(&follow, ring, 1, &last), LOG_RING_LINES);
	assert_int_equal(follow.lost, 12);
	log_ring_destroy(ring);
}

static void other_events_count_too(void **state)
{
	struct follow follow = {0};

	(void)state;
	follow_begin(&follow, NULL, true);
	for (int i = 0; i < FOLLOW_A_SECOND; i++)
		assert_true(follow_take(&follow, 9));
	assert_false(follow_take(&follow, 9));
	assert_false(follow_take(&follow, 10));
	assert_int_equal(follow.lost, 2);
	assert_int_equal(follow_wait_us(&follow, NULL, 10), SECOND_US - 1);
}

static bool is_readable(const struct log_ring *ring)
{
	struct pollfd fd = {.fd = log_ring_wake_fd(ring), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static void lines_wake_whoever_watches(void **state)
{
	struct log_ring *ring = log_ring_create();

	(void)state;
	add(ring, 1);
	assert_false(is_readable(ring));
	log_ring_watch(ring, true);
	add(ring, 3);
	assert_true(is_readable(ring));
	log_ring_woken(ring);
	assert_false(is_readable(ring));
	add(ring, 1);
	assert_true(is_readable(ring));
	log_ring_woken(ring);
	log_ring_watch(ring, false);
	add(ring, 1);
	assert_false(is_readable(ring));
	log_ring_destroy(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_second_has_its_bound),
		cmocka_unit_test(a_flood_is_cut_and_counted),
		cmocka_unit_test(a_pipe_gets_what_the_ring_holds),
		cmocka_unit_test(other_events_count_too),
		cmocka_unit_test(lines_wake_whoever_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
