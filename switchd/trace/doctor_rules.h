/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of the doctor: true when one applies, with its evidence in the finding. */
#pragma once

#include "switchd/trace/doctor.h"
#include "switchd/trace/doctor_read.h"

typedef bool doctor_rule_fn(const struct doctor_case *what, struct doctor_finding *finding);

/* Appends to the evidence; what has no room is cut. */
void doctor_say(struct doctor_finding *finding, const char *format, ...) VOS_PRINTF(2, 3);

/* doctor_path.c */
doctor_rule_fn doctor_private_media, doctor_nat_binding, doctor_no_response, doctor_sip_alg;
