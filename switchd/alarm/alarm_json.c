/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/alarm/alarm_json.h"

#include "shared/base/clock.h"

/* Length of the UTF-8 sequence (RFC 3629) at text, 0 when it is none. */
static size_t utf8_length(const unsigned char *text)
{
	size_t len = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;

	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	/* A NUL is no continuation, so this ends at the text's end. */
	for (size_t i = 1; i < len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return len;
}

static void add_text(struct buf *out, const char *text)
{
	if (!*text) {
		buf_add_lit(out, "null");
		return;
	}
	buf_add_char(out, '"');
	while (*text) {
		unsigned char c = (unsigned char)*text;
		size_t len = c < 0x80 ? 1 : utf8_length((const unsigned char *)text);

		if (c == '"' || c == '\\') {
			buf_add_char(out, '\\');
			buf_add_char(out, (char)c);
		} else if (c < ' ' || c == 0x7f) {
			buf_printf(out, "\\u%04x", c);
		} else if (len) {
			buf_add(out, text, len);
		} else {
			buf_add_lit(out, "\xef\xbf\xbd");
		}
		text += len ? len : 1;
	}
	buf_add_char(out, '"');
}

static void add_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ",\"%s\":", name);
	add_text(out, text);
}

static void add_time(struct buf *out, const char *name, int64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX] = "";

	add_member(out, name, wall_ms ? clock_print_utc(wall_ms, text) : text);
}

const char *alarm_event_word(enum alarm_event event)
{
	static const char *const words[] = {"raised", "cleared", "acknowledged"};

	return words[event];
}

void alarm_json(const struct alarm *alarm, enum alarm_event event, const char *hostname,
		struct buf *out)
{
	buf_printf(out, "{\"event\":\"%s\"", alarm_event_word(event));
	add_member(out, "switch", hostname);
	buf_printf(out, ",\"id\":%u", (unsigned)alarm->id);
	add_member(out, "level", alarm_level_word(alarm->level));
	add_member(out, "kind", alarm_kind_word(alarm->kind));
	add_member(out, "subject", alarm->subject);
	add_member(out, "text", alarm->text);
	add_time(out, "raised_time", alarm->raised_ms);
	add_time(out, "cleared_time", alarm->cleared_ms);
	add_time(out, "acknowledged_time", alarm->acknowledged_ms);
	add_member(out, "acknowledged_by", alarm->acknowledged_by);
	add_member(out, "comment", alarm->comment);
	buf_add_lit(out, "}\n");
}
