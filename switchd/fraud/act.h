/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the configuration says of fraud: its rules, and what is done about who breaks them. */
#pragma once

#include "shared/config/snapshot.h"
#include "switchd/fraud/patterns.h"

struct blacklist;

void fraud_rules_read(const struct snapshot *config, struct fraud_rules *out);
/* SS_FRAUD_ACTION black-list: lists the caller by the family that the pattern belongs to, unless
 * that is unset or the number is on the white list. True: it is listed. list may be NULL. */
bool fraud_act(struct blacklist *list, const struct snapshot *config,
	       const struct fraud_crossing *crossing, uint64_t now_us);
