/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring tone that the switch plays to the caller. */
#pragma once

#include "switchd/call/call_hunt.h"

/* The attempt was dialled: its tone may begin after a time. */
void call_ringback_arm(struct call *call, const struct call_attempt *attempt);
/* The attempt rings without media of its own: plays the tone where the callee has it. True: the
 * caller hears it, and is told nothing more of ringing. */
bool call_ringback_covers(struct call *call, struct call_attempt *attempt);
/* The caller was told of a tone in another codec than the callee's: what follows is another
 * session (RFC 3261 13.2.1). */
bool call_ringback_differs(const struct call *call, const struct call_attempt *attempt);
/* The candidate has answered. */
void call_ringback_stop(struct call *call, const struct call_candidate *candidate);
void call_ringback_end(struct call *call);
