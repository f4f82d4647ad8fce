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

uint64_t trace_seconds_of(const struct request *request, const char *arg)
{
	const char *text = request_arg(request, arg);
	static const struct value_spec spec = {
		.type = VALUE_DURATION, .min = 0, .max = INT32_MAX, .unit = "s"};
	struct value value = {.type = VALUE_NONE};
	uint64_t seconds = 0;

	if (text && value_parse(&spec, "", span_of(text), &value, NULL) == VOS_OK)
		seconds = (uint64_t)value.number;
	value_clear(&value);
	return seconds;
}

static uint64_t since_of(const struct request *request)
{
	uint64_t now_us = clock_mono_us();
	uint64_t ago_us = trace_seconds_of(request, "back") * 1000000u;

	return ago_us && ago_us < now_us ? now_us - ago_us : 0;
}

/* Calls keep the number of their cause; "no-answer" is another name of it. */
static void set_cause(const char *wanted, struct trace_filter *out)
{
	char name[64];

	snprintf(out->cause, sizeof(out->cause), "%s", wanted);
	for (int id = 0; id < CAUSE_COUNT; id++) {
		cause_name(cause_of((enum cause_id)id), name, sizeof(name));
		if (strcmp(name, wanted) == 0)
			snprintf(out->cause, sizeof(out->cause), "%d",
				 cause_number(cause_of((enum cause_id)id)));
	}
}

static void set_texts(const struct request *request, struct trace_filter *out)
{
	const struct {
		const char *arg;
		char *to;
		size_t size;
	} texts[] = {
		{"caller", out->caller, sizeof(out->caller)},
		{"callee", out->callee, sizeof(out->callee)},
		{"number", out->number, sizeof(out->number)},
		{"gateway", out->gateway, sizeof(out->gateway)},
		{"call_id", out->call_id, sizeof(out->call_id)},
		{"method", out->method, sizeof(out->method)},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (request_has(request, texts[i].arg))
			snprintf(texts[i].to, texts[i].size, "%s",
				 request_arg(request, texts[i].arg));
}

static enum trace_leg leg_of(const struct request *request)
{
	const char *leg = request_arg(request, "leg");

	if (!leg)
		return TRACE_LEG_ANY;
	return strcmp(leg, "a") == 0 ? TRACE_LEG_A : TRACE_LEG_B;
}

bool trace_filter_of(struct request *request, bool with_registrations, struct trace_filter *out)
{
	const char *status = request_arg(request, "status");
	const char *network = request_arg(request, "network");
	const char *phone = request_arg(request, "phone");
	const char *cause = request_arg(request, "cause");

	*out = (struct trace_filter){.leg = leg_of(request),
				     .since_us = since_of(request),
				     .is_failed = request_has(request, "failed")};
	set_texts(request, out);
	out->calls_only = !out->method[0] && !network && !status && !out->call_id[0] &&
			  !(phone && with_registrations);
	if (cause)
		set_cause(cause, out);
	if (phone)
		snprintf(out->party, sizeof(out->party), "phone %s", phone);
	if (status && !status_range(status, out)) {
		refuse_value(request, "status", "a status is three digits, or 4xx for a class");
		return false;
	}
	if (network && !prefix_parse(span_of(network), &out->address)) {
		refuse_value(request, "network", "an address, or a prefix such as 192.0.2.0/24");
		return false;
	}
	return true;
}

void trace_filter_of_id(const char *id, struct trace_filter *out)
{
	char *end;
	uint64_t key = strtoull(id, &end, 16);

	*out = (struct trace_filter){0};
	if (key && !*end && strlen(id) == CALL_ID_TEXT - 1)
		out->key = key;
	else
		snprintf(out->call_id, sizeof(out->call_id), "%s", id);
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

char *trace_leg_text(uint8_t leg, char out[8])
{
	out[0] = '\0';
	if (leg == 0)
		snprintf(out, 8, "a");
	else if (leg != TRACE_NO_SIDE)
		snprintf(out, 8, "b%u", (unsigned)leg);
	return out;
}

const char *trace_kind_name(uint8_t kind)
{
	static const char *const kinds[] = {"received", "sent", "note"};

	return kind <= TRACE_NOTE ? kinds[kind] : "";
}

const char *trace_transport_name(uint8_t transport)
{
	static const char *const transports[] = {"udp", "tcp", "tls"};

	return transport <= TRACE_TLS ? transports[transport] : "";
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
	trace_message_mask(first, &text);
	emit_buf(request, &text);
	text = buf_new();
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
	const struct trace_event *event = &item->event;
	bool is_note = event->kind == TRACE_NOTE;
	int64_t wall_us = (int64_t)event->time_us + frame->wall_offset_us;
	char id[CALL_ID_TEXT];
	char leg[8];

	emit_time(request, wall_us / 1000);
	emit_int(request, wall_us);
	emit_int(request, (int64_t)(event->time_us - frame->first_us));
	emit_str(request, frame->key ? call_id_text(frame->key, id) : NULL);
	emit_str(request, trace_leg_text(item->leg, leg));
	emit_str(request, trace_kind_name(event->kind));
	emit_str(request, is_note && event->note < TRACE_NOTES
				  ? trace_area_name(trace_note_area((enum trace_note)event->note))
				  : NULL);
	emit_str(request, frame->party);
	emit_str(request, is_note ? NULL : trace_transport_name(event->transport));
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

void trace_emit_told(struct request *request, const struct trace_told *told, int64_t wall_offset_us)
{
	const struct trace_item item = {.event = told->event, .leg = told->leg};
	const struct trace_frame frame = {
		.key = told->key,
		.party = told->party,
		.first_us = told->first_us,
		.wall_offset_us = wall_offset_us,
	};

	trace_emit(request, &item, &frame);
}

void trace_emit_lost(struct request *request, uint64_t count)
{
	int64_t wall_ms = clock_wall_ms();
	char text[64];

	snprintf(text, sizeof(text), "%llu records were not shown", (unsigned long long)count);
	for (size_t i = 0; i < trace_column_count; i++) {
		if (strcmp(trace_columns[i].name, "time") == 0)
			emit_time(request, wall_ms);
		else if (strcmp(trace_columns[i].name, "time_us") == 0)
			emit_int(request, wall_ms * 1000);
		else if (strcmp(trace_columns[i].name, "offset_us") == 0)
			emit_int(request, 0);
		else if (strcmp(trace_columns[i].name, "kind") == 0)
			emit_str(request, "lost");
		else if (strcmp(trace_columns[i].name, "text") == 0)
			emit_str(request, text);
		else
			emit_null(request);
	}
	emit_row_end(request);
}
