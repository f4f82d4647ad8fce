/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/call_trace.h"

#include <utlist.h>

void call_note(const struct call *call, enum trace_note note, uint8_t side, int64_t a, int64_t b,
	       const char *text)
{
	const struct call_env *env = &call->table->env;
	const struct trace_event event = {
		.key = call->id,
		.time_us = *env->now_us,
		.a = a,
		.b = b,
		.kind = TRACE_NOTE,
		.note = (uint8_t)note,
		.side = side,
		.data = span_of(text),
	};

	recorder_write(env->trace, &event);
}

void call_leg_timer(const struct leg *leg, const char *name, uint64_t after_s)
{
	if (leg->call)
		call_note(leg->call, TRACE_TIMER, (uint8_t)leg->side, (int64_t)after_s, 0, name);
}

void call_note_leg(const struct call *call, const struct leg *leg, unsigned attempt,
		   const char *party)
{
	const struct call_env *env = &call->table->env;
	const struct trace_event event = {
		.key = call->id,
		.dialog = leg->dialog,
		.time_us = *env->now_us,
		.a = leg->side,
		.b = attempt,
		.kind = TRACE_NOTE,
		.note = TRACE_LEG,
		.side = (uint8_t)leg->side,
		.peer = leg->signalling,
		.data = span_of(party),
	};

	recorder_write(env->trace, &event);
	if (leg->is_nat)
		call_note(call, TRACE_NAT_LEG, (uint8_t)leg->side, leg->side, 0, "");
}

unsigned call_attempt_number(const struct call *call, const struct call_attempt *attempt)
{
	const struct call_attempt *one;
	unsigned number = 0;

	DL_FOREACH (call->attempts, one) {
		number++;
		if (one == attempt)
			break;
	}
	return number;
}
