/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that are followed: whole, from their beginning on, whenever it is that they are found to
 * match; bounded, and what is not told is counted. */
#include "switchd/trace/follow.h"
#include "switchd/trace/named.h"
#include "tests/support/trace_tape.h"

static const struct trace_bounds wide = {.records = 10000, .bytes = 1 << 24};

static struct trace_follower *follow(struct tape *tape, const struct trace_filter *filter,
				     unsigned tell, const struct trace_bounds *bounds)
{
	struct trace_follower *follower =
		trace_follower_create(tape->recorder, filter, tell, bounds);

	assert_non_null(follower);
	while (trace_follower_run(follower))
		;
	assert_true(trace_follower_is_live(follower));
	return follower;
}

/* Takes what waits. Returns how many there were, of one call and in the order of time. */
static size_t take_call(struct trace_follower *follower, uint64_t key)
{
	const struct trace_told *told;
	uint64_t before_us = 0;
	size_t count = 0;

	while (trace_follower_run(follower))
		;
	for (; (told = trace_follower_first(follower)) != NULL; count++) {
		assert_int_equal(told->key, key);
		assert_true(told->event.time_us > before_us);
		before_us = told->event.time_us;
		trace_follower_drop_first(follower);
	}
	assert_int_equal(trace_follower_count(follower), 0);
	assert_int_equal(trace_follower_bytes(follower), 0);
	return count;
}

static void whole_from_its_beginning(void **state)
{
	struct tape *tape = *state;
	const struct trace_filter filter = {.is_failed = true, .calls_only = true};
	struct trace_follower *follower = follow(tape, &filter, TRACE_TELL_ALL, &wide);
	const struct trace_told *told;

	record_call(tape, 7, true);
	assert_int_equal(take_call(follower, 0), 0);
	record_call(tape, 8, false);
	while (trace_follower_run(follower))
		;
	told = trace_follower_first(follower);
	assert_non_null(told);
	assert_int_equal(told->event.kind, TRACE_RECEIVED);
	assert_true(span_starts_with(told->event.data, SPAN_LIT("INVITE sip:x")));
	assert_int_equal(told->leg, 0);
	assert_string_equal(told->party, "phone 1001");
	assert_int_equal(told->first_us, told->event.time_us);
	assert_int_equal(take_call(follower, 8), 11);
	assert_int_equal(trace_follower_calls(follower), 1);
	assert_int_equal(trace_follower_take_lost(follower), 0);
	trace_follower_destroy(follower);
}

/* Nothing of it is told twice, and it is known by its dialog alone. */
static void as_it_goes_on(void **state)
{
	struct tape *tape = *state;
	const struct trace_filter filter = {.callee = "00*", .calls_only = true};
	struct trace_follower *follower = follow(tape, &filter, TRACE_TELL_ALL, &wide);

	message(tape, "a", "INVITE sip:x SIP/2.0", 1);
	assert_int_equal(take_call(follower, 7), 0);
	leg(tape, 7, "a", 0, "phone 1001");
	note(tape, 7, TRACE_CALL_START, 0, 0, "1001");
	assert_int_equal(take_call(follower, 7), 0);
	note(tape, 7, TRACE_CALLED, 0, 0, "007");
	assert_int_equal(take_call(follower, 7), 4);
	message(tape, "b", "INVITE sip:y SIP/2.0", 2);
	assert_int_equal(take_call(follower, 7), 0); /* nobody has said whose it is */
	leg(tape, 7, "b", 1, "routing-gateway a");
	assert_int_equal(take_call(follower, 7), 2);
	message(tape, "b", "SIP/2.0 200 OK", 2);
	message(tape, "other", "INVITE sip:z SIP/2.0", 2);
	assert_int_equal(take_call(follower, 7), 1);
	trace_follower_destroy(follower);
}

/* What was over before is not told; what goes on is told with what was before. */
static void what_was_before(void **state)
{
	struct tape *tape = *state;
	const struct trace_filter filter = {.caller = "1001", .calls_only = true};
	struct trace_follower *follower;

	record_call(tape, 1, true);
	message(tape, "a", "INVITE sip:x SIP/2.0", 1);
	leg(tape, 2, "a", 0, "phone 1001");
	note(tape, 2, TRACE_CALL_START, 0, 0, "1001");
	follower = follow(tape, &filter, TRACE_TELL_ALL, &wide);
	assert_int_equal(take_call(follower, 2), 0);
	message(tape, "a", "BYE sip:x SIP/2.0", 1);
	assert_int_equal(take_call(follower, 2), 4);
	trace_follower_destroy(follower);
}

static void filters_of_a_leg(void **state)
{
	struct tape *tape = *state;
	const struct {
		struct trace_filter filter;
		size_t count;
	} cases[] = {
		{{.leg = TRACE_LEG_A}, 11},
		{{.leg = TRACE_LEG_B}, 11},
		{{.status_low = 486, .status_high = 486, .leg = TRACE_LEG_A}, 0},
		{{.status_low = 486, .status_high = 486, .leg = TRACE_LEG_B}, 11},
		{{.party = "phone 1001", .leg = TRACE_LEG_A}, 11},
		{{.party = "phone 1001", .leg = TRACE_LEG_B}, 0},
		{{.gateway = "b", .leg = TRACE_LEG_B}, 11},
		{{.gateway = "b", .leg = TRACE_LEG_A}, 0},
		{{.address = {{.family = ADDR_IP4, .ip = {192, 0, 2, 1}}, 32}, .leg = TRACE_LEG_A},
		 11},
		{{.address = {{.family = ADDR_IP4, .ip = {192, 0, 2, 1}}, 32}, .leg = TRACE_LEG_B},
		 0},
		{{.call_id = "a8", .leg = TRACE_LEG_A}, 11},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trace_follower *follower =
			follow(tape, &cases[i].filter, TRACE_TELL_ALL, &wide);

		record_call(tape, 8, false);
		assert_int_equal(take_call(follower, 8), cases[i].count);
		trace_follower_destroy(follower);
		assert_int_equal(tape_teardown(state), 0);
		assert_int_equal(tape_setup(state), 0);
		tape = *state;
	}
}

static void user_note(struct tape *tape, const char *call_id, enum trace_note kind,
		      const char *user)
{
	const struct trace_event event = {
		.dialog = recorder_dialog(tape->ring, span_of(call_id)),
		.time_us = ++tape->now_us,
		.kind = TRACE_NOTE,
		.note = (uint8_t)kind,
		.side = TRACE_NO_SIDE,
		.data = span_of(user),
	};

	recorder_write(tape->ring, &event);
}

/* By phone, whole, although only the note behind the first message names it. */
static void registrations(void **state)
{
	struct tape *tape = *state;
	const struct trace_filter filter = {.party = "phone 1001", .registrations_only = true};
	struct trace_follower *follower = follow(tape, &filter, TRACE_TELL_ALL, &wide);

	message(tape, "r1", "REGISTER sip:sw SIP/2.0", 1);
	user_note(tape, "r1", TRACE_AUTH_OK, "1001");
	user_note(tape, "r1", TRACE_REGISTERED, "1001");
	message(tape, "r2", "REGISTER sip:sw SIP/2.0", 2);
	user_note(tape, "r2", TRACE_AUTH_FAILED, "1002");
	message(tape, "o", "OPTIONS sip:sw SIP/2.0", 1);
	record_call(tape, 5, true);
	assert_int_equal(take_call(follower, 0), 3);
	trace_follower_destroy(follower);
}

static void areas(void **state)
{
	struct tape *tape = *state;
	const struct trace_filter any = {0};
	struct trace_follower *messages = follow(tape, &any, TRACE_TELL_MESSAGES, &wide);
	struct trace_follower *nat = follow(tape, &any, TRACE_TELL_AREA(TRACE_AREA_NAT), &wide);

	record_call(tape, 5, true);
	note(tape, 0, TRACE_KEEPALIVE_ROUND, 12, 0, "");
	assert_int_equal(take_call(messages, 5), 5);
	assert_int_equal(take_call(nat, 0), 1);
	trace_follower_destroy(messages);
	trace_follower_destroy(nat);
}

/* Who is late sees whole calls, fewer of them; a call that is shown is shown on. */
static void bounds(void **state)
{
	struct tape *tape = *state;
	const struct trace_filter any = {.calls_only = true};
	const struct trace_bounds narrow = {.records = 30, .bytes = 1 << 20, .reserve = 20};
	const struct trace_bounds small = {.records = 10, .bytes = 2000};
	struct trace_follower *follower = follow(tape, &any, TRACE_TELL_ALL, &narrow);
	struct trace_follower *full = follow(tape, &any, TRACE_TELL_ALL, &small);
	size_t counts[4] = {0};

	record_call(tape, 1, true);
	assert_false(trace_follower_run(follower));
	for (uint64_t key = 2; key <= 3; key++) {
		record_call(tape, key, true);
		assert_false(trace_follower_run(follower));
	}
	message(tape, "a1", "BYE sip:x SIP/2.0", 1);
	message(tape, "a2", "BYE sip:x SIP/2.0", 1);
	assert_false(trace_follower_run(follower));
	for (const struct trace_told *told; (told = trace_follower_first(follower)) != NULL;) {
		assert_in_range(told->key, 1, 3);
		counts[told->key]++;
		trace_follower_drop_first(follower);
	}
	/* There was room for the beginning of the first only. */
	assert_int_equal(counts[1], 13);
	assert_int_equal(counts[2] + counts[3], 0);
	assert_int_equal(trace_follower_take_lost(follower), 25);
	assert_int_equal(trace_follower_take_lost(follower), 0);
	assert_true(trace_follower_is_full(follower));
	assert_false(trace_follower_run(full));
	assert_true(trace_follower_is_full(full));
	assert_true(trace_follower_bytes(full) <= 2000 && trace_follower_count(full) <= 10);
	trace_follower_destroy(follower);
	trace_follower_destroy(full);
}

/* A ring that went round many times: what is lost is counted, nothing wrong is told, and the calls
 * that are up are known still. */
static void overtaken(void **state)
{
	struct tape *tape = *state;
	const struct trace_filter filter = {.callee = "007", .calls_only = true};
	struct trace_follower *follower = follow(tape, &filter, TRACE_TELL_ALL, &wide);

	message(tape, "a", "INVITE sip:x SIP/2.0", 1);
	leg(tape, 7, "a", 0, "phone 1001");
	note(tape, 7, TRACE_CALLED, 0, 0, "007");
	assert_int_equal(take_call(follower, 7), 3);
	for (uint64_t key = 100; key < 4000; key++) {
		record_call(tape, key, true);
		if (key % 50 == 0)
			trace_follower_run(follower);
	}
	assert_int_equal(take_call(follower, 7), 0);
	assert_int_equal(trace_follower_take_lost(follower), 0);
	message(tape, "a", "BYE sip:x SIP/2.0", 1);
	assert_int_equal(take_call(follower, 7), 1);
	/* And once so fast that it cannot follow. */
	for (uint64_t key = 5000; key < 8000; key++)
		record_call(tape, key, true);
	assert_int_equal(take_call(follower, 7), 0);
	assert_true(trace_follower_take_lost(follower) > 0);
	trace_follower_destroy(follower);
}

static void named(void **state)
{
	struct tape *tape = *state;
	struct named_traces traces = {0};
	struct named_wish wish = {
		.name = "one", .filter = {.is_failed = true}, .duration_s = 10, .limit = 20};
	struct named_trace *trace;

	assert_int_equal(named_traces_run(&traces, 1000), UINT64_MAX);
	assert_int_equal(named_trace_start(&traces, tape->recorder, &wish, 1000), VOS_OK);
	assert_int_equal(named_trace_start(&traces, tape->recorder, &wish, 1000), VOS_EEXIST);
	snprintf(wish.name, sizeof(wish.name), "two");
	assert_int_equal(named_trace_start(&traces, tape->recorder, &wish, 1000), VOS_OK);
	record_call(tape, 1, false);
	record_call(tape, 2, true);
	assert_true(named_traces_run(&traces, 2000) <= 1000000);
	trace = named_trace_find(&traces, "one");
	assert_int_equal(trace->state, NAMED_RUNS);
	assert_int_equal(trace_follower_count(trace->follower), 11);
	record_call(tape, 3, false);
	named_trace_stop(trace, 3000);
	assert_int_equal(trace->state, NAMED_FULL);
	assert_int_equal(trace_follower_count(trace->follower), 20);
	trace = named_trace_find(&traces, "two");
	snprintf(wish.name, sizeof(wish.name), "three");
	wish.limit = 1000;
	assert_int_equal(named_trace_start(&traces, tape->recorder, &wish, 4000), VOS_OK);
	record_call(tape, 4, false);
	assert_true(named_traces_run(&traces, 4000 + 10000000) != UINT64_MAX);
	assert_int_equal(trace->state, NAMED_FULL);
	trace = named_trace_find(&traces, "three");
	assert_int_equal(trace->state, NAMED_TIME_OVER);
	assert_int_equal(trace_follower_count(trace->follower), 11);
	assert_int_equal(named_traces_run(&traces, 20000000), UINT64_MAX);
	/* Who reads it is not hurried. */
	trace->readers++;
	named_traces_destroy(&traces);
	assert_int_equal(trace_follower_count(trace->follower), 11);
	named_trace_done(trace);
	assert_null(named_trace_find(&traces, "three"));
}

static void no_more_than_so_many(void **state)
{
	struct tape *tape = *state;
	struct named_traces traces = {0};
	struct named_wish wish = {.duration_s = 10, .limit = 20};

	for (int i = 0; i <= NAMED_TRACES_MAX; i++) {
		snprintf(wish.name, sizeof(wish.name), "%d", i);
		assert_int_equal(named_trace_start(&traces, tape->recorder, &wish, 0),
				 i < NAMED_TRACES_MAX ? VOS_OK : VOS_EFULL);
	}
	named_trace_clear(&traces, named_trace_find(&traces, "3"));
	assert_int_equal(named_trace_start(&traces, tape->recorder, &wish, 0), VOS_OK);
	named_traces_destroy(&traces);
	assert_null(traces.list);
}

static void a_filter_as_it_is_typed(void **state)
{
	const struct {
		struct trace_filter filter;
		const char *text;
	} cases[] = {
		{{.caller = "1", .callee = "2*", .is_failed = true}, "caller 1 callee 2* failed"},
		{{.party = "phone 1001", .status_low = 400, .status_high = 499},
		 "phone 1001 status 4xx"},
		{{.status_low = 486, .status_high = 486, .leg = TRACE_LEG_B}, "status 486 leg b"},
		{{.address = {{.family = ADDR_IP4, .ip = {192, 0, 2, 0}}, 24}, .method = "BYE"},
		 "address 192.0.2.0/24 method BYE"},
		{{.calls_only = true}, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text = buf_new();

		trace_filter_print(&cases[i].filter, &text);
		assert_string_equal(buf_cstr(&text), cases[i].text);
		assert_int_equal(trace_filter_is_any(&cases[i].filter), cases[i].text[0] == '\0');
		buf_free(&text);
	}
}

static void how_busy(void **state)
{
	struct tape *tape = *state;

	for (int i = 0; i < 1000; i++)
		note(tape, 0, TRACE_KEEPALIVE_ROUND, 1, 0, "");
	assert_int_equal(trace_busy(tape->recorder, tape->now_us), 200);
	assert_int_equal(trace_busy(tape->recorder, tape->now_us + 5000000), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tape_setup, tape_teardown)

TEST_MAIN(TEST(whole_from_its_beginning), TEST(as_it_goes_on), TEST(what_was_before),
	  TEST(filters_of_a_leg), TEST(registrations), TEST(areas), TEST(bounds), TEST(overtaken),
	  TEST(named), TEST(no_more_than_so_many), TEST(a_filter_as_it_is_typed), TEST(how_busy))
