/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule of times of the week: "mon-fri 08:00-18:00 allow", "sun 00:00-24:00 deny".
 *
 * Days may run over the end of the week (sat-mon), hours over midnight: "fri 22:00-06:00" is Friday
 * from 22:00 and Saturday until 06:00. Equal hours are a whole day from then on.
 *
 * A rule that neither allows nor denies says what is otherwise at that time: "mon-fri 08:00-18:00
 * capacity 20", or "... callee-transform night" and "... caller-transform night" for the dial plan
 * of that name.
 *
 * Behind it may stand which numbers it is for: "sun 00:00-24:00 deny callee 0900", "... allow
 * caller 49 callee 00". For all others it is as if it were not there. */
#pragma once

#include "shared/base/span.h"

#define PERIOD_WEEK_MINUTES (7 * 24 * 60)
#define PERIOD_CAPACITY_MAX 100000

enum period_action {
	PERIOD_ALLOW,
	PERIOD_DENY,
	PERIOD_CAPACITY,
	PERIOD_CALLER_PLAN,
	PERIOD_CALLEE_PLAN,
	PERIOD_ACTIONS,
};

struct period_rule {
	uint8_t days; /* bit 0 = Monday; on which it begins */
	uint16_t from_min;
	uint16_t length_min;
	enum period_action action;
	uint32_t capacity;  /* calls; 0 is no limit */
	struct span plan;   /* its name, in the text that was parsed, as are the next two */
	struct span caller; /* beginnings of numbers; none: any */
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
/* What the rules that allow or deny say: one that denies now decides; else with any rule that
 * allows one of them has to cover the time; an empty list allows. Only the rules for these numbers
 * count. */
bool period_rules_allow(const struct period_rule *rules, size_t count,
			const struct period_query *query);
/* The first of the rules with that action that covers the time, for these numbers; NULL: none. */
const struct period_rule *period_rules_find(const struct period_rule *rules, size_t count,
					    enum period_action action,
					    const struct period_query *query);
