/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/dtmf.h"

#include <string.h>

#include "switchd/media/packet.h"

#define EVENT_BYTES   4
#define END_BIT       0x80
#define RESERVED_BIT  0x40
#define VOLUME        10 /* dBm0 below zero */
#define END_PACKETS   3  /* RFC 4733 2.5.1.4 */
#define CODE_MAX      16 /* hook flash */
#define MARKER_BIT    0x80
#define DIGIT_GAP_US  40000u /* no two digits of a person or a machine are closer */
#define UNITS_SEGMENT 0xffffu

static const char digits[] = "0123456789*#ABCD!";

int dtmf_code(char digit)
{
	const char *at;

	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');
	at = digit ? strchr(digits, digit) : NULL;
	return at ? (int)(at - digits) : -1;
}

void dtmf_init(struct dtmf_stream *stream, const struct dtmf_rule *rule)
{
	memset(stream, 0, sizeof(*stream));
	atomic_init(&stream->first_kind, DTMF_UNHEARD);
	stream->rule = *rule;
	if (!stream->rule.clock_hz)
		stream->rule.clock_hz = 8000;
}

static uint16_t get_u16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

static void put_u16(uint8_t *data, uint16_t value)
{
	data[0] = (uint8_t)(value >> 8);
	data[1] = (uint8_t)value;
}

static void put_u32(uint8_t *data, uint32_t value)
{
	put_u16(data, (uint16_t)(value >> 16));
	put_u16(data + 2, (uint16_t)value);
}

static bool is_before(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b) < 0;
}

/* RFC 3550 section 5.1 and 5.3.1. 0: there is no payload. */
static size_t payload_at(const uint8_t *data, size_t len)
{
	size_t at = RTP_HEADER_BYTES + (size_t)(data[0] & 0x0f) * 4;

	if (data[0] & 0x10) {
		if (at + 4 > len)
			return 0;
		at += 4 + (size_t)get_u16(data + at + 2) * 4;
	}
	return at < len ? at : 0;
}

/* The payload of an event packet; NULL: it is something else, whatever its number says. */
static const uint8_t *event_of(const struct dtmf_stream *stream, const uint8_t *data, size_t len)
{
	uint8_t type = packet_payload_type(data);
	size_t at;

	if (!type || (type != stream->rule.types[0] && type != stream->rule.types[1]))
		return NULL;
	at = payload_at(data, len);
	if (!at || len - at < EVENT_BYTES || (len - at) % EVENT_BYTES ||
	    (data[at + 1] & RESERVED_BIT) || data[at] > CODE_MAX)
		return NULL;
	return data + at;
}

/* --- Which kind counts. --- */

bool dtmf_claim(struct dtmf_stream *stream, enum dtmf_kind kind)
{
	uint8_t first = DTMF_UNHEARD;

	return atomic_compare_exchange_strong(&stream->first_kind, &first, (uint8_t)kind) ||
	       first == kind;
}

static bool events_count(struct dtmf_stream *stream)
{
	return !stream->has_inserted && !stream->rule.refuses &&
	       (!stream->rule.first_only || dtmf_claim(stream, DTMF_EVENTS));
}

/* --- Events of the sender's. --- */

static void tell(struct dtmf_stream *stream, uint64_t now_us, struct dtmf_event *event)
{
	if (stream->is_told)
		return;
	stream->is_told = true;
	/* A sender that counts as fast as packets go is none of digits. */
	if (stream->told_us && now_us - stream->told_us < DIGIT_GAP_US)
		return;
	stream->told_us = now_us;
	event->digit = digits[stream->code];
	event->duration_ms = stream->units * 1000u / stream->rule.clock_hz;
	if (event->duration_ms < DTMF_MIN_MS)
		event->duration_ms = DTMF_MIN_MS;
}

/* A long event comes in segments with timestamps of their own (RFC 4733 2.5.1.3). */
static bool is_next_segment(const struct dtmf_stream *stream, uint32_t timestamp, uint8_t code,
			    bool is_marked)
{
	return !is_marked && !stream->is_told && code == stream->code &&
	       timestamp - stream->event_timestamp == UNITS_SEGMENT;
}

static void note_event(struct dtmf_stream *stream, uint64_t now_us, const uint8_t *data,
		       const uint8_t *payload, struct dtmf_event *event)
{
	uint32_t timestamp = packet_u32(data + 4);
	uint16_t units = get_u16(payload + 2);

	if (stream->has_event && timestamp != stream->event_timestamp) {
		/* A late packet of the one before. */
		if ((int32_t)(timestamp - stream->event_timestamp) < 0)
			return;
		if (is_next_segment(stream, timestamp, payload[0], data[1] & MARKER_BIT)) {
			stream->event_timestamp = timestamp;
			stream->units = UNITS_SEGMENT;
			units = UNITS_SEGMENT;
		} else {
			tell(stream, now_us, event); /* its end was lost */
			stream->has_event = false;
		}
	}
	if (!stream->has_event) {
		stream->has_event = true;
		stream->is_told = false;
		stream->event_timestamp = timestamp;
		stream->code = payload[0];
		stream->units = 0;
	}
	if (units > stream->units)
		stream->units = units;
	if ((payload[1] & END_BIT) && !event->digit)
		tell(stream, now_us, event);
}

/* --- Numbers. --- */

static void begin_stream(struct dtmf_stream *stream, uint32_t ssrc, uint16_t sequence)
{
	/* An event that is being sent goes on in the new stream. */
	stream->must_join = stream->is_sending || (!stream->has_begun && stream->has_inserted);
	stream->has_begun = true;
	stream->ssrc = ssrc;
	stream->sequence = (uint16_t)(sequence - 1);
	stream->shift = 0;
	stream->shift_before = 0;
	stream->changed = sequence;
	stream->is_taking = false;
	stream->drops_earlier = false;
	stream->has_event = false;
	if (!stream->must_join)
		stream->sent = stream->sequence;
}

/* Whether packets meanwhile are replaced by what is sent here. */
static bool is_replaced(const struct dtmf_stream *stream)
{
	return stream->is_sending;
}

/* A packet that goes no further: those behind it close up. */
static void take_out(struct dtmf_stream *stream, uint16_t sequence)
{
	if (!is_before(stream->sequence, sequence) || stream->must_join)
		return;
	if (!stream->is_taking) {
		stream->shift_before = stream->shift;
		stream->changed = sequence;
		stream->drops_earlier = false;
	}
	stream->is_taking = true;
	stream->shift--;
}

/* The number that the receiver is to see; false: what comes so late was replaced. */
static bool number(struct dtmf_stream *stream, uint16_t sequence, uint16_t *out)
{
	bool is_new = is_before(stream->sequence, sequence);

	if (!is_new && is_before(sequence, stream->changed)) {
		*out = (uint16_t)(sequence + stream->shift_before);
		return !stream->drops_earlier;
	}
	if (is_new && stream->must_join) {
		stream->shift = (uint16_t)(stream->sent + 1 - sequence);
		stream->changed = sequence;
		stream->must_join = false;
		stream->drops_earlier = true;
	}
	*out = (uint16_t)(sequence + stream->shift);
	return true;
}

bool dtmf_take(struct dtmf_stream *stream, uint64_t now_us, uint8_t *data, size_t len,
	       struct dtmf_event *event)
{
	uint16_t sequence = get_u16(data + 2);
	uint32_t ssrc = packet_rtp_ssrc(data);
	const uint8_t *payload = event_of(stream, data, len);
	uint16_t shown;
	bool passes;

	event->digit = 0;
	if (!stream->has_begun || ssrc != stream->ssrc)
		begin_stream(stream, ssrc, sequence);
	passes = !is_replaced(stream);
	if (payload) {
		bool counts = events_count(stream);

		passes = passes && counts && !stream->rule.reports && stream->rule.type;
		if (counts)
			stream->has_heard = true;
		if (counts && stream->rule.reports)
			note_event(stream, now_us, data, payload, event);
		data[1] = (uint8_t)((data[1] & MARKER_BIT) | stream->rule.type);
	} else if (stream->has_event && is_before(stream->sequence, sequence)) {
		tell(stream, now_us, event); /* all packets that said its end were lost */
	}
	if (!passes)
		take_out(stream, sequence);
	else
		passes = number(stream, sequence, &shown);
	if (is_before(stream->sequence, sequence)) {
		stream->sequence = sequence;
		stream->timestamp = packet_u32(data + 4);
		stream->heard_us = now_us;
		if (passes)
			stream->is_taking = false;
	}
	if (!passes)
		return false;
	put_u16(data + 2, shown);
	if (is_before(stream->sent, shown))
		stream->sent = shown;
	return true;
}

/* --- Events made here. --- */

bool dtmf_insert(struct dtmf_stream *stream, uint64_t now_us, const struct dtmf_event *event)
{
	int code = dtmf_code(event->digit);
	unsigned duration_ms = event->duration_ms ? event->duration_ms : DTMF_DEFAULT_MS;
	struct dtmf_queued *queued;

	if (code < 0 || !stream->rule.type || stream->count == DTMF_QUEUE)
		return false;
	if (stream->has_heard)
		return true; /* it has come as an event */
	if (duration_ms < DTMF_MIN_MS)
		duration_ms = DTMF_MIN_MS;
	if (duration_ms > DTMF_MAX_MS)
		duration_ms = DTMF_MAX_MS;
	queued = &stream->queue[(stream->first + stream->count++) % DTMF_QUEUE];
	*queued = (struct dtmf_queued){(uint8_t)code, (uint16_t)duration_ms};
	if (!stream->due_us)
		stream->due_us = now_us;
	return true;
}

static uint32_t units_of(const struct dtmf_stream *stream, uint64_t us)
{
	return (uint32_t)(us * stream->rule.clock_hz / 1000000u);
}

static void begin_event(struct dtmf_stream *stream, uint64_t now_us)
{
	stream->is_sending = true;
	stream->has_inserted = true;
	stream->steps = 0;
	stream->ends = 0;
	if (!stream->has_begun && !stream->heard_us) {
		/* Nothing of the sender's yet: numbers of our own, as good as any. */
		stream->ssrc = (uint32_t)(now_us * 2654435761u);
		stream->sent = (uint16_t)(now_us >> 4);
		stream->timestamp = (uint32_t)now_us;
		stream->heard_us = now_us;
	}
	stream->begin_timestamp = stream->timestamp + units_of(stream, now_us - stream->heard_us);
	if (!stream->has_begun)
		return;
	stream->must_join = true;
}

/* After the last packet of an event. */
static void end_event(struct dtmf_stream *stream, uint64_t now_us)
{
	stream->is_sending = false;
	stream->first = (stream->first + 1) % DTMF_QUEUE;
	stream->count--;
	stream->due_us = now_us + DTMF_GAP_US;
}

size_t dtmf_next(struct dtmf_stream *stream, uint64_t now_us, uint8_t data[DTMF_PACKET_BYTES])
{
	const struct dtmf_queued *queued = &stream->queue[stream->first];
	uint32_t units;

	if (!stream->due_us || now_us < stream->due_us)
		return 0;
	if (!stream->count) {
		stream->due_us = 0; /* the gap is over */
		return 0;
	}
	if (!stream->is_sending)
		begin_event(stream, now_us);
	if (!stream->ends)
		stream->steps++;
	units = units_of(stream, (uint64_t)stream->steps * DTMF_STEP_US);
	if (units > UNITS_SEGMENT)
		units = UNITS_SEGMENT;
	if (stream->steps * (DTMF_STEP_US / 1000u) >= queued->duration_ms)
		stream->ends++;
	data[0] = 0x80;
	data[1] = (uint8_t)(stream->rule.type |
			    (stream->steps == 1 && !stream->ends ? MARKER_BIT : 0));
	put_u16(data + 2, ++stream->sent);
	put_u32(data + 4, stream->begin_timestamp);
	put_u32(data + 8, stream->ssrc);
	data[12] = queued->code;
	data[13] = (uint8_t)(VOLUME | (stream->ends ? END_BIT : 0));
	put_u16(data + 14, (uint16_t)units);
	stream->due_us += DTMF_STEP_US;
	/* A thread that was held up sends on from now, not all at once. */
	if (stream->due_us < now_us)
		stream->due_us = now_us + DTMF_STEP_US;
	if (stream->ends == END_PACKETS)
		end_event(stream, now_us);
	return DTMF_PACKET_BYTES;
}
