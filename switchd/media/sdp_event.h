/* SPDX-License-Identifier: GPL-2.0-or-later */
/* telephone-event (RFC 4733) in an SDP: by which number a stream has it, and a stream made to have
 * it by another number or not at all. */
#pragma once

#include "switchd/media/sdp.h"

struct sdp_event {
	uint8_t type; /* payload type; 0 = the stream has none */
	uint32_t clock_hz;
};

/* The first one that the stream lists. */
void sdp_event_find(struct span body, size_t stream, struct sdp_event *out);
/* A payload type that the stream does not use for anything but events: this one if it may be (0:
 * the usual one). */
uint8_t sdp_event_free_type(const struct sdp_stream *stream, uint8_t wanted);
/* Appends the body with every telephone-event of the stream taken out and, unless event->type is 0,
 * this one put in. A stream that would be left without a format stays as it is. */
bool sdp_event_write(struct span body, size_t stream, const struct sdp_event *event,
		     struct buf *out);
