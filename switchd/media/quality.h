/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quality of the two streams of a session: what reached us, what the receivers report, and what
 * that sounds like.
 *
 * The media thread counts (stream_stats.h, rtcp.h); whoever wants to know takes a copy that is good
 * for the moment, in any thread. */
#pragma once

#include <stdbool.h>

#include "switchd/media/stream_stats.h"

/* Counts an accepted RTP packet of at least 12 bytes. Media thread. */
void stream_stats_packet(struct stream_stats *stats, const uint8_t *data, uint32_t bytes,
			 uint64_t now_us);
/* Packets that passed elsewhere and were only counted there; sequence is that of the last one. */
void stream_stats_bulk(struct stream_stats *stats, uint64_t packets, uint64_t bytes,
		       uint16_t sequence, uint64_t last_us);

/* What has come of a stream, for show and for records. */
struct stream_quality {
	uint64_t packets;
	uint64_t bytes;
	uint64_t lost;
	uint64_t late;
	uint64_t duplicates;
	uint64_t first_us; /* monotonic; 0 = nothing has come, as with last_us */
	uint64_t last_us;
	uint64_t silent_us; /* all silences; one that goes on, up to now */
	uint32_t longest_silence_ms;
	uint32_t silences;
	uint32_t jitter_us;
	uint32_t jitter_max_us;
	uint32_t loss_ppm;  /* of what should have come */
	uint32_t bursts;    /* RFC 3611 4.7.2, smallest gap 16 */
	uint32_t burst_ppm; /* loss within bursts */
	uint32_t gap_ppm;   /* loss outside of them */
	uint32_t run_milli; /* losses in a row, mean, in thousandths; 0: none */
	uint32_t restarts;
	uint32_t type_changes;
	uint32_t comfort_noise;
	uint32_t event_packets; /* of telephone events (RFC 4733) */
	uint32_t events;
	uint32_t refused_source; /* dropped: from someone else */
	uint32_t refused_ssrc;   /* dropped: where it should come from, but of another stream */
	uint32_t refused_type;   /* dropped: a payload type that nobody agreed on */
	uint32_t ssrc;
	uint8_t payload_type;
};

void quality_read(const struct stream_stats *stats, uint64_t now_us, struct stream_quality *out);
