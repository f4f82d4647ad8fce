/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of a call (cdr.h), filled from its state: at the answer, and at the end. */
#pragma once

#include "switchd/call/call_hunt.h"

/* Before a call begins: CAUSE_NORMAL, or why there is no room for its record. */
struct cause call_record_room(const struct call_table *table);
/* The call has just been answered; the set-up is still there. */
void call_record_answered(const struct call *call);
/* It ends: `by` is the leg that hung up, NULL when the switch ends it. */
void call_record_ended(const struct call *call, const struct leg *by, struct cause cause);
