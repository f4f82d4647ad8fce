/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diversion (RFC 5806): that a call was forwarded, by whom and why. Only numbers are taken over
 * from one leg to the other, never hosts. */
#pragma once

#include "switchd/call/leg.h"
#include "switchd/sip/msg.h"

/* The newest one of an INVITE; it stands for all before it. */
void diversion_of(const struct sip_msg *msg, struct call_diversion *out);
/* Header lines of the INVITE to a callee. */
void diversion_add_headers(const struct conf *conf, const struct call_dial *dial, const char *host,
			   struct buf *out);
