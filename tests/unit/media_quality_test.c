/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is counted of a stream, beside reckonings of the test's own. */
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/media/quality.h"

#define SSRC   0x11223344u
#define SECOND UINT64_C(1000000)
#define START  (1000 * SECOND)
#define BYTES  172

/* One packet of a stream of 20 ms a packet. */
struct packet {
	uint32_t ssrc;
	uint16_t sequence;
	uint32_t timestamp;
	uint8_t type;
};

static void put(struct stream_stats *stats, struct packet packet, uint64_t now_us)
{
	const uint8_t data[12] = {
		0x80,
		packet.type,
		(uint8_t)(packet.sequence >> 8),
		(uint8_t)packet.sequence,
		(uint8_t)(packet.timestamp >> 24),
		(uint8_t)(packet.timestamp >> 16),
		(uint8_t)(packet.timestamp >> 8),
		(uint8_t)packet.timestamp,
		(uint8_t)(packet.ssrc >> 24),
		(uint8_t)(packet.ssrc >> 16),
		(uint8_t)(packet.ssrc >> 8),
		(uint8_t)packet.ssrc,
	};

	stream_stats_packet(stats, data, BYTES, now_us);
}

/* The packet of that number, in time. */
static void put_number(struct stream_stats *stats, unsigned number)
{
	put(stats, (struct packet){SSRC, (uint16_t)number, number * 160, 0},
	    START + number * UINT64_C(20000));
}

static struct stream_quality read_at(const struct stream_stats *stats, uint64_t now_us)
{
	struct stream_quality quality;

	quality_read(stats, now_us, &quality);
	return quality;
}

static struct stream_quality read_last(const struct stream_stats *stats)
{
	return read_at(stats, stats->last_us);
}

static void plain_stream(void **state)
{
	struct stream_stats stats = {0};
	struct stream_quality quality = read_at(&stats, START);

	(void)state;
	assert_int_equal(quality.packets, 0);
	assert_int_equal(quality.loss_ppm, 0);
	assert_int_equal(quality.silences, 0);
	/* Over the end of the numbers, and far over that of the history. */
	for (unsigned i = 65000; i < 66000; i++)
		put_number(&stats, i);
	quality = read_last(&stats);
	assert_int_equal(quality.packets, 1000);
	assert_int_equal(quality.bytes, 1000 * BYTES);
	assert_int_equal(quality.lost, 0);
	assert_int_equal(quality.late, 0);
	assert_int_equal(quality.duplicates, 0);
	assert_int_equal(quality.restarts, 0);
	assert_int_equal(quality.jitter_us, 0);
	assert_int_equal(quality.bursts, 0);
	assert_int_equal(quality.ssrc, SSRC);
	assert_int_equal(quality.first_us, START + 65000 * UINT64_C(20000));
	assert_int_equal(quality.last_us, START + 65999 * UINT64_C(20000));
}

static void late_and_double(void **state)
{
	static const unsigned numbers[] = {10, 12, 11, 11, 12, 13, 13, 16, 14, 15, 9, 7, 8, 20};
	struct stream_stats stats = {0};
	struct stream_quality quality;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		put_number(&stats, numbers[i]);
	quality = read_last(&stats);
	assert_int_equal(quality.packets, 14);
	assert_int_equal(quality.duplicates, 3);
	assert_int_equal(quality.late, 6);
	/* 17, 18 and 19 of the 14 from 7 to 20. */
	assert_int_equal(quality.lost, 3);
	assert_int_equal(quality.loss_ppm, 3 * 1000000 / 14);
}

/* Behind the history a packet is late all the same, and no longer lost. */
static void very_late(void **state)
{
	struct stream_stats stats = {0};

	(void)state;
	put_number(&stats, 1);
	for (unsigned i = 3; i <= 2 + 63; i++)
		put_number(&stats, i);
	assert_int_equal(read_last(&stats).lost, 1);
	put_number(&stats, 2);
	assert_int_equal(read_last(&stats).lost, 0);
	put_number(&stats, 2);
	assert_int_equal(read_last(&stats).duplicates, 1);
	put_number(&stats, 67);
	for (unsigned i = 68; i < 68 + 64; i++)
		put_number(&stats, i);
	assert_int_equal(read_last(&stats).lost, 1);
	put_number(&stats, 66);
	assert_int_equal(read_last(&stats).lost, 0);
	assert_int_equal(read_last(&stats).late, 2);
}

/* Random loss, doubles and order, against a plain book-keeping of what came. */
static void random_streams(void **state)
{
	static bool came[200000];
	struct stream_quality quality;

	(void)state;
	srand(4711);
	for (unsigned round = 0; round < 30; round++) {
		const unsigned count = 3000;
		struct stream_stats stats = {0};
		unsigned first = (unsigned)rand() % 65536;
		unsigned unique = 0;
		unsigned total = 0;

		memset(came, 0, sizeof(came));
		put_number(&stats, first);
		came[first] = true;
		for (unsigned i = 1; i <= count; i++) {
			/* At most 20 out of place, so that nothing is too late. */
			unsigned number = first + 20 + i - (unsigned)rand() % 20;

			if ((unsigned)rand() % 100 < round)
				continue;
			put_number(&stats, number);
			total++;
			unique += !came[number];
			came[number] = true;
		}
		put_number(&stats, first + count + 21);
		quality = read_last(&stats);
		assert_int_equal(quality.packets, total + 2);
		assert_int_equal(quality.duplicates, total - unique);
		assert_int_equal(quality.lost, count + 22 - unique - 2);
	}
}

/* The algorithm of RFC 3550 A.8 in floating point. */
static void jitter_is_that_of_the_rfc(void **state)
{
	static const uint32_t clocks[] = {8000, 16000, 48000, 90000};

	(void)state;
	srand(3550);
	for (size_t c = 0; c < sizeof(clocks) / sizeof(clocks[0]); c++) {
		struct stream_stats stats = {.clock_hz = clocks[c]};
		double jitter = 0;
		double most = 0;
		double before = 0;

		for (unsigned i = 0; i < 2000; i++) {
			uint32_t timestamp = UINT32_MAX - 5000 + i * (clocks[c] / 50);
			uint64_t now_us = START + i * UINT64_C(20000) + (unsigned)rand() % 15000;
			double transit = (double)now_us / 1e6 * clocks[c] - i * (clocks[c] / 50.0);

			put(&stats, (struct packet){SSRC, (uint16_t)i, timestamp, 0}, now_us);
			if (i > 0)
				jitter += (fabs(transit - before) - jitter) / 16;
			before = transit;
			most = jitter > most ? jitter : most;
			/* Integers round: two ticks at most. */
			assert_true(fabs(stats.jitter / 16.0 - jitter) < 2);
		}
		assert_true(fabs(read_last(&stats).jitter_us - jitter * 1e6 / clocks[c]) <
			    2e6 / clocks[c]);
		assert_true(fabs(read_last(&stats).jitter_max_us - most * 1e6 / clocks[c]) <
			    2e6 / clocks[c]);
	}
}

/* Neither another type, nor digits, nor a clock that jumps is jitter. */
static void what_is_no_jitter(void **state)
{
	struct stream_stats stats = {.event_type = 101};
	uint64_t now_us = START;
	uint16_t sequence = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++, now_us += 20000)
		put(&stats, (struct packet){SSRC, sequence++, i * 160, 0}, now_us);
	/* RFC 4733 2.3.5: an event keeps the timestamp it began at. */
	for (unsigned i = 0; i < 10; i++, now_us += 20000)
		put(&stats, (struct packet){SSRC, sequence++, 100 * 160, 101}, now_us);
	for (unsigned i = 110; i < 200; i++, now_us += 20000)
		put(&stats, (struct packet){SSRC, sequence++, i * 160, 0}, now_us);
	put(&stats, (struct packet){SSRC, sequence++, 200 * 160, 13}, now_us);
	now_us += 20000;
	for (unsigned i = 0; i < 100; i++, now_us += 20000)
		put(&stats, (struct packet){SSRC, sequence++, 900000000 + i * 160, 0}, now_us);
	for (unsigned i = 0; i < 100; i++, now_us += 20000)
		put(&stats, (struct packet){SSRC, sequence++, 7777 + i * 160, 8}, now_us);
	assert_int_equal(read_last(&stats).jitter_us, 0);
	assert_int_equal(read_last(&stats).lost, 0);
	assert_int_equal(read_last(&stats).event_packets, 10);
	assert_int_equal(read_last(&stats).comfort_noise, 1);
	assert_int_equal(read_last(&stats).type_changes, 1);
	assert_int_equal(read_last(&stats).payload_type, 8);
}

/* A digit is counted once, whatever is sent again, comes late or is lost of it. */
static void events(void **state)
{
	struct stream_stats stats = {.event_type = 101};
	const uint32_t begun = UINT32_MAX - 3 * 160; /* timestamps go round */
	uint64_t now_us = START;
	uint16_t sequence = 0;

	(void)state;
	for (unsigned i = 0; i < 10; i++, now_us += 20000)
		put(&stats, (struct packet){SSRC, sequence++, begun + i * 160, 0}, now_us);
	assert_int_equal(read_last(&stats).events, 0);
	for (unsigned i = 0; i < 8; i++, now_us += 20000)
		put(&stats, (struct packet){SSRC, sequence++, begun + 1600, 101}, now_us);
	assert_int_equal(read_last(&stats).events, 1);
	/* The next one; its first packet is overtaken by the others. */
	put(&stats, (struct packet){SSRC, (uint16_t)(sequence + 1), begun + 3200, 101}, now_us);
	put(&stats, (struct packet){SSRC, sequence, begun + 3200, 101}, now_us);
	put(&stats, (struct packet){SSRC, (uint16_t)(sequence - 20), begun + 1600, 101}, now_us);
	assert_int_equal(read_last(&stats).events, 2);
	/* The same digit again, long after. */
	put(&stats, (struct packet){SSRC, (uint16_t)(sequence + 2), begun + 0x7fffffff, 101},
	    now_us);
	assert_int_equal(read_last(&stats).events, 3);
	/* Another source begins its timestamps anew. */
	put(&stats, (struct packet){SSRC + 1, 500, 1000, 0}, now_us);
	put(&stats, (struct packet){SSRC + 1, 501, 1000, 101}, now_us);
	assert_int_equal(read_last(&stats).events, 4);
	assert_int_equal(read_last(&stats).type_changes, 0);
}

static void another_beginning(void **state)
{
	struct stream_stats stats = {0};

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		put_number(&stats, i);
	/* A stray is none. */
	put_number(&stats, 30000);
	put_number(&stats, 100);
	assert_int_equal(read_last(&stats).restarts, 0);
	assert_int_equal(read_last(&stats).lost, 0);
	put_number(&stats, 40000);
	put_number(&stats, 40001);
	put_number(&stats, 40003);
	assert_int_equal(read_last(&stats).restarts, 1);
	assert_int_equal(read_last(&stats).lost, 1);
	put(&stats, (struct packet){SSRC + 1, 7, 0, 0}, stats.last_us + 20000);
	assert_int_equal(read_last(&stats).restarts, 2);
	assert_int_equal(read_last(&stats).lost, 1);
	assert_int_equal(read_last(&stats).ssrc, SSRC + 1);
	/* The longest step that is loss, and the shortest that is not. */
	put(&stats, (struct packet){SSRC + 1, 7 + 2999, 0, 0}, stats.last_us + 20000);
	assert_int_equal(read_last(&stats).lost, 1 + 2998);
	put(&stats, (struct packet){SSRC + 1, 7 + 2999 + 3000, 0, 0}, stats.last_us + 20000);
	assert_int_equal(read_last(&stats).lost, 1 + 2998);
	assert_int_equal(read_last(&stats).restarts, 2);
}

static void silences(void **state)
{
	struct stream_stats stats = {0};
	struct stream_quality quality;

	(void)state;
	put(&stats, (struct packet){SSRC, 1, 0, 0}, START);
	put(&stats, (struct packet){SSRC, 2, 0, 0}, START + SECOND - 1);
	assert_int_equal(read_last(&stats).silences, 0);
	put(&stats, (struct packet){SSRC, 3, 0, 0}, START + 2 * SECOND - 1);
	put(&stats, (struct packet){SSRC, 4, 0, 0}, START + 5 * SECOND - 1);
	quality = read_last(&stats);
	assert_int_equal(quality.silences, 2);
	assert_int_equal(quality.silent_us, 4 * SECOND);
	assert_int_equal(quality.longest_silence_ms, 3000);
	/* The one that goes on counts, too. */
	assert_int_equal(read_at(&stats, START + 6 * SECOND - 2).silences, 2);
	quality = read_at(&stats, START + 15 * SECOND - 1);
	assert_int_equal(quality.silences, 3);
	assert_int_equal(quality.silent_us, 14 * SECOND);
	assert_int_equal(quality.longest_silence_ms, 10000);
}

/* Numbers that are lost, as a text: "." has come, "x" has not; 64 more that come settle them. */
static struct stream_quality pattern(const char *text)
{
	struct stream_stats stats = {0};
	unsigned number = 1000;

	put_number(&stats, number++);
	for (; *text; text++, number++)
		if (*text == '.')
			put_number(&stats, number);
	for (int i = 0; i < 64; i++)
		put_number(&stats, number++);
	return read_last(&stats);
}

#define TEN "..........."

static void bursts(void **state)
{
	struct stream_quality quality = pattern("x" TEN TEN "x" TEN TEN);

	(void)state;
	assert_int_equal(quality.bursts, 0);
	assert_int_equal(quality.burst_ppm, 0);
	assert_int_equal(quality.run_milli, 1000);
	assert_true(quality.gap_ppm > 0);
	/* 16 between two losses part them, 15 do not. */
	assert_int_equal(pattern("x................x").bursts, 0);
	quality = pattern("x...............x");
	assert_int_equal(quality.bursts, 1);
	assert_int_equal(quality.burst_ppm, 2 * 1000000 / 17);
	assert_int_equal(quality.gap_ppm, 0);
	quality = pattern(TEN "xxx" TEN TEN "x.x.x" TEN TEN "x");
	assert_int_equal(quality.lost, 7);
	assert_int_equal(quality.bursts, 2);
	assert_int_equal(quality.burst_ppm, 6 * 1000000 / 8);
	assert_int_equal(quality.run_milli, 7 * 1000 / 5);
}

/* A loss longer than the history is one run and one burst. */
static void long_loss(void **state)
{
	struct stream_stats stats = {0};
	struct stream_quality quality;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		put_number(&stats, i);
	for (unsigned i = 300; i < 500; i++)
		put_number(&stats, i);
	quality = read_last(&stats);
	assert_int_equal(quality.lost, 200);
	assert_int_equal(quality.bursts, 1);
	assert_int_equal(quality.burst_ppm, 1000000);
	assert_int_equal(quality.run_milli, 200000);
}

/* Packets that were counted elsewhere, and one that came by here in between. */
static void told_in_bulk(void **state)
{
	struct stream_stats stats = {0};
	struct stream_quality quality;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		put_number(&stats, i);
	stream_stats_bulk(&stats, 200000, 200000 * BYTES, (uint16_t)(99 + 200010), START + SECOND);
	put(&stats, (struct packet){SSRC, (uint16_t)(99 + 200011), 0, 0}, START + SECOND + 20000);
	quality = read_last(&stats);
	assert_int_equal(quality.packets, 200101);
	assert_int_equal(quality.bytes, 200101 * BYTES);
	assert_int_equal(quality.lost, 10);
	assert_int_equal(quality.restarts, 0);
	assert_int_equal(quality.last_us, START + SECOND + 20000);
	/* None came: nothing is changed. */
	stream_stats_bulk(&stats, 0, 0, 1, START);
	assert_int_equal(read_last(&stats).packets, 200101);
	assert_int_equal(read_last(&stats).lost, 10);
	/* Doubles are more packets than numbers. */
	stream_stats_bulk(&stats, 12, 12, (uint16_t)(99 + 200021), START + 2 * SECOND);
	assert_int_equal(read_last(&stats).lost, 10);
}

/* An hour of 50 packets a second on a set clock: all numbers stay as small as they should. */
static void an_hour(void **state)
{
	struct stream_stats stats = {0};
	struct stream_quality quality;

	(void)state;
	for (unsigned i = 0; i < 3600 * 50; i++)
		if (i % 100 != 99)
			put_number(&stats, i);
	quality = read_last(&stats);
	assert_int_equal(quality.packets, 3600 * 50 / 100 * 99);
	assert_int_equal(quality.lost, 3600 * 50 / 100 - 1);
	assert_int_equal(quality.restarts, 0);
	assert_int_equal(quality.silences, 0);
	assert_int_equal(quality.bursts, 0);
	assert_in_range(quality.gap_ppm, 9900, 10100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_stream),
		cmocka_unit_test(late_and_double),
		cmocka_unit_test(very_late),
		cmocka_unit_test(random_streams),
		cmocka_unit_test(jitter_is_that_of_the_rfc),
		cmocka_unit_test(what_is_no_jitter),
		cmocka_unit_test(events),
		cmocka_unit_test(another_beginning),
		cmocka_unit_test(silences),
		cmocka_unit_test(bursts),
		cmocka_unit_test(long_loss),
		cmocka_unit_test(told_in_bulk),
		cmocka_unit_test(an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
