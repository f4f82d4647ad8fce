/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting wrong passwords (behaviour A7, C2), and what follows: a suspension, or the final 403 of
 * a Call-ID.
 *
 * What is counted depends on SS_AUTHENTICATION_LOCK_KEY and on who fails:
 *
 *   address       every failure of a source counts for the source, whatever the user
 *   address-user  every failure counts for the pair; for the source counts each user it fails on
 *
 * A source that holds a live registration is an office with somebody in it who guesses, or a phone
 * with an old password: failures on users that are not registered from there count for the pair and
 * for STRANGERS_FACTOR times as many failures of the source together within an hour, and what these
 * suspend are that pair, and all users of that source which are not registered from there (user
 * "*"). Those who are registered go on.
 *
 * A suspension lasts a fixed time from its trigger and is not prolonged. Tables are of fixed size
 * (131,072 sources and pairs, 65,536 Call-IDs), in sets of eight under keyed hashes; a full set
 * gives up the counter that rested longest. A counter is only moved by who answered a nonce that
 * was sent to that address (nonce.h), so nobody counts in another's name. Thread-safe. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"
#include "shared/base/span.h"
#include "switchd/auth/events.h"
#include "switchd/auth/suspend.h"

struct lockout;
struct auth;

#define STRANGERS_FACTOR 8u
#define STRANGERS_USER   "*"

struct lockout_rules {
	uint32_t max_retry; /* failures tolerated before suspension; 0 = nobody is suspended */
	uint32_t suspend_s;
	uint32_t call_retry; /* failures tolerated in one Call-ID */
	bool by_user;
};

struct lockout_failure {
	struct addr source;
	const char *user; /* as claimed, unescaped */
	struct span call_id;
	bool is_home; /* a live registration came from the source */
	bool is_own;  /* one of this user */
};

enum lockout_verdict {
	LOCKOUT_COUNTED,
	LOCKOUT_CALL_SPENT, /* more than call_retry in this Call-ID */
	LOCKOUT_SUSPENDED,  /* this failure began a suspension, or one is running */
};

VOS_CHECK enum vos_err lockout_create(struct lockout **out);
void lockout_destroy(struct lockout *lockout);

/* Of a source: computed once a datagram, good for all questions about it. */
uint64_t lockout_key(const struct lockout *lockout, const struct addr *source);
/* Wait-free, as all questions. */
bool lockout_has_suspensions(const struct lockout *lockout);
bool lockout_holds(const struct lockout *lockout, uint64_t key, uint64_t now_us);
bool lockout_is_suspended(const struct lockout *lockout, const struct addr *source,
			  uint64_t now_us);
/* Whether this user, or (for one who is not registered from there) every stranger, is suspended at
 * this source. is_own is asked only when it matters. */
typedef bool lockout_is_own_fn(void *context);
bool lockout_user_is_suspended(const struct lockout *lockout, const struct addr *source,
			       const char *user, uint64_t now_us, lockout_is_own_fn *is_own,
			       void *context);

enum lockout_verdict lockout_fail(struct lockout *lockout, const struct lockout_rules *rules,
				  const struct lockout_failure *failure, uint64_t now_us);
/* A right password: the counters of source, pair and Call-ID start over. */
void lockout_succeed(struct lockout *lockout, const struct addr *source, const char *user,
		     struct span call_id);

/* That of auth: for who asks about datagrams. */
const struct lockout *auth_lockout(const struct auth *auth);

/* --- For the control thread and the storage thread. --- */

/* One row of show authentication. */
struct lockout_entry {
	struct addr source;             /* port 0; an IPv6 one with its last 64 bits cleared */
	char user[SUSPENSION_USER_MAX]; /* "" = the source, "*" = its strangers */
	uint32_t failures;              /* in a row */
	uint64_t last_us;               /* monotonic time of the last one; 0 = not known */
	uint64_t suspended_until_us;    /* 0 = not suspended */
	int64_t since_ms;               /* suspended: wall time of the trigger */
};

/* Sources and pairs with failures; with only_suspended those that are refused now. source NULL:
 * all. Returns how many were written. */
size_t lockout_list(struct auth *auth, uint64_t now_us, bool only_suspended,
		    const struct addr *source, struct lockout_entry *out, size_t max);
/* Forgets failures and suspensions of a source, or of one user there, or all (NULL, NULL). Returns
 * how many had an entry. */
size_t lockout_clear(struct auth *auth, const struct addr *source, const char *user);

/* Exactly that suspension ("" = of the source). */
bool lockout_is_running(const struct auth *auth, const struct addr *source, const char *user,
			uint64_t now_us);
/* Ends what is over, with an event each. Returns when the next one ends, UINT64_MAX = none. */
uint64_t lockout_expire(struct auth *auth, uint64_t now_us);
struct security_events *lockout_events(struct auth *auth);
struct suspensions *lockout_suspensions(struct auth *auth);
/* Puts a stored suspension back; what is over, or lies more than LOCKOUT_RESTORE_MAX_S ahead
 * because the clock was wrong, is left out. */
#define LOCKOUT_RESTORE_MAX_S 3600
bool lockout_restore(struct auth *auth, const struct suspension *stored, uint64_t now_us,
		     int64_t now_ms);
/* How many sources and pairs have failures; the most there is room for. */
size_t lockout_used(const struct auth *auth);
#define LOCKOUT_SOURCES_MAX 131072u
