/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What RTCP that passes by tells of a side: how long its packets are on the way, and how it
 * receives what it is sent.
 *
 * The switch sends no reports of its own. It notes when it has passed a sender report on, and takes
 * the time when a reception report comes back that names it: LSR is that report's, DLSR how long
 * the receiver has waited (RFC 3550 6.4.1). The rest is the way between the switch and the
 * receiver, there and back. Only reports on the stream that the side is really sent are believed,
 * which also leaves out what is encrypted. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "switchd/media/stream_stats.h"

/* Sender reports whose echo is waited for. They come some seconds apart, and so do the echoes. */
#define RTCP_SENT_MAX 4
/* What is longer than this is no round trip. */
#define RTCP_ROUND_TRIP_MAX_US UINT64_C(10000000)

/* Of one side. All zero is one that has said nothing. One writer, as with struct stream_stats. */
struct rtcp_stats {
	uint64_t trips_us; /* sum */
	uint32_t trips;
	uint32_t trip_us; /* the last, as with loss_ppm and jitter */
	uint32_t trip_max_us;
	uint32_t reports;  /* reception reports on the stream it is sent */
	uint32_t loss_ppm; /* of the packets since the report before */
	uint32_t loss_max_ppm;
	int32_t lost; /* of the whole stream; duplicates may make it negative */
	uint32_t jitter;
	uint32_t goodbyes;
	uint32_t malformed; /* packets that were not understood; they pass all the same */
	uint32_t sent_next;
	uint32_t sent_lsr[RTCP_SENT_MAX]; /* middle 32 bits of NTP time; 0 = none */
	uint64_t sent_us[RTCP_SENT_MAX];
};

/* A packet of the side `from`, which is sent `heard_ssrc`, on its way to the side `to`. */
void rtcp_packet(struct rtcp_stats *from, struct rtcp_stats *to, uint32_t heard_ssrc,
		 const uint8_t *data, size_t len, uint64_t now_us);

/* For show and for records. */
struct rtcp_quality {
	uint32_t reports;
	uint32_t round_trip_us; /* last; 0 = not known, as with the next two */
	uint32_t round_trip_mean_us;
	uint32_t round_trip_max_us;
	uint32_t loss_ppm; /* last reported */
	uint32_t loss_max_ppm;
	int32_t lost;
	uint32_t jitter_us;
	uint32_t goodbyes;
	uint32_t malformed;
};

/* clock_hz is that of the stream which the side is sent. */
void rtcp_read(const struct rtcp_stats *stats, uint32_t clock_hz, struct rtcp_quality *out);
