/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a call went as it did: what switchd noted of it in the flight recorder, in words and in the
 * order of time; and calls that are over, of which nothing else is left than that. */
#pragma once

#include "switchd/ctl/emit.h"

extern const struct member why_members[];

/* The list "why" of the item: its notes in that ring, or with -1 in whichever it is. */
void item_why(struct request *request, uint64_t key, int ring);
/* The item of the one call with an id in that range that the recorder still has; or refuses. */
enum step show_call_over(struct request *request, uint64_t low, uint64_t high);
