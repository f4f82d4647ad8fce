/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTCP as it comes from the network: compound packets (RFC 3550 6.1) and those of reduced size (RFC
 * 5506), of which sender and receiver reports are read. */
#include "switchd/media/rtcp.h"

#include <stdbool.h>

#include "switchd/media/packet.h"

#define TYPE_SENDER   200
#define TYPE_RECEIVER 201
#define TYPE_GOODBYE  203

#define HEAD_BYTES   4
#define SSRC_BYTES   4
#define SENDER_BYTES 20 /* NTP time, RTP time, counts */
#define BLOCK_BYTES  24

/* One packet of a compound. */
struct item {
	const uint8_t *data; /* of its head */
	size_t len;
	uint8_t type;
	uint8_t count;
};

/* Takes the next one off; false when there is none, or when it is not sound. */
static bool next_item(const uint8_t **data, size_t *left, struct item *out)
{
	size_t len;

	if (*left < HEAD_BYTES || **data >> 6 != 2)
		return false;
	len = ((size_t)(*data)[2] << 8 | (*data)[3]) * 4 + HEAD_BYTES;
	if (len > *left)
		return false;
	*out = (struct item){.data = *data, .len = len, .type = (*data)[1], .count = **data & 0x1f};
	*data += len;
	*left -= len;
	return true;
}

/* Where the report blocks of an item begin; 0: it has none, or is too short for those it claims. */
static size_t blocks_at(const struct item *item)
{
	size_t at = HEAD_BYTES + SSRC_BYTES;

	if (item->type == TYPE_SENDER)
		at += SENDER_BYTES;
	else if (item->type != TYPE_RECEIVER)
		return 0;
	return item->len >= at + (size_t)item->count * BLOCK_BYTES ? at : 0;
}

/* A sender report is passed on to this side. */
static void note_sent(struct rtcp_stats *to, const struct item *item, uint64_t now_us)
{
	/* Seconds' lower half and fraction's upper half. */
	uint32_t lsr = packet_u32(item->data + HEAD_BYTES + SSRC_BYTES + 2);

	to->sent_lsr[to->sent_next % RTCP_SENT_MAX] = lsr;
	to->sent_us[to->sent_next % RTCP_SENT_MAX] = now_us;
	to->sent_next++;
}

static void note_trip(struct rtcp_stats *from, uint32_t lsr, uint32_t dlsr, uint64_t now_us)
{
	uint64_t wait_us = (uint64_t)dlsr * 1000000 >> 16;
	uint64_t trip_us;

	for (unsigned i = 0; lsr && i < RTCP_SENT_MAX; i++) {
		if (from->sent_lsr[i] != lsr)
			continue;
		trip_us = now_us - from->sent_us[i];
		/* The receiver's clock is a coarse one, or it lies. */
		if (trip_us < wait_us || trip_us - wait_us > RTCP_ROUND_TRIP_MAX_US)
			return;
		trip_us -= wait_us;
		STREAM_SET(from->trip_us, (uint32_t)trip_us);
		STREAM_ADD(from->trips_us, trip_us);
		STREAM_ADD(from->trips, 1);
		if (trip_us > from->trip_max_us)
			STREAM_SET(from->trip_max_us, (uint32_t)trip_us);
		return;
	}
}

static void take_block(struct rtcp_stats *from, const uint8_t *block, uint64_t now_us)
{
	uint32_t loss_ppm = (uint32_t)((uint64_t)block[4] * 1000000 >> 8);
	int32_t lost = (int32_t)(block[5] << 16 | block[6] << 8 | block[7]);

	if (lost & 0x800000)
		lost -= 0x1000000;
	STREAM_ADD(from->reports, 1);
	STREAM_SET(from->loss_ppm, loss_ppm);
	if (loss_ppm > from->loss_max_ppm)
		STREAM_SET(from->loss_max_ppm, loss_ppm);
	STREAM_SET(from->lost, lost);
	STREAM_SET(from->jitter, packet_u32(block + 12));
	note_trip(from, packet_u32(block + 16), packet_u32(block + 20), now_us);
}

static void take_item(struct rtcp_stats *from, struct rtcp_stats *to, uint32_t heard_ssrc,
		      const struct item *item, uint64_t now_us)
{
	size_t at = blocks_at(item);

	if (item->type == TYPE_GOODBYE)
		STREAM_ADD(from->goodbyes, 1);
	if (at == 0)
		return;
	if (item->type == TYPE_SENDER)
		note_sent(to, item, now_us);
	for (unsigned i = 0; i < item->count; i++) {
		const uint8_t *block = item->data + at + (size_t)i * BLOCK_BYTES;

		if (packet_u32(block) == heard_ssrc)
			take_block(from, block, now_us);
	}
}

/* All of it has to be sound, before any of it is believed (RFC 3550 A.2). */
static bool is_sound(const uint8_t *data, size_t left)
{
	struct item item;

	while (left)
		if (!next_item(&data, &left, &item))
			return false;
	return true;
}

void rtcp_packet(struct rtcp_stats *from, struct rtcp_stats *to, uint32_t heard_ssrc,
		 const uint8_t *data, size_t len, uint64_t now_us)
{
	struct item item;

	if (!is_sound(data, len)) {
		STREAM_ADD(from->malformed, 1);
		return;
	}
	while (next_item(&data, &len, &item))
		take_item(from, to, heard_ssrc, &item, now_us);
}

void rtcp_read(const struct rtcp_stats *stats, uint32_t clock_hz, struct rtcp_quality *out)
{
	uint32_t trips = STREAM_GET(stats->trips);
	uint32_t hz = clock_hz ? clock_hz : STREAM_CLOCK_HZ;
	uint64_t jitter_us = (uint64_t)STREAM_GET(stats->jitter) * 1000000 / hz;

	*out = (struct rtcp_quality){
		.reports = STREAM_GET(stats->reports),
		.round_trip_us = STREAM_GET(stats->trip_us),
		.round_trip_mean_us = trips ? (uint32_t)(STREAM_GET(stats->trips_us) / trips) : 0,
		.round_trip_max_us = STREAM_GET(stats->trip_max_us),
		.loss_ppm = STREAM_GET(stats->loss_ppm),
		.loss_max_ppm = STREAM_GET(stats->loss_max_ppm),
		.lost = STREAM_GET(stats->lost),
		.jitter_us = jitter_us > UINT32_MAX ? UINT32_MAX : (uint32_t)jitter_us,
		.goodbyes = STREAM_GET(stats->goodbyes),
		.malformed = STREAM_GET(stats->malformed),
	};
}
