/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What RTCP tells, and the mark that is made of it. */
#include "tests/support/test.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/media/mos.h"
#include "switchd/media/rtcp.h"

#define SECOND UINT64_C(1000000)
#define START  (1000 * SECOND)
#define SSRC_A 0xaaaaaaaau
#define SSRC_B 0xbbbbbbbbu

struct message {
	uint8_t data[512];
	size_t len;
};

static void add_u32(struct message *message, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		message->data[message->len++] = (uint8_t)(value >> shift);
}

static void add_head(struct message *message, uint8_t type, unsigned count, unsigned bytes)
{
	add_u32(message, 0x80000000u | count << 24 | (uint32_t)type << 16 | (bytes / 4 - 1));
}

static void add_block(struct message *message, uint32_t ssrc, uint32_t loss, uint32_t lsr,
		      uint32_t dlsr)
{
	add_u32(message, ssrc);
	add_u32(message, loss);
	add_u32(message, 12345);
	add_u32(message, 80); /* 10 ms of an 8 kHz clock */
	add_u32(message, lsr);
	add_u32(message, dlsr);
}

static struct message sender_report(uint32_t ssrc, uint32_t lsr)
{
	struct message message = {.len = 0};

	add_head(&message, 200, 0, 28);
	add_u32(&message, ssrc);
	add_u32(&message, 0xffff0000u | lsr >> 16);
	add_u32(&message, lsr << 16 | 0xffff);
	add_u32(&message, 160);
	add_u32(&message, 1);
	add_u32(&message, 160);
	return message;
}

static struct message receiver_report(uint32_t of, uint32_t loss, uint32_t lsr, uint32_t dlsr)
{
	struct message message = {.len = 0};

	add_head(&message, 201, 1, 32);
	add_u32(&message, SSRC_B);
	add_block(&message, of, loss, lsr, dlsr);
	return message;
}

struct sides {
	struct rtcp_stats a;
	struct rtcp_stats b;
};

static void from_a(struct sides *sides, const struct message *message, uint64_t now_us)
{
	rtcp_packet(&sides->a, &sides->b, SSRC_B, message->data, message->len, now_us);
}

static void from_b(struct sides *sides, const struct message *message, uint64_t now_us)
{
	rtcp_packet(&sides->b, &sides->a, SSRC_A, message->data, message->len, now_us);
}

static struct rtcp_quality read_b(const struct sides *sides)
{
	struct rtcp_quality quality;

	rtcp_read(&sides->b, 8000, &quality);
	return quality;
}

/* a's report passes at START, b has it 20 ms later, waits a second, is heard 20 ms later. */
static void round_trip(void **state)
{
	struct sides sides = {0};
	struct message report = sender_report(SSRC_A, 0x12345678);
	struct message echo = receiver_report(SSRC_A, 0x40000007, 0x12345678, 65536);

	(void)state;
	from_a(&sides, &report, START);
	from_b(&sides, &echo, START + SECOND + 40000);
	assert_int_equal(read_b(&sides).round_trip_us, 40000);
	assert_int_equal(read_b(&sides).reports, 1);
	assert_int_equal(read_b(&sides).loss_ppm, 250000);
	assert_int_equal(read_b(&sides).lost, 7);
	assert_int_equal(read_b(&sides).jitter_us, 10000);
	/* The same report once more, in a longer time. */
	from_b(&sides, &echo, START + SECOND + 60000);
	assert_int_equal(read_b(&sides).round_trip_us, 60000);
	assert_int_equal(read_b(&sides).round_trip_mean_us, 50000);
	assert_int_equal(read_b(&sides).round_trip_max_us, 60000);
	assert_int_equal(sides.a.reports, 0);
}

static void trips_that_are_none(void **state)
{
	struct sides sides = {0};
	struct message report = sender_report(SSRC_A, 0x12345678);
	struct message of_other = receiver_report(0xdeadbeef, 0, 0x12345678, 0);
	struct message unknown = receiver_report(SSRC_A, 0, 0x12345679, 0);
	struct message none = receiver_report(SSRC_A, 0, 0, 0);
	struct message negative = receiver_report(SSRC_A, 0x00ffffff, 0x12345678, 65536 + 1);

	(void)state;
	from_b(&sides, &none, START); /* nothing was sent: 0 names no report */
	from_a(&sides, &report, START);
	from_b(&sides, &of_other, START + 1000);
	assert_int_equal(read_b(&sides).reports, 1);
	from_b(&sides, &unknown, START + 1000);
	from_b(&sides, &none, START + 1000);
	from_b(&sides, &negative, START + SECOND);
	assert_int_equal(read_b(&sides).lost, -1);
	from_b(&sides, &negative, START + SECOND + RTCP_ROUND_TRIP_MAX_US + 16);
	assert_int_equal(read_b(&sides).round_trip_us, 0);
	assert_int_equal(read_b(&sides).reports, 5);
	/* Four reports later it is forgotten. */
	for (uint32_t i = 1; i <= RTCP_SENT_MAX; i++) {
		report = sender_report(SSRC_A, i);
		from_a(&sides, &report, START);
	}
	from_b(&sides, &negative, START + 2 * SECOND);
	assert_int_equal(read_b(&sides).round_trip_us, 0);
	unknown = receiver_report(SSRC_A, 0, 1, 0);
	from_b(&sides, &unknown, START + 5000);
	assert_int_equal(read_b(&sides).round_trip_us, 5000);
}

/* Sender report with a block, description, goodbye: one packet of the network. */
static void compound(void **state)
{
	struct sides sides = {0};
	struct message report = sender_report(SSRC_A, 99);
	struct message message = {.len = 0};

	(void)state;
	from_a(&sides, &report, START);
	add_head(&message, 200, 2, 28 + 48);
	for (int i = 0; i < 6; i++)
		add_u32(&message, 5);
	add_block(&message, 1, 0, 0, 0);
	add_block(&message, SSRC_A, 0xff000000, 99, 0);
	add_head(&message, 202, 1, 12);
	add_u32(&message, SSRC_B);
	add_u32(&message, 0x01026162);
	add_head(&message, 203, 1, 8);
	add_u32(&message, SSRC_B);
	from_b(&sides, &message, START + 30000);
	assert_int_equal(read_b(&sides).round_trip_us, 30000);
	assert_int_equal(read_b(&sides).reports, 1);
	assert_int_equal(read_b(&sides).goodbyes, 1);
	assert_int_equal(read_b(&sides).loss_max_ppm, 255 * 1000000 / 256);
	/* Cut anywhere but between two packets, it says nothing at all. */
	for (size_t len = 0; len < message.len; len++) {
		struct sides fresh = {0};
		bool is_between = len == 0 || len == 76 || len == 88;

		rtcp_packet(&fresh.b, &fresh.a, SSRC_A, message.data, len, START);
		assert_int_equal(fresh.b.malformed, is_between ? 0 : 1);
		assert_int_equal(fresh.b.reports, len == 76 || len == 88);
	}
}

/* A count of blocks that the packet has no room for. */
static void claims(void **state)
{
	struct message message = receiver_report(SSRC_A, 0, 0, 0);
	struct sides sides = {0};

	(void)state;
	message.data[0] = 0x82;
	from_b(&sides, &message, START);
	assert_int_equal(read_b(&sides).reports, 0);
	message.data[0] = 0x41;
	from_b(&sides, &message, START);
	assert_int_equal(read_b(&sides).malformed, 1);
	/* A sender report of a receiver report's length has no room for the sender's part. */
	message.data[0] = 0x80;
	message.data[1] = 200;
	message.data[3] = 5;
	rtcp_packet(&sides.b, &sides.a, SSRC_A, message.data, 24, START);
	assert_int_equal(sides.a.sent_next, 0);
	assert_int_equal(sides.b.malformed, 1);
}

static unsigned mos_of(struct mos_input input)
{
	return mos_estimate(&input).centi;
}

static void marks(void **state)
{
	struct mos_input input = {.codec = "PCMU"};

	(void)state;
	/* 60 ms: R = 93.2 - 0.024 * 60 = 91.76. */
	assert_int_equal(mos_estimate(&input).r_tenths, 918);
	assert_int_equal(mos_of(input), 438);
	/* Ie,eff = 95 * 2 / (2 + 25.1) = 7.011: R = 84.75. */
	input.loss_ppm = 20000;
	assert_int_equal(mos_estimate(&input).r_tenths, 847);
	/* Twice as long runs as random: 2 / 1.96 more impairment. */
	input.run_milli = 2000;
	assert_int_equal(mos_estimate(&input).r_tenths, 932 - 14 - 73);
	/* 11 + 84 * 1 / (1 + 19) = 15.2. */
	input = (struct mos_input){.codec = "g729", .loss_ppm = 10000};
	assert_int_equal(mos_estimate(&input).r_tenths, 766);
	/* 400 ms there and back on either side: d = 40 + 20 + 400, beyond the knee. */
	input = (struct mos_input){.codec = "PCMA", .round_trip_us = 800000};
	assert_int_equal(mos_estimate(&input).r_tenths, (int)((93.2 - 11.04 - 31.097) * 10 + 0.5));
	/* Jitter of 50 ms needs a buffer of 200. */
	input = (struct mos_input){.jitter_us = 50000};
	assert_int_equal(mos_estimate(&input).r_tenths, (int)((93.2 - 5.76 - 6.897) * 10 + 0.5));
}

/* Worse is never better, and all of it within the scale. */
static void marks_fall(void **state)
{
	static const char *const codecs[] = {"PCMU", "G729", "G723", "GSM", "opus", "", NULL};

	(void)state;
	for (size_t c = 0; c < 7; c++) {
		unsigned before = 450;

		for (uint32_t loss = 0; loss <= 1200000; loss += 10000) {
			unsigned now =
				mos_of((struct mos_input){.codec = codecs[c], .loss_ppm = loss});

			assert_in_range(now, 100, before);
			before = now;
		}
		for (uint32_t trip = 0; trip < 4000000; trip += 50000)
			assert_in_range(mos_of((struct mos_input){.codec = codecs[c],
								  .round_trip_us = trip}),
					100, 450);
	}
	assert_int_equal(mos_of((struct mos_input){.loss_ppm = UINT32_MAX,
						   .run_milli = UINT32_MAX,
						   .jitter_us = UINT32_MAX,
						   .round_trip_us = UINT32_MAX}),
			 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(trips_that_are_none),
		cmocka_unit_test(compound),   cmocka_unit_test(claims),
		cmocka_unit_test(marks),      cmocka_unit_test(marks_fall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
