/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/catalog/period_rule.h"

#include <string.h>

#define DAY_MINUTES (24 * 60)

static int parse_day(struct span text)
{
	static const char days[] = "montuewedthufrisatsun";

	for (int day = 0; day < 7; day++)
		if (span_ieq(text, (struct span){days + 3 * day, 3}))
			return day;
	return -1;
}

static bool parse_days(struct span text, uint8_t *out)
{
	int first = parse_day((struct span){text.ptr, text.len < 3 ? text.len : 3});
	int last = first;

	if (text.len == 7 && text.ptr[3] == '-')
		last = parse_day((struct span){text.ptr + 4, 3});
	else if (text.len != 3)
		return false;
	if (first < 0 || last < 0)
		return false;
	*out = 0;
	for (int day = first;; day = (day + 1) % 7) {
		*out |= (uint8_t)(1u << day);
		if (day == last)
			return true;
	}
}

/* "08:00" to "24:00". */
static bool parse_time(struct span text, int *minutes)
{
	uint64_t hour;
	uint64_t minute;

	if (text.len != 5 || text.ptr[2] != ':' ||
	    !span_to_u64((struct span){text.ptr, 2}, 24, &hour) ||
	    !span_to_u64((struct span){text.ptr + 3, 2}, 59, &minute))
		return false;
	*minutes = (int)(hour * 60 + minute);
	return *minutes <= DAY_MINUTES;
}

static bool next_word(struct span *rest, struct span *word)
{
	struct span text = span_trim(*rest);
	size_t end = span_find(text, ' ');

	*word = (struct span){text.ptr, end};
	*rest = (struct span){text.ptr + end, text.len - end};
	return end > 0;
}

static bool parse_times(struct span text, struct period_rule *out)
{
	int from, to;

	if (text.len != 11 || text.ptr[5] != '-' ||
	    !parse_time((struct span){text.ptr, 5}, &from) ||
	    !parse_time((struct span){text.ptr + 6, 5}, &to) || from == DAY_MINUTES)
		return false;
	out->from_min = (uint16_t)from;
	out->length_min = (uint16_t)(to > from ? to - from : to - from + DAY_MINUTES);
	return true;
}

static bool is_number(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!strchr("0123456789*#+", text.ptr[i]) || !text.ptr[i])
			return false;
	return text.len > 0;
}

/* "caller 49", "callee 00", each at most once. */
static bool parse_numbers(struct span text, struct period_rule *out)
{
	struct span side, number;

	while (next_word(&text, &side)) {
		bool is_caller = span_ieq(side, SPAN_LIT("caller"));
		struct span *place = is_caller ? &out->caller : &out->callee;

		if ((!is_caller && !span_ieq(side, SPAN_LIT("callee"))) || place->len ||
		    !next_word(&text, &number) || !is_number(number))
			return false;
		*place = number;
	}
	return true;
}

/* "deny", "capacity 20". */
static bool parse_action(struct span *text, struct period_rule *out)
{
	static const char *const words[PERIOD_ACTIONS] = {
		[PERIOD_ALLOW] = "allow",
		[PERIOD_DENY] = "deny",
		[PERIOD_CAPACITY] = "capacity",
		[PERIOD_CALLER_PLAN] = "caller-transform",
		[PERIOD_CALLEE_PLAN] = "callee-transform",
	};
	uint64_t capacity = 0;
	struct span word;
	int action = 0;

	if (!next_word(text, &word))
		return false;
	while (action < PERIOD_ACTIONS && !span_ieq(word, span_of(words[action])))
		action++;
	out->action = (enum period_action)action;
	switch (out->action) {
	case PERIOD_ALLOW:
	case PERIOD_DENY:
		return true;
	case PERIOD_CAPACITY:
		if (!next_word(text, &word) || !span_to_u64(word, PERIOD_CAPACITY_MAX, &capacity))
			return false;
		out->capacity = (uint32_t)capacity;
		return true;
	case PERIOD_CALLER_PLAN:
	case PERIOD_CALLEE_PLAN:
		return next_word(text, &out->plan);
	case PERIOD_ACTIONS:
		break;
	}
	return false;
}

bool period_rule_parse(struct span text, struct period_rule *out)
{
	struct period_rule rule = {0};
	struct span days, times;

	if (!next_word(&text, &days) || !next_word(&text, &times) ||
	    !parse_days(days, &rule.days) || !parse_times(times, &rule) ||
	    !parse_action(&text, &rule) || !parse_numbers(text, &rule))
		return false;
	*out = rule;
	return true;
}

bool period_rule_covers(const struct period_rule *rule, int week_min)
{
	for (int day = 0; day < 7; day++) {
		int begin = day * DAY_MINUTES + rule->from_min;
		int since = (week_min - begin + PERIOD_WEEK_MINUTES) % PERIOD_WEEK_MINUTES;

		if ((rule->days >> day & 1) && since < rule->length_min)
			return true;
	}
	return false;
}

static bool begins_with(struct span number, struct span prefix)
{
	return number.len >= prefix.len && span_eq((struct span){number.ptr, prefix.len}, prefix);
}

static bool is_for(const struct period_rule *rule, const struct period_query *query)
{
	return begins_with(query->caller, rule->caller) && begins_with(query->callee, rule->callee);
}

bool period_rules_allow(const struct period_rule *rules, size_t count,
			const struct period_query *query)
{
	bool has_allow = false;
	bool is_allowed = false;

	for (size_t i = 0; i < count; i++) {
		bool is_allow = rules[i].action == PERIOD_ALLOW;
		bool covers;

		if ((!is_allow && rules[i].action != PERIOD_DENY) || !is_for(&rules[i], query))
			continue;
		covers = period_rule_covers(&rules[i], query->week_min);
		if (covers && !is_allow)
			return false;
		has_allow |= is_allow;
		is_allowed |= covers;
	}
	return is_allowed || !has_allow;
}

const struct period_rule *period_rules_find(const struct period_rule *rules, size_t count,
					    enum period_action action,
					    const struct period_query *query)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].action == action && is_for(&rules[i], query) &&
		    period_rule_covers(&rules[i], query->week_min))
			return &rules[i];
	return NULL;
}
