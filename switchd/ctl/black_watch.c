/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alarms of the dynamic black list: one a number, up to SECURITY_ALARMS, and one for all others,
 * so that an attacker with many numbers cannot bury the list of alarms. */
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/auth/digest.h"
#include "switchd/ctl/ctl_private.h"

#define REST "other numbers"

static void subject_of(const struct black_entry *entry, char out[ALARM_SUBJECT_MAX])
{
	snprintf(out, ALARM_SUBJECT_MAX, "%s %.40s", black_type_side(entry->type), entry->number);
}

static bool is_same(const struct black_entry *a, const struct black_entry *b)
{
	return a->type == b->type && a->since_ms == b->since_ms &&
	       strcmp(a->number, b->number) == 0;
}

static void raise_one(struct ctl *ctl, const struct black_entry *entry)
{
	static const char *const texts[BLACK_TYPES] = {
		[BLACK_MALICIOUS] = "attempts within the check interval",
		[BLACK_CONCURRENT] = "calls at a time",
		[BLACK_NO_ANSWER] = "calls in the period that nobody answered",
	};
	char subject[ALARM_SUBJECT_MAX];
	char until[CLOCK_TEXT_MAX];

	subject_of(entry, subject);
	alarms_raise(ctl->context.alarms, WORD_ALARM_KIND_ILLEGAL_CALL, subject,
		     "on the black list until %s: %u %s", clock_print_utc(entry->until_ms, until),
		     entry->count, texts[entry->type]);
}

/* Keeps those that go on; an entry that is over, or has become another one, loses its alarm. */
static void clear_ended(struct ctl *ctl, struct blacklist *list, uint64_t now_us)
{
	struct security *security = &ctl->security;
	size_t kept = 0;

	for (size_t i = 0; i < security->black_count; i++) {
		const struct black_entry *shown = &security->black_shown[i];
		char subject[ALARM_SUBJECT_MAX];
		struct black_entry now;

		if (blacklist_find(list, shown->type == BLACK_NO_ANSWER, shown->number, now_us,
				   &now) &&
		    is_same(&now, shown)) {
			security->black_shown[kept++] = *shown;
			continue;
		}
		subject_of(shown, subject);
		alarms_clear(ctl->context.alarms, WORD_ALARM_KIND_ILLEGAL_CALL, subject);
	}
	security->black_count = kept;
}

static bool is_shown(const struct security *security, const struct black_entry *entry)
{
	for (size_t i = 0; i < security->black_count; i++)
		if (is_same(&security->black_shown[i], entry))
			return true;
	return false;
}

void security_watch_black_list(struct ctl *ctl, uint64_t now_us)
{
	struct security *security = &ctl->security;
	struct blacklist *list = auth_blacklist(ctl->context.auth);
	struct black_entry found[2 * SECURITY_ALARMS];
	size_t count = 0;
	size_t total;

	blacklist_expire(list, now_us);
	clear_ended(ctl, list, now_us);
	total = blacklist_count(list);
	if (total > security->black_count && security->black_count < SECURITY_ALARMS)
		count = blacklist_list(list, BLACK_NONE, NULL, now_us, found, 2 * SECURITY_ALARMS);
	for (size_t i = 0; i < count && security->black_count < SECURITY_ALARMS; i++) {
		if (is_shown(security, &found[i]))
			continue;
		security->black_shown[security->black_count++] = found[i];
		raise_one(ctl, &found[i]);
	}
	if (total > security->black_count && security->black_count == SECURITY_ALARMS)
		alarms_raise(ctl->context.alarms, WORD_ALARM_KIND_ILLEGAL_CALL, REST,
			     "%zu more numbers are on the black list",
			     total - security->black_count);
	else if (security->has_black_rest)
		alarms_clear(ctl->context.alarms, WORD_ALARM_KIND_ILLEGAL_CALL, REST);
	security->has_black_rest = total > security->black_count;
}
