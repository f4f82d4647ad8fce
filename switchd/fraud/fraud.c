/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A finding lasts as long as the pattern's time after the last call over the limit; that of calls
 * at a time until they are no more than the limit. Each has an alarm, up to FRAUD_ALARMS_MAX, and
 * one is for all others, so that who has many numbers cannot bury the list of alarms. */
#include "switchd/fraud/fraud.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/cdr/cdr.h"
#include "switchd/conf/conf.h"
#include "switchd/fraud/act.h"
#include "switchd/fraud/feed.h"
#include "switchd/store/cdr_store.h"

#define FRAUD_ALARMS_MAX 64
#define NIGHT_S          3600
#define US_PER_S         UINT64_C(1000000)
#define OTHERS           "others"

struct fraud {
	struct fraud_sources sources;
	atomic_bool is_on;
	int feed_count;
	struct fraud_feed *feeds;
	pthread_mutex_t lock; /* of the following */
	struct fraud_patterns patterns;
	struct fraud_rules rules;
	struct fraud_time now;
	const struct snapshot *config; /* during a look */
	bool has_learned;
	bool has_others; /* their alarm is raised */
	uint64_t lost_ends;
	uint64_t found;
	uint64_t more;
	size_t count;
	struct fraud_finding findings[FRAUD_FINDINGS_MAX]; /* the oldest first */
};

static void crossed(void *context, const struct fraud_crossing *crossing);

enum vos_err fraud_create(const struct fraud_sources *sources, int threads, struct fraud **out)
{
	struct fraud *fraud = calloc(1, sizeof(*fraud));

	*out = NULL;
	if (!fraud)
		return VOS_ENOMEM;
	fraud->sources = *sources;
	pthread_mutex_init(&fraud->lock, NULL);
	fraud_patterns_init(&fraud->patterns, crossed, fraud);
	fraud->feeds = calloc((size_t)threads, sizeof(*fraud->feeds));
	for (int i = 0; fraud->feeds && i < threads; i++, fraud->feed_count++)
		if (feed_init(&fraud->feeds[i], &fraud->is_on, &fraud->patterns.hash_key) != VOS_OK)
			break;
	if (fraud->feed_count < threads) {
		fraud_destroy(fraud);
		return VOS_ENOMEM;
	}
	*out = fraud;
	return VOS_OK;
}

void fraud_destroy(struct fraud *fraud)
{
	if (!fraud)
		return;
	for (int i = 0; i < fraud->feed_count; i++)
		feed_destroy(&fraud->feeds[i]);
	free(fraud->feeds);
	fraud_patterns_free(&fraud->patterns);
	pthread_mutex_destroy(&fraud->lock);
	free(fraud);
}

struct fraud_feed *fraud_feed_of(struct fraud *fraud, int thread)
{
	return fraud ? &fraud->feeds[thread] : NULL;
}

/* --- Findings. --- */

static uint32_t period_of(const struct fraud_rules *rules, enum fraud_pattern pattern)
{
	switch (pattern) {
	case FRAUD_DESTINATION:
		return rules->destination_period_s;
	case FRAUD_SHORT_CALLS:
		return rules->short_period_s;
	default:
		return NIGHT_S;
	}
}

/* "short-calls caller 5551"; a long name is told apart by its beginning. */
static void subject_of(const struct fraud_finding *finding, char out[ALARM_SUBJECT_MAX])
{
	if (finding->destination[0])
		snprintf(out, ALARM_SUBJECT_MAX, "%s %s %.30s",
			 fraud_pattern_word(finding->pattern), finding->destination,
			 finding->party);
	else
		snprintf(out, ALARM_SUBJECT_MAX, "%s %.48s", fraud_pattern_word(finding->pattern),
			 finding->party);
}

static void raise_one(struct fraud *fraud, const struct fraud_finding *finding)
{
	static const char *const texts[FRAUD_PATTERNS] = {
		[FRAUD_DESTINATION] = "calls to a destination that was not called before",
		[FRAUD_SHORT_CALLS] = "calls that ended soon after the answer",
		[FRAUD_NIGHT] = "calls in an hour of the night",
		[FRAUD_CONCURRENT] = "calls at a time",
	};
	char subject[ALARM_SUBJECT_MAX];

	subject_of(finding, subject);
	alarms_raise(fraud->sources.alarms, WORD_ALARM_KIND_FRAUD, subject,
		     "%s: %u %s, limit %u%s%s", finding->party, finding->figure,
		     texts[finding->pattern], finding->limit,
		     finding->is_listed ? "; listed: caller " : "",
		     finding->is_listed ? finding->caller : "");
}

static struct fraud_finding *finding_of(struct fraud *fraud, const struct fraud_crossing *crossing)
{
	struct fraud_finding *finding;

	for (size_t i = 0; i < fraud->count; i++) {
		finding = &fraud->findings[i];
		if (finding->pattern == crossing->pattern &&
		    strcmp(finding->party, crossing->party) == 0 &&
		    strcmp(finding->destination, crossing->destination) == 0)
			return finding;
	}
	fraud->found++;
	if (fraud->count == FRAUD_FINDINGS_MAX) {
		fraud->more++;
		return NULL;
	}
	finding = &fraud->findings[fraud->count++];
	*finding =
		(struct fraud_finding){.pattern = crossing->pattern, .since_ms = clock_wall_ms()};
	snprintf(finding->party, sizeof(finding->party), "%s", crossing->party);
	snprintf(finding->destination, sizeof(finding->destination), "%s", crossing->destination);
	return finding;
}

/* Under the lock, during a look. */
static void crossed(void *context, const struct fraud_crossing *crossing)
{
	struct fraud *fraud = context;
	bool is_listed =
		fraud_act(fraud->sources.blacklist, fraud->config, crossing, fraud->now.us);
	struct fraud_finding *finding = finding_of(fraud, crossing);

	if (!finding)
		return;
	if (crossing->figure > finding->figure)
		finding->figure = crossing->figure;
	finding->limit = crossing->limit;
	finding->is_listed |= is_listed;
	finding->caller_key = crossing->caller_key;
	snprintf(finding->caller, sizeof(finding->caller), "%s", crossing->caller);
	finding->last_ms = clock_wall_ms();
	finding->until_us = fraud->now.us + period_of(&fraud->rules, crossing->pattern) * US_PER_S;
}

static bool goes_on(const struct fraud *fraud, const struct fraud_finding *finding)
{
	uint32_t limit = fraud->rules.limits[finding->pattern];

	if (!limit)
		return false;
	if (finding->pattern == FRAUD_CONCURRENT)
		return fraud_calls_of(&fraud->patterns, finding->caller_key) > limit;
	return finding->until_us > fraud->now.us;
}

/* Alarms are those of the first FRAUD_ALARMS_MAX: one that ends makes room for the next. */
static void settle(struct fraud *fraud)
{
	size_t kept = 0;

	for (size_t i = 0; i < fraud->count; i++) {
		char subject[ALARM_SUBJECT_MAX];

		if (goes_on(fraud, &fraud->findings[i])) {
			if (kept != i)
				fraud->findings[kept] = fraud->findings[i];
			kept++;
			continue;
		}
		subject_of(&fraud->findings[i], subject);
		alarms_clear(fraud->sources.alarms, WORD_ALARM_KIND_FRAUD, subject);
	}
	fraud->count = kept;
	for (size_t i = 0; i < kept && i < FRAUD_ALARMS_MAX; i++)
		raise_one(fraud, &fraud->findings[i]);
	if (kept > FRAUD_ALARMS_MAX)
		alarms_raise(fraud->sources.alarms, WORD_ALARM_KIND_FRAUD, OTHERS,
			     "%zu more parties or callers are over a limit",
			     kept - FRAUD_ALARMS_MAX);
	else if (fraud->has_others)
		alarms_clear(fraud->sources.alarms, WORD_ALARM_KIND_FRAUD, OTHERS);
	fraud->has_others = kept > FRAUD_ALARMS_MAX;
}

/* --- A look. --- */

static bool learn_record(void *context, const char *key, struct span value)
{
	struct fraud *fraud = context;
	struct cdr cdr;

	(void)key;
	if (cdr_decode(value, &cdr) && cdr.caller_party[0])
		fraud_learn(&fraud->patterns, &fraud->rules, cdr.caller_party, cdr.callee,
			    cdr.start_ms / 1000);
	return true;
}

/* What was called before this run, as far as the records are kept. Each time that the pattern is
 * switched on, as nothing is counted while all are off. */
static void learn(struct fraud *fraud)
{
	bool is_wanted = fraud->rules.limits[FRAUD_DESTINATION] != 0;

	if (is_wanted && !fraud->has_learned && fraud->sources.records &&
	    cdr_store_walk(fraud->sources.records, 'r', "", false, learn_record, fraud) != VOS_OK)
		log_error(fraud->sources.log, "fraud", "records of calls cannot be read");
	fraud->has_learned = is_wanted;
}

static void read_rings(struct fraud *fraud)
{
	uint64_t lost_ends = 0;

	for (int i = 0; i < fraud->feed_count; i++) {
		struct fraud_feed *feed = &fraud->feeds[i];
		char text[FRAUD_TEXT_MAX];
		struct fraud_event event;
		struct fraud_begin begin;

		while (feed_next(feed, &event, &begin, text)) {
			if (event.kind == FRAUD_BEGINS)
				fraud_call_begins(&fraud->patterns, &fraud->rules, &begin,
						  &fraud->now);
			else
				fraud_call_ends(&fraud->patterns, &fraud->rules, event.caller_key,
						event.talk_ms, &fraud->now);
		}
		lost_ends += atomic_load_explicit(&feed->lost_ends, memory_order_relaxed);
	}
	if (lost_ends != fraud->lost_ends)
		fraud_forget_calls(&fraud->patterns);
	fraud->lost_ends = lost_ends;
}

static struct fraud_time time_of(uint64_t now_us)
{
	time_t wall = (time_t)(clock_wall_ms() / 1000);
	struct fraud_time now = {.us = now_us, .wall_s = (int64_t)wall};
	struct tm parts;

	if (localtime_r(&wall, &parts))
		now.hour = parts.tm_hour;
	return now;
}

void fraud_configure(struct fraud *fraud, const struct snapshot *config)
{
	struct fraud_rules rules;
	bool is_on = false;

	if (!fraud)
		return;
	fraud_rules_read(config, &rules);
	for (int i = 0; i < FRAUD_PATTERNS; i++)
		is_on |= rules.limits[i] != 0;
	atomic_store_explicit(&fraud->is_on, is_on, memory_order_relaxed);
}

void fraud_look(struct fraud *fraud, const struct conf *conf, uint64_t now_us)
{
	if (!fraud)
		return;
	pthread_mutex_lock(&fraud->lock);
	fraud->config = conf->snapshot;
	fraud_rules_read(conf->snapshot, &fraud->rules);
	fraud->now = time_of(now_us);
	learn(fraud);
	read_rings(fraud);
	settle(fraud);
	pthread_mutex_unlock(&fraud->lock);
}

/* --- For show. --- */

size_t fraud_list(struct fraud *fraud, struct fraud_finding *out, size_t max)
{
	size_t count;

	pthread_mutex_lock(&fraud->lock);
	count = fraud->count < max ? fraud->count : max;
	memcpy(out, fraud->findings, count * sizeof(*out));
	pthread_mutex_unlock(&fraud->lock);
	return count;
}

void fraud_read(struct fraud *fraud, struct fraud_status *out)
{
	uint64_t lost = 0;

	for (int i = 0; i < fraud->feed_count; i++)
		lost += atomic_load_explicit(&fraud->feeds[i].lost_begins, memory_order_relaxed);
	pthread_mutex_lock(&fraud->lock);
	*out = (struct fraud_status){
		.findings = fraud->count,
		.parties = HASH_COUNT(fraud->patterns.parties.by_key),
		.callers = HASH_COUNT(fraud->patterns.callers.by_key),
		.destinations = HASH_COUNT(fraud->patterns.destinations.by_key),
		.found = fraud->found,
		.more = fraud->more,
		.lost = lost,
	};
	pthread_mutex_unlock(&fraud->lock);
}
