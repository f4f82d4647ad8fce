/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call of many minutes through the relay on a set clock, with strangers that send all the time:
 * what comes out is what the parties sent, the numbers add up, and no memory is taken on the way.
 * VOS_SOAK_S: how many seconds of talk; an hour is 3600. */
#include "tests/support/test.h"

#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/media/packet.h"
#include "switchd/media/relay.h"
#include "tests/support/phone.h"

#define SOAK_S       120
#define PER_SECOND   50
#define PACKET_US    20000
#define BYTES        172
#define LOSS_EVERY   100
#define REPORT_EVERY 250

struct soak {
	struct ports *ports;
	struct media_thread thread;
	struct media_session *session;
	struct phone phones[MEDIA_SIDES];
	struct phone stranger;
	unsigned lost;
	unsigned refused;
};

static void open_soak(struct soak *soak)
{
	const struct ports_options options = {.low = 22000, .high = 22099, .ready_target = 0};
	struct addr local = relay_local();
	const struct addr locals[MEDIA_SIDES] = {local, local};
	struct media_session *session = calloc(1, sizeof(*session));

	memset(soak, 0, sizeof(*soak));
	assert_non_null(session);
	assert_int_equal(ports_create(&options, &soak->ports), VOS_OK);
	assert_int_equal(relay_thread_init(&soak->thread, 0, soak->ports), VOS_OK);
	assert_int_equal(ports_take(soak->ports, &local, 0, &session->pairs[0]), VOS_OK);
	session->pair_count = 1;
	assert_int_equal(relay_session_add(&soak->thread, session, locals, session->pairs[0].fds),
			 VOS_OK);
	soak->session = session;
	soak->phones[MEDIA_A] = phone_new("127.0.0.11");
	soak->phones[MEDIA_B] = phone_new("127.0.0.12");
	soak->stranger = phone_new("127.0.0.66");
	soak->thread.now_us = 1000000;
	for (int side = 0; side < MEDIA_SIDES; side++) {
		const struct media_peer peer = {.rtp = soak->phones[side].addr,
						.rtcp = soak->phones[side].addr,
						.signalling = soak->phones[side].addr};

		media_set_peer(session, (enum media_side)side, &peer);
	}
	mailbox_run(&soak->thread.mailbox);
}

static void close_soak(struct soak *soak)
{
	media_close(soak->session);
	mailbox_run(&soak->thread.mailbox);
	relay_thread_destroy(&soak->thread);
	ports_destroy(soak->ports);
	close(soak->phones[MEDIA_A].fd);
	close(soak->phones[MEDIA_B].fd);
	close(soak->stranger.fd);
}

static void wait_readable(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&ready, 1, 20000), 1);
}

static void fill(uint8_t data[BYTES], int side, unsigned number)
{
	memset(data, (int)(number % 251), BYTES);
	data[0] = 0x80;
	data[1] = 0;
	data[2] = (uint8_t)(number >> 8);
	data[3] = (uint8_t)number;
	for (int i = 0; i < 4; i++) {
		data[4 + i] = (uint8_t)(number * 160 >> (24 - 8 * i));
		data[8 + i] = (uint8_t)(side + 1);
	}
}

/* Strangers, with the stream's own SSRC and number: RTP, RTCP, and what is neither. */
static void intrude(struct soak *soak, int side, unsigned number)
{
	uint16_t port = media_port(soak->session, (enum media_side)side);
	uint8_t data[BYTES];

	fill(data, side, number);
	phone_send(&soak->stranger, port, data, sizeof(data));
	data[1] = 200;
	phone_send(&soak->stranger, port, data, sizeof(data));
	data[0] = 0;
	phone_send(&soak->stranger, port, data, sizeof(data));
	soak->refused += 2;
}

static void expect_packet(struct soak *soak, int side, const uint8_t *want, size_t len)
{
	uint8_t got[2048];

	wait_readable(soak->phones[side].fd);
	assert_int_equal(recv(soak->phones[side].fd, got, sizeof(got), MSG_DONTWAIT), len);
	assert_memory_equal(got, want, len);
}

static void pass(struct soak *soak, int side, const uint8_t *data, size_t len)
{
	struct relay_side *relay = &soak->session->sides[side];

	phone_send(&soak->phones[side], media_port(soak->session, (enum media_side)side), data,
		   len);
	wait_readable(relay->fd);
	relay_read_side(&soak->thread, relay);
	expect_packet(soak, !side, data, len);
}

/* A sender report, and at once the echo of the one before from 30 ms away. */
static void report(struct soak *soak, int side, unsigned number)
{
	uint8_t data[52] = {0x81, 200, 0, 12};

	data[4] = data[5] = data[6] = data[7] = (uint8_t)(side + 1);
	data[10] = (uint8_t)(number >> 8);
	data[11] = (uint8_t)number;
	data[28] = data[29] = data[30] = data[31] = (uint8_t)(!side + 1);
	memcpy(data + 44, data + 10, 4);
	pass(soak, side, data, sizeof(data));
}

static void talk(struct soak *soak, unsigned from, unsigned to)
{
	uint8_t data[BYTES];

	for (unsigned number = from; number < to; number++) {
		soak->thread.now_us += PACKET_US;
		for (int side = 0; side < MEDIA_SIDES; side++) {
			if (number % 10 == 0)
				intrude(soak, side, number);
			if (number % LOSS_EVERY == LOSS_EVERY - 1) {
				soak->lost++;
				continue;
			}
			fill(data, side, number);
			pass(soak, side, data, sizeof(data));
		}
		if (number % REPORT_EVERY != 0)
			continue;
		report(soak, MEDIA_A, number);
		soak->thread.now_us += 30000;
		report(soak, MEDIA_B, number);
	}
}

static void check(struct soak *soak, unsigned count)
{
	struct media_quality quality;
	unsigned refused = 0;

	for (int side = 0; side < MEDIA_SIDES; side++) {
		media_quality(soak->session, (enum media_side)side, "PCMU", &quality);
		assert_int_equal(quality.stream.packets, count - count / LOSS_EVERY);
		assert_int_equal(quality.stream.bytes, quality.stream.packets * BYTES);
		assert_int_equal(quality.stream.lost + 1, count / LOSS_EVERY);
		assert_int_equal(quality.stream.duplicates, 0);
		assert_int_equal(quality.stream.restarts, 0);
		assert_int_equal(quality.stream.bursts, 0);
		assert_in_range(quality.stream.loss_ppm, 9000, 10100);
		assert_int_equal(quality.stream.refused_ssrc, 0);
		refused += quality.stream.refused_source;
	}
	assert_int_equal(refused, soak->refused);
	/* B answers A's reports 30 ms later; A's echo is of a report of B's to come. */
	assert_int_equal(quality.reports.round_trip_us, 30000);
	assert_int_equal(quality.reports.reports, (count + REPORT_EVERY - 1) / REPORT_EVERY);
	assert_int_equal(quality.reports.malformed, 0);
	assert_in_range(quality.mos.centi, 400, 440);
}

static void a_long_call(void **state)
{
	const char *wanted = getenv("VOS_SOAK_S");
	unsigned count = (unsigned)(wanted ? atoi(wanted) : SOAK_S) * PER_SECOND;
	struct soak soak;
	size_t before;

	(void)state;
	assert_true(count >= 2 * REPORT_EVERY);
	open_soak(&soak);
	talk(&soak, 0, REPORT_EVERY + 1);
	before = mallinfo2().uordblks;
	talk(&soak, REPORT_EVERY + 1, count);
	assert_int_equal(mallinfo2().uordblks, before);
	check(&soak, count);
	/* Nothing has gone to who asked for it, and no phone has got more than the other sent. */
	phone_is_silent(&soak.stranger);
	phone_is_silent(&soak.phones[MEDIA_A]);
	phone_is_silent(&soak.phones[MEDIA_B]);
	close_soak(&soak);
}

TEST_MAIN(cmocka_unit_test(a_long_call))
