/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people and the storage thread ask of counters and suspensions. */
#include <stdlib.h>

#include "switchd/auth/lockout_private.h"
#include "switchd/auth/source.h"

const struct lockout *auth_lockout(const struct auth *auth)
{
	return auth->lockout;
}

struct security_events *lockout_events(struct auth *auth)
{
	return auth->lockout->events;
}

struct suspensions *lockout_suspensions(struct auth *auth)
{
	return auth->lockout->suspensions;
}

size_t lockout_used(const struct auth *auth)
{
	return atomic_load_explicit(&auth->lockout->sources.used, memory_order_relaxed);
}

static size_t list_tallies(struct tally_table *table, const struct addr *source,
			   struct lockout_entry *out, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < table->set_count && count < max; i++) {
		pthread_mutex_lock(tally_lock(table, i));
		for (size_t j = 0; j < LOCKOUT_WAYS && count < max; j++) {
			const struct tally *tally = &table->sets[i].ways[j];

			if (!tally->key || (source && !addr_ip_eq(&tally->source, source)))
				continue;
			out[count] = (struct lockout_entry){
				.source = tally->source,
				.failures = tally->failures,
				.last_us = tally->last_us,
			};
			memcpy(out[count++].user, tally->user, sizeof(tally->user));
		}
		pthread_mutex_unlock(tally_lock(table, i));
	}
	return count;
}

static size_t list_suspensions(struct suspensions *suspensions, uint64_t now_us,
			       const struct addr *source, struct lockout_entry *out, size_t max)
{
	size_t room = suspensions_count(suspensions);
	struct suspension *found = room ? calloc(room, sizeof(*found)) : NULL;
	size_t count = 0;

	if (!found)
		return 0;
	room = suspensions_list(suspensions, now_us, found, room);
	for (size_t i = 0; i < room && count < max; i++) {
		if (source && !addr_ip_eq(&found[i].source, source))
			continue;
		out[count] = (struct lockout_entry){
			.source = found[i].source,
			.failures = found[i].failures,
			.suspended_until_us = found[i].until_us,
			.since_ms = found[i].since_ms,
		};
		memcpy(out[count++].user, found[i].user, sizeof(found[i].user));
	}
	free(found);
	return count;
}

size_t lockout_list(struct auth *auth, uint64_t now_us, bool only_suspended,
		    const struct addr *source, struct lockout_entry *out, size_t max)
{
	struct lockout *lockout = auth->lockout;
	struct addr base = source ? source_of(source) : (struct addr){0};
	const struct addr *wanted = source ? &base : NULL;
	size_t count = list_suspensions(lockout->suspensions, now_us, wanted, out, max);

	if (!only_suspended)
		count += list_tallies(&lockout->sources, wanted, out + count, max - count);
	return count;
}

struct clearing {
	struct lockout *lockout;
	const struct addr *source; /* NULL = all */
	const char *user;          /* NULL = whatever it is */
	enum security_event_kind kind;
};

static bool is_meant(const struct clearing *clearing, const struct addr *source, const char *user)
{
	return (!clearing->source || addr_ip_eq(source, clearing->source)) &&
	       (!clearing->user || strcmp(user, clearing->user) == 0);
}

static bool suspension_is_meant(const struct suspension *suspension, void *context)
{
	return is_meant(context, &suspension->source, suspension->user);
}

static void tell_end(const struct suspension *suspension, void *context)
{
	const struct clearing *clearing = context;
	struct security_event event = {
		.kind = clearing->kind,
		.source = suspension->source,
		.failures = suspension->failures,
	};

	memcpy(event.user, suspension->user, sizeof(event.user));
	security_events_push(clearing->lockout->events, &event);
}

size_t lockout_clear(struct auth *auth, const struct addr *source, const char *user)
{
	struct lockout *lockout = auth->lockout;
	struct tally_table *table = &lockout->sources;
	struct addr base = source ? source_of(source) : (struct addr){0};
	struct clearing clearing = {
		.lockout = lockout,
		.source = source ? &base : NULL,
		.user = user,
		.kind = SECURITY_CLEARED,
	};
	size_t count =
		suspensions_end(lockout->suspensions, suspension_is_meant, tell_end, &clearing);

	for (size_t i = 0; i < table->set_count && !tally_table_is_empty(table); i++) {
		pthread_mutex_lock(tally_lock(table, i));
		for (size_t j = 0; j < LOCKOUT_WAYS; j++) {
			struct tally *tally = &table->sets[i].ways[j];

			if (!tally->key || !is_meant(&clearing, &tally->source, tally->user))
				continue;
			tally_drop(table, tally);
			count++;
		}
		pthread_mutex_unlock(tally_lock(table, i));
	}
	return count;
}

bool lockout_is_running(const struct auth *auth, const struct addr *source, const char *user,
			uint64_t now_us)
{
	return lockout_holds(auth->lockout, lockout_key_of(auth->lockout, source, user), now_us);
}

uint64_t lockout_expire(struct auth *auth, uint64_t now_us)
{
	struct clearing ending = {.lockout = auth->lockout, .kind = SECURITY_RELEASED};

	return suspensions_expire(auth->lockout->suspensions, now_us, tell_end, &ending);
}

bool lockout_restore(struct auth *auth, const struct suspension *stored, uint64_t now_us,
		     int64_t now_ms)
{
	struct lockout *lockout = auth->lockout;
	struct suspension suspension = *stored;
	int64_t left_ms = stored->until_ms - now_ms;

	if (left_ms <= 0 || left_ms > (int64_t)LOCKOUT_RESTORE_MAX_S * 1000)
		return false;
	suspension.until_us = now_us + (uint64_t)left_ms * 1000;
	suspensions_begin(lockout->suspensions,
			  lockout_key_of(lockout, &stored->source, stored->user), &suspension,
			  false);
	return true;
}
