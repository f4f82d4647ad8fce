/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a stream, whole and cut in two at every place that the first byte says. Held: the
 * events are the same; what is a message holds what the gate says its length is. */
#include "switchd/sip/stream_frame.h"

#include <stdio.h>
#include <stdlib.h>

#define EVENTS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct seen {
	enum frame_event event;
	size_t at; /* in the stream */
	size_t len;
	int status;
};

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "stream_frame_fuzz: does not hold: %s\n", what);
	abort();
}

/* A message of the framer and the gate: one length of the body, or a refusal by the gate. */
static void check_message(struct span text)
{
	struct sip_msg *msg = malloc(sizeof(*msg));
	char *data = malloc(text.len);
	const char *why = NULL;
	int status = 0;

	if (!msg || !data)
		abort();
	memcpy(data, text.ptr, text.len);
	if (sip_msg_parse(msg, data, text.len, &status, &why) == SIP_VERDICT_OK)
		check(!msg->body.len || msg->body.ptr + msg->body.len == data + text.len,
		      "body ends with the message");
	free(data);
	free(msg);
}

static size_t run(const char *data, size_t size, size_t cut, struct seen *out)
{
	struct framer framer = {0};
	size_t start = 0;
	size_t end = 0;
	size_t count = 0;

	while (end < size && count < EVENTS_MAX) {
		enum frame_event event;

		end = cut && size - end > cut ? end + cut : size;
		do {
			struct frame frame;
			size_t consumed;

			event = framer_next(&framer, data + start, end - start, &consumed, &frame);
			check(consumed <= end - start, "consumed no more than there is");
			if (event == FRAME_NONE) {
				start += consumed;
				break;
			}
			if (event == FRAME_MESSAGE)
				check_message(frame.text);
			out[count++] = (struct seen){event, start + consumed, frame.text.len,
						     frame.status};
			start += consumed;
			if (event == FRAME_REFUSED || event == FRAME_GARBAGE)
				return count;
		} while (count < EVENTS_MAX);
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct seen whole[EVENTS_MAX];
	static struct seen pieces[EVENTS_MAX];
	const char *data = (const char *)bytes + 1;
	size_t count;

	if (size < 2)
		return 0;
	count = run(data, size - 1, 0, whole);
	check(run(data, size - 1, 1u + bytes[0], pieces) == count, "as many events");
	for (size_t i = 0; i < count; i++) {
		check(whole[i].event == pieces[i].event, "the same event");
		check(whole[i].len == pieces[i].len, "of the same length");
		check(whole[i].status == pieces[i].status, "with the same status");
		check(whole[i].event != FRAME_MESSAGE || whole[i].at == pieces[i].at,
		      "at the same place");
	}
	return 0;
}
