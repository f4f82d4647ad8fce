/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/catalog/period_rule.h"

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

bool period_rule_parse(struct span text, struct period_rule *out)
{
	struct period_rule rule;
	struct span days, times, verdict;
	int from, to;

	if (!next_word(&text, &days) || !next_word(&text, &times) || !next_word(&text, &verdict) ||
	    span_trim(text).len > 0 || times.len != 11 || times.ptr[5] != '-')
		return false;
	if (!parse_days(days, &rule.days) || !parse_time((struct span){times.ptr, 5}, &from) ||
	    !parse_time((struct span){times.ptr + 6, 5}, &to) || from == DAY_MINUTES)
		return false;
	rule.from_min = (uint16_t)from;
	rule.length_min = (uint16_t)(to > from ? to - from : to - from + DAY_MINUTES);
	rule.is_allow = span_ieq(verdict, SPAN_LIT("allow"));
	if (!rule.is_allow && !span_ieq(verdict, SPAN_LIT("deny")))
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

bool period_rules_allow(const struct period_rule *rules, size_t count, int week_min)
{
	bool has_allow = false;
	bool is_allowed = false;

	for (size_t i = 0; i < count; i++) {
		bool covers = period_rule_covers(&rules[i], week_min);

		if (covers && !rules[i].is_allow)
			return false;
		has_allow |= rules[i].is_allow;
		is_allowed |= covers;
	}
	return is_allowed || !has_allow;
}
