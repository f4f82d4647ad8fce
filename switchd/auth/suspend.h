/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is suspended, and until when.
 *
 * The question "is this key suspended" is asked for every datagram, so it takes no lock and waits
 * for nobody: eight words of one set are looked at. Everything else (begin, end, list) is rare and
 * takes one lock. A key is a keyed hash, of a source or of a source with a user; the table never
 * asks what it is made of.
 *
 * At most SUSPENSIONS_MAX are kept, in sets of eight; a full set gives up the one that ends first.
 * What changes is noted for the storage thread, at most SUSPENSION_CHANGES_MAX at a time; beyond
 * that it is told to write all of them anew. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"

#define SUSPENSION_WAYS        8u
#define SUSPENSION_SETS        8192u
#define SUSPENSIONS_MAX        (SUSPENSION_SETS * SUSPENSION_WAYS)
#define SUSPENSION_CHANGES_MAX 1024u
#define SUSPENSION_USER_MAX    64

struct suspension {
	struct addr source;             /* without port; of IPv6 the /64 */
	char user[SUSPENSION_USER_MAX]; /* "" = whoever comes from there */
	uint32_t failures;              /* that led to it */
	int64_t since_ms;               /* wall time, for people and for the store */
	int64_t until_ms;
	uint64_t until_us; /* monotonic: what decides */
};

struct suspension_change {
	struct suspension suspension;
	bool is_over; /* ended or cleared: only source and user count */
};

struct suspensions;

VOS_CHECK enum vos_err suspensions_create(struct suspensions **out);
void suspensions_destroy(struct suspensions *suspensions);

/* Wait-free, for any thread. */
bool suspensions_hold(const struct suspensions *suspensions, uint64_t key, uint64_t now_us);

/* Begins one, in the place of the one with the same key if there is one. to_store false: it came
 * from there. */
void suspensions_begin(struct suspensions *suspensions, uint64_t key,
		       const struct suspension *suspension, bool to_store);

typedef bool suspension_match_fn(const struct suspension *suspension, void *context);
typedef void suspension_ended_fn(const struct suspension *suspension, void *context);

/* Ends those that match (all when match is NULL); each is handed to `ended`, which may be NULL and
 * must not come back here. Returns how many. */
size_t suspensions_end(struct suspensions *suspensions, suspension_match_fn *match,
		       suspension_ended_fn *ended, void *context);
/* Ends those whose time is over. Returns the monotonic time of the next end, UINT64_MAX when there
 * is none. */
uint64_t suspensions_expire(struct suspensions *suspensions, uint64_t now_us,
			    suspension_ended_fn *ended, void *context);

/* Those that last beyond now_us; returns how many were written. */
size_t suspensions_list(struct suspensions *suspensions, uint64_t now_us, struct suspension *out,
			size_t max);
size_t suspensions_count(const struct suspensions *suspensions);
/* Counts up with every change, so that a mirror knows when to look. */
uint64_t suspensions_version(const struct suspensions *suspensions);

/* For the storage thread: what changed since the last call. *is_all: more than could be noted; then
 * nothing is written to out, and the list is the truth. */
size_t suspensions_drain(struct suspensions *suspensions, struct suspension_change *out, size_t max,
			 bool *is_all);
/* After a write that failed: all of them are to be written anew. */
void suspensions_mark_all(struct suspensions *suspensions);
