/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sequence numbers, jitter, silence and bursts of a stream. The fate of a number is settled when it
 * leaves the history of 64: until then it may come late. */
#include "switchd/media/quality.h"

#include "switchd/media/packet.h"
#include "switchd/media/stream_settle.h"

#define HISTORY STREAM_HISTORY

#define MAX_DROPOUT  3000 /* RFC 3550 A.1: a greater step is another beginning */
#define MAX_MISORDER 128  /* farther behind is, too */
#define TYPE_COMFORT 13   /* RFC 3389 */
#define SECOND_US    1000000u
/* No event comes later than that behind the next one. */
#define EVENT_LATE_TICKS (1u << 20)
#define PPM              UINT64_C(1000000)

static uint32_t clock_hz(const struct stream_stats *stats)
{
	return stats->clock_hz ? stats->clock_hz : STREAM_CLOCK_HZ;
}

/* --- Numbers. --- */

static void begin(struct stream_stats *stats, uint32_t ssrc, uint16_t sequence)
{
	if (stats->flags & STREAM_STARTED) {
		stream_settle(stats, HISTORY);
		STREAM_ADD(stats->restarts, 1);
	}
	STREAM_SET(stats->ssrc, ssrc);
	stats->sequence = sequence;
	stats->history = 1;
	stats->span = 1;
	stats->since_loss = STREAM_GAP_MIN;
	stats->flags = STREAM_STARTED;
}

static void step_forward(struct stream_stats *stats, unsigned step)
{
	unsigned span = stats->span + step;

	if (step < HISTORY) {
		stream_settle(stats, step);
		stats->history = stats->history << step | 1;
	} else {
		stream_settle(stats, HISTORY);
		stream_settle_lost(stats, step - HISTORY);
		stats->history = 1;
	}
	stats->span = (uint8_t)(span < HISTORY ? span : HISTORY);
	stats->sequence = (uint16_t)(stats->sequence + step);
	STREAM_ADD(stats->lost, step - 1);
}

/* False: it has come before. */
static bool step_back(struct stream_stats *stats, unsigned step)
{
	uint64_t bit = step < HISTORY ? UINT64_C(1) << step : 0;

	if (stats->history & bit) {
		STREAM_ADD(stats->duplicates, 1);
		return false;
	}
	STREAM_ADD(stats->late, 1);
	if (bit && step >= stats->span) {
		/* From before the first one. */
		STREAM_ADD(stats->lost, step - stats->span);
		stats->span = (uint8_t)(step + 1);
	} else if (STREAM_GET(stats->lost)) {
		STREAM_ADD(stats->lost, -1);
	}
	stats->history |= bit;
	return true;
}

/* Two in a row that fit nowhere are a beginning (RFC 3550 A.1); one is a stray. */
static bool begins_anew(struct stream_stats *stats, uint16_t sequence)
{
	bool fits = (stats->flags & STREAM_HAS_BAD) && sequence == stats->bad_sequence;

	stats->bad_sequence = (uint16_t)(sequence + 1);
	stats->flags |= STREAM_HAS_BAD;
	return fits;
}

enum place { PLACE_FIRST, PLACE_NORMAL, PLACE_USELESS };

static enum place put_number(struct stream_stats *stats, uint32_t ssrc, uint16_t sequence)
{
	unsigned step = (uint16_t)(sequence - stats->sequence);
	unsigned back = (uint16_t)(stats->sequence - sequence);

	if (!(stats->flags & STREAM_STARTED) || ssrc != stats->ssrc) {
		begin(stats, ssrc, sequence);
		return PLACE_FIRST;
	}
	if (step == 0 || back <= MAX_MISORDER) {
		return step_back(stats, back) ? PLACE_NORMAL : PLACE_USELESS;
	} else if (step < MAX_DROPOUT) {
		step_forward(stats, step);
		return PLACE_NORMAL;
	}
	if (!begins_anew(stats, sequence))
		return PLACE_USELESS;
	begin(stats, ssrc, sequence);
	return PLACE_FIRST;
}

/* --- A packet. --- */

static void note_silence(struct stream_stats *stats, uint64_t now_us)
{
	uint64_t gap_us = now_us - stats->last_us;
	uint32_t gap_ms = gap_us / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(gap_us / 1000);

	if (stats->last_us == 0 || now_us < stats->last_us || gap_us < STREAM_SILENCE_US)
		return;
	STREAM_ADD(stats->silences, 1);
	STREAM_ADD(stats->silent_us, gap_us);
	if (gap_ms > stats->longest_silence_ms)
		STREAM_SET(stats->longest_silence_ms, gap_ms);
}

/* All packets of an event have the timestamp of its beginning (RFC 4733 2.3.5). */
static void note_event(struct stream_stats *stats, uint32_t timestamp)
{
	STREAM_ADD(stats->event_packets, 1);
	/* One of an event that was counted, late or sent again. */
	if (stats->event_timestamp - timestamp < EVENT_LATE_TICKS)
		return;
	STREAM_ADD(stats->events, 1);
	stats->event_timestamp = timestamp;
}

/* True when the type is that of the packet before, so that the transit times can be compared.
 * Comfort noise and digits come between the packets of a codec: the type is still the codec's. */
static bool note_type(struct stream_stats *stats, uint8_t type, uint32_t timestamp, bool is_first)
{
	uint8_t before = stats->payload_type;

	if (is_first)
		stats->event_timestamp = timestamp - 1;
	if (type == TYPE_COMFORT) {
		STREAM_ADD(stats->comfort_noise, 1);
		return !is_first;
	}
	if (stats->event_type && type == stats->event_type) {
		note_event(stats, timestamp);
		return false;
	}
	if (type != before && stats->has_type)
		STREAM_ADD(stats->type_changes, 1);
	STREAM_SET(stats->payload_type, type);
	stats->has_type = 1;
	return type == before && !is_first;
}

void stream_stats_packet(struct stream_stats *stats, const uint8_t *data, uint32_t bytes,
			 uint64_t now_us)
{
	uint16_t sequence = packet_rtp_sequence(data);
	uint32_t timestamp = packet_u32(data + 4);
	uint32_t ssrc = packet_rtp_ssrc(data);
	uint8_t type = packet_payload_type(data);
	enum place place;

	if (stream_stats_next(stats, sequence, timestamp, ssrc, type, bytes, now_us))
		return;
	note_silence(stats, now_us);
	place = put_number(stats, ssrc, sequence);
	if (place != PLACE_USELESS) {
		if (note_type(stats, type, timestamp, place == PLACE_FIRST))
			stream_jitter(stats, timestamp, now_us);
		else if (!stats->event_type || type != stats->event_type)
			stats->transit = stream_transit(clock_hz(stats), timestamp, now_us);
	}
	if (stats->first_us == 0)
		STREAM_SET(stats->first_us, now_us);
	STREAM_ADD(stats->packets, 1);
	STREAM_ADD(stats->bytes, bytes);
	STREAM_SET(stats->last_us, now_us);
}

void stream_stats_bulk(struct stream_stats *stats, uint64_t packets, uint64_t bytes,
		       uint16_t sequence, uint64_t last_us)
{
	uint64_t numbers = (uint16_t)(sequence - stats->sequence);

	if (packets == 0)
		return;
	/* The numbers go round every 65,536. */
	if (packets > numbers)
		numbers += (packets - numbers + 0x8000) / 0x10000 * 0x10000;
	stream_settle(stats, HISTORY);
	if (numbers > packets)
		STREAM_ADD(stats->lost, (uint32_t)(numbers - packets));
	stats->sequence = sequence;
	stats->history = UINT64_MAX;
	stats->span = HISTORY;
	stats->flags = STREAM_STARTED;
	if (stats->first_us == 0)
		STREAM_SET(stats->first_us, last_us);
	STREAM_ADD(stats->packets, packets);
	STREAM_ADD(stats->bytes, bytes);
	STREAM_SET(stats->last_us, last_us);
}

/* --- A copy. --- */

static uint32_t ppm(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : (uint32_t)((part < whole ? part : whole) * PPM / whole);
}

static uint32_t ticks_us(uint32_t sixteenths, uint32_t hz)
{
	return (uint32_t)((uint64_t)sixteenths * (SECOND_US / 16) / hz);
}

/* Of the numbers whose fate is settled, those in bursts and those outside. */
static void read_bursts(const struct stream_stats *stats, uint64_t expected,
			struct stream_quality *out)
{
	uint64_t settled = expected > HISTORY ? expected - HISTORY : 0;
	uint32_t known_lost = STREAM_GET(stats->known_lost);
	uint32_t burst_lost = STREAM_GET(stats->burst_lost);
	uint32_t burst_packets = STREAM_GET(stats->burst_packets);
	uint32_t runs = STREAM_GET(stats->runs);

	out->bursts = STREAM_GET(stats->bursts);
	out->burst_ppm = ppm(burst_lost, burst_packets);
	if (settled > burst_packets && known_lost > burst_lost)
		out->gap_ppm = ppm(known_lost - burst_lost, settled - burst_packets);
	if (runs)
		out->run_milli = (uint32_t)((uint64_t)known_lost * 1000 / runs);
}

void quality_read(const struct stream_stats *stats, uint64_t now_us, struct stream_quality *out)
{
	uint32_t hz = STREAM_GET(stats->clock_hz);
	uint64_t expected;

	hz = hz ? hz : STREAM_CLOCK_HZ;
	*out = (struct stream_quality){
		.packets = STREAM_GET(stats->packets),
		.bytes = STREAM_GET(stats->bytes),
		.lost = STREAM_GET(stats->lost),
		.late = STREAM_GET(stats->late),
		.duplicates = STREAM_GET(stats->duplicates),
		.first_us = STREAM_GET(stats->first_us),
		.last_us = STREAM_GET(stats->last_us),
		.silent_us = STREAM_GET(stats->silent_us),
		.longest_silence_ms = STREAM_GET(stats->longest_silence_ms),
		.silences = STREAM_GET(stats->silences),
		.jitter_us = ticks_us(STREAM_GET(stats->jitter), hz),
		.jitter_max_us = ticks_us(STREAM_GET(stats->jitter_max), hz),
		.restarts = STREAM_GET(stats->restarts),
		.type_changes = STREAM_GET(stats->type_changes),
		.comfort_noise = STREAM_GET(stats->comfort_noise),
		.event_packets = STREAM_GET(stats->event_packets),
		.events = STREAM_GET(stats->events),
		.refused_source = STREAM_GET(stats->refused_source),
		.refused_ssrc = STREAM_GET(stats->refused_ssrc),
		.refused_type = STREAM_GET(stats->refused_type),
		.ssrc = STREAM_GET(stats->ssrc),
		.payload_type = STREAM_GET(stats->payload_type),
	};
	expected = out->packets - out->duplicates + out->lost;
	out->loss_ppm = ppm(out->lost, expected);
	read_bursts(stats, expected, out);
	if (out->last_us && now_us > out->last_us && now_us - out->last_us >= STREAM_SILENCE_US) {
		uint64_t gap_us = now_us - out->last_us;

		out->silences++;
		out->silent_us += gap_us;
		if (gap_us / 1000 > out->longest_silence_ms)
			out->longest_silence_ms = (uint32_t)(gap_us / 1000);
	}
}
