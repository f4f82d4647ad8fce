/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log lines in memory: the newest thousand, also while others write. */
#include "shared/base/log_ring.h"

#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/base/log.h"

static void add(struct log_ring *ring, int number)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "line %d", number);

	log_ring_add(ring, 1000 + number, LOG_LEVEL_INFO, "test", text, (size_t)len);
}

static void keeps_the_newest(void **state)
{
	struct log_ring *ring = log_ring_create();
	struct log_line line;
	uint64_t number = 0;

	(void)state;
	assert_false(log_ring_read(ring, &number, &line));
	for (int i = 0; i < LOG_RING_LINES + 3; i++)
		add(ring, i);
	assert_int_equal(log_ring_end(ring), LOG_RING_LINES + 3);
	for (int i = 3; i < LOG_RING_LINES + 3; i++) {
		char wanted[32];

		snprintf(wanted, sizeof(wanted), "line %d", i);
		assert_true(log_ring_read(ring, &number, &line));
		assert_string_equal(line.text, wanted);
		assert_int_equal(line.time_ms, 1000 + i);
	}
	assert_false(log_ring_read(ring, &number, &line));
	add(ring, 7777);
	assert_true(log_ring_read(ring, &number, &line));
	assert_string_equal(line.text, "line 7777");
	log_ring_destroy(ring);
}

static void cuts_a_long_line(void **state)
{
	struct log_ring *ring = log_ring_create();
	char text[2 * LOG_LINE_TEXT];
	struct log_line line;
	uint64_t number = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	log_ring_add(ring, 1, LOG_LEVEL_ERROR, "a subsystem with a name that is too long", text,
		     sizeof(text));
	assert_true(log_ring_read(ring, &number, &line));
	assert_int_equal(strlen(line.text), LOG_LINE_TEXT - 1);
	assert_int_equal(strlen(line.subsystem), sizeof(line.subsystem) - 1);
	log_ring_destroy(ring);
}

/* What log_write prints, without its head; below the threshold nothing. */
static void takes_what_is_logged(void **state)
{
	struct log log = {.fd = -1, .threshold = LOG_LEVEL_NOTICE, .ring = log_ring_create()};
	struct log_line line;
	uint64_t number = 0;

	(void)state;
	log_info(&log, "test", "not this");
	log_warning(&log, "test", "number %d", 5);
	assert_true(log_ring_read(log.ring, &number, &line));
	assert_string_equal(line.text, "number 5");
	assert_string_equal(line.subsystem, "test");
	assert_string_equal(log_level_name((enum log_level)line.level), "warning");
	assert_false(log_ring_read(log.ring, &number, &line));
	log_ring_destroy(log.ring);
}

static void *write_many(void *ring)
{
	for (int i = 0; i < 5000; i++)
		add(ring, i);
	return NULL;
}

/* Every line that is read is one that was written whole; the thread checker sees the rest. */
static void writers_and_a_reader(void **state)
{
	struct log_ring *ring = log_ring_create();
	pthread_t threads[2];
	struct log_line line;
	uint64_t number = 0;
	uint64_t before = 0;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, ring), 0);
	while (number < 10000) {
		if (!log_ring_read(ring, &number, &line))
			continue;
		assert_true(number > before);
		assert_int_equal(line.time_ms - 1000, strtol(line.text + 5, NULL, 10));
		before = number;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(log_ring_end(ring), 10000);
	log_ring_destroy(ring);
}

TEST_MAIN(cmocka_unit_test(keeps_the_newest), cmocka_unit_test(cuts_a_long_line),
	  cmocka_unit_test(takes_what_is_logged), cmocka_unit_test(writers_and_a_reader))
