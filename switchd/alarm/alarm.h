/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alarms (behaviour E): a condition that somebody should know of, from when it begins to when it
 * ends, and what became of it.
 *
 * A kind is a word of the catalogue's list ALARM_KIND, a subject what it is about (a gateway, an
 * address; "" for the switch). Raising one that is active already only brings its text up to date,
 * so callers may raise again each time they look; beginning and end are logged once. Any thread
 * may call these; they take one lock and so have no place on the way of a message or a packet.
 *
 * At most ALARM_ACTIVE_MAX are active. One more displaces the oldest of the least serious into the
 * history when that is less serious than itself; else it is not kept, which is logged once until
 * there is room again. The history keeps the newest ALARM_HISTORY_MAX. */
#pragma once

#include <stdint.h>

#include "shared/base/log.h"

struct alarms;
struct snapshot;

#define ALARM_SUBJECT_MAX 64
#define ALARM_TEXT_MAX    200
#define ALARM_NAME_MAX    64
#define ALARM_COMMENT_MAX 201
#define ALARM_ACTIVE_MAX  256
#define ALARM_HISTORY_MAX 1000

struct alarm {
	uint32_t id; /* counts up from 1 */
	int kind;    /* WORD_ALARM_KIND_... */
	int level;   /* WORD_ALARM_LEVEL_... */
	char subject[ALARM_SUBJECT_MAX];
	char text[ALARM_TEXT_MAX]; /* a sentence with the figures */
	int64_t raised_ms;         /* wall time */
	int64_t cleared_ms;        /* 0: active */
	int64_t acknowledged_ms;   /* 0: nobody has */
	char acknowledged_by[ALARM_NAME_MAX];
	char comment[ALARM_COMMENT_MAX];
};

VOS_CHECK enum vos_err alarms_create(const struct log *log, struct alarms **out);
void alarms_destroy(struct alarms *alarms);
/* Levels as the `alarm` objects say, else those of the kinds; active alarms take them too. */
void alarms_configure(struct alarms *alarms, const struct snapshot *config);

/* Told of each that begins or ends (cleared_ms), under the lock: fn must be quick, and call none of
 * these. NULL ends that. */
typedef void alarms_changed_fn(void *context, const struct alarm *alarm);
void alarms_on_change(struct alarms *alarms, alarms_changed_fn *fn, void *context);

/* alarms may be NULL: nothing is kept then. */
void alarms_raise(struct alarms *alarms, int kind, const char *subject, const char *format, ...)
	VOS_PRINTF(4, 5);
/* Ends it; one that is not active is left in peace. */
void alarms_clear(struct alarms *alarms, int kind, const char *subject);

/* The active ones in the order of their ids, or those that have ended, newest first. Returns how
 * many were written. */
size_t alarms_list(struct alarms *alarms, bool active, struct alarm *out, size_t max);

struct alarm_counts {
	size_t active;
	size_t unacknowledged; /* of these */
	int highest;           /* level among the active ones; of no meaning when there is none */
};

void alarms_count(struct alarms *alarms, struct alarm_counts *out);
/* Words of the catalogue: "certificate", "high". */
const char *alarm_kind_word(int kind);
const char *alarm_level_word(int level);
/* VOS_ENOENT: no active alarm has this id. */
VOS_CHECK enum vos_err alarms_acknowledge(struct alarms *alarms, uint32_t id, const char *who,
					  const char *comment);
/* By hand (clear alarm): ends it, whatever the condition; it comes back if that still holds. */
VOS_CHECK enum vos_err alarms_end(struct alarms *alarms, uint32_t id);
