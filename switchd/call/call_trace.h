/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a call writes into the flight recorder (note.def): each decision where it is taken. One copy
 * of a few words; nothing is formatted. */
#pragma once

#include "switchd/call/call_private.h"
#include "switchd/trace/recorder.h"

/* side: enum media_side, or TRACE_NO_SIDE. */
void call_note(const struct call *call, enum trace_note note, uint8_t side, int64_t a, int64_t b,
	       const char *text);
/* Which dialog is which leg: the caller's (attempt 0), or that of an attempt, counted from 1. */
void call_note_leg(const struct call *call, const struct leg *leg, unsigned attempt,
		   const char *party);
/* Number of an attempt, from 1. */
unsigned call_attempt_number(const struct call *call, const struct call_attempt *attempt);
