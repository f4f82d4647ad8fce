/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flight recorder with what a test writes into it: dialogs are named by letters, and a call is
 * from phone 1001 to gateways a and b. */
#pragma once

#include <stdio.h>

#include "switchd/trace/recorder.h"
#include "tests/support/test.h"

struct tape {
	struct recorder *recorder;
	struct recorder_ring *ring;
	uint64_t now_us;
};

static int tape_setup(void **state)
{
	struct tape *tape = calloc(1, sizeof(*tape));

	assert_non_null(tape);
	assert_int_equal(recorder_create(1, 1 << 20, &tape->recorder), VOS_OK);
	tape->ring = recorder_ring(tape->recorder, 0);
	tape->now_us = 1000000;
	*state = tape;
	return 0;
}

static int tape_teardown(void **state)
{
	struct tape *tape = *state;

	recorder_destroy(tape->recorder);
	free(tape);
	return 0;
}

static void note(struct tape *tape, uint64_t key, enum trace_note kind, int64_t a, int64_t b,
		 const char *text)
{
	const struct trace_event event = {
		.key = key,
		.time_us = ++tape->now_us,
		.kind = TRACE_NOTE,
		.note = (uint8_t)kind,
		.a = a,
		.b = b,
		.side = TRACE_NO_SIDE,
		.data = span_of(text),
	};

	recorder_write(tape->ring, &event);
}

static void leg(struct tape *tape, uint64_t key, const char *call_id, int64_t attempt,
		const char *party)
{
	const struct trace_event event = {
		.key = key,
		.dialog = recorder_dialog(tape->ring, span_of(call_id)),
		.time_us = ++tape->now_us,
		.kind = TRACE_NOTE,
		.note = TRACE_LEG,
		.a = attempt ? 1 : 0,
		.b = attempt,
		.data = span_of(party),
	};

	recorder_write(tape->ring, &event);
}

static void message(struct tape *tape, const char *call_id, const char *first_line, int host)
{
	char text[512];
	struct trace_event event = {
		.dialog = recorder_dialog(tape->ring, span_of(call_id)),
		.time_us = ++tape->now_us,
		.kind = TRACE_RECEIVED,
		.side = TRACE_NO_SIDE,
		.peer = {.family = ADDR_IP4, .port = 5060, .ip = {192, 0, 2, (uint8_t)host}},
	};

	snprintf(text, sizeof(text), "%s\r\nCall-ID: %s\r\n\r\n", first_line, call_id);
	event.data = span_of(text);
	recorder_write(tape->ring, &event);
}

/* From 1001 to 00<key> by gateway a, which refuses, and b, which answers. */
static void record_call(struct tape *tape, uint64_t key, bool is_answered)
{
	char a[16];
	char b[16];
	char c[16];
	char callee[16];

	snprintf(a, sizeof(a), "a%u", (unsigned)key);
	snprintf(b, sizeof(b), "b%u", (unsigned)key);
	snprintf(c, sizeof(c), "c%u", (unsigned)key);
	snprintf(callee, sizeof(callee), "00%u", (unsigned)key);
	message(tape, a, "INVITE sip:x SIP/2.0", 1);
	leg(tape, key, a, 0, "phone 1001");
	note(tape, key, TRACE_CALL_START, 0, 0, "1001");
	note(tape, key, TRACE_CALLED, 0, 0, callee);
	message(tape, b, "INVITE sip:y SIP/2.0", 2);
	leg(tape, key, b, 1, "routing-gateway a");
	message(tape, b, "SIP/2.0 503 Busy", 2);
	message(tape, c, "INVITE sip:y SIP/2.0", 3);
	leg(tape, key, c, 2, "routing-gateway b");
	message(tape, c, is_answered ? "SIP/2.0 200 OK" : "SIP/2.0 486 Busy Here", 3);
	if (is_answered)
		note(tape, key, TRACE_ANSWERED, 0, 2, "routing-gateway b");
	note(tape, key, TRACE_CALL_END, is_answered ? 0 : 486, 0, "");
}
