/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fraud: looks for its patterns (patterns.h) in the calls that begin and end, raises the alarm
 * `fraud`, and has callers listed by the families SS_BLACK_LIST_* when SS_FRAUD_ACTION says so.
 *
 * A signalling thread puts what begins and ends into a ring of its own, without a lock; when that
 * is full it goes on, and the call is not looked at. The monitor's thread reads the rings at each
 * of its looks. While no SS_FRAUD_*_LIMIT is set nothing is put there. */
#pragma once

#include "shared/base/log.h"
#include "switchd/fraud/patterns.h"

struct alarms;
struct blacklist;
struct cdr_store;
struct conf;
struct fraud;
struct fraud_feed;
struct snapshot;

/* alarms, blacklist and records may be NULL. */
struct fraud_sources {
	const struct log *log;
	struct alarms *alarms;
	struct blacklist *blacklist;
	struct cdr_store *records; /* of calls: what parties have called before */
};

VOS_CHECK enum vos_err fraud_create(const struct fraud_sources *sources, int threads,
				    struct fraud **out);
/* NULL is allowed, as below. */
void fraud_destroy(struct fraud *fraud);
/* Whether anything is looked for: at the start, and after each commit. Any thread. */
void fraud_configure(struct fraud *fraud, const struct snapshot *config);

/* --- Of a signalling thread. --- */

struct fraud_feed *fraud_feed_of(struct fraud *fraud, int thread);
/* A call begins. What fraud_feed_ends() is to be given when it is over; 0: it is not looked at. */
uint64_t fraud_feed_begins(struct fraud_feed *feed, const char *party, const char *caller,
			   const char *callee);
/* talk_ms < 0: it was not answered. */
void fraud_feed_ends(struct fraud_feed *feed, uint64_t caller_key, int64_t talk_ms);

/* --- Of the monitor's thread. --- */

void fraud_look(struct fraud *fraud, const struct conf *conf, uint64_t now_us);

/* --- Any thread. --- */

#define FRAUD_FINDINGS_MAX 256 /* at a time; the others are counted */

struct fraud_finding {
	enum fraud_pattern pattern;
	char party[FRAUD_NAME_MAX + 8];
	char destination[FRAUD_DIGITS_MAX + 1];
	char caller[FRAUD_NAME_MAX]; /* of the last call over the limit */
	uint64_t caller_key;
	uint32_t figure;
	uint32_t limit;
	bool is_listed; /* that caller is on the black list for it */
	int64_t since_ms;
	int64_t last_ms;
	uint64_t until_us;
};

struct fraud_status {
	size_t findings;
	size_t parties;
	size_t callers;
	size_t destinations;
	uint64_t found; /* so far */
	uint64_t more;  /* that had no place */
	uint64_t lost;  /* calls that were not looked at: the ring was full */
};

/* Returns how many were written. */
size_t fraud_list(struct fraud *fraud, struct fraud_finding *out, size_t max);
void fraud_read(struct fraud *fraud, struct fraud_status *out);
