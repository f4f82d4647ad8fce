/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telephone events (RFC 4733) in one direction of a session, from a party to the other: numbered
 * otherwise, taken out and told, or made here for a party that signals its digits. No I/O, no
 * clock.
 *
 * The receiver sees one stream: what is taken out leaves no gap in the sequence numbers, events
 * made here go on from the last packet and replace the audio meanwhile, and all that follows is
 * numbered after them. Timestamps stay the sender's; an event has that of its own moment.
 *
 * Of a party that sends its digits both ways only the first kind counts (behaviour C17): always
 * where they are converted, else where it is asked for. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DTMF_PACKET_BYTES 16
#define DTMF_DEFAULT_MS   160
#define DTMF_MIN_MS       60
#define DTMF_MAX_MS       4000
#define DTMF_QUEUE        32
#define DTMF_STEP_US      20000u /* from one packet of an event to the next */
#define DTMF_GAP_US       60000u /* between two events */

struct dtmf_rule {
	uint8_t types[2]; /* by which the sender numbers events; 0 = none */
	uint8_t type;     /* by which the receiver does; 0 = it takes none */
	bool reports;     /* the sender's events are told, and go no further */
	bool inserts;     /* dtmf_insert() is used */
	bool refuses;     /* the sender's events do not count, and are taken out */
	bool first_only;  /* the same unless they are the kind that it sent first: dtmf_claim() */
	uint32_t clock_hz;
};

/* How a party may signal its digits. */
enum dtmf_kind { DTMF_UNHEARD, DTMF_INFO, DTMF_EVENTS };

struct dtmf_event {
	char digit; /* 0-9 * # A-D, ! for a hook flash */
	unsigned duration_ms;
};

struct dtmf_queued {
	uint8_t code;
	uint16_t duration_ms;
};

struct dtmf_stream {
	struct dtmf_rule rule;
	/* The sender's stream. */
	bool has_begun;
	uint32_t ssrc;
	uint16_t sequence; /* highest that came */
	uint32_t timestamp;
	uint64_t heard_us;
	/* As the receiver sees it. */
	uint16_t sent;         /* number of the last packet */
	uint16_t shift;        /* added to the sender's numbers */
	uint16_t shift_before; /* to those before `changed` */
	uint16_t changed;
	bool is_taking;     /* the last packet was taken out */
	bool must_join;     /* the next one follows an event made here */
	bool drops_earlier; /* those before `changed` were replaced */
	/* The event of the sender's that is going on, or was the last. */
	bool has_event;
	bool is_told;
	uint8_t code;
	uint16_t units;
	uint32_t event_timestamp;
	uint64_t told_us;
	/* Which kind of digits counts. */
	bool has_heard;
	bool has_inserted;
	_Atomic uint8_t first_kind; /* enum dtmf_kind */
	/* Made here. */
	struct dtmf_queued queue[DTMF_QUEUE];
	unsigned first;
	unsigned count;
	bool is_sending;
	uint8_t steps; /* packets sent of the event */
	uint8_t ends;  /* of them with the end bit */
	uint32_t begin_timestamp;
	uint64_t due_us; /* next packet, or the end of the gap; 0 = nothing to do */
};

void dtmf_init(struct dtmf_stream *stream, const struct dtmf_rule *rule);
/* An RTP packet of the sender's, changed in place. False: it ends here. *event has a digit when one
 * is to be told, else 0. */
bool dtmf_take(struct dtmf_stream *stream, uint64_t now_us, uint8_t *data, size_t len,
	       struct dtmf_event *event);
/* A digit of this kind has come: true when the kind is the first one. Any thread. */
bool dtmf_claim(struct dtmf_stream *stream, enum dtmf_kind kind);
/* Queues an event to be made; false when the queue is full or the digit none. */
bool dtmf_insert(struct dtmf_stream *stream, uint64_t now_us, const struct dtmf_event *event);
/* The packet that is due, if there is one: its length, or 0. To be asked until it is. */
size_t dtmf_next(struct dtmf_stream *stream, uint64_t now_us, uint8_t data[DTMF_PACKET_BYTES]);

/* -1: it is no digit. */
int dtmf_code(char digit);
