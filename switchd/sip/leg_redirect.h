/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 3xx of a callee, and to a caller (leg_redirect.c). */
#pragma once

#include "switchd/sip/leg_private.h"

/* Tells the call, in place of call_leg_failed(). */
void leg_redirected(struct sip_leg *leg, const struct sip_msg *msg, struct cause cause);
void leg_op_redirect(struct leg *base, int status, const struct call_redirect *to);
