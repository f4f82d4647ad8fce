/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/security.h"

#include <stdio.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/auth/firewall.h"
#include "switchd/auth/lockout.h"
#include "switchd/ctl/ctl_private.h"
#include "switchd/sip/guard.h"

#define LOOK_US     1000000u
#define LINES_A_S   20u      /* audit lines of attacks; a botnet must not roll the trail over */
#define OVERLOAD_US 5000000u /* how long an overload is over before its alarm is */

/* What was claimed must not be able to write lines of its own. */
static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f || *text == '"')
			*text = '?';
}

static void name_of(const struct addr *source, const char *user, char *out, size_t size)
{
	char address[ADDR_TEXT_MAX];

	addr_print_ip(source, address);
	if (source->family == ADDR_IP6)
		snprintf(out, size, "%s/64%s%s", address, *user ? " user " : "", user);
	else
		snprintf(out, size, "%s%s%s", address, *user ? " user " : "", user);
	clean(out);
}

static bool may_tell(struct security *security, uint64_t now_us)
{
	if (now_us >= security->lines_until_us) {
		security->lines_until_us = now_us + LOOK_US;
		security->lines = 0;
	}
	if (security->lines >= LINES_A_S) {
		security->untold++;
		return false;
	}
	security->lines++;
	return true;
}

static void tell(struct ctl *ctl, const struct security_event *event)
{
	char name[ADDR_TEXT_MAX + SECURITY_USER_MAX + 16];
	char line[320];
	char last[SECURITY_USER_MAX];

	name_of(&event->source, event->user, name, sizeof(name));
	memcpy(last, event->last, sizeof(last));
	clean(last);
	switch (event->kind) {
	case SECURITY_SUSPENDED:
		snprintf(line, sizeof(line),
			 "suspended: address %s for %u s after %u wrong passwords, the last for %s",
			 name, event->period_s, event->failures, last);
		break;
	case SECURITY_RELEASED:
		snprintf(line, sizeof(line), "suspension over: address %s", name);
		break;
	case SECURITY_CLEARED:
		snprintf(line, sizeof(line), "suspension cleared: address %s", name);
		break;
	}
	audit_own_act(ctl, line);
}

static void drain(struct ctl *ctl, uint64_t now_us)
{
	struct security_events *events = lockout_events(ctl->context.auth);
	struct security *security = &ctl->security;
	struct security_event event;
	char line[96];

	while (security_events_take(events, &event))
		if (may_tell(security, now_us))
			tell(ctl, &event);
	security->untold += security_events_lost(events);
	if (security->untold && now_us >= security->lines_until_us) {
		snprintf(line, sizeof(line), "suspensions: %llu more began or ended",
			 (unsigned long long)security->untold);
		security->untold = 0;
		audit_own_act(ctl, line);
	}
}

/* --- Alarms of suspensions. --- */

static bool is_shown(const struct security *security, const struct suspension *suspension)
{
	for (size_t i = 0; i < security->shown_count; i++)
		if (addr_eq(&security->shown[i].source, &suspension->source) &&
		    strcmp(security->shown[i].user, suspension->user) == 0)
			return true;
	return false;
}

static void raise_one(struct ctl *ctl, const struct suspension *suspension)
{
	char name[ADDR_TEXT_MAX + SUSPENSION_USER_MAX + 16];
	char until[CLOCK_TEXT_MAX];

	name_of(&suspension->source, suspension->user, name, sizeof(name));
	alarms_raise(ctl->context.alarms, WORD_ALARM_KIND_ILLEGAL_CALL, name,
		     "suspended until %s after %u wrong passwords in a row",
		     clock_print_utc(suspension->until_ms, until), suspension->failures);
}

static void clear_ended(struct ctl *ctl, uint64_t now_us)
{
	struct security *security = &ctl->security;
	size_t kept = 0;

	for (size_t i = 0; i < security->shown_count; i++) {
		const struct suspension *shown = &security->shown[i];
		char name[ADDR_TEXT_MAX + SUSPENSION_USER_MAX + 16];

		if (lockout_is_running(ctl->context.auth, &shown->source, shown->user, now_us)) {
			security->shown[kept++] = *shown;
			continue;
		}
		name_of(&shown->source, shown->user, name, sizeof(name));
		alarms_clear(ctl->context.alarms, WORD_ALARM_KIND_ILLEGAL_CALL, name);
	}
	security->shown_count = kept;
}

static void mirror_suspensions(struct ctl *ctl, uint64_t now_us)
{
	struct security *security = &ctl->security;
	struct suspensions *suspensions = lockout_suspensions(ctl->context.auth);
	struct suspension found[2 * SECURITY_ALARMS];
	size_t total = suspensions_count(suspensions);
	size_t count = 0;

	clear_ended(ctl, now_us);
	if (total > security->shown_count && security->shown_count < SECURITY_ALARMS)
		count = suspensions_list(suspensions, now_us, found, 2 * SECURITY_ALARMS);
	for (size_t i = 0; i < count && security->shown_count < SECURITY_ALARMS; i++) {
		if (is_shown(security, &found[i]))
			continue;
		security->shown[security->shown_count++] = found[i];
		raise_one(ctl, &found[i]);
	}
	if (total > security->shown_count && security->shown_count == SECURITY_ALARMS)
		alarms_raise(ctl->context.alarms, WORD_ALARM_KIND_ILLEGAL_CALL, "others",
			     "%zu more sources or users are suspended",
			     total - security->shown_count);
	else if (security->has_rest)
		alarms_clear(ctl->context.alarms, WORD_ALARM_KIND_ILLEGAL_CALL, "others");
	security->has_rest = total > security->shown_count;
}

/* --- Overload, and the kernel's sets. --- */

static void mirror_overload(struct ctl *ctl, uint64_t now_us)
{
	struct security *security = &ctl->security;
	struct guard_state worst = {0};
	uint32_t episodes = 0;
	int threads = 0;

	for (int i = 0; i < ctl->context.worker_count; i++) {
		struct guard_state state;

		guard_read(ctl->context.guard, i, now_us, &state);
		episodes += state.overload.episodes;
		threads += state.overload.is_on;
		if (state.overload.pressure >= worst.overload.pressure)
			worst = state;
	}
	if (threads || episodes != security->episodes) {
		security->overload_until_us = now_us + OVERLOAD_US;
		security->episodes = episodes;
		alarms_raise(ctl->context.alarms, WORD_ALARM_KIND_OVERLOAD, "",
			     "%d of %d signalling threads, messages wait %u ms, receive buffer %u "
			     "%% full; taken a second: %u calls, %u requests of strangers",
			     threads, ctl->context.worker_count, worst.lag_ms, worst.queue_percent,
			     worst.overload.rates[OVERLOAD_CALLS],
			     worst.overload.rates[OVERLOAD_STRANGERS]);
	} else if (security->overload_until_us && now_us >= security->overload_until_us) {
		security->overload_until_us = 0;
		alarms_clear(ctl->context.alarms, WORD_ALARM_KIND_OVERLOAD, "");
	}
}

static void mirror_firewall(struct ctl *ctl)
{
	struct security *security = &ctl->security;
	struct firewall_state state;

	firewall_read(ctl->context.firewall, &state);
	if (state.is_wanted && !state.is_active && state.fault[0])
		alarms_raise(ctl->context.alarms, WORD_ALARM_KIND_FIREWALL, "", "nftables: %s",
			     state.fault);
	else if (security->is_firewall_failing)
		alarms_clear(ctl->context.alarms, WORD_ALARM_KIND_FIREWALL, "");
	security->is_firewall_failing = state.is_wanted && !state.is_active && state.fault[0];
}

int security_run(struct ctl *ctl)
{
	uint64_t now_us = clock_mono_us();
	uint64_t next_us = UINT64_MAX;
	struct security *security = &ctl->security;

	if (ctl->context.auth) {
		next_us = lockout_expire(ctl->context.auth, now_us);
		drain(ctl, now_us);
		mirror_suspensions(ctl, now_us);
	}
	if (now_us >= security->due_us) {
		security->due_us = now_us + LOOK_US;
		if (ctl->context.guard)
			mirror_overload(ctl, now_us);
		if (ctl->context.firewall)
			mirror_firewall(ctl);
		if (ctl->context.auth)
			security_watch_black_list(ctl, now_us);
	}
	if ((ctl->context.guard || ctl->context.firewall || security->untold) &&
	    next_us > security->due_us)
		next_us = security->due_us;
	if (next_us == UINT64_MAX)
		return -1;
	return next_us > now_us
		       ? (int)((next_us - now_us) / 1000 > 60000 ? 60000
								 : (next_us - now_us) / 1000 + 1)
		       : 0;
}
