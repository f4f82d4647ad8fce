/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns of fraud in the calls that begin and end. Pure: the clock is given, and what is found is
 * told to a function.
 *
 *   destination   calls of one party (phone, mapping gateway) within a time to a destination, the
 *                 first digits of a number, that it has not called before; a party and what it
 * calls are known some time after the first call, and forgotten after 30 days without one
 *   short-calls   calls of one caller number within a time that ended soon after the answer
 *   night         calls that one party begins in an hour of the night, when they are also so many
 *                 times what it had in such hours before
 *   concurrent    calls of one caller number at a time
 *
 * A window begins with the first call that counts and starts over once it has passed. Memory is
 * bounded (table.h): parties, callers and destinations that rested longest are forgotten. */
#pragma once

#include "switchd/fraud/table.h"

#define FRAUD_PARTIES_MAX      16384
#define FRAUD_CALLERS_MAX      65536
#define FRAUD_DESTINATIONS_MAX 65536
#define FRAUD_FORGET_S         (30 * 86400)
#define FRAUD_DIGITS_MAX       15

enum fraud_pattern {
	FRAUD_DESTINATION,
	FRAUD_SHORT_CALLS,
	FRAUD_NIGHT,
	FRAUD_CONCURRENT,
	FRAUD_PATTERNS
};

/* A limit of 0: that pattern is not looked for. */
struct fraud_rules {
	uint32_t limits[FRAUD_PATTERNS];
	uint32_t destination_period_s;
	uint32_t destination_digits;
	uint32_t destination_learn_s;
	uint32_t short_period_s;
	uint32_t short_talk_s;
	int night_begin_h; /* of the machine's time zone */
	int night_end_h;
	uint32_t night_rise_percent;
};

struct fraud_time {
	uint64_t us; /* monotonic */
	int64_t wall_s;
	int hour; /* 0 to 23, of the machine's time zone */
};

struct fraud_begin {
	const char *party;  /* "phone 1001" */
	const char *caller; /* "" = nobody's */
	const char *callee;
	uint64_t caller_key; /* hash of the caller */
};

struct fraud_crossing {
	enum fraud_pattern pattern;
	const char *party;       /* "phone 1001", "caller 5551" */
	const char *caller;      /* number of the call that has crossed the limit */
	const char *destination; /* "" but of that pattern */
	uint32_t figure;
	uint32_t limit;
	uint64_t caller_key;
};

typedef void fraud_crossed_fn(void *context, const struct fraud_crossing *crossing);

struct fraud_patterns {
	struct hash_key hash_key;
	struct fraud_table parties;
	struct fraud_table callers;
	struct fraud_table destinations;
	fraud_crossed_fn *crossed;
	void *context;
};

void fraud_patterns_init(struct fraud_patterns *patterns, fraud_crossed_fn *crossed, void *context);
void fraud_patterns_free(struct fraud_patterns *patterns);

void fraud_call_begins(struct fraud_patterns *patterns, const struct fraud_rules *rules,
		       const struct fraud_begin *begin, const struct fraud_time *now);
/* talk_ms < 0: it was not answered. */
void fraud_call_ends(struct fraud_patterns *patterns, const struct fraud_rules *rules,
		     uint64_t caller_key, int64_t talk_ms, const struct fraud_time *now);
/* A call of the past: makes party and destination known. */
void fraud_learn(struct fraud_patterns *patterns, const struct fraud_rules *rules,
		 const char *party, const char *callee, int64_t wall_s);
/* Ends were lost: nobody knows any more how many calls are up, so none are. */
void fraud_forget_calls(struct fraud_patterns *patterns);
uint32_t fraud_calls_of(const struct fraud_patterns *patterns, uint64_t caller_key);
/* "destination" and so on. */
const char *fraud_pattern_word(enum fraud_pattern pattern);
