/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of strangers as the flight recorder shows them: masking reads nothing behind their end,
 * leaves nothing to be masked, and no key behind "inline:"; what filters and lists read of them
 * stays inside. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/trace/filter.h"
#include "switchd/trace/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_mask(struct span message)
{
	struct buf once = buf_new();
	struct buf twice = buf_new();
	struct buf sdp = buf_new();

	trace_message_mask(message, &once);
	trace_message_mask(buf_span(&once), &twice);
	require(!once.failed && span_eq(buf_span(&once), buf_span(&twice)));
	trace_message_sdp(buf_span(&once), &sdp);
	buf_free(&once);
	buf_free(&twice);
	buf_free(&sdp);
}

static void check_filter(struct span message)
{
	const struct trace_filter filter = {.call_id = "a",
					    .method = "INVITE",
					    .status_low = 400,
					    .status_high = 499,
					    .party = "phone 1*",
					    .gateway = "g*"};
	struct trace_event event = {.kind = TRACE_RECEIVED, .data = message};
	struct span call_id = trace_message_call_id(message);

	require(!call_id.len || (call_id.ptr >= message.ptr &&
				 call_id.ptr + call_id.len <= message.ptr + message.len));
	(void)trace_filter_meets(&filter, &event);
	event.kind = TRACE_NOTE;
	for (int note = 0; note < TRACE_NOTES; note++) {
		struct buf text = buf_new();

		event.note = (uint8_t)note;
		(void)trace_filter_meets(&filter, &event);
		trace_note_print(&event, &text);
		buf_free(&text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of that size alone, so that a byte too far is seen. */
	char *copy = malloc(size ? size : 1);
	struct span message = {copy, size};

	require(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	check_mask(message);
	check_filter(message);
	free(copy);
	return 0;
}
