/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes: the one place where a template of note.def is filled in. A number that has no name in its
 * table is printed as a number, so that nothing recorded is hidden. */
#include "switchd/trace/words.h"

#include "switchd/call/cause.h"
#include "switchd/call/route.h"
#include "switchd/media/decide.h"

static void print_number(int64_t number, struct buf *out)
{
	buf_printf(out, "%lld", (long long)number);
}

static void print_cause(int64_t number, struct buf *out)
{
	if (number > 0) {
		buf_printf(out, "SIP %lld", (long long)number);
		return;
	}
	for (int id = 0; id < CAUSE_COUNT; id++) {
		struct cause cause = cause_of((enum cause_id)id);

		if (cause_number(cause) == number) {
			buf_add_str(out, cause_text(cause));
			return;
		}
	}
	print_number(number, out);
}

static void print_step(int64_t number, struct buf *out)
{
	if (number >= 0 && number <= DECIDE_CIPHER)
		buf_printf(out, "%s, %s", decide_step_name((enum decide_step)number),
			   decide_step_text((enum decide_step)number));
	else
		print_number(number, out);
}

static void print_why(int64_t number, struct buf *out)
{
	if (number >= 0 && number < ROUTE_VERDICT_COUNT)
		buf_add_str(out, route_verdict_text((enum route_verdict)number));
	else
		print_number(number, out);
}

static void print_side(int64_t number, struct buf *out)
{
	if (number == 0)
		buf_add_lit(out, "caller");
	else if (number == 1)
		buf_add_lit(out, "callee");
	else
		buf_add_lit(out, "switch");
}

static const struct {
	const char *name;
	void (*print)(int64_t number, struct buf *out);
} tables[] = {
	{"cause", print_cause},
	{"step", print_step},
	{"why", print_why},
	{"side", print_side},
};

/* What stands between the braces: "a", "b:cause", "text". */
static void print_place(const struct trace_event *event, struct span place, struct buf *out)
{
	size_t colon = span_find(place, ':');
	int64_t number = place.len && place.ptr[0] == 'a' ? event->a : event->b;

	if (span_eq(place, SPAN_LIT("text"))) {
		trace_message_mask(event->data, out); /* it may be an address with a password */
		return;
	}
	for (size_t i = 0; colon < place.len && i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct span name = {place.ptr + colon + 1, place.len - colon - 1};

		if (span_eq(name, span_of(tables[i].name))) {
			tables[i].print(number, out);
			return;
		}
	}
	print_number(number, out);
}

void trace_note_print(const struct trace_event *event, struct buf *out)
{
	struct span rest;

	if (event->note >= TRACE_NOTES)
		return;
	rest = span_of(trace_note_text((enum trace_note)event->note));
	while (rest.len) {
		size_t open = span_find(rest, '{');
		size_t close = span_find(rest, '}');

		if (open >= rest.len || close >= rest.len || close < open) {
			buf_add_span(out, rest);
			return;
		}
		buf_add(out, rest.ptr, open);
		print_place(event, (struct span){rest.ptr + open + 1, close - open - 1}, out);
		rest.ptr += close + 1;
		rest.len -= close + 1;
	}
}
