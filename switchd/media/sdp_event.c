/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/sdp_event.h"

#include "switchd/media/sdp_private.h"

#define FIRST_DYNAMIC 96
#define LAST_DYNAMIC  127
#define USUAL_TYPE    101
#define EVENTS        "0-16" /* digits and the hook flash */

struct types {
	uint64_t set[2];
};

static void types_add(struct types *types, uint64_t type)
{
	types->set[type / 64] |= UINT64_C(1) << (type % 64);
}

static bool types_have(const struct types *types, struct span format)
{
	uint64_t type;

	return span_to_u64(format, 127, &type) && types->set[type / 64] >> (type % 64) & 1;
}

/* "101 telephone-event/8000". */
static bool read_rtpmap(struct span value, uint64_t *type, uint64_t *clock_hz)
{
	struct span format = sdp_word(&value);
	struct span encoding = sdp_word(&value);
	size_t slash = span_find(encoding, '/');
	struct span clock = {encoding.ptr + slash, encoding.len - slash};

	if (!span_ieq((struct span){encoding.ptr, slash}, SPAN_LIT("telephone-event")) ||
	    clock.len < 2 || !span_to_u64(format, 127, type))
		return false;
	clock = (struct span){clock.ptr + 1, clock.len - 1};
	clock.len = span_find(clock, '/');
	return span_to_u64(clock, 1000000, clock_hz) && *clock_hz > 0;
}

/* Walks the lines of one stream; `index` is that of the stream which the line stands in. */
struct walk {
	struct sdp_lines lines;
	struct sdp_line line;
	size_t begun; /* streams, this one included */
};

static bool walk_next(struct walk *walk)
{
	if (!sdp_lines_next(&walk->lines, &walk->line))
		return false;
	walk->begun += walk->line.type == 'm';
	return true;
}

static bool is_rtpmap(const struct walk *walk, size_t stream, uint64_t *type, uint64_t *clock_hz)
{
	static const struct span start = SPAN_LIT("rtpmap:");
	struct span line = walk->line.value;

	return walk->line.type == 'a' && walk->begun == stream + 1 &&
	       span_starts_with(line, start) &&
	       read_rtpmap((struct span){line.ptr + start.len, line.len - start.len}, type,
			   clock_hz);
}

/* Where the media line lists the type; SIZE_MAX: nowhere, and its rtpmap means nothing. */
static size_t place_of(struct span formats, uint64_t type)
{
	size_t place = 0;

	for (struct span word = sdp_word(&formats); word.len; word = sdp_word(&formats), place++) {
		uint64_t listed;

		if (span_to_u64(word, 127, &listed) && listed == type)
			return place;
	}
	return SIZE_MAX;
}

void sdp_event_find(struct span body, size_t stream, struct sdp_event *out)
{
	struct walk walk = {.lines = {.rest = body}};
	struct span formats = SPAN_NONE;
	struct sdp_media_line media;
	size_t best = SIZE_MAX;
	uint64_t type;
	uint64_t clock_hz;

	*out = (struct sdp_event){0};
	while (walk_next(&walk)) {
		if (walk.line.type == 'm' && walk.begun == stream + 1 &&
		    sdp_media_parse(walk.line.value, &media))
			formats = media.formats;
		if (!is_rtpmap(&walk, stream, &type, &clock_hz))
			continue;
		if (type == 0 || place_of(formats, type) >= best)
			continue;
		best = place_of(formats, type);
		*out = (struct sdp_event){(uint8_t)type, (uint32_t)clock_hz};
	}
}

uint8_t sdp_event_free_type(const struct sdp_stream *stream, uint8_t wanted)
{
	struct types used = {{0}};

	if (!wanted)
		wanted = USUAL_TYPE;
	sdp_payload_types(stream, used.set);
	if (wanted == stream->event_type || !(used.set[1] >> (wanted - 64) & 1))
		return wanted;
	if (stream->event_type)
		return stream->event_type;
	for (int type = LAST_DYNAMIC; type >= FIRST_DYNAMIC; type--)
		if (!(used.set[1] >> (type - 64) & 1))
			return (uint8_t)type;
	return 0;
}

static void find_events(struct span body, size_t stream, struct types *out)
{
	struct walk walk = {.lines = {.rest = body}};
	uint64_t type;
	uint64_t clock_hz;

	while (walk_next(&walk))
		if (is_rtpmap(&walk, stream, &type, &clock_hz))
			types_add(out, type);
}

/* "m=audio 4000 RTP/AVP 0 8" with the formats that are left. */
static bool write_media(struct span value, const struct types *events,
			const struct sdp_event *event, struct buf *out)
{
	struct sdp_media_line media;
	struct span rest;
	bool has_other = false;

	if (!sdp_media_parse(value, &media))
		return false;
	rest = media.formats;
	buf_add_lit(out, "m=");
	buf_add_span(out, (struct span){value.ptr, (size_t)(rest.ptr - value.ptr)});
	for (struct span word = sdp_word(&rest); word.len; word = sdp_word(&rest)) {
		if (types_have(events, word))
			continue;
		if (has_other)
			buf_add_char(out, ' ');
		buf_add_span(out, word);
		has_other = true;
	}
	if (event->type)
		buf_printf(out, "%s%u", has_other ? " " : "", event->type);
	buf_add_lit(out, "\r\n");
	return has_other;
}

static bool speaks_of(const struct sdp_line *line, const struct types *events)
{
	struct span name;
	struct span value;

	if (line->type != 'a')
		return false;
	sdp_attribute_split(line->value, &name, &value);
	return (span_eq(name, SPAN_LIT("rtpmap")) || span_eq(name, SPAN_LIT("fmtp"))) &&
	       types_have(events, sdp_word(&value));
}

static void add_event(const struct sdp_event *event, struct buf *out)
{
	if (!event->type)
		return;
	buf_printf(out, "a=rtpmap:%u telephone-event/%u\r\na=fmtp:%u " EVENTS "\r\n", event->type,
		   event->clock_hz, event->type);
}

bool sdp_event_write(struct span body, size_t stream, const struct sdp_event *event,
		     struct buf *out)
{
	struct walk walk = {.lines = {.rest = body}};
	struct types events = {{0}};
	size_t start = out->len;

	find_events(body, stream, &events);
	while (walk_next(&walk)) {
		bool is_inside = walk.begun == stream + 1;

		if (walk.line.type == 'm' && walk.begun == stream + 2)
			add_event(event, out);
		if (is_inside && walk.line.type == 'm') {
			if (!write_media(walk.line.value, &events, event, out)) {
				out->len = start;
				buf_add_span(out, body);
				return !out->failed;
			}
			continue;
		}
		if (is_inside && speaks_of(&walk.line, &events))
			continue;
		buf_add_char(out, walk.line.type);
		buf_add_char(out, '=');
		buf_add_span(out, walk.line.value);
		buf_add_lit(out, "\r\n");
	}
	if (walk.begun == stream + 1)
		add_event(event, out);
	return !walk.lines.why && !out->failed;
}
