/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes in words: the table of note.def. */
#include "switchd/trace/recorder.h"

static const struct {
	enum trace_area area;
	const char *text;
} notes[TRACE_NOTES] = {
#define NOTE(id, in, words) [TRACE_##id] = {TRACE_AREA_##in, words},
#include "switchd/trace/note.def"
#undef NOTE
};

static const char *const areas[TRACE_AREAS] = {
	[TRACE_AREA_CALL] = "call",
	[TRACE_AREA_ROUTE] = "route",
	[TRACE_AREA_MEDIA] = "media",
	[TRACE_AREA_AUTHENTICATION] = "authentication",
	[TRACE_AREA_REGISTRATION] = "registration",
	[TRACE_AREA_NAT] = "nat",
};

enum trace_area trace_note_area(enum trace_note note)
{
	return notes[note].area;
}

const char *trace_area_name(enum trace_area area)
{
	return areas[area];
}

const char *trace_note_text(enum trace_note note)
{
	return notes[note].text;
}
