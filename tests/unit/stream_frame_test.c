/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Framing of SIP on a stream: the same events however the bytes are cut. */
#include "switchd/sip/stream_frame.h"

#include <stdio.h>

#include "shared/base/buf.h"
#include "tests/support/test.h"

#define EVENTS_MAX 64

struct event {
	enum frame_event event;
	int status;
	char *text; /* of MESSAGE and REFUSED */
	size_t len;
};

struct events {
	struct event items[EVENTS_MAX];
	size_t count;
};

static void add_event(struct events *events, enum frame_event event, const struct frame *frame)
{
	struct event *item = &events->items[events->count++];

	assert_true(events->count <= EVENTS_MAX);
	item->event = event;
	item->status = frame->status;
	item->len = frame->text.len;
	item->text = frame->text.ptr ? span_dup(frame->text) : NULL;
}

static void free_events(struct events *events)
{
	for (size_t i = 0; i < events->count; i++)
		free(events->items[i].text);
	events->count = 0;
}

/* As a connection does it: what is not consumed is kept and offered again with the next piece.
 * next_cut(i) = length of piece i. */
static struct events feed(const char *data, size_t len, size_t (*next_cut)(void *), void *context)
{
	struct framer framer = {0};
	struct events events = {0};
	size_t start = 0; /* not consumed */
	size_t end = 0;   /* arrived */

	while (end < len) {
		size_t cut = next_cut(context);
		enum frame_event event;

		end += cut < len - end ? cut : len - end;
		do {
			/* A copy of its own, so that a read beyond it is seen. */
			size_t have = end - start;
			char *piece = malloc(have + !have);
			struct frame frame;
			size_t consumed;

			assert_non_null(piece);
			memcpy(piece, data + start, have);
			event = framer_next(&framer, piece, have, &consumed, &frame);
			assert_true(consumed <= have);
			if (event != FRAME_NONE)
				add_event(&events, event, &frame);
			start += consumed;
			free(piece);
			if (event == FRAME_REFUSED || event == FRAME_GARBAGE)
				return events;
		} while (event != FRAME_NONE && start <= end);
	}
	return events;
}

static size_t cut_whole(void *context)
{
	(void)context;
	return SIZE_MAX / 2;
}

static size_t cut_bytes(void *context)
{
	(void)context;
	return 1;
}

static size_t cut_random(void *context)
{
	unsigned *seed = context;

	return 1 + (size_t)(rand_r(seed) % (rand_r(seed) % 8 == 0 ? 900 : 12));
}

static void same_events(struct events *a, struct events *b, const char *what)
{
	if (a->count != b->count)
		fail_msg("%s: %zu events and %zu", what, a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_int_equal(a->items[i].event, b->items[i].event);
		assert_int_equal(a->items[i].status, b->items[i].status);
		assert_int_equal(a->items[i].len, b->items[i].len);
		if (a->items[i].len)
			assert_memory_equal(a->items[i].text, b->items[i].text, a->items[i].len);
	}
}

static struct events feed_whole(struct span stream)
{
	return feed(stream.ptr, stream.len, cut_whole, NULL);
}

#define HEAD "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"

static void expect_one(const char *stream, enum frame_event event, int status, size_t len)
{
	struct events events = feed_whole(span_of(stream));
	struct events dribbled = feed(stream, strlen(stream), cut_bytes, NULL);

	if (events.count != 1 || events.items[0].event != event ||
	    events.items[0].status != status || events.items[0].len != len)
		fail_msg("%zu events, first %d %d len %zu for %s", events.count,
			 events.items[0].event, events.items[0].status, events.items[0].len,
			 stream);
	same_events(&events, &dribbled, stream);
	free_events(&events);
	free_events(&dribbled);
}

static void a_message_ends_by_its_length(void **state)
{
	(void)state;
	expect_one(HEAD "Content-Length: 0\r\n\r\n", FRAME_MESSAGE, 0,
		   strlen(HEAD "Content-Length: 0\r\n\r\n"));
	expect_one(HEAD "Content-Length: 4\r\n\r\nbody", FRAME_MESSAGE, 0,
		   strlen(HEAD "Content-Length: 4\r\n\r\nbody"));
	expect_one(HEAD "l:4\r\n\r\nbody", FRAME_MESSAGE, 0, strlen(HEAD "l:4\r\n\r\nbody"));
	expect_one(HEAD "CONTENT-LENGTH \t: 4 \r\n\r\nbody", FRAME_MESSAGE, 0,
		   strlen(HEAD "CONTENT-LENGTH \t: 4 \r\n\r\nbody"));
	expect_one(HEAD "Content-Length:\r\n 4\r\n\t\r\n\r\nbody", FRAME_MESSAGE, 0,
		   strlen(HEAD "Content-Length:\r\n 4\r\n\t\r\n\r\nbody"));
	/* Bare LF, as the gate takes it. */
	expect_one("OPTIONS sip:a SIP/2.0\nl: 2\n\nab", FRAME_MESSAGE, 0,
		   strlen("OPTIONS sip:a SIP/2.0\nl: 2\n\nab"));
	/* A folded line is no header of its own. */
	expect_one(HEAD "Subject: x\r\n Content-Length: 9\r\nl: 0\r\n\r\n", FRAME_MESSAGE, 0,
		   strlen(HEAD "Subject: x\r\n Content-Length: 9\r\nl: 0\r\n\r\n"));
}

static void without_a_length_nothing_can_follow(void **state)
{
	static const char *const heads[] = {
		HEAD "\r\n",
		HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
		HEAD "Content-Length: 1\r\nl: 2\r\n\r\n",
		HEAD "Content-Length:\r\n\r\n",
		HEAD "Content-Length: -1\r\n\r\n",
		HEAD "Content-Length: +1\r\n\r\n",
		HEAD "Content-Length: 1 2\r\n\r\n",
		HEAD "Content-Length: 1\r\n 2\r\n\r\n",
		HEAD "Content-Length: 0x1\r\n\r\n",
		HEAD "Content-Length: 1,1\r\n\r\n",
		HEAD "Content-Length: 1\r1\r\n\r\n",
		HEAD "Content-Lengthy: 1\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		expect_one(heads[i], FRAME_REFUSED, 400, strlen(heads[i]));
}

static void what_is_too_long_is_refused_at_its_limit(void **state)
{
	char *text = calloc(1, SIP_MSG_MAX + 1000);
	size_t head = strlen(HEAD "Content-Length: 00000\r\n\r\n");
	struct events events;

	(void)state;
	assert_non_null(text);
	/* The longest that is taken, and one byte more. */
	snprintf(text, SIP_MSG_MAX, HEAD "Content-Length: %05zu\r\n\r\n", SIP_MSG_MAX - head);
	memset(text + head, 'x', SIP_MSG_MAX - head);
	expect_one(text, FRAME_MESSAGE, 0, SIP_MSG_MAX);
	snprintf(text, SIP_MSG_MAX, HEAD "Content-Length: %05zu\r\n\r\n", SIP_MSG_MAX - head + 1);
	expect_one(text, FRAME_REFUSED, 513, head);
	expect_one(HEAD "Content-Length: 18446744073709551617\r\n\r\n", FRAME_REFUSED, 513,
		   strlen(HEAD "Content-Length: 18446744073709551617\r\n\r\n"));

	/* A header of exactly the limit, of one byte more, and without an end. */
	head = strlen(HEAD "l: 0\r\nX: ");
	memcpy(text, HEAD "l: 0\r\nX: ", head);
	memset(text + head, 'x', SIP_MSG_MAX + 10 - head);
	memcpy(text + SIP_MSG_MAX - 4, "\r\n\r\n", 5);
	expect_one(text, FRAME_MESSAGE, 0, SIP_MSG_MAX);
	memcpy(text + SIP_MSG_MAX - 4, "x\r\n\r\n", 6);
	expect_one(text, FRAME_REFUSED, 513, SIP_MSG_MAX);
	memset(text + SIP_MSG_MAX - 4, 'x', 5);
	text[SIP_MSG_MAX] = '\0';
	events = feed_whole(span_of(text)); /* it could still end */
	assert_int_equal(events.count, 0);
	text[SIP_MSG_MAX] = 'x';
	text[SIP_MSG_MAX + 1] = '\0';
	expect_one(text, FRAME_REFUSED, 513, SIP_MSG_MAX);
	free(text);
}

static void pings_are_seen_between_messages_only(void **state)
{
	struct events events = feed_whole(SPAN_LIT("\r\n\r\n" HEAD "l: 4\r\n\r\n\r\n\r\n\r\n\r\n"
						   "\r\n" HEAD "l: 0\r\n\r\n"));

	(void)state;
	assert_int_equal(events.count, 4);
	assert_int_equal(events.items[0].event, FRAME_PING);
	assert_int_equal(events.items[1].event, FRAME_MESSAGE); /* with a body of CRLF CRLF */
	assert_int_equal(events.items[2].event, FRAME_PING);
	assert_int_equal(events.items[3].event, FRAME_MESSAGE);
	free_events(&events);
	/* One CRLF, as an answer to a ping of ours, and line ends of other kinds are nothing. */
	events = feed_whole(SPAN_LIT("\r\n"));
	assert_int_equal(events.count, 0);
	events = feed_whole(SPAN_LIT("\n\r\r\n\n\r"));
	assert_int_equal(events.count, 0);
	events = feed_whole(SPAN_LIT("\r\r\n\r\n"));
	assert_int_equal(events.count, 1);
	free_events(&events);
}

static void what_cannot_start_a_message_is_garbage(void **state)
{
	(void)state;
	expect_one("\x16\x03\x01\x02", FRAME_GARBAGE, 0, 0);
}

static void expect_none(const char *stream)
{
	struct events events = feed_whole(span_of(stream));

	assert_int_equal(events.count, 0);
}

static void an_unfinished_message_says_nothing(void **state)
{
	(void)state;
	expect_none("");
	expect_none("O");
	expect_none("\r\n\r");
	expect_none(HEAD);
	expect_none(HEAD "l: 4\r\n\r\nbod");
	expect_none(HEAD "l: 4\r\n\r");
}

/* A stream of all kinds of pieces, the last of which may end it. */
static void make_stream(struct buf *stream, unsigned *seed)
{
	int pieces = rand_r(seed) % 12;

	for (int i = 0; i < pieces; i++) {
		size_t body = (size_t)(rand_r(seed) % 700);

		switch (rand_r(seed) % 6) {
		case 0:
			buf_add_lit(stream, "\r\n\r\n");
			break;
		case 1:
			buf_add_lit(stream, "\r\n");
			break;
		case 2:
			buf_add_lit(stream, "\n\r\n\r\r\n");
			break;
		default:
			buf_printf(stream, HEAD "%sContent-Length:%s%zu\r\n\r\n",
				   rand_r(seed) % 2 ? "" : "X: y\r\n\tz\r\n",
				   rand_r(seed) % 2 ? " " : "\r\n ", body);
			for (size_t n = 0; n < body; n++)
				buf_add_char(stream, "\r\n:lL aO0"[rand_r(seed) % 9]);
			break;
		}
	}
	switch (rand_r(seed) % 5) {
	case 0:
		buf_add_lit(stream, HEAD "\r\n more");
		break;
	case 1:
		buf_add_lit(stream, "\xff\x01");
		break;
	case 2:
		buf_add_lit(stream, HEAD "l: 17000\r\n\r\nxyz");
		break;
	default:
		buf_add_lit(stream, HEAD "l: 9\r\n\r\ncut");
		break;
	}
}

static void any_cut_gives_the_same_events(void **state)
{
	unsigned seed = 20250101;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct buf stream = buf_new();
		unsigned of_stream = seed;
		struct events whole;
		char what[64];

		make_stream(&stream, &seed);
		snprintf(what, sizeof(what), "stream of seed %u", of_stream);
		whole = feed_whole(buf_span(&stream));
		for (int way = 0; way < 4; way++) {
			struct events cut =
				feed(stream.data, stream.len, way ? cut_random : cut_bytes, &seed);

			same_events(&whole, &cut, what);
			free_events(&cut);
		}
		free_events(&whole);
		buf_free(&stream);
	}
}

TEST_MAIN(cmocka_unit_test(a_message_ends_by_its_length),
	  cmocka_unit_test(without_a_length_nothing_can_follow),
	  cmocka_unit_test(what_is_too_long_is_refused_at_its_limit),
	  cmocka_unit_test(pings_are_seen_between_messages_only),
	  cmocka_unit_test(what_cannot_start_a_message_is_garbage),
	  cmocka_unit_test(an_unfinished_message_says_nothing),
	  cmocka_unit_test(any_cut_gives_the_same_events))
