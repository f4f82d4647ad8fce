/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls in the recorder: what belongs to one call is found, and nothing else; filters choose whole
 * calls. */
#include "tests/support/test.h"

#include "switchd/trace/find.h"
#include "tests/support/trace_tape.h"

static size_t found(struct tape *tape, const struct trace_filter *filter)
{
	struct trace_call *calls;
	size_t count;

	calls = trace_find(tape->recorder, filter, 1000, &count);
	free(calls);
	return count;
}

static void one_call_is_one(void **state)
{
	struct tape *tape = *state;
	const struct trace_filter all = {0};
	const struct trace_filter only = {.calls_only = true};
	struct trace_call *calls;
	size_t count;

	record_call(tape, 7, true);
	message(tape, "r", "REGISTER sip:sw SIP/2.0", 9);
	message(tape, "r", "SIP/2.0 401 Unauthorized", 9);
	calls = trace_find(tape->recorder, &all, 1000, &count);
	assert_int_equal(count, 2);
	assert_int_equal(calls[0].key, 7);
	assert_string_equal(calls[0].caller, "1001");
	assert_string_equal(calls[0].callee, "007");
	assert_string_equal(calls[0].caller_party, "phone 1001");
	assert_string_equal(calls[0].callee_party, "routing-gateway b");
	assert_int_equal(calls[0].attempts, 2);
	assert_int_equal(calls[0].messages, 5);
	assert_int_equal(calls[0].dialog_count, 3);
	assert_true(calls[0].is_whole && calls[0].answer_us && calls[0].end_us);
	assert_int_equal(calls[1].key, 0);
	assert_string_equal(calls[1].method, "REGISTER");
	free(calls);
	assert_int_equal(found(tape, &only), 1);
}

static void everything_of_it_is_read(void **state)
{
	struct tape *tape = *state;
	const struct trace_filter filter = {.key = 8};
	struct trace_item **items;
	struct trace_call *calls;
	size_t count;
	bool is_cut;

	record_call(tape, 7, true);
	record_call(tape, 8, false);
	record_call(tape, 9, true);
	calls = trace_find(tape->recorder, &filter, 10, &count);
	assert_int_equal(count, 1);
	items = trace_read(tape->recorder, &calls[0], 1 << 20, &count, &is_cut);
	assert_int_equal(count, 11);
	assert_false(is_cut);
	for (size_t i = 1; i < count; i++)
		assert_true(items[i]->event.time_us > items[i - 1]->event.time_us);
	assert_int_equal(items[0]->leg, 0);
	assert_int_equal(trace_message_status(items[6]->event.data), 503);
	assert_int_equal(items[6]->leg, 1);
	assert_int_equal(items[9]->leg, 2);
	trace_items_free(items, count);
	items = trace_read(tape->recorder, &calls[0], 500, &count, &is_cut);
	assert_true(is_cut);
	assert_in_range(count, 1, 10);
	trace_items_free(items, count);
	free(calls);
}

static void filters(void **state)
{
	struct tape *tape = *state;

	for (uint64_t key = 1; key <= 20; key++)
		record_call(tape, key, key % 4 != 0);
	message(tape, "r", "REGISTER sip:sw SIP/2.0", 9);
#define FOUND(...) found(tape, &(const struct trace_filter){__VA_ARGS__})
	assert_int_equal(FOUND(.is_failed = true), 5);
	assert_int_equal(FOUND(.callee = "003"), 1);
	assert_int_equal(FOUND(.callee = "001*"), 11);
	assert_int_equal(FOUND(.number = "1001", .is_failed = true), 5);
	assert_int_equal(FOUND(.caller = "1002"), 0);
	assert_int_equal(FOUND(.status_low = 486, .status_high = 486), 5);
	assert_int_equal(FOUND(.status_low = 400, .status_high = 499), 5);
	assert_int_equal(FOUND(.status_low = 500, .status_high = 599), 20);
	assert_int_equal(FOUND(.method = "register"), 1);
	assert_int_equal(FOUND(.method = "INVITE", .calls_only = true), 20);
	assert_int_equal(FOUND(.gateway = "a"), 20);
	assert_int_equal(FOUND(.gateway = "1001"), 0);
	assert_int_equal(FOUND(.party = "phone 1001"), 20);
	assert_int_equal(FOUND(.call_id = "c17"), 1);
	assert_int_equal(FOUND(.cause = "486"), 5);
	assert_int_equal(FOUND(.address = {{.family = ADDR_IP4, .ip = {192, 0, 2, 9}}, 32}), 1);
	assert_int_equal(FOUND(.address = {{.family = ADDR_IP4, .ip = {192, 0, 2, 0}}, 24}), 21);
	assert_int_equal(FOUND(.since_us = tape->now_us - 5), 2);
}

/* The newest ones are kept, and what is overwritten does no harm. */
static void many(void **state)
{
	struct tape *tape = *state;
	const struct trace_filter filter = {.calls_only = true};
	struct trace_call *calls;
	size_t count;

	for (uint64_t key = 1; key <= 5000; key++)
		record_call(tape, key, true);
	calls = trace_find(tape->recorder, &filter, 50, &count);
	assert_int_equal(count, 50);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(calls[i].key, 4951 + i);
		assert_int_equal(calls[i].messages, 5);
	}
	free(calls);
	calls = trace_find(tape->recorder, &filter, 100000, &count);
	assert_in_range(count, 100, 4999);
	/* The oldest may have lost its beginning, and says so. */
	for (size_t i = 1; i < count; i++)
		assert_true(calls[i].is_whole);
	free(calls);
}

static void first_lines(void **state)
{
	(void)state;
	assert_int_equal(trace_message_status(SPAN_LIT("SIP/2.0 200 OK\r\n")), 200);
	assert_int_equal(trace_message_status(SPAN_LIT("SIP/2.0 2")), 0);
	assert_int_equal(trace_message_status(SPAN_LIT("SIP/2.0 abc")), 0);
	assert_int_equal(trace_message_status(SPAN_LIT("INVITE sip:a SIP/2.0")), 0);
	assert_int_equal(trace_message_status(SPAN_LIT("")), 0);
	assert_true(span_eq(trace_message_name(SPAN_LIT("BYE sip:a")), SPAN_LIT("BYE")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tape_setup, tape_teardown)

TEST_MAIN(TEST(one_call_is_one), TEST(everything_of_it_is_read), TEST(filters), TEST(many),
	  cmocka_unit_test(first_lines))
