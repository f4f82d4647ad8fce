/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor reads in recorded messages, which may be anything that a peer has sent. */
#pragma once

#include "switchd/trace/find.h"

/* First header line of that name ("contact", lower case) or its short form (0 = none); empty when
 * there is none. */
struct span doctor_header(struct span message, const char *name, char compact);
/* Behind the empty line. */
struct span doctor_body(struct span message);
/* The rest of the first line of the body that begins so: "c=". */
struct span doctor_sdp_line(struct span message, const char *start);
/* Of c= or o=, when it is an address. */
bool doctor_sdp_address(struct span message, const char *start, struct addr *out);
/* Of the first SIP URI in the text, when its host is an address. */
bool doctor_uri_address(struct span text, struct addr *out);
/* Of the topmost Via: where its sender believes to be. */
bool doctor_via_address(struct span message, struct addr *out);
/* Of the request line. */
struct span doctor_request_uri(struct span message);
/* "INVITE" of CSeq; of a request its own method. */
struct span doctor_method(struct span message);
/* First digits of the text; -1: there are none, or too many. */
int64_t doctor_number(struct span text);

static inline bool doctor_is_message(const struct trace_item *item)
{
	return item->event.kind != TRACE_NOTE;
}

/* A request of that method, or (status > 0) that response to one. */
bool doctor_is(const struct trace_item *item, enum trace_kind kind, const char *method, int status);
