/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/trace_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/media/packet.h"
#include "switchd/trace/words.h"

const struct column trace_columns[] = {
	{"time", CELL_TIME, "", "TIME", 20},
	{"time_us", CELL_INT, "us", "", 0},
	{"offset_us", CELL_INT, "us", "OFFSET_US", 10},
	{"call", CELL_TEXT, "", "CALL", -16},
	{"leg", CELL_TEXT, "", "LEG", 3},
	{"kind", CELL_TEXT, "", "KIND", 8},
	{"area", CELL_TEXT, "", "AREA", -8},
	{"party", CELL_TEXT, "", "PARTY", 16},
	{"transport", CELL_TEXT, "", "VIA", -3},
	{"local_address", CELL_TEXT, "", "LOCAL", -21},
	{"peer_address", CELL_TEXT, "", "PEER", 21},
	{"name", CELL_TEXT, "", "", 0},
	{"text", CELL_TEXT, "", "TEXT", 40},
	{"sdp", CELL_TEXT, "", "SDP", -30},
	{"message", CELL_TEXT, "", "", 0},
	{"packet", CELL_TEXT, "", "", 0},
};

const size_t trace_column_count = sizeof(trace_columns) / sizeof(trace_columns[0]);
const struct schema schema_trace = SCHEMA_OF_ROWS(trace_columns);

/* --- The filter. --- */

/* "486", "4xx". */
static bool status_range(const char *text, struct trace_filter *out)
{
	int class = text[0] - '0';

	if (strlen(text) != 3 || class < 1 || class > 6)
		return false;
	if ((text[1] | 0x20) == 'x' && (text[2] | 0x20) == 'x') {
		out->status_low = class * 100;
		out->status_high = class * 100 + 99;
		return true;
	}
	if (text[1] < '0' || text[1] > '9' || text[2] < '0' || text[2] > '9')
		return false;
	out->status_low = atoi(text);
	out->status_high = out->status_low;
	return true;
}

static enum step refuse_value(struct request *request, const char *arg, const char *what)
{
	return request_refuse(request, FAULT_VALUE_FORMAT, match_arg(&request->match, arg)->column,
			      "%s", what);
}

static uint64_t seconds_of(const char *text)
{
	static const struct value_spec spec = {
		.type = VALUE_DURATION, .min = 0, .max = INT32_MAX, .unit = "s"};
	struct value value = {.type = VALUE_NONE};
	uint64_t seconds = 0;

	if (value_parse(&spec, "", span_of(text), &value, NULL) == VOS_OK)
		seconds = (uint64_t)value.number;
	value_clear(&value);
	return seconds;
}

static uint64_t since_of(const struct request *request)
{
	const char *back = request_arg(request, "back");
	uint64_t now_us = clock_mono_us();
	uint64_t ago_us = back ? seconds_of(back) * 1000000u : 0;

	return ago_us && ago_us < now_us ? now_us - ago_us : 0;
}

/* Calls keep the number of their cause; "no-answer" is another name of it. */
static void set_cause(const char *wanted, struct trace_wish *out)
{
	char name[64];

	snprintf(out->cause, sizeof(out->cause), "%s", wanted);
	out->filter.cause = out->cause;
	for (int id = 0; id < CAUSE_COUNT; id++) {
		cause_name(cause_of((enum cause_id)id), name, sizeof(name));
		if (strcmp(name, wanted) == 0)
			snprintf(out->cause, sizeof(out->cause), "%d",
				 cause_number(cause_of((enum cause_id)id)));
	}
}

bool trace_wish_of(struct request *request, struct trace_wish *out)
{
	const char *status = request_arg(request, "status");
	const char *network = request_arg(request, "network");
	const char *phone = request_arg(request, "phone");
	const char *cause = request_arg(request, "cause");

	*out = (struct trace_wish){.filter = {.caller = request_arg(request, "caller"),
					      .callee = request_arg(request, "callee"),
					      .number = request_arg(request, "number"),
					      .gateway = request_arg(request, "gateway"),
					      .call_id = request_arg(request, "call_id"),
					      .method = request_arg(request, "method"),
					      .since_us = since_of(request),
					      .is_failed = request_has(request, "failed")}};
	out->filter.calls_only = !out->filter.method && !network && !status && !out->filter.call_id;
	if (cause)
		set_cause(cause, out);
	if (phone) {
		snprintf(out->party, sizeof(out->party), "phone %s", phone);
		out->filter.party = out->party;
	}
	if (status && !status_range(status, &out->filter)) {
		refuse_value(request, "status", "a status is three digits, or 4xx for a class");
		return false;
	}
	if (network && !prefix_parse(span_of(network), &out->filter.address)) {
		refuse_value(request, "network", "an address, or a prefix such as 192.0.2.0/24");
		return false;
	}
	return true;
}

void trace_wish_of_id(const char *id, struct trace_wish *out)
{
	char *end;
	uint64_t key = strtoull(id, &end, 16);

	*out = (struct trace_wish){0};
	if (key && !*end && strlen(id) == CALL_ID_TEXT - 1)
		out->filter.key = key;
	else
		out->filter.call_id = id;
}

bool trace_is_on(struct request *request)
{
	struct recorder *recorder = request->ctl->context.recorder;

	if (recorder && recorder_rings(recorder))
		return true;
	request_refuse(request, FAULT_STATE, 0,
		       "nothing is recorded: the trace ring has no memory");
	return false;
}

/* --- Rows. --- */

int64_t trace_wall_offset_us(void)
{
	return clock_wall_ms() * 1000 - (int64_t)clock_mono_us();
}

const char *trace_party(struct trace_item *const *items, size_t count, uint8_t leg)
{
	for (size_t i = 0; i < count; i++) {
		const struct trace_event *event = &items[i]->event;

		if (event->kind == TRACE_NOTE && event->note == TRACE_LEG && items[i]->leg == leg)
			return event->data.ptr;
	}
	return NULL;
}

static void emit_buf(struct request *request, struct buf *text)
{
	if (text->len && !text->failed)
		emit_text(request, buf_span(text));
	else
		emit_null(request);
	buf_free(text);
}

static void emit_leg(struct request *request, uint8_t leg)
{
	char text[8] = "";

	if (leg == 0)
		snprintf(text, sizeof(text), "a");
	else if (leg != TRACE_NO_SIDE)
		snprintf(text, sizeof(text), "b%u", (unsigned)leg);
	emit_str(request, text);
}

/* Message: its method or status, the rest of the first line, the SDP in short, and all of it. */
static void emit_message(struct request *request, const struct trace_event *event)
{
	struct span name = trace_message_name(event->data);
	size_t end = span_find(event->data, '\r');
	struct span first = {event->data.ptr, end < event->data.len ? end : event->data.len};
	struct buf text = buf_new();

	if (trace_message_status(event->data)) {
		first.ptr += 8;
		first.len = first.len > 8 ? first.len - 8 : 0;
	}
	emit_text(request, name);
	emit_text(request, first);
	trace_message_sdp(event->data, &text);
	emit_buf(request, &text);
	text = buf_new();
	trace_message_mask(event->data, &text);
	emit_buf(request, &text);
}

static void emit_note(struct request *request, const struct trace_event *event)
{
	struct buf text = buf_new();

	emit_null(request);
	trace_note_print(event, &text);
	emit_buf(request, &text);
	emit_null(request);
	emit_null(request);
}

void trace_emit(struct request *request, const struct trace_item *item,
		const struct trace_frame *frame)
{
	static const char *const kinds[] = {"received", "sent", "note"};
	static const char *const transports[] = {"udp", "tcp", "tls"};
	const struct trace_event *event = &item->event;
	bool is_note = event->kind == TRACE_NOTE;
	int64_t wall_us = (int64_t)event->time_us + frame->wall_offset_us;
	char id[CALL_ID_TEXT];

	emit_time(request, wall_us / 1000);
	emit_int(request, wall_us);
	emit_int(request, (int64_t)(event->time_us - frame->first_us));
	emit_str(request, frame->key ? call_id_text(frame->key, id) : NULL);
	emit_leg(request, item->leg);
	emit_str(request, event->kind <= TRACE_NOTE ? kinds[event->kind] : NULL);
	emit_str(request, is_note && event->note < TRACE_NOTES
				  ? trace_area_name(trace_note_area((enum trace_note)event->note))
				  : NULL);
	emit_str(request, frame->party);
	emit_str(request,
		 is_note || event->transport > TRACE_TLS ? NULL : transports[event->transport]);
	emit_addr(request, &event->local);
	emit_addr(request, &event->peer);
	if (is_note)
		emit_note(request, event);
	else
		emit_message(request, event);
	emit_null(request);
	emit_row_end(request);
}

static const char *packet_name(int64_t kind)
{
	return kind == PACKET_RTP ? "RTP" : kind == PACKET_RTCP ? "RTCP" : "data";
}

static void emit_hex(struct request *request, struct span data)
{
	static const char digits[] = "0123456789abcdef";
	struct buf text = buf_new();

	for (size_t i = 0; i < data.len; i++) {
		uint8_t byte = (uint8_t)data.ptr[i];
		char pair[2] = {digits[byte >> 4], digits[byte & 15]};

		buf_add(&text, pair, sizeof(pair));
	}
	emit_buf(request, &text);
}

void trace_emit_packet(struct request *request, const struct trace_event *event,
		       const struct trace_frame *frame)
{
	int64_t wall_us = (int64_t)event->time_us + frame->wall_offset_us;
	char id[CALL_ID_TEXT];

	emit_time(request, wall_us / 1000);
	emit_int(request, wall_us);
	emit_int(request, (int64_t)(event->time_us - frame->first_us));
	emit_str(request, call_id_text(frame->key, id));
	emit_str(request, event->side == MEDIA_A ? "a" : "b");
	emit_str(request, event->kind == TRACE_SENT ? "sent" : "received");
	emit_null(request);
	emit_str(request, frame->party);
	emit_str(request, "udp");
	emit_addr(request, &event->local);
	emit_addr(request, &event->peer);
	emit_str(request, packet_name(event->a));
	emit_null(request);
	emit_null(request);
	emit_null(request);
	emit_hex(request, event->data);
	emit_row_end(request);
}
