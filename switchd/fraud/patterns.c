/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/fraud/patterns.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#define US_PER_S UINT64_C(1000000)

const char *fraud_pattern_word(enum fraud_pattern pattern)
{
	static const char *const words[FRAUD_PATTERNS] = {
		[FRAUD_DESTINATION] = "destination",
		[FRAUD_SHORT_CALLS] = "short-calls",
		[FRAUD_NIGHT] = "night",
		[FRAUD_CONCURRENT] = "concurrent",
	};

	return words[pattern];
}

void fraud_patterns_init(struct fraud_patterns *patterns, fraud_crossed_fn *crossed, void *context)
{
	*patterns = (struct fraud_patterns){
		.parties.max = FRAUD_PARTIES_MAX,
		.callers.max = FRAUD_CALLERS_MAX,
		.destinations.max = FRAUD_DESTINATIONS_MAX,
		.crossed = crossed,
		.context = context,
	};
	hash_key_random(&patterns->hash_key);
}

void fraud_patterns_free(struct fraud_patterns *patterns)
{
	fraud_table_clear(&patterns->parties);
	fraud_table_clear(&patterns->callers);
	fraud_table_clear(&patterns->destinations);
}

/* One more in the window; how many there are. */
static uint32_t count_one(struct fraud_window *window, uint32_t period_s, uint64_t now_us)
{
	if (!window->count || now_us - window->first_us >= period_s * US_PER_S) {
		window->first_us = now_us;
		window->count = 0;
	}
	return ++window->count;
}

static struct fraud_entry *party_of(struct fraud_patterns *patterns, const char *party,
				    int64_t wall_s)
{
	uint64_t key = hash_bytes(&patterns->hash_key, party, strlen(party));
	struct fraud_entry *entry = fraud_table_need(&patterns->parties, key, party);

	if (entry && !entry->first_s)
		entry->first_s = wall_s;
	return entry;
}

/* --- Destinations. --- */

/* "+371..." and "00371..." are one. False: too short to be one, as the number of a phone is. */
static bool destination_of(const char *callee, uint32_t digits, char out[FRAUD_DIGITS_MAX + 1])
{
	int len;

	if (*callee == '+')
		len = snprintf(out, digits + 1, "00%s", callee + 1);
	else
		len = snprintf(out, digits + 1, "%s", callee);
	return len > (int)digits;
}

static struct fraud_entry *destination_entry(struct fraud_patterns *patterns, const char *party,
					     const char *destination, int64_t wall_s)
{
	char text[FRAUD_NAME_MAX + FRAUD_DIGITS_MAX + 2];
	int len = snprintf(text, sizeof(text), "%s>%s", party, destination);
	struct fraud_entry *entry =
		fraud_table_need(&patterns->destinations,
				 hash_bytes(&patterns->hash_key, text, (size_t)len), destination);

	if (entry && (!entry->first_s || wall_s - entry->last_s >= FRAUD_FORGET_S)) {
		entry->first_s = wall_s;
		entry->window = (struct fraud_window){0};
	}
	return entry;
}

static void look_at_destination(struct fraud_patterns *patterns, const struct fraud_rules *rules,
				const struct fraud_begin *begin, const struct fraud_entry *party,
				const struct fraud_time *now)
{
	char destination[FRAUD_DIGITS_MAX + 1];
	struct fraud_entry *entry;
	struct fraud_crossing crossing;

	if (!destination_of(begin->callee, rules->destination_digits, destination))
		return;
	entry = destination_entry(patterns, begin->party, destination, now->wall_s);
	if (!entry)
		return;
	entry->last_s = now->wall_s;
	/* Of a party that nothing is known of, everything would be new. */
	if (now->wall_s - party->first_s < (int64_t)rules->destination_learn_s ||
	    now->wall_s - entry->first_s >= (int64_t)rules->destination_learn_s)
		return;
	crossing = (struct fraud_crossing){
		.pattern = FRAUD_DESTINATION,
		.party = begin->party,
		.caller = begin->caller,
		.destination = destination,
		.figure = count_one(&entry->window, rules->destination_period_s, now->us),
		.limit = rules->limits[FRAUD_DESTINATION],
		.caller_key = begin->caller_key,
	};
	if (crossing.figure > crossing.limit)
		patterns->crossed(patterns->context, &crossing);
}

void fraud_learn(struct fraud_patterns *patterns, const struct fraud_rules *rules,
		 const char *party, const char *callee, int64_t wall_s)
{
	struct fraud_entry *known = party_of(patterns, party, wall_s);
	char destination[FRAUD_DIGITS_MAX + 1];
	struct fraud_entry *entry;

	if (known && wall_s < known->first_s)
		known->first_s = wall_s;
	if (!destination_of(callee, rules->destination_digits, destination))
		return;
	entry = destination_entry(patterns, party, destination, wall_s);
	if (!entry)
		return;
	if (wall_s < entry->first_s)
		entry->first_s = wall_s;
	if (wall_s > entry->last_s)
		entry->last_s = wall_s;
}

/* --- Nights. --- */

static bool is_night(const struct fraud_rules *rules, int hour)
{
	if (rules->night_begin_h <= rules->night_end_h)
		return hour >= rules->night_begin_h && hour < rules->night_end_h;
	return hour >= rules->night_begin_h || hour < rules->night_end_h;
}

/* The hour that was counted is over: it is one of those that the next are compared with. */
static void end_hour(struct fraud_entry *party)
{
	uint32_t count = party->window.count;

	if (count) {
		party->mean_x8 =
			party->has_mean ? party->mean_x8 - party->mean_x8 / 8 + count : count * 8;
		party->has_mean = true;
	}
	party->window.count = 0;
}

static void look_at_night(struct fraud_patterns *patterns, const struct fraud_rules *rules,
			  const struct fraud_begin *begin, struct fraud_entry *party,
			  const struct fraud_time *now)
{
	struct fraud_crossing crossing = {
		.pattern = FRAUD_NIGHT,
		.party = begin->party,
		.caller = begin->caller,
		.destination = "",
		.limit = rules->limits[FRAUD_NIGHT],
		.caller_key = begin->caller_key,
	};
	int64_t hour = now->wall_s / 3600;

	if (party->hour != hour)
		end_hour(party);
	party->hour = hour;
	if (!is_night(rules, now->hour))
		return;
	crossing.figure = ++party->window.count;
	if (crossing.figure > crossing.limit &&
	    (uint64_t)crossing.figure * 800 >= (uint64_t)party->mean_x8 * rules->night_rise_percent)
		patterns->crossed(patterns->context, &crossing);
}

/* --- Callers. --- */

static void tell_of_caller(struct fraud_patterns *patterns, const struct fraud_rules *rules,
			   enum fraud_pattern pattern, const struct fraud_entry *caller,
			   uint32_t figure)
{
	char name[FRAUD_NAME_MAX + 8];
	const struct fraud_crossing crossing = {
		.pattern = pattern,
		.party = name,
		.caller = caller->name,
		.destination = "",
		.figure = figure,
		.limit = rules->limits[pattern],
		.caller_key = caller->key,
	};

	if (figure <= crossing.limit)
		return;
	snprintf(name, sizeof(name), "caller %s", caller->name);
	patterns->crossed(patterns->context, &crossing);
}

static bool is_nobody(const char *number)
{
	return !*number || strcasecmp(number, "anonymous") == 0;
}

void fraud_call_begins(struct fraud_patterns *patterns, const struct fraud_rules *rules,
		       const struct fraud_begin *begin, const struct fraud_time *now)
{
	struct fraud_entry *party = party_of(patterns, begin->party, now->wall_s);
	struct fraud_entry *caller;

	if (party && rules->limits[FRAUD_DESTINATION])
		look_at_destination(patterns, rules, begin, party, now);
	if (party && rules->limits[FRAUD_NIGHT])
		look_at_night(patterns, rules, begin, party, now);
	if (is_nobody(begin->caller))
		return;
	caller = fraud_table_need(&patterns->callers, begin->caller_key, begin->caller);
	if (!caller)
		return;
	caller->calls++;
	if (rules->limits[FRAUD_CONCURRENT])
		tell_of_caller(patterns, rules, FRAUD_CONCURRENT, caller, caller->calls);
}

void fraud_call_ends(struct fraud_patterns *patterns, const struct fraud_rules *rules,
		     uint64_t caller_key, int64_t talk_ms, const struct fraud_time *now)
{
	struct fraud_entry *caller = fraud_table_find(&patterns->callers, caller_key);

	if (!caller) /* nobody, or given up meanwhile */
		return;
	if (caller->calls)
		caller->calls--;
	if (rules->limits[FRAUD_SHORT_CALLS] && talk_ms >= 0 &&
	    talk_ms < (int64_t)rules->short_talk_s * 1000)
		tell_of_caller(patterns, rules, FRAUD_SHORT_CALLS, caller,
			       count_one(&caller->window, rules->short_period_s, now->us));
}

void fraud_forget_calls(struct fraud_patterns *patterns)
{
	struct fraud_entry *caller;

	DL_FOREACH (patterns->callers.oldest, caller)
		caller->calls = 0;
}

uint32_t fraud_calls_of(const struct fraud_patterns *patterns, uint64_t caller_key)
{
	const struct fraud_entry *caller = fraud_table_find(&patterns->callers, caller_key);

	return caller ? caller->calls : 0;
}
