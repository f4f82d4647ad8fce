/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traffic and its quality, of the switch as a whole and of every gateway: sums since the start,
 * sums of the last hour in steps of ten seconds, and of days.
 *
 * A call counts when its record is stored, that is at its end: once for the switch, once for the
 * mapping gateway it came from, and for each routing gateway that was tried. Calls without a record
 * (SERVER_BILLING_RECORD_*) do not count, nor do attempts of sources that may not call; those that
 * a restart has cut count in the run after it.
 *
 *   ASR  answered / attempts
 *   ACD  talk time / answered
 *   NER  (answered + busy + no answer + refused by the called party) / attempts, ITU-T E.425: what
 *        the network has delivered, whatever the people at its ends made of it; a caller who gives
 *        up while it rings is no answer, and so is a 408 then
 *   response ratio  attempts that rang or were answered / attempts
 *   PDD  from the INVITE to the first 18x, of those attempts that rang
 *   MOS  mean of the estimates for relayed media, loss the share of its packets that never came: of
 *        what a gateway has sent, of what both sides have for the switch
 *
 * What is not seen in records (calls at a time, time that it was up) comes in samples.
 *
 * Any thread may call these; they take one lock, so they have no place on the way of a message. */
#pragma once

#include "switchd/cdr/cdr.h"

#define STATS_STEP_S       10
#define STATS_WINDOW_MAX_S 3600
#define STATS_CAUSES_MAX   24   /* of a subject; further ones are "other" */
#define STATS_SUBJECTS_MAX 4096 /* further gateways count in the total only */
#define STATS_NAME_MAX     128

struct stats;

enum stats_scope { STATS_TOTAL, STATS_MAPPING, STATS_ROUTING };

struct stats_sum {
	uint64_t attempts;
	uint64_t answered;
	uint64_t rang; /* or was answered */
	uint64_t effective;
	uint64_t abandoned; /* the caller gave up */
	uint64_t talk_ms;
	uint64_t pdd_ms;
	uint64_t pdd_count; /* attempts that pdd_ms is the sum of */
	uint64_t mos_centi; /* hundredths, summed up */
	uint64_t mos_count; /* streams that they are the sum of */
	uint64_t packets;   /* of media, that came */
	uint64_t lost;      /* and that did not */
};

struct stats_cause {
	char name[32];
	uint64_t count;
};

/* A sum, and the causes of what was not answered. */
struct stats_tally {
	struct stats_sum sum;
	uint64_t up_ms;      /* that it was seen to take calls */
	uint64_t peak_calls; /* most that were seen at a time */
	size_t cause_count;
	struct stats_cause causes[STATS_CAUSES_MAX];
};

struct stats_view {
	enum stats_scope scope;
	const char *name; /* "" of the total */
	const struct stats_tally *total;
	const struct stats_tally *day; /* stats_changes: the one that changed; else the newest */
	const char *day_name;
	uint64_t cps; /* calls begun a second, by the last sample */
	const void *window;
};

VOS_CHECK enum vos_err stats_create(struct stats **out);
/* NULL is allowed. */
void stats_destroy(struct stats *stats);

/* day: "2026-11-21"; sums of the last STATS_DAYS that there was something for are kept. */
#define STATS_DAYS 2
void stats_add(struct stats *stats, const struct cdr *cdr, const char *day, uint64_t now_us);
/* Shows each day of each subject that was added to since the last call. No more than STATS_DAYS
 * different ones may be added to between two calls. */
typedef void stats_fn(void *context, const struct stats_view *view);
void stats_changes(struct stats *stats, stats_fn *fn, void *context);
/* What is stored for the day, in the place of what there is. */
void stats_resume(struct stats *stats, enum stats_scope scope, const char *name, const char *day,
		  const struct stats_tally *tally);

/* How a subject is now. */
struct stats_sample {
	enum stats_scope scope;
	const char *name;
	uint64_t calls; /* in set-up or up */
	uint64_t cps;
	uint64_t up_ms; /* since the sample before, that it took calls */
};

void stats_sample(struct stats *stats, const struct stats_sample *sample);
/* Puts what was sampled since the last call into the sums of the day. */
void stats_settle(struct stats *stats, const char *day);
/* The total first, then in the order in which they came. Under the lock: fn must not call others.
 */
void stats_walk(struct stats *stats, stats_fn *fn, void *context);
/* Sum of the last window_s (rounded up to steps; at most STATS_WINDOW_MAX_S), the running step
 * included. From within a stats_fn. */
void stats_window(const struct stats_view *view, uint32_t window_s, uint64_t now_us,
		  struct stats_sum *out);
/* The same by name; all zero when nothing has counted for it. */
void stats_read(struct stats *stats, enum stats_scope scope, const char *name, uint32_t window_s,
		uint64_t now_us, struct stats_sum *out);
const char *stats_scope_word(enum stats_scope scope);
void stats_sum_add(struct stats_sum *sum, const struct stats_sum *more);
void stats_count_cause(struct stats_tally *tally, const char *name, uint64_t count);

/* part / whole in thousandths; -1 when whole is 0. */
static inline int64_t stats_permille(uint64_t part, uint64_t whole)
{
	return whole ? (int64_t)((part * 1000 + whole / 2) / whole) : -1;
}
/* A mean; -1 when there is none. */
static inline int64_t stats_mean(uint64_t sum, uint64_t count)
{
	return count ? (int64_t)(sum / count) : -1;
}
