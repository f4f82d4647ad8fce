/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of the flight recorder as rows: one declaration for show trace call, its export, and what
 * is followed live. */
#pragma once

#include "switchd/call/cause.h"
#include "switchd/ctl/handlers.h"
#include "switchd/trace/find.h"

extern const struct column trace_columns[];
extern const size_t trace_column_count;

/* A filter with the memory of the texts that are not words of the line. */
struct trace_wish {
	struct trace_filter filter;
	char party[144];
	char cause[16];
};

/* The filter words of the line. False: refused. The wish must not move. */
bool trace_wish_of(struct request *request, struct trace_wish *out);
/* The call that <id> names: a key as show calls prints it, or a Call-ID. */
void trace_wish_of_id(const char *id, struct trace_wish *out);
/* False, and refused, when nothing is recorded. */
bool trace_is_on(struct request *request);
/* Added to the time of a record: microseconds since 1970. Asked once for rows that are compared. */
int64_t trace_wall_offset_us(void);
/* Who is at the other end of the leg: told by the call's TRACE_LEG note, NULL when it was not. */
const char *trace_party(struct trace_item *const *items, size_t count, uint8_t leg);
/* What a row shows besides its record. */
struct trace_frame {
	uint64_t key;
	const char *party;
	uint64_t first_us; /* the offset counts from it */
	int64_t wall_offset_us;
};

void trace_emit(struct request *request, const struct trace_item *item,
		const struct trace_frame *frame);
/* A packet of captured media (media/capture.h). */
void trace_emit_packet(struct request *request, const struct trace_event *event,
		       const struct trace_frame *frame);
