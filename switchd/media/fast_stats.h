/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel counts of a stream: as stream_stats_packet() would, but only for packets that
 * leave no doubt. It goes through gaps and takes late packets, for when a burst is lost, all
 * streams have one, and switchd could not take them all at once. */
#pragma once

#include "switchd/media/stream_settle.h"

struct fast_arrival {
	uint64_t now_us;
	uint32_t timestamp;
	uint32_t ssrc;
	uint32_t bytes;
	uint16_t sequence;
	uint8_t payload_type;
};

static inline int fast_is_late(struct stream_stats *stats, unsigned back)
{
	uint64_t bit = UINT64_C(1) << back;

	if (back >= stats->span)
		return 0; /* from before the first one */
	if (stats->history & bit) {
		STREAM_ADD(stats->duplicates, 1);
		return 1;
	}
	STREAM_ADD(stats->late, 1);
	if (STREAM_GET(stats->lost))
		STREAM_ADD(stats->lost, -1);
	stats->history |= bit;
	return 1;
}

static inline void fast_step(struct stream_stats *stats, unsigned step)
{
	unsigned span = stats->span + step;

	stream_settle(stats, step);
	stats->history = stats->history << step | 1;
	stats->span = (uint8_t)(span < STREAM_HISTORY ? span : STREAM_HISTORY);
	stats->sequence = (uint16_t)(stats->sequence + step);
	STREAM_ADD(stats->lost, step - 1);
}

/* A packet of the stream that is not the next one. 0: nothing was done, it is for
 * stream_stats_packet(). */
static inline int fast_stats_other(struct stream_stats *stats, const struct fast_arrival *arrival)
{
	unsigned step = (uint16_t)(arrival->sequence - stats->sequence);
	unsigned back = (uint16_t)(stats->sequence - arrival->sequence);

	if (!(stats->flags & STREAM_STARTED) || arrival->ssrc != stats->ssrc ||
	    arrival->payload_type != stats->payload_type || !stats->has_type ||
	    arrival->now_us - stats->last_us >= STREAM_SILENCE_US)
		return 0;
	if (back < STREAM_HISTORY) {
		uint32_t duplicates = stats->duplicates;

		if (!fast_is_late(stats, back))
			return 0;
		if (stats->duplicates == duplicates)
			stream_jitter(stats, arrival->timestamp, arrival->now_us);
	} else if (step < STREAM_HISTORY) {
		fast_step(stats, step);
		stream_jitter(stats, arrival->timestamp, arrival->now_us);
	} else {
		return 0;
	}
	STREAM_ADD(stats->packets, 1);
	STREAM_ADD(stats->bytes, arrival->bytes);
	STREAM_SET(stats->last_us, arrival->now_us);
	return 1;
}
