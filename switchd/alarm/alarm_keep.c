/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlives a restart. A list of ids says what has changed since it was kept last; when it is
 * full everything has. The text of an active alarm follows its figures many times a minute: such
 * changes are not kept. */
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm_private.h"

void alarm_touch(struct alarms *alarms, uint32_t id)
{
	if (alarms->touched_count == ALARM_TOUCHED_MAX)
		alarms->is_all_touched = true;
	else
		alarms->touched[alarms->touched_count++] = id;
}

void alarms_mark_all(struct alarms *alarms)
{
	pthread_mutex_lock(&alarms->mutex);
	alarms->is_all_touched = true;
	pthread_mutex_unlock(&alarms->mutex);
}

bool alarms_are_touched(struct alarms *alarms)
{
	bool are_touched;

	pthread_mutex_lock(&alarms->mutex);
	are_touched = alarms->touched_count || alarms->is_all_touched;
	pthread_mutex_unlock(&alarms->mutex);
	return are_touched;
}

static const struct alarm *find_any(const struct alarms *alarms, uint32_t id)
{
	for (size_t i = 0; i < alarms->active_count; i++)
		if (alarms->active[i].id == id)
			return &alarms->active[i];
	for (size_t i = 0; i < alarms->history_count; i++)
		if (alarms->history[i].id == id)
			return &alarms->history[i];
	return NULL;
}

static size_t drain_all(const struct alarms *alarms, struct alarm_change *out)
{
	size_t count = 0;

	for (size_t i = 0; i < alarms->active_count; i++)
		out[count++] = (struct alarm_change){.alarm = alarms->active[i]};
	for (size_t i = 0; i < alarms->history_count; i++)
		out[count++] = (struct alarm_change){.alarm = alarms->history[i]};
	return count;
}

size_t alarms_drain(struct alarms *alarms, struct alarm_change *out, bool *is_all)
{
	size_t count = 0;

	pthread_mutex_lock(&alarms->mutex);
	*is_all = alarms->is_all_touched;
	if (*is_all)
		count = drain_all(alarms, out);
	for (size_t i = 0; !*is_all && i < alarms->touched_count; i++) {
		const struct alarm *alarm = find_any(alarms, alarms->touched[i]);
		struct alarm_change *change = &out[count++];

		change->is_gone = !alarm;
		if (alarm)
			change->alarm = *alarm;
		change->alarm.id = alarms->touched[i];
	}
	alarms->touched_count = 0;
	alarms->is_all_touched = false;
	pthread_mutex_unlock(&alarms->mutex);
	return count;
}

/* --- At the start. --- */

/* Those that have ended by their end, then the active ones by their ids. */
static int compare(const void *a, const void *b)
{
	const struct alarm *left = a;
	const struct alarm *right = b;

	if (!left->cleared_ms != !right->cleared_ms)
		return left->cleared_ms ? -1 : 1;
	if (left->cleared_ms != right->cleared_ms)
		return left->cleared_ms < right->cleared_ms ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

/* What is about one call: no call outlives a restart. */
static bool is_of_a_call(int kind)
{
	return kind == WORD_ALARM_KIND_ONE_WAY_AUDIO || kind == WORD_ALARM_KIND_FOREIGN_MEDIA ||
	       kind == WORD_ALARM_KIND_CALL_DURATION;
}

static void restore_one(struct alarms *alarms, struct alarm *alarm, int64_t now_ms)
{
	if (alarm->id > alarms->last_id)
		alarms->last_id = alarm->id;
	if (!alarm->cleared_ms &&
	    (is_of_a_call(alarm->kind) || alarms->active_count == ALARM_ACTIVE_MAX)) {
		alarm->cleared_ms = now_ms;
		alarm_touch(alarms, alarm->id);
	}
	alarm->is_restored = !alarm->cleared_ms;
	if (alarm->cleared_ms)
		alarm_to_history(alarms, alarm);
	else
		alarms->active[alarms->active_count++] = *alarm;
}

void alarms_restore(struct alarms *alarms, struct alarm *list, size_t count)
{
	int64_t now_ms = clock_wall_ms();

	qsort(list, count, sizeof(*list), compare);
	pthread_mutex_lock(&alarms->mutex);
	for (size_t i = 0; i < count; i++)
		restore_one(alarms, &list[i], now_ms);
	alarms->restored_us = clock_mono_us();
	pthread_mutex_unlock(&alarms->mutex);
}

void alarms_set_crash(struct alarms *alarms, int64_t began_ms)
{
	alarms->crashed_run_ms = began_ms;
}

void alarms_tell_crash(struct alarms *alarms)
{
	char text[CLOCK_TEXT_MAX];

	if (!alarms->crashed_run_ms)
		return;
	alarms_raise(alarms, WORD_ALARM_KIND_PROCESS_ENDED, "",
		     "the run since %s was not stopped: it crashed, was killed, or the power went",
		     clock_print_utc(alarms->crashed_run_ms, text));
	alarms_clear(alarms, WORD_ALARM_KIND_PROCESS_ENDED, "");
	alarms->crashed_run_ms = 0;
}

void alarms_settle(struct alarms *alarms, uint64_t now_us)
{
	size_t i = 0;

	pthread_mutex_lock(&alarms->mutex);
	if (alarms->restored_us && now_us >= alarms->restored_us + ALARM_SETTLE_S * 1000000ull) {
		while (i < alarms->active_count) {
			if (alarms->active[i].is_restored)
				alarm_finish(alarms, &alarms->active[i],
					     "not seen since the restart");
			else
				i++;
		}
		alarms->restored_us = 0;
	}
	pthread_mutex_unlock(&alarms->mutex);
}
