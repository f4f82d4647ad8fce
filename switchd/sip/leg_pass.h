/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INFO and MESSAGE inside a dialog, on their way through a leg (leg_pass.c). */
#pragma once

#include "switchd/sip/leg_private.h"

void leg_pass_request(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx);
/* Of a callee that has not answered, in one of its early dialogs. */
void leg_pass_early_request(struct sip_worker *worker, struct sip_leg *leg,
			    const struct sip_rx *rx);
bool leg_op_inside(struct leg *base, const struct call_inside *inside);
void leg_op_inside_result(struct leg *base, uint32_t number, int status);
/* Those that wait are answered, those under way forgotten. */
void leg_pass_stop(struct sip_leg *leg);
