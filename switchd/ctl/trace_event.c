/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record as an event: the members are named as the columns of a row. */
#include "switchd/ctl/trace_rows.h"

#include "shared/base/clock.h"
#include "switchd/trace/words.h"

static void add_text(json_t *object, const char *name, struct span text)
{
	if (text.len)
		json_object_set_new(object, name, control_text(text));
}

static void add_buf(json_t *object, const char *name, struct buf *text)
{
	if (!text->failed)
		add_text(object, name, buf_span(text));
	buf_free(text);
}

static void add_message(json_t *object, const struct trace_event *event)
{
	char peer[ADDR_TEXT_MAX];
	struct buf text = buf_new();

	trace_message_mask(event->data, &text);
	add_buf(object, "message", &text);
	add_text(object, "transport", span_of(trace_transport_name(event->transport)));
	add_text(object, "peer_address", span_of(addr_print(&event->peer, peer)));
}

static void add_note(json_t *object, const struct trace_event *event)
{
	struct buf text = buf_new();

	trace_note_print(event, &text);
	add_buf(object, "text", &text);
	if (event->note < TRACE_NOTES)
		add_text(object, "area",
			 span_of(trace_area_name(trace_note_area((enum trace_note)event->note))));
}

json_t *trace_event_json(const struct trace_told *told, int64_t wall_offset_us)
{
	const struct trace_event *event = &told->event;
	int64_t wall_us = (int64_t)event->time_us + wall_offset_us;
	json_t *object = json_object();
	char time[CLOCK_TEXT_MAX];
	char id[CALL_ID_TEXT];
	char leg[8];

	add_text(object, "time", span_of(clock_print_utc(wall_us / 1000, time)));
	json_object_set_new(object, "time_us", json_integer(wall_us));
	if (told->key)
		add_text(object, "call", span_of(call_id_text(told->key, id)));
	add_text(object, "leg", span_of(trace_leg_text(told->leg, leg)));
	add_text(object, "record", span_of(trace_kind_name(event->kind)));
	add_text(object, "party", span_of(told->party));
	if (event->kind == TRACE_NOTE)
		add_note(object, event);
	else
		add_message(object, event);
	return object;
}
