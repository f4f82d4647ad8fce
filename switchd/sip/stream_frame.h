/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a SIP message ends on a byte stream (RFC 3261 sections 7.5 and 18.3, RFC 5626 3.5.1).
 *
 * Pure: bytes in, events out, the same ones however the stream is cut into pieces. A header is read
 * as the gate (msg.c) reads it, so that both see one Content-Length. */
#pragma once

#include "switchd/sip/msg.h"

enum frame_event {
	FRAME_NONE,    /* more bytes are needed */
	FRAME_MESSAGE, /* one message: frame.text */
	FRAME_PING,    /* CRLF CRLF between messages, which is to be answered with CRLF */
	FRAME_REFUSED, /* no end can be told: frame.text is its header, as far as it is there;
			  nothing behind it can be read */
	FRAME_GARBAGE, /* no SIP; nothing behind it can be read */
};

/* Between two calls; zeroed at the start of a stream. */
struct framer {
	uint32_t scanned; /* of the message at hand: bytes that hold no end of its header */
	uint32_t total;   /* its length, once the header is whole; 0 = not known */
	uint8_t crlf;     /* bytes of CRLF CRLF that have come between messages */
};

struct frame {
	struct span text;
	int status;      /* REFUSED: the answer that it gets */
	const char *why; /* static text */
};

/* Looks at data[len], which starts where the call before left off. *consumed = bytes that are done
 * with; the rest is to be offered again with what follows it. */
enum frame_event framer_next(struct framer *framer, const char *data, size_t len, size_t *consumed,
			     struct frame *out);
/* True while a message has begun and not ended. */
static inline bool framer_is_inside(const struct framer *framer)
{
	return framer->scanned || framer->total;
}
