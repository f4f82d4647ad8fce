/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of the flight recorder as rows: one declaration for show trace call, its export, and what
 * is followed live. */
#pragma once

#include "switchd/call/cause.h"
#include "switchd/ctl/handlers.h"
#include "switchd/trace/find.h"
#include "switchd/trace/follow.h"

extern const struct column trace_columns[];
extern const size_t trace_column_count;

/* The filter words of the line; by a phone also its registrations are chosen, if they are wanted.
 * False: refused. */
bool trace_filter_of(struct request *request, bool with_registrations, struct trace_filter *out);
/* The call that <id> names: a key as show calls prints it, or a Call-ID. */
void trace_filter_of_id(const char *id, struct trace_filter *out);
/* A duration in seconds; 0: it was not given. */
uint64_t trace_seconds_of(const struct request *request, const char *arg);
/* False, and refused, when nothing is recorded. */
bool trace_is_on(struct request *request);
/* The same, also when too many follow already. */
bool trace_may_follow(struct request *request);
/* Added to the time of a record: microseconds since 1970. Asked once for rows that are compared. */
int64_t trace_wall_offset_us(void);
/* Who is at the other end of the leg: told by the call's TRACE_LEG note, NULL when it was not. */
const char *trace_party(struct trace_item *const *items, size_t count, uint8_t leg);
/* "a", "b1", "" of none. */
char *trace_leg_text(uint8_t leg, char out[8]);
const char *trace_kind_name(uint8_t kind);
const char *trace_transport_name(uint8_t transport);
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
void trace_emit_told(struct request *request, const struct trace_told *told,
		     int64_t wall_offset_us);
/* A row that only says that so many are missing. */
void trace_emit_lost(struct request *request, uint64_t count);
/* The same as an object, without what is null. */
json_t *trace_event_json(const struct trace_told *told, int64_t wall_offset_us);
