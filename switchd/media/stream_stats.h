/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is counted of one stream, a packet at a time. It needs nothing but <stdint.h>, so that a
 * fast path outside the process may hold it in a table of its own: the next packet of a stream
 * costs stream_stats_next(), without loop, lock or call; a packet that this refuses is for
 * stream_stats_packet() (quality.h), which takes all. A fast path that only counts tells the sums
 * to stream_stats_bulk().
 *
 * One writer at a time; readers take each number for itself (quality_read). All zero is a stream of
 * which nothing has come; clock_hz may be set at any time, 0 stands for 8,000. */
#pragma once

#include <stdint.h>

/* One writer, so that a plain load and store will do; others may look at any time. */
#ifdef __bpf__
#define STREAM_GET(place)        (place)
#define STREAM_SET(place, value) ((place) = (value))
#else
#define STREAM_GET(place)        __atomic_load_n(&(place), __ATOMIC_RELAXED)
#define STREAM_SET(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELAXED)
#endif
#define STREAM_ADD(place, more) STREAM_SET(place, STREAM_GET(place) + (more))

/* No packet for so long is silence: longer than any packetisation or discontinuous transmission
 * (RFC 3389: comfort noise is repeated), shorter than a pause that people put up with. */
#define STREAM_SILENCE_US 1000000u
#define STREAM_CLOCK_HZ   8000u
/* A step of the transit time of more than a second is no jitter: the sender's clock has jumped. */
#define STREAM_JITTER_MAX_S 1u

#define STREAM_STARTED  0x1u /* a packet has come */
#define STREAM_HAS_BAD  0x2u /* bad_sequence is one */
#define STREAM_IN_RUN   0x4u /* the last number whose fate is known was lost */
#define STREAM_IN_BURST 0x8u

struct stream_stats {
	uint64_t packets;  /* accepted, duplicates and late ones among them */
	uint64_t bytes;    /* of their UDP payloads */
	uint64_t first_us; /* monotonic; with last_us, of arrivals */
	uint64_t last_us;
	uint64_t history;   /* bit n: number sequence - n has come; set only below span */
	uint64_t silent_us; /* in silences that are over */
	uint32_t ssrc;
	uint32_t transit; /* RFC 3550 A.8: its arrival less its timestamp, in ticks */
	uint32_t jitter;  /* ticks, times 16 */
	uint32_t jitter_max;
	uint32_t clock_hz;
	uint32_t flags;
	uint16_t sequence;     /* highest */
	uint16_t bad_sequence; /* next number, should the sender have begun anew */
	uint32_t lost;         /* numbers that have not come (yet) */
	uint32_t late;         /* came behind a later one: reordered */
	uint32_t duplicates;
	uint32_t restarts; /* another SSRC, or numbers anew */
	uint32_t type_changes;
	uint32_t comfort_noise; /* packets of payload type 13 (RFC 3389) */
	uint32_t event_packets;
	uint32_t events;          /* telephone events: digits; one keeps its timestamp */
	uint32_t event_timestamp; /* of the newest, or from before all of them */
	uint32_t silences;
	uint32_t longest_silence_ms;
	/* Of numbers 64 and more behind, whose fate is known. RFC 3611 4.7.2: bursts hold losses
	 * that are less than 16 packets apart. */
	uint32_t since_loss; /* packets since the last lost one */
	uint32_t known_lost;
	uint32_t runs; /* of losses in a row */
	uint32_t bursts;
	uint32_t burst_packets;
	uint32_t burst_lost;
	/* Dropped, so in none of the above. */
	uint32_t refused_source;
	uint32_t refused_ssrc;
	uint32_t refused_type;
	uint8_t payload_type; /* of the last packet that was sound */
	uint8_t event_type;   /* telephone-event (RFC 4733), set by whoever knows it; 0: none */
	uint8_t span;         /* numbers that history speaks of */
	uint8_t has_type;
};

/* Ticks of the sender's clock between its timestamp and the arrival here. */
static inline uint32_t stream_transit(uint32_t clock_hz, uint32_t timestamp, uint64_t now_us)
{
	return (uint32_t)(now_us * (clock_hz ? clock_hz : STREAM_CLOCK_HZ) / 1000000u) - timestamp;
}

static inline void stream_jitter(struct stream_stats *stats, uint32_t timestamp, uint64_t now_us)
{
	uint32_t hz = stats->clock_hz ? stats->clock_hz : STREAM_CLOCK_HZ;
	uint32_t transit = stream_transit(hz, timestamp, now_us);
	uint32_t step = transit - stats->transit;
	uint32_t jitter = stats->jitter;

	if (step >> 31)
		step = -step;
	stats->transit = transit;
	if (step > hz * STREAM_JITTER_MAX_S)
		return;
	jitter += step - ((jitter + 8) >> 4);
	STREAM_SET(stats->jitter, jitter);
	if (jitter > stats->jitter_max)
		STREAM_SET(stats->jitter_max, jitter);
}

/* Counts a packet that is the next of its stream, of the same source and type, in time. False:
 * it is something else, and nothing was done. */
static inline int stream_stats_next(struct stream_stats *stats, uint16_t sequence,
				    uint32_t timestamp, uint32_t ssrc, uint8_t payload_type,
				    uint32_t bytes, uint64_t now_us)
{
	if (!(stats->flags & STREAM_STARTED) || ssrc != stats->ssrc ||
	    sequence != (uint16_t)(stats->sequence + 1) || payload_type != stats->payload_type ||
	    !(stats->history >> 63) || now_us - stats->last_us >= STREAM_SILENCE_US)
		return 0;
	stats->flags &= ~(STREAM_IN_RUN | STREAM_HAS_BAD);
	stats->sequence = sequence;
	stats->history = stats->history << 1 | 1;
	stats->since_loss++; /* the number that left the history had come */
	stream_jitter(stats, timestamp, now_us);
	STREAM_ADD(stats->packets, 1);
	STREAM_ADD(stats->bytes, bytes);
	STREAM_SET(stats->last_us, now_us);
	return 1;
}
