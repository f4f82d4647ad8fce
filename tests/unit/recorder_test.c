/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flight recorder: what is read is what was written, whole and in order, or is counted as lost;
 * also while it is being overwritten. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "switchd/trace/recorder.h"

#define BYTES (512 * 1024)

static struct recorder *recorder_of(int threads, size_t bytes)
{
	struct recorder *recorder;

	assert_int_equal(recorder_create(threads, bytes, &recorder), VOS_OK);
	return recorder;
}

/* Length and content of the data follow from the number, so that a reader can check them. */
static size_t data_len(uint64_t number)
{
	return (size_t)(number * 2654435761u % 1500);
}

static void fill(char *data, uint64_t number)
{
	memset(data, (int)('a' + number % 26), data_len(number));
}

static void write_number(struct recorder_ring *ring, uint64_t number)
{
	char data[1500];
	struct trace_event event = {
		.key = number,
		.dialog = ~number,
		.time_us = number * 10,
		.a = -(int64_t)number,
		.b = (int64_t)number,
		.kind = TRACE_NOTE,
		.note = (uint8_t)(number % TRACE_NOTES),
		.side = (uint8_t)(number % 2),
		.peer = {.family = ADDR_IP4, .port = (uint16_t)number, .ip = {127, 0, 0, 1}},
		.data = {data, data_len(number)},
	};

	fill(data, number);
	recorder_write(ring, &event);
}

/* The number of a record that is whole. */
static uint64_t check(const struct trace_event *event)
{
	uint64_t number = event->key;
	char data[1500];

	fill(data, number);
	assert_int_equal(event->dialog, ~number);
	assert_int_equal(event->time_us, number * 10);
	assert_int_equal(event->a, -(int64_t)number);
	assert_int_equal(event->b, (int64_t)number);
	assert_int_equal(event->note, number % TRACE_NOTES);
	assert_int_equal(event->peer.port, (uint16_t)number);
	assert_int_equal(event->data.len, data_len(number));
	if (event->data.len)
		assert_memory_equal(event->data.ptr, data, event->data.len);
	return number;
}

/* A record whose dialog follows; around the ring some times, so that pads come between too. */
static void test_dialog_afterwards(void **state)
{
	struct recorder *recorder = recorder_of(1, BYTES);
	struct recorder_ring *ring = recorder_ring(recorder, 0);
	struct recorder_cursor cursor = {0};
	struct trace_event event;
	char memory[1500];

	(void)state;
	for (uint64_t number = 1; number < 2000; number++) {
		char data[1500];
		struct trace_event message = {.key = number, .data = {data, data_len(number)}};
		struct span copy;

		fill(data, number);
		copy = recorder_open(ring, &message);
		assert_int_equal(copy.len, data_len(number));
		memset(data, 0, sizeof(data)); /* as a parser may change what it reads */
		fill(memory, number);
		if (copy.len)
			assert_memory_equal(copy.ptr, memory, copy.len);
		assert_false(recorder_next(ring, &cursor, &event, memory, sizeof(memory)));
		recorder_close(ring, ~number);
		assert_true(recorder_next(ring, &cursor, &event, memory, sizeof(memory)));
		assert_int_equal(event.key, number);
		assert_int_equal(event.dialog, ~number);
		fill(data, number);
		assert_int_equal(event.data.len, data_len(number));
		if (event.data.len)
			assert_memory_equal(event.data.ptr, data, event.data.len);
	}
	assert_int_equal(cursor.lost, 0);
	assert_int_equal(recorder_open(NULL, &event).len, 0);
	recorder_close(NULL, 1);
	recorder_destroy(recorder);
}

static void test_order(void **state)
{
	struct recorder *recorder = recorder_of(1, BYTES);
	struct recorder_ring *ring = recorder_ring(recorder, 0);
	struct recorder_cursor cursor = {0};
	struct trace_event event;
	char memory[TRACE_DATA_MAX];

	(void)state;
	assert_false(recorder_next(ring, &cursor, &event, memory, sizeof(memory)));
	for (uint64_t number = 1; number <= 100; number++)
		write_number(ring, number);
	for (uint64_t number = 1; number <= 100; number++) {
		assert_true(recorder_next(ring, &cursor, &event, memory, sizeof(memory)));
		assert_int_equal(check(&event), number);
	}
	assert_false(recorder_next(ring, &cursor, &event, memory, sizeof(memory)));
	assert_int_equal(cursor.lost, 0);
	recorder_destroy(recorder);
}

/* Only heads are read: lengths are told, nothing is copied. */
static void test_heads(void **state)
{
	struct recorder *recorder = recorder_of(1, BYTES);
	struct recorder_ring *ring = recorder_ring(recorder, 0);
	struct recorder_cursor cursor = {0};
	struct trace_event event;

	(void)state;
	write_number(ring, 7);
	assert_true(recorder_next(ring, &cursor, &event, NULL, 0));
	assert_int_equal(event.key, 7);
	assert_int_equal(event.data.len, data_len(7));
	write_number(ring, 8);
	recorder_cursor_end(ring, &cursor);
	assert_false(recorder_next(ring, &cursor, &event, NULL, 0));
	recorder_destroy(recorder);
}

/* Whatever the sizes are, what is left of an overwritten ring is the newest without a gap. */
static void test_overwritten(void **state)
{
	struct recorder *recorder = recorder_of(1, BYTES);
	struct recorder_ring *ring = recorder_ring(recorder, 0);
	struct recorder_cursor late = {0};
	struct trace_event event;
	char memory[TRACE_DATA_MAX];
	uint64_t last = 0;

	(void)state;
	write_number(ring, 1);
	assert_true(recorder_next(ring, &late, &event, memory, sizeof(memory)));
	for (uint64_t round = 0, number = 2; round < 50; round++) {
		struct recorder_cursor oldest = {0};
		uint64_t count = 0;

		for (int i = 0; i < 777; i++)
			write_number(ring, number++);
		last = 0;
		while (recorder_next(ring, &oldest, &event, memory, sizeof(memory))) {
			uint64_t got = check(&event);

			assert_true(last == 0 || got == last + 1);
			last = got;
			count++;
		}
		assert_int_equal(last, number - 1);
		assert_int_equal(oldest.lost, 0);
		/* At most one record and one pad are not used. */
		assert_true(count > 300);
	}
	assert_true(recorder_next(ring, &late, &event, memory, sizeof(memory)));
	assert_true(late.lost > BYTES);
	assert_true(check(&event) > 2);
	recorder_destroy(recorder);
}

static void test_too_long(void **state)
{
	struct recorder *recorder = recorder_of(1, 1);
	struct recorder_ring *ring = recorder_ring(recorder, 0);
	struct recorder_cursor cursor = {0};
	struct trace_event event = {.key = 5};
	char *data = calloc(1, 2 * TRACE_DATA_MAX);
	char *memory = malloc(TRACE_DATA_MAX);

	(void)state;
	assert_true(data && memory);
	event.data = (struct span){data, 2 * TRACE_DATA_MAX};
	for (int i = 0; i < 10; i++)
		recorder_write(ring, &event);
	assert_true(recorder_next(ring, &cursor, &event, memory, TRACE_DATA_MAX));
	assert_int_equal(event.data.len, TRACE_DATA_MAX);
	free(data);
	free(memory);
	recorder_destroy(recorder);
}

static void test_off(void **state)
{
	struct recorder *recorder = recorder_of(2, 0);
	struct trace_event event = {.key = 1};

	(void)state;
	assert_int_equal(recorder_rings(recorder), 0);
	assert_null(recorder_ring(recorder, 0));
	assert_int_equal(recorder_dialog(NULL, SPAN_LIT("a@b")), 0);
	recorder_write(NULL, &event);
	recorder_destroy(recorder);
}

struct shared {
	struct recorder_ring *ring;
	atomic_bool is_done;
};

static void *read_all(void *argument)
{
	struct shared *shared = argument;
	struct recorder_cursor cursor = {0};
	char memory[TRACE_DATA_MAX];
	struct trace_event event;
	uintptr_t count = 0;
	uint64_t last = 0;
	uint64_t lost = 0;

	for (;;) {
		bool is_done = atomic_load(&shared->is_done);

		while (recorder_next(shared->ring, &cursor, &event, memory, sizeof(memory))) {
			uint64_t number = check(&event);

			assert_true(number > last);
			if (cursor.lost == lost && last)
				assert_int_equal(number, last + 1);
			lost = cursor.lost;
			last = number;
			count++;
		}
		if (is_done)
			return (void *)count;
	}
}

static void test_readers_beside_the_writer(void **state)
{
	struct recorder *recorder = recorder_of(1, 1);
	struct shared shared = {.ring = recorder_ring(recorder, 0)};
	pthread_t readers[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_all, &shared), 0);
	for (uint64_t number = 1; number <= 100000; number++)
		write_number(shared.ring, number);
	atomic_store(&shared.is_done, true);
	for (int i = 0; i < 2; i++) {
		void *count;

		assert_int_equal(pthread_join(readers[i], &count), 0);
		assert_true((uintptr_t)count > 100);
	}
	recorder_destroy(recorder);
}

static void test_words(void **state)
{
	(void)state;
	for (int note = 0; note < TRACE_NOTES; note++) {
		assert_non_null(trace_note_text((enum trace_note)note));
		assert_non_null(trace_area_name(trace_note_area((enum trace_note)note)));
	}
	assert_string_equal(trace_area_name(trace_note_area(TRACE_CHOICE)), "route");
}

TEST_MAIN(cmocka_unit_test(test_order), cmocka_unit_test(test_dialog_afterwards),
	  cmocka_unit_test(test_heads), cmocka_unit_test(test_overwritten),
	  cmocka_unit_test(test_too_long), cmocka_unit_test(test_off),
	  cmocka_unit_test(test_readers_beside_the_writer), cmocka_unit_test(test_words))
