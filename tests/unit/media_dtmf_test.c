/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telephone events taken out of a stream, renumbered and made, packet by packet. */
#include "tests/support/test.h"

#include "switchd/media/dtmf.h"
#include "switchd/media/sdp_event.h"

#define STEP 20000u /* one packet of audio */
#define SSRC 0x11223344u

struct seen {
	uint8_t type;
	bool is_marked;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t ssrc;
	uint8_t code;
	bool is_end;
	uint16_t units;
};

static struct seen read_packet(const uint8_t *data)
{
	return (struct seen){
		.type = data[1] & 0x7f,
		.is_marked = data[1] & 0x80,
		.sequence = (uint16_t)(data[2] << 8 | data[3]),
		.timestamp = (uint32_t)data[4] << 24 | (uint32_t)data[5] << 16 |
			     (uint32_t)data[6] << 8 | data[7],
		.ssrc = (uint32_t)data[8] << 24 | (uint32_t)data[9] << 16 |
			(uint32_t)data[10] << 8 | data[11],
		.code = data[12],
		.is_end = data[13] & 0x80,
		.units = (uint16_t)(data[14] << 8 | data[15]),
	};
}

static void write_head(uint8_t *data, uint8_t type, uint16_t sequence, uint32_t timestamp,
		       uint32_t ssrc)
{
	memset(data, 0, 172);
	data[0] = 0x80;
	data[1] = type;
	data[2] = (uint8_t)(sequence >> 8);
	data[3] = (uint8_t)sequence;
	for (int i = 0; i < 4; i++) {
		data[4 + i] = (uint8_t)(timestamp >> (24 - 8 * i));
		data[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	}
}

/* Number that the receiver sees; -1: it does not. */
static int audio(struct dtmf_stream *stream, uint64_t now_us, uint16_t sequence, uint32_t timestamp,
		 struct dtmf_event *event)
{
	struct dtmf_event ignored;
	uint8_t data[172];

	write_head(data, 0, sequence, timestamp, SSRC);
	if (!dtmf_take(stream, now_us, data, sizeof(data), event ? event : &ignored))
		return -1;
	assert_int_equal(read_packet(data).timestamp, timestamp);
	return read_packet(data).sequence;
}

struct sent_event {
	uint8_t type;
	uint16_t sequence;
	uint32_t timestamp;
	uint8_t code;
	uint16_t units;
	bool is_end;
	bool is_marked;
};

static int send_event(struct dtmf_stream *stream, uint64_t now_us, struct sent_event sent,
		      struct dtmf_event *told, uint8_t *type)
{
	struct dtmf_event ignored;
	uint8_t data[172];

	write_head(data, sent.type, sent.sequence, sent.timestamp, SSRC);
	data[1] |= sent.is_marked ? 0x80 : 0;
	data[12] = sent.code;
	data[13] = (uint8_t)(10 | (sent.is_end ? 0x80 : 0));
	data[14] = (uint8_t)(sent.units >> 8);
	data[15] = (uint8_t)sent.units;
	if (!dtmf_take(stream, now_us, data, 16, told ? told : &ignored))
		return -1;
	if (type)
		*type = read_packet(data).type;
	return read_packet(data).sequence;
}

static const struct dtmf_rule reporting = {.types = {101}, .reports = true, .clock_hz = 8000};

/* --- Taken out. --- */

static void told_once_and_without_a_gap(void **state)
{
	struct dtmf_stream stream;
	struct dtmf_event told;
	uint16_t sequence = 65530; /* across the turn of the numbers */
	int shown = sequence;
	int count = 0;

	(void)state;
	dtmf_init(&stream, &reporting);
	for (int i = 0; i < 10; i++, sequence++, shown++)
		assert_int_equal(audio(&stream, i * STEP, sequence, i * 160u, NULL),
				 (uint16_t)shown);
	for (int i = 0; i < 10; i++, sequence++) {
		const struct sent_event sent = {.type = 101,
						.sequence = sequence,
						.timestamp = 1600,
						.code = 11,
						.units = (uint16_t)(i < 7 ? 160 * (i + 1) : 1280),
						.is_end = i >= 7,
						.is_marked = i == 0};

		assert_int_equal(send_event(&stream, (10 + i) * STEP, sent, &told, NULL), -1);
		if (told.digit) {
			count++;
			assert_int_equal(told.digit, '#');
			assert_int_equal(told.duration_ms, 160);
		}
	}
	assert_int_equal(count, 1);
	for (int i = 20; i < 30; i++, sequence++, shown++) {
		assert_int_equal(audio(&stream, i * STEP, sequence, i * 160u, &told),
				 (uint16_t)shown);
		assert_int_equal(told.digit, 0);
	}
}

static char event_at(struct dtmf_stream *stream, int step, uint32_t timestamp, uint8_t code,
		     bool is_end)
{
	const struct sent_event sent = {.type = 101,
					.sequence = (uint16_t)step,
					.timestamp = timestamp,
					.code = code,
					.units = 400,
					.is_end = is_end};
	struct dtmf_event told;

	assert_int_equal(send_event(stream, step * STEP, sent, &told, NULL), -1);
	return told.digit;
}

static void lost_ends_cost_no_digit(void **state)
{
	struct dtmf_stream stream;
	struct dtmf_event told;

	(void)state;
	dtmf_init(&stream, &reporting);
	assert_int_equal(event_at(&stream, 1, 1000, 1, false), 0);
	assert_int_equal(event_at(&stream, 2, 1000, 1, false), 0);
	/* The next digit says that the one before is over. */
	assert_int_equal(event_at(&stream, 6, 3000, 2, false), '1');
	/* A packet that comes late is none again. */
	assert_int_equal(event_at(&stream, 4, 1000, 1, true), 0);
	/* So does audio. */
	assert_int_equal(audio(&stream, 9 * STEP, 9, 5000, &told) >= 0, 1);
	assert_int_equal(told.digit, '2');
	assert_int_equal(event_at(&stream, 8, 3000, 2, true), 0);
	/* The same digit twice is two digits. */
	assert_int_equal(event_at(&stream, 12, 7000, 2, true), '2');
	assert_int_equal(event_at(&stream, 13, 7000, 2, true), 0);
	assert_int_equal(event_at(&stream, 18, 9000, 2, true), '2');
}

static void flood_of_events_is_none_of_digits(void **state)
{
	struct dtmf_stream stream;
	int count = 0;

	(void)state;
	dtmf_init(&stream, &reporting);
	for (int i = 0; i < 1000; i++) {
		const struct sent_event sent = {.type = 101,
						.sequence = (uint16_t)i,
						.timestamp = (uint32_t)i * 8,
						.code = 5,
						.units = 8,
						.is_end = true};
		struct dtmf_event told;

		send_event(&stream, 1000000u + i * 1000u, sent, &told, NULL);
		count += told.digit != 0;
	}
	assert_true(count <= 25); /* in a second */
}

/* RFC 4733 2.5.1.3: what lasts longer than the duration field goes on under another timestamp. */
static void long_event_is_one(void **state)
{
	struct dtmf_stream stream;

	(void)state;
	dtmf_init(&stream, &reporting);
	assert_int_equal(event_at(&stream, 1, 1000, 3, false), 0);
	assert_int_equal(event_at(&stream, 2, 1000 + 0xffff, 3, false), 0);
	assert_int_equal(event_at(&stream, 3, 1000 + 0xffff, 3, true), '3');
}

static void audio_of_the_same_number_passes(void **state)
{
	struct dtmf_stream stream;
	struct dtmf_event told;
	uint8_t data[172];

	(void)state;
	dtmf_init(&stream, &reporting);
	write_head(data, 101, 1, 160, SSRC);
	memset(data + 12, 0xd5, 160);
	assert_true(dtmf_take(&stream, 0, data, sizeof(data), &told));
	assert_int_equal(told.digit, 0);
	/* Headers that reach beyond the packet are no events either. */
	write_head(data, 101, 2, 320, SSRC);
	data[0] = 0x9f;
	assert_true(dtmf_take(&stream, 0, data, 16, &told));
	data[0] = 0x90;
	assert_true(dtmf_take(&stream, 0, data, 12, &told));
}

/* --- Renumbered. --- */

static void numbers_are_mapped(void **state)
{
	const struct dtmf_rule rule = {.types = {96, 101}, .type = 97};
	struct dtmf_stream stream;
	uint8_t type;

	(void)state;
	dtmf_init(&stream, &rule);
	assert_int_equal(audio(&stream, 0, 1, 160, NULL), 1);
	for (int i = 0; i < 2; i++) {
		const struct sent_event sent = {.type = (uint8_t)(i ? 101 : 96),
						.sequence = (uint16_t)(2 + i),
						.timestamp = 320,
						.code = 4,
						.units = 160};

		assert_int_equal(send_event(&stream, STEP, sent, NULL, &type), 2 + i);
		assert_int_equal(type, 97);
	}
	assert_int_equal(audio(&stream, 3 * STEP, 4, 640, NULL), 4);
}

static void switched_off_they_end(void **state)
{
	const struct dtmf_rule rule = {.types = {101}};
	struct dtmf_stream stream;
	struct dtmf_event told;
	const struct sent_event sent = {
		.type = 101, .sequence = 2, .timestamp = 320, .is_end = true};

	(void)state;
	dtmf_init(&stream, &rule);
	assert_int_equal(audio(&stream, 0, 1, 160, NULL), 1);
	assert_int_equal(send_event(&stream, STEP, sent, &told, NULL), -1);
	assert_int_equal(told.digit, 0);
	assert_int_equal(audio(&stream, 2 * STEP, 3, 480, NULL), 2);
}

/* --- Made here. --- */

/* What is refused is taken out without a gap, and told to nobody. */
static void refused_events_are_taken_out(void **state)
{
	const struct dtmf_rule rule = {
		.types = {101}, .type = 101, .inserts = true, .refuses = true};
	struct dtmf_stream stream;
	struct dtmf_event told;

	(void)state;
	dtmf_init(&stream, &rule);
	assert_int_equal(audio(&stream, 0, 10, 160, NULL), 10);
	for (uint16_t i = 0; i < 3; i++) {
		const struct sent_event sent = {.type = 101,
						.sequence = (uint16_t)(11 + i),
						.timestamp = 320,
						.code = 5,
						.units = 160,
						.is_end = i == 2};

		assert_int_equal(send_event(&stream, i, sent, &told, NULL), -1);
		assert_int_equal(told.digit, 0);
	}
	assert_int_equal(audio(&stream, 5, 14, 640, NULL), 11);
	/* Those that come otherwise are not taken for the same. */
	assert_true(dtmf_insert(&stream, 6, &(struct dtmf_event){'5', 60}));
	assert_int_equal(stream.count, 1);
}

/* Whichever kind is first; the other one is refused from then on. */
static void first_kind_stays(void **state)
{
	const struct dtmf_rule rule = {.types = {101}, .type = 101, .first_only = true};
	const struct sent_event digit = {
		.type = 101, .sequence = 11, .timestamp = 320, .code = 5, .units = 160};
	struct dtmf_stream stream;

	(void)state;
	dtmf_init(&stream, &rule);
	assert_int_equal(send_event(&stream, 1, digit, NULL, NULL), 11);
	assert_false(dtmf_claim(&stream, DTMF_INFO));
	assert_true(dtmf_claim(&stream, DTMF_EVENTS));
	dtmf_init(&stream, &rule);
	/* Audio is no digit. */
	assert_int_equal(audio(&stream, 0, 10, 160, NULL), 10);
	assert_true(dtmf_claim(&stream, DTMF_INFO));
	assert_int_equal(send_event(&stream, 1, digit, NULL, NULL), -1);
	assert_int_equal(audio(&stream, 2, 12, 480, NULL), 11);
	assert_true(dtmf_claim(&stream, DTMF_INFO));
}

static const struct dtmf_rule inserting = {.type = 101, .inserts = true, .clock_hz = 8000};

static void made_event_is_part_of_the_stream(void **state)
{
	struct dtmf_event digit = {'7', 100};
	struct dtmf_stream stream;
	uint8_t data[DTMF_PACKET_BYTES];
	uint64_t now_us = 1000000;
	uint16_t sequence = 500;
	struct seen seen;
	int packets = 0;
	int ends = 0;

	(void)state;
	dtmf_init(&stream, &inserting);
	for (int i = 0; i < 5; i++, sequence++, now_us += STEP)
		assert_int_equal(audio(&stream, now_us, sequence, sequence * 160u, NULL), sequence);
	assert_true(dtmf_insert(&stream, now_us, &digit));
	while (dtmf_next(&stream, now_us, data)) {
		seen = read_packet(data);
		assert_int_equal(seen.type, 101);
		assert_int_equal(seen.is_marked, packets == 0);
		assert_int_equal(seen.sequence, 505 + packets);
		assert_int_equal(seen.ssrc, SSRC);
		assert_int_equal(seen.timestamp, 505 * 160u); /* its moment: 20 ms after the last */
		assert_int_equal(seen.code, 7);
		assert_int_equal(seen.units, packets < 5 ? 160 * (packets + 1) : 800);
		ends += seen.is_end;
		assert_int_equal(seen.is_end, packets >= 4);
		packets++;
		assert_int_equal(dtmf_next(&stream, now_us, data), 0);
		/* The audio of that time goes nowhere. */
		if (ends < 3)
			assert_int_equal(audio(&stream, now_us + 1, sequence++, 505 * 160u, NULL),
					 -1);
		now_us += STEP;
	}
	assert_int_equal(packets, 7);
	assert_int_equal(ends, 3);
	/* What follows is numbered on; what comes late of the time of the event is dropped. */
	assert_int_equal(audio(&stream, now_us, sequence, 512 * 160u, NULL), 512);
	assert_int_equal(audio(&stream, now_us, (uint16_t)(sequence - 2), 510 * 160u, NULL), -1);
	assert_int_equal(audio(&stream, now_us, (uint16_t)(sequence + 1), 513 * 160u, NULL), 513);
	assert_int_equal(audio(&stream, now_us, (uint16_t)(sequence + 3), 515 * 160u, NULL), 515);
	assert_int_equal(audio(&stream, now_us, (uint16_t)(sequence + 2), 514 * 160u, NULL), 514);
}

static void digits_wait_for_each_other(void **state)
{
	struct dtmf_stream stream;
	uint8_t data[DTMF_PACKET_BYTES];
	uint32_t timestamps[3] = {0};
	uint64_t now_us = 5000000;
	uint16_t sequence = 0;
	int events = 0;

	(void)state;
	dtmf_init(&stream, &inserting);
	audio(&stream, now_us, 9, 0, NULL);
	for (char digit = '1'; digit <= '3'; digit++)
		assert_true(dtmf_insert(&stream, now_us, &(struct dtmf_event){digit, 0}));
	for (int i = 0; i < 100000; i++, now_us += 10000) {
		struct seen seen;

		if (!dtmf_next(&stream, now_us, data))
			continue;
		seen = read_packet(data);
		assert_true(sequence == 0 || seen.sequence == sequence + 1);
		sequence = seen.sequence;
		if (!seen.is_marked)
			continue;
		assert_int_equal(seen.code, events + 1);
		timestamps[events++] = seen.timestamp;
	}
	assert_int_equal(events, 3);
	/* 160 ms, two more end packets, and 60 ms of silence. */
	assert_true(timestamps[1] - timestamps[0] >= 8 * (160 + 60));
	assert_true(timestamps[2] - timestamps[1] >= 8 * (160 + 60));
	assert_int_equal(stream.due_us, 0);
}

static void bounds(void **state)
{
	struct dtmf_stream stream;
	uint8_t data[DTMF_PACKET_BYTES];

	(void)state;
	dtmf_init(&stream, &inserting);
	assert_false(dtmf_insert(&stream, 0, &(struct dtmf_event){'x', 100}));
	assert_false(dtmf_insert(&stream, 0, &(struct dtmf_event){'\0', 100}));
	for (int i = 0; i < DTMF_QUEUE; i++)
		assert_true(dtmf_insert(&stream, 1, &(struct dtmf_event){'d', 100000}));
	assert_false(dtmf_insert(&stream, 1, &(struct dtmf_event){'d', 1}));
	/* Nothing has been heard of the sender: it goes out all the same. */
	assert_int_equal(dtmf_next(&stream, 1, data), DTMF_PACKET_BYTES);
	assert_int_equal(read_packet(data).code, 15);
	assert_int_equal(stream.queue[0].duration_ms, DTMF_MAX_MS);
}

/* A party that sends digits both ways is heard once. */
static void first_kind_counts(void **state)
{
	const struct dtmf_rule rule = {.types = {101}, .type = 101, .inserts = true};
	const struct sent_event sent = {.type = 101, .sequence = 1, .code = 1, .timestamp = 1};
	struct dtmf_stream stream;
	uint8_t data[DTMF_PACKET_BYTES];

	(void)state;
	dtmf_init(&stream, &rule);
	assert_int_equal(send_event(&stream, 1, sent, NULL, NULL), 1);
	assert_true(dtmf_insert(&stream, 2, &(struct dtmf_event){'1', 100}));
	assert_int_equal(dtmf_next(&stream, 1000000, data), 0);

	dtmf_init(&stream, &rule);
	audio(&stream, 1, 0, 0, NULL);
	assert_true(dtmf_insert(&stream, 2, &(struct dtmf_event){'1', 60}));
	for (uint64_t now_us = 2; now_us < 1000000; now_us += STEP)
		dtmf_next(&stream, now_us, data);
	assert_int_equal(send_event(&stream, 1000000, sent, NULL, NULL), -1);
}

/* --- SDP. --- */

#define HEAD "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static void find(const char *body, size_t stream, int type, unsigned clock_hz)
{
	struct sdp_event event;

	sdp_event_find(span_of(body), stream, &event);
	assert_int_equal(event.type, type);
	assert_int_equal(event.clock_hz, clock_hz);
}

static void found_in_sdp(void **state)
{
	(void)state;
	find(HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", 0, 101,
	     8000);
	find(HEAD "m=audio 4000 RTP/AVP 0\r\na=rtpmap:101 telephone-event/8000\r\n", 0, 0, 0);
	find(HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-events/8000\r\n", 0, 0, 0);
	find(HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event\r\n", 0, 0, 0);
	find(HEAD "m=audio 4000 RTP/AVP 96 98 97\r\na=rtpmap:97 telephone-event/8000\r\n"
		  "a=rtpmap:98 TELEPHONE-EVENT/48000/1\r\n",
	     0, 98, 48000);
	find(HEAD "m=video 4002 RTP/AVP 101\r\na=rtpmap:101 H264/90000\r\nm=audio 4000 RTP/AVP 0 "
		  "101\r\na=rtpmap:101 telephone-event/8000\r\n",
	     1, 101, 8000);
	find(HEAD "m=video 4002 RTP/AVP 101\r\na=rtpmap:101 H264/90000\r\nm=audio 4000 RTP/AVP 0 "
		  "101\r\na=rtpmap:101 telephone-event/8000\r\n",
	     0, 0, 0);
}

static void becomes(const char *body, size_t stream, struct sdp_event event, const char *expected)
{
	char memory[2000];
	struct buf out = buf_over(memory, sizeof(memory) - 1);

	assert_true(sdp_event_write(span_of(body), stream, &event, &out));
	memory[out.len] = '\0';
	assert_string_equal(memory, expected);
}

static void written_to_sdp(void **state)
{
	const struct sdp_event none = {0};
	const struct sdp_event usual = {101, 8000};

	(void)state;
	becomes(HEAD "m=audio 4000 RTP/AVP 0 8\r\na=sendrecv\r\n", 0, usual,
		HEAD "m=audio 4000 RTP/AVP 0 8 101\r\na=sendrecv\r\n"
		     "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n");
	becomes(HEAD "m=audio 4000 RTP/AVP 0 96 8\r\na=rtpmap:96 telephone-event/8000\r\n"
		     "a=fmtp:96 0-15\r\na=rtpmap:8 PCMA/8000\r\nm=video 0 RTP/AVP 31\r\n",
		0, none,
		HEAD "m=audio 4000 RTP/AVP 0 8\r\na=rtpmap:8 PCMA/8000\r\n"
		     "m=video 0 RTP/AVP 31\r\n");
	becomes(HEAD "m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n"
		     "m=audio 4002 RTP/AVP 96\r\na=rtpmap:96 telephone-event/8000\r\n",
		0, usual,
		HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		     "a=fmtp:101 0-16\r\n"
		     "m=audio 4002 RTP/AVP 96\r\na=rtpmap:96 telephone-event/8000\r\n");
	/* Nothing else to speak of: it stays. */
	becomes(HEAD "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 telephone-event/8000\r\n", 0, none,
		HEAD "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 telephone-event/8000\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_once_and_without_a_gap),
		cmocka_unit_test(lost_ends_cost_no_digit),
		cmocka_unit_test(flood_of_events_is_none_of_digits),
		cmocka_unit_test(long_event_is_one),
		cmocka_unit_test(audio_of_the_same_number_passes),
		cmocka_unit_test(numbers_are_mapped),
		cmocka_unit_test(switched_off_they_end),
		cmocka_unit_test(made_event_is_part_of_the_stream),
		cmocka_unit_test(digits_wait_for_each_other),
		cmocka_unit_test(bounds),
		cmocka_unit_test(first_kind_counts),
		cmocka_unit_test(first_kind_stays),
		cmocka_unit_test(refused_events_are_taken_out),
		cmocka_unit_test(found_in_sdp),
		cmocka_unit_test(written_to_sdp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
