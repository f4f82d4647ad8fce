/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams from strangers at a relay port, RTP, RTCP, STUN or neither, from sources of all kinds:
 * nobody but the peer is ever learned or written to, a packet that a stranger sends changes no
 * number of the stream, and all numbers stay possible. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/media/latch.h"
#include "switchd/media/mos.h"
#include "switchd/media/packet.h"
#include "switchd/media/quality.h"
#include "switchd/media/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD_BYTES 4 /* of each datagram: source, time, length */
#define SOURCES    6

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct addr address(const char *text)
{
	struct addr out = {0};

	require(addr_parse(span_of(text), &out));
	return out;
}

struct side {
	struct latch latch;
	struct stream_stats stats;
	struct rtcp_stats reports;
	struct rtcp_stats other;
};

/* The SDP's address, its RTCP, another port of it, where signalling comes from, two strangers. */
static const char *const sources[SOURCES] = {
	"203.0.113.5:4000",   "203.0.113.5:4001", "203.0.113.5:5555",
	"203.0.113.77:61000", "192.0.2.66:4000",  "[2001:db8::66]:4000",
};

static bool is_stranger(unsigned source)
{
	return source >= 4;
}

static void start(struct side *side, uint8_t seed)
{
	struct addr local = address("198.51.100.1");
	struct media_peer peer = {
		.rtp = address(sources[0]),
		.rtcp = address(sources[1]),
		.signalling = address(sources[3]),
		.may_learn = seed & 1,
		.is_audio = seed & 2,
		.learning = (enum media_learning)((seed >> 2) % 3),
	};

	if (seed & 0x40)
		peer.payload_types[0] = 1;
	memset(side, 0, sizeof(*side));
	latch_init(&side->latch, &local);
	latch_set_peer(&side->latch, &peer, 1);
	side->stats.clock_hz = seed & 0x80 ? 48000 : 0;
	side->stats.event_type = seed & 0x20 ? 101 : 0;
}

static bool is_known(const struct endpoint *endpoint)
{
	struct addr at = endpoint_addr(endpoint);

	if (endpoint_is_none(endpoint))
		return true;
	for (unsigned i = 0; i < SOURCES; i++) {
		struct addr source = address(sources[i]);

		if (addr_eq(&at, &source))
			return !is_stranger(i);
	}
	return false;
}

static void take_rtp(struct side *side, unsigned source, const uint8_t *data, size_t len,
		     uint64_t now_us)
{
	struct addr from = address(sources[source]);
	struct endpoint endpoint = endpoint_of(&from);
	const struct latch_packet packet = {packet_rtp_ssrc(data), packet_rtp_sequence(data),
					    packet_payload_type(data)};
	enum latch_verdict verdict = LATCH_ACCEPT;

	if (!latch_is_stream(&side->latch, &endpoint, &packet, now_us))
		verdict = latch_rtp(&side->latch, &endpoint, &packet, now_us);
	require(!is_stranger(source) || verdict == LATCH_FOREIGN);
	if (verdict == LATCH_ACCEPT || verdict == LATCH_LEARNED)
		stream_stats_packet(&side->stats, data, (uint32_t)len, now_us);
}

static void take_rtcp(struct side *side, unsigned source, const uint8_t *data, size_t len,
		      uint64_t now_us)
{
	struct addr from = address(sources[source]);
	struct endpoint endpoint = endpoint_of(&from);
	enum latch_verdict verdict = latch_rtcp(&side->latch, &endpoint, packet_rtcp_ssrc(data));

	require(!is_stranger(source) || verdict == LATCH_FOREIGN);
	if (verdict != LATCH_FOREIGN)
		rtcp_packet(&side->reports, &side->other, side->stats.ssrc, data, len, now_us);
}

static void check(const struct side *side, uint64_t now_us)
{
	struct stream_quality quality;
	struct rtcp_quality reports;
	struct mos_input input;
	struct mos mos;

	require(is_known(&side->latch.source) && is_known(&side->latch.rtp_to) &&
		is_known(&side->latch.rtcp_to));
	quality_read(&side->stats, now_us, &quality);
	rtcp_read(&side->reports, side->stats.clock_hz, &reports);
	require(quality.duplicates <= quality.packets && quality.late <= quality.packets);
	require(quality.loss_ppm <= 1000000 && quality.burst_ppm <= 1000000 &&
		quality.gap_ppm <= 1000000);
	/* No number leaves a place for more than 65,536 others. */
	require(quality.lost <= quality.packets * 65536);
	require(reports.loss_ppm <= 1000000);
	require(reports.round_trip_us <= RTCP_ROUND_TRIP_MAX_US);
	require(reports.round_trip_mean_us <= reports.round_trip_max_us);
	input = (struct mos_input){.loss_ppm = quality.loss_ppm,
				   .run_milli = quality.run_milli,
				   .jitter_us = quality.jitter_us,
				   .round_trip_us = reports.round_trip_mean_us};
	mos = mos_estimate(&input);
	require(mos.centi >= 100 && mos.centi <= 450);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t now_us = 1;
	struct side side;

	if (size == 0)
		return 0;
	start(&side, data[0]);
	data++;
	size--;
	while (size > HEAD_BYTES) {
		unsigned source = data[0] % SOURCES;
		size_t len = (size_t)data[2] << 8 | data[3];
		uint8_t *packet;

		now_us += (uint64_t)data[1] * data[1] * 1000;
		data += HEAD_BYTES;
		size -= HEAD_BYTES;
		if (len > size)
			len = size;
		/* In a block of its own, so that a read behind its end shows. */
		packet = malloc(len ? len : 1);
		require(packet);
		memcpy(packet, data, len);
		if (packet_kind(packet, len) == PACKET_RTP)
			take_rtp(&side, source, packet, len, now_us);
		else if (packet_kind(packet, len) == PACKET_RTCP)
			take_rtcp(&side, source, packet, len, now_us);
		free(packet);
		check(&side, now_us);
		data += len;
		size -= len;
	}
	return 0;
}
