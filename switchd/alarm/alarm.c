/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm_private.h"

/* Level of each kind unless its `alarm` object says another; what is not here is low. */
static const int KIND_LEVELS[] = {
	[WORD_ALARM_KIND_DISK] = WORD_ALARM_LEVEL_HIGH,
	[WORD_ALARM_KIND_PENDING_CDR] = WORD_ALARM_LEVEL_HIGH,
	[WORD_ALARM_KIND_DATABASE] = WORD_ALARM_LEVEL_CRITICAL,
	[WORD_ALARM_KIND_ILLEGAL_CALL] = WORD_ALARM_LEVEL_MEDIUM,
	[WORD_ALARM_KIND_NAT_KEEP_ALIVE] = WORD_ALARM_LEVEL_HIGH,
	[WORD_ALARM_KIND_OVERLOAD] = WORD_ALARM_LEVEL_HIGH,
	[WORD_ALARM_KIND_CERTIFICATE] = WORD_ALARM_LEVEL_HIGH,
	[WORD_ALARM_KIND_GATEWAY_OFFLINE] = WORD_ALARM_LEVEL_HIGH,
	[WORD_ALARM_KIND_FIREWALL] = WORD_ALARM_LEVEL_MEDIUM,
	[WORD_ALARM_KIND_CONTROL_SOCKET] = WORD_ALARM_LEVEL_MEDIUM,
	[WORD_ALARM_KIND_MEDIA_PORTS] = WORD_ALARM_LEVEL_HIGH,
	[WORD_ALARM_KIND_ONE_WAY_AUDIO] = WORD_ALARM_LEVEL_MEDIUM,
	[WORD_ALARM_KIND_FOREIGN_MEDIA] = WORD_ALARM_LEVEL_HIGH,
	[WORD_ALARM_KIND_METRICS] = WORD_ALARM_LEVEL_MEDIUM,
	[WORD_ALARM_KIND_FRAUD] = WORD_ALARM_LEVEL_HIGH,
	[WORD_ALARM_KIND_PUSH] = WORD_ALARM_LEVEL_HIGH,
	[WORD_ALARM_KIND_PROCESS_ENDED] = WORD_ALARM_LEVEL_HIGH,
};

_Static_assert(sizeof(KIND_LEVELS) / sizeof(KIND_LEVELS[0]) == ALARM_KIND_COUNT,
	       "the last kind has its level here");

enum vos_err alarms_create(const struct log *log, struct alarms **out)
{
	struct alarms *alarms = calloc(1, sizeof(*alarms));

	if (!alarms)
		return VOS_ENOMEM;
	alarms->log = log;
	pthread_mutex_init(&alarms->mutex, NULL);
	memcpy(alarms->levels, KIND_LEVELS, sizeof(KIND_LEVELS));
	*out = alarms;
	return VOS_OK;
}

void alarms_destroy(struct alarms *alarms)
{
	if (!alarms)
		return;
	pthread_mutex_destroy(&alarms->mutex);
	free(alarms);
}

const char *alarm_kind_word(int kind)
{
	return object_type(OBJECT_ALARM)->key.words[kind];
}

const char *alarm_level_word(int level)
{
	return field_get(FIELD_ALARM_LEVEL)->spec.words[level];
}

void alarms_configure(struct alarms *alarms, const struct snapshot *config)
{
	int levels[ALARM_KIND_COUNT];

	memcpy(levels, KIND_LEVELS, sizeof(levels));
	for (int kind = 0; kind < (int)ALARM_KIND_COUNT; kind++) {
		const struct object *object =
			snapshot_object_find(config, OBJECT_ALARM, span_of(alarm_kind_word(kind)));

		if (object && object_field_is_set(object, FIELD_ALARM_LEVEL))
			levels[kind] = (int)object_field(object, FIELD_ALARM_LEVEL)->number;
	}
	pthread_mutex_lock(&alarms->mutex);
	memcpy(alarms->levels, levels, sizeof(levels));
	for (size_t i = 0; i < alarms->active_count; i++) {
		struct alarm *alarm = &alarms->active[i];

		if (alarm->level != levels[alarm->kind])
			alarm_touch(alarms, alarm->id);
		alarm->level = levels[alarm->kind];
	}
	pthread_mutex_unlock(&alarms->mutex);
}

void alarms_listen(struct alarms *alarms, alarms_changed_fn *fn, void *context)
{
	pthread_mutex_lock(&alarms->mutex);
	for (int i = 0; i < ALARM_LISTENERS_MAX; i++) {
		if (alarms->listeners[i].fn)
			continue;
		alarms->listeners[i] = (struct alarm_listener){fn, context};
		break;
	}
	for (size_t i = 0; i < alarms->active_count; i++)
		if (!alarms->active[i].is_restored)
			fn(context, &alarms->active[i], ALARM_RAISED);
	pthread_mutex_unlock(&alarms->mutex);
}

void alarms_unlisten(struct alarms *alarms, alarms_changed_fn *fn, void *context)
{
	pthread_mutex_lock(&alarms->mutex);
	for (int i = 0; i < ALARM_LISTENERS_MAX; i++)
		if (alarms->listeners[i].fn == fn && alarms->listeners[i].context == context)
			alarms->listeners[i] = (struct alarm_listener){0};
	pthread_mutex_unlock(&alarms->mutex);
}

static struct alarm *find(struct alarms *alarms, int kind, const char *subject)
{
	for (size_t i = 0; i < alarms->active_count; i++) {
		struct alarm *alarm = &alarms->active[i];

		if (alarm->kind == kind && strcmp(alarm->subject, subject) == 0)
			return alarm;
	}
	return NULL;
}

static struct alarm *find_id(struct alarms *alarms, uint32_t id)
{
	for (size_t i = 0; i < alarms->active_count; i++)
		if (alarms->active[i].id == id)
			return &alarms->active[i];
	return NULL;
}

/* To whoever wants to know, and on the list of what is to be kept. */
static void tell(struct alarms *alarms, const struct alarm *alarm, enum alarm_event event)
{
	alarm_touch(alarms, alarm->id);
	for (int i = 0; i < ALARM_LISTENERS_MAX; i++)
		if (alarms->listeners[i].fn)
			alarms->listeners[i].fn(alarms->listeners[i].context, alarm, event);
}

static void log_alarm(struct alarms *alarms, const struct alarm *alarm, const char *what)
{
	log_write(alarms->log, alarm->cleared_ms ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, "alarm",
		  "%s%s%s %s: %s", alarm_kind_word(alarm->kind), alarm->subject[0] ? " " : "",
		  alarm->subject, what, alarm->text);
}

void alarm_to_history(struct alarms *alarms, const struct alarm *alarm)
{
	struct alarm *place = &alarms->history[alarms->history_next];

	if (alarms->history_count == ALARM_HISTORY_MAX)
		alarm_touch(alarms, place->id); /* it is forgotten */
	else
		alarms->history_count++;
	*place = *alarm;
	alarms->history_next = (alarms->history_next + 1) % ALARM_HISTORY_MAX;
}

void alarm_finish(struct alarms *alarms, struct alarm *alarm, const char *how)
{
	size_t index = (size_t)(alarm - alarms->active);

	alarm->cleared_ms = clock_wall_ms();
	alarm->is_restored = false;
	log_alarm(alarms, alarm, how);
	tell(alarms, alarm, ALARM_CLEARED);
	alarm_to_history(alarms, alarm);
	alarms->active_count--;
	alarms->is_overfull = false;
	memmove(alarm, alarm + 1, (alarms->active_count - index) * sizeof(*alarm));
}

/* False: all that are active are as serious. */
static bool make_room(struct alarms *alarms, int level)
{
	struct alarm *least = &alarms->active[0];

	if (alarms->active_count < ALARM_ACTIVE_MAX)
		return true;
	for (size_t i = 1; i < alarms->active_count; i++)
		if (alarms->active[i].level < least->level)
			least = &alarms->active[i];
	if (least->level < level) {
		alarm_finish(alarms, least, "displaced by a more serious one");
		return true;
	}
	if (!alarms->is_overfull)
		log_warning(alarms->log, "alarm", "%u are active: further ones are not kept",
			    (unsigned)ALARM_ACTIVE_MAX);
	alarms->is_overfull = true;
	return false;
}

static void begin(struct alarms *alarms, int kind, const char *subject, const char *text)
{
	struct alarm *alarm = &alarms->active[alarms->active_count++];

	*alarm = (struct alarm){
		.id = ++alarms->last_id,
		.kind = kind,
		.level = alarms->levels[kind],
		.raised_ms = clock_wall_ms(),
	};
	memcpy(alarm->subject, subject, sizeof(alarm->subject));
	memcpy(alarm->text, text, sizeof(alarm->text));
	log_alarm(alarms, alarm, "raised");
	tell(alarms, alarm, ALARM_RAISED);
}

/* A subject longer than there is room for is told apart by its beginning. */
static void copy_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

void alarms_raise(struct alarms *alarms, int kind, const char *subject, const char *format, ...)
{
	char name[ALARM_SUBJECT_MAX];
	char text[ALARM_TEXT_MAX];
	struct alarm *alarm;
	va_list args;

	if (!alarms)
		return;
	assert(kind >= 0 && kind < (int)ALARM_KIND_COUNT);
	memset(name, 0, sizeof(name));
	memset(text, 0, sizeof(text));
	copy_text(name, sizeof(name), subject);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pthread_mutex_lock(&alarms->mutex);
	alarm = find(alarms, kind, name);
	if (alarm) {
		memcpy(alarm->text, text, sizeof(text));
		alarm->is_restored = false;
	} else if (make_room(alarms, alarms->levels[kind])) {
		begin(alarms, kind, name, text);
	}
	pthread_mutex_unlock(&alarms->mutex);
}

void alarms_clear(struct alarms *alarms, int kind, const char *subject)
{
	char name[ALARM_SUBJECT_MAX];
	struct alarm *alarm;

	if (!alarms)
		return;
	copy_text(name, sizeof(name), subject);
	pthread_mutex_lock(&alarms->mutex);
	alarm = find(alarms, kind, name);
	if (alarm)
		alarm_finish(alarms, alarm, "over");
	pthread_mutex_unlock(&alarms->mutex);
}

size_t alarms_list(struct alarms *alarms, bool active, struct alarm *out, size_t max)
{
	size_t count;

	pthread_mutex_lock(&alarms->mutex);
	count = active ? alarms->active_count : alarms->history_count;
	if (count > max)
		count = max;
	for (size_t i = 0; i < count; i++)
		out[i] = active ? alarms->active[i]
				: alarms->history[(alarms->history_next + ALARM_HISTORY_MAX - 1 -
						   i) %
						  ALARM_HISTORY_MAX];
	pthread_mutex_unlock(&alarms->mutex);
	return count;
}

void alarms_count(struct alarms *alarms, struct alarm_counts *out)
{
	*out = (struct alarm_counts){0};
	pthread_mutex_lock(&alarms->mutex);
	out->active = alarms->active_count;
	for (size_t i = 0; i < alarms->active_count; i++) {
		const struct alarm *alarm = &alarms->active[i];

		out->unacknowledged += alarm->acknowledged_ms == 0;
		if (alarm->level > out->highest)
			out->highest = alarm->level;
	}
	pthread_mutex_unlock(&alarms->mutex);
}

enum vos_err alarms_acknowledge(struct alarms *alarms, uint32_t id, const char *who,
				const char *comment)
{
	struct alarm *alarm;

	pthread_mutex_lock(&alarms->mutex);
	alarm = find_id(alarms, id);
	if (alarm) {
		alarm->acknowledged_ms = clock_wall_ms();
		copy_text(alarm->acknowledged_by, sizeof(alarm->acknowledged_by), who);
		copy_text(alarm->comment, sizeof(alarm->comment), comment);
		log_notice(alarms->log, "alarm", "%s%s%s acknowledged by %s",
			   alarm_kind_word(alarm->kind), alarm->subject[0] ? " " : "",
			   alarm->subject, who);
		tell(alarms, alarm, ALARM_ACKNOWLEDGED);
	}
	pthread_mutex_unlock(&alarms->mutex);
	return alarm ? VOS_OK : VOS_ENOENT;
}

enum vos_err alarms_end(struct alarms *alarms, uint32_t id)
{
	struct alarm *alarm;

	pthread_mutex_lock(&alarms->mutex);
	alarm = find_id(alarms, id);
	if (alarm)
		alarm_finish(alarms, alarm, "cleared by hand");
	pthread_mutex_unlock(&alarms->mutex);
	return alarm ? VOS_OK : VOS_ENOENT;
}
