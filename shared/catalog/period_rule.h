/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule of times of the week: "mon-fri 08:00-18:00 allow", "sun 00:00-24:00 deny".
 *
 * Days may run over the end of the week (sat-mon), hours over midnight: "fri 22:00-06:00" is Friday
 * from 22:00 and Saturday until 06:00. Equal hours are a whole day from then on.
 *
 * Behind it may stand which numbers it is for: "sun 00:00-24:00 deny callee 0900", "... allow
 * caller 49 callee 00". For all others it is as if it were not there. */
#pragma once

#include "shared/base/span.h"

#define PERIOD_WEEK_MINUTES (7 * 24 * 60)

struct period_rule {
	uint8_t days; /* bit 0 = Monday; on which it begins */
	uint16_t from_min;
	uint16_t length_min;
	bool is_allow;
	struct span caller; /* beginnings of numbers, in the text that was parsed; none: any */
	struct span callee;
};

/* What is asked: at which time of the week, for which numbers. */
struct period_query {
	int week_min; /* minutes since Monday 00:00, local time */
	struct span caller;
	struct span callee;
};

bool period_rule_parse(struct span text, struct period_rule *out);
bool period_rule_covers(const struct period_rule *rule, int week_min);
/* What a list of rules says: a rule that denies now decides; else with any rule that allows one of
 * them has to cover the time; an empty list allows. Only the rules for these numbers count. */
bool period_rules_allow(const struct period_rule *rules, size_t count,
			const struct period_query *query);
