/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Supervision of routing gateways with `options-check` (behaviour C12): every
 * SS_SIP_OPTIONS_CHECK_PERIOD each address of theirs is sent an OPTIONS: those that are configured,
 * those that they registered from, or the servers of registrations of ours that are up. Any answer
 * but 408 and 503 says that it is alive; those, and none, that it is dead. New calls leave dead
 * addresses out, and a gateway without a living one is offline until one answers; calls in progress
 * are not touched.
 *
 * Signalling thread 0 does this for all; the others see the outcome in the live counters. */
#pragma once

#include "switchd/sip/worker.h"

struct options_check;

VOS_CHECK enum vos_err options_check_create(struct sip_worker *worker, struct options_check **out);
/* Before the pings under way are freed or after: nothing is told to either. */
void options_check_destroy(struct options_check *check);
/* Makes the gateways that are checked those of the worker's conf; of those that have not changed
 * state and times stay. */
void options_check_configure(struct options_check *check);
