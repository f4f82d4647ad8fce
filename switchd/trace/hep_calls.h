/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which call a recorded message is of, for who reads the recorder as it is written: learned from
 * its notes, forgotten some time after the call's end. Bounded: of too many calls the oldest are
 * forgotten. Clocks are arguments. */
#pragma once

#include "switchd/trace/recorder.h"

#define HEP_CALLS_MAX     50000u
#define HEP_CALL_DIALOGS  48u                /* of one call */
#define HEP_CALL_LASTS_US UINT64_C(40000000) /* after its end: 64 * T1, and some */

struct hep_calls;

VOS_CHECK enum vos_err hep_calls_create(struct hep_calls **out);
/* NULL is allowed. */
void hep_calls_destroy(struct hep_calls *calls);
/* A record; what is no note about a call's legs or its end is nothing to it. */
void hep_calls_learn(struct hep_calls *calls, const struct trace_event *event);
/* Key of the call that the dialog is of; 0: of none, or it is not known. */
uint64_t hep_calls_find(const struct hep_calls *calls, uint64_t dialog);
void hep_calls_expire(struct hep_calls *calls, uint64_t now_us);
