/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel counts of a stream is what switchd would have counted: random streams with loss,
 * reordering, duplicates, silence and restarts, once through switchd's function alone and once
 * through the kernel's, with switchd's for what that leaves over. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "switchd/media/fast_stats.h"
#include "switchd/media/quality.h"

#define STREAMS 200
#define PACKETS 2000

static uint32_t below(unsigned *seed, uint32_t limit)
{
	return (uint32_t)rand_r(seed) % limit;
}

static bool kernel_counts(struct stream_stats *stats, const struct fast_arrival *packet)
{
	return stream_stats_next(stats, packet->sequence, packet->timestamp, packet->ssrc,
				 packet->payload_type, packet->bytes, packet->now_us) ||
	       fast_stats_other(stats, packet);
}

static void switchd_counts(struct stream_stats *stats, const struct fast_arrival *packet)
{
	const uint8_t data[12] = {
		0x80,
		packet->payload_type,
		(uint8_t)(packet->sequence >> 8),
		(uint8_t)packet->sequence,
		(uint8_t)(packet->timestamp >> 24),
		(uint8_t)(packet->timestamp >> 16),
		(uint8_t)(packet->timestamp >> 8),
		(uint8_t)packet->timestamp,
		(uint8_t)(packet->ssrc >> 24),
		(uint8_t)(packet->ssrc >> 16),
		(uint8_t)(packet->ssrc >> 8),
		(uint8_t)packet->ssrc,
	};

	stream_stats_packet(stats, data, packet->bytes, packet->now_us);
}

/* The packet after `packet`, or something odd. */
static struct fast_arrival next_of(const struct fast_arrival *packet, uint16_t *newest,
				   unsigned *seed)
{
	struct fast_arrival next = *packet;
	uint32_t dice = below(seed, 200);

	next.now_us += 15000 + below(seed, 10000);
	next.payload_type = 8;
	if (dice < 6)
		*newest = (uint16_t)(*newest + 1 + below(seed, 100)); /* loss */
	else if (dice < 8)
		next.now_us += 3000000;
	else if (dice < 10)
		next.ssrc++;
	else if (dice < 14)
		next.payload_type = dice < 12 ? 101 : 13;
	next.sequence = ++*newest;
	if (dice >= 14 && dice < 30) {
		/* Late, or once more. */
		next.sequence = (uint16_t)(*newest - below(seed, 90));
	}
	next.timestamp = (uint32_t)next.sequence * 160;
	return next;
}

static void counts_are_the_same(void **state)
{
	uint64_t by_kernel = 0;

	(void)state;
	for (unsigned stream = 0; stream < STREAMS; stream++) {
		struct stream_stats alone = {.event_type = 101};
		struct stream_stats both = {.event_type = 101};
		struct fast_arrival packet = {.now_us = 1000000, .ssrc = 7, .bytes = 172};
		unsigned seed = stream;
		uint16_t newest = (uint16_t)below(&seed, 65536);

		for (int i = 0; i < PACKETS; i++) {
			packet = next_of(&packet, &newest, &seed);
			switchd_counts(&alone, &packet);
			if (kernel_counts(&both, &packet))
				by_kernel++;
			else
				switchd_counts(&both, &packet);
			assert_memory_equal(&both, &alone, sizeof(both));
		}
	}
	/* Most of them, or nothing was tested. */
	assert_true(by_kernel > STREAMS * PACKETS * 3 / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
