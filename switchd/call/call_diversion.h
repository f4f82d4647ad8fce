/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the set-up knows of forwarding: the number that sent the call on, and what Diversion says in
 * its place (forwarding-signal rewriting, behaviour B1). */
#pragma once

#include "switchd/call/call_hunt.h"

/* The number that forwarded last, here or before the call came to us ("" = it is not told); NULL:
 * the call was not forwarded. */
const char *call_forwarded_number(const struct call_hunt *hunt);
/* On the way in: the number that Diversion came with, as the mapping gateway has it rewritten. */
void call_diversion_received(struct call *call);
/* On the way out: all numbers that Diversion will show, as the routing gateway has them rewritten.
 */
void call_diversion_sent(struct call *call, const struct conf_routing_gateway *gateway,
			 struct call_diversions *diversions);
