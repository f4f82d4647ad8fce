/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of a call (cdr.h), filled from its state: at the answer, and at the end. */
#pragma once

#include "switchd/call/call_hunt.h"

/* Before a call begins: CAUSE_NORMAL, or why there is no room for its record. */
struct cause call_record_room(const struct call_table *table);
/* The call has just been answered; the set-up is still there. */
void call_record_answered(struct call *call);
/* It ends: `but` as for call_end(); told is what a caller who still waits is told, which may stand
 * for another cause. */
void call_record_ended(const struct call *call, const struct leg *but, struct cause told);
