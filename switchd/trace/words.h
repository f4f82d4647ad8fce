/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of the flight recorder in words, for whoever prints them. */
#pragma once

#include "shared/base/buf.h"
#include "switchd/trace/recorder.h"

/* A note's template (note.def) with its numbers and text filled in. */
void trace_note_print(const struct trace_event *event, struct buf *out);
/* The message with what proves to know a password, and keys of media, replaced by "***". */
void trace_message_mask(struct span message, struct buf *out);
/* The session description in short: "192.0.2.1:4000 PCMU PCMA sendonly"; nothing when it has none.
 */
void trace_message_sdp(struct span message, struct buf *out);
/* The value of the message's Call-ID; empty when it has none. */
struct span trace_message_call_id(struct span message);
