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
 * there is room again. The history keeps the newest ALARM_HISTORY_MAX.
 *
 * All of it outlives a restart (store.h). An alarm that was active goes on with its id and its
 * acknowledgement if somebody raises it again; one that nobody does within ALARM_SETTLE_S ends. */
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
#define ALARM_ALL_MAX     (ALARM_ACTIVE_MAX + ALARM_HISTORY_MAX)
#define ALARM_SETTLE_S    300

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
	bool is_restored; /* active since before the start, and not raised since */
};

VOS_CHECK enum vos_err alarms_create(const struct log *log, struct alarms **out);
void alarms_destroy(struct alarms *alarms);
/* Levels as the `alarm` objects say, else those of the kinds; active alarms take them too. */
void alarms_configure(struct alarms *alarms, const struct snapshot *config);

enum alarm_event { ALARM_RAISED, ALARM_CLEARED, ALARM_ACKNOWLEDGED };

/* Told of what becomes of alarms, and first of those that this run has raised so far; under the
 * lock: fn must be quick, and call none of these. At most ALARM_LISTENERS_MAX. */
#define ALARM_LISTENERS_MAX 4
typedef void alarms_changed_fn(void *context, const struct alarm *alarm, enum alarm_event event);
void alarms_listen(struct alarms *alarms, alarms_changed_fn *fn, void *context);
void alarms_unlisten(struct alarms *alarms, alarms_changed_fn *fn, void *context);

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

/* --- For who keeps them over a restart. --- */

struct alarm_change {
	struct alarm alarm; /* only the id if it is gone */
	bool is_gone;
};

/* Whether there is something for the next. */
bool alarms_are_touched(struct alarms *alarms);
/* Into out, of ALARM_ALL_MAX: what has begun, ended, was acknowledged or forgotten since the last
 * call; *is_all: it is all there is, and what else is kept goes. The count. */
size_t alarms_drain(struct alarms *alarms, struct alarm_change *out, bool *is_all);
/* Could not be kept: the next drain gives everything. */
void alarms_mark_all(struct alarms *alarms);
/* Before threads run: what an earlier run has left, in any order. */
void alarms_restore(struct alarms *alarms, struct alarm *list, size_t count);
/* Before threads run: the run that began then did not end in order. It is an alarm of the past,
 * told by the next when there is somebody to hear of it. */
void alarms_set_crash(struct alarms *alarms, int64_t began_ms);
void alarms_tell_crash(struct alarms *alarms);
/* Every now and then: ends those of an earlier run that nobody has raised again in time. */
void alarms_settle(struct alarms *alarms, uint64_t now_us);
