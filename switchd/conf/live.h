/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes on at a gateway, a phone or a pool number right now: calls, calls a second, answers.
 *
 * It stands beside the configuration: a commit makes new conf structs, which point to the same live
 * ones, found by kind and name. All members are atomic, so that every signalling thread counts
 * without a lock; what admits a call checks and counts in one step. Entries are made when a
 * configuration is built and stay until the switch stops, so a call may keep its pointer past a
 * commit that deletes the object; their number is bounded by what was ever configured. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/err.h"

#define LIVE_ADDRESSES_MAX  8   /* of a gateway */
#define LIVE_WINDOW_BUCKETS 100 /* most that SS_GATEWAY_ASR_RESERVE_SEPARATE allows */

/* What an operator said of a gateway (`gateway NAME enable|drain|disable`), beside its
 * configuration. */
enum live_admin { LIVE_ENABLED, LIVE_DRAINING, LIVE_DISABLED };

/* Why nobody is to be called there (is_offline): each reason is set and cleared by who knows of it.
 */
enum live_offline {
	LIVE_SILENT = 1,       /* no address answers OPTIONS */
	LIVE_UNREGISTERED = 2, /* it is not registered here, or we are not there */
};

enum live_kind {
	LIVE_MAPPING_GATEWAY,
	LIVE_ROUTING_GATEWAY,
	LIVE_PHONE,
	LIVE_PHONE_IN, /* calls to it, beside those in all */
	LIVE_PHONE_OUT,
	LIVE_POOL,   /* of numbers: its attempts are the turns that were taken */
	LIVE_NUMBER, /* of a pool */
	LIVE_LINES,  /* of a gateway-group */
	LIVE_NUMBER_GROUP,
	LIVE_REGISTRATION,
};

/* Attempts and answers of the last while, in buckets that age out one by one. Each is one word:
 * number of its time slice (24 bits), attempts (20), answers (20). */
struct live_window {
	_Atomic uint64_t buckets[LIVE_WINDOW_BUCKETS];
};

struct live {
	_Atomic uint32_t calls; /* in set-up or up */
	_Atomic uint32_t peak;
	_Atomic uint64_t rate; /* second << 32 | calls begun in it */
	_Atomic uint64_t attempts;
	_Atomic uint64_t rang;
	_Atomic uint64_t answered;
	_Atomic uint64_t talk_ms;
	_Atomic uint64_t down_until_us; /* monotonic: a Retry-After runs until then; 0 = none */
	_Atomic uint32_t admin;      /* enum live_admin: all but LIVE_ENABLED take no new calls */
	_Atomic uint32_t is_offline; /* set of enum live_offline: not 0 takes no calls */
	/* Addresses of a gateway by their place in its list: those that are not to be called now,
	 * and what each last said to OPTIONS: a status, 0 = not asked yet. */
	_Atomic uint32_t dead_addresses;
	_Atomic uint32_t check_answers[LIVE_ADDRESSES_MAX];
	/* Of a gateway that is not at addresses of its own: which one each place stands for, as
	 * live_place_key() has it; 0 = none. */
	_Atomic uint64_t check_keys[LIVE_ADDRESSES_MAX];
	/* What a gateway said of itself by PUBLISH (behaviour C13): in the place of its capacity
	 * until then, monotonic; 0 = it said nothing. */
	_Atomic uint64_t published_until_us;
	_Atomic uint32_t published_capacity;
	_Atomic uint32_t published_calls;
	_Atomic uint64_t publish_tag;
	struct live_window *window; /* gateways and groups; NULL: none is kept */
	struct live *parent;        /* counts the same calls and others; NULL: none */
	enum live_kind kind;
	char name[];
};

#define LIVE_CHECK_NO_ANSWER 1 /* of check_answers */

static inline bool live_address_is_dead(const struct live *live, size_t index)
{
	return atomic_load_explicit(&live->dead_addresses, memory_order_relaxed) >> index & 1;
}

/* Names an address, port included, for check_keys; never 0. */
uint64_t live_place_key(const struct addr *address);
/* The place that stands for the address now; LIVE_ADDRESSES_MAX: none does. */
size_t live_place_of(const struct live *live, const struct addr *address);

struct live_table;

/* Reference-counted: every conf of a switch holds the same one. */
VOS_CHECK enum vos_err live_table_create(struct live_table **out);
struct live_table *live_table_ref(struct live_table *table);
void live_table_unref(struct live_table *table);
/* The entry of that name, made when there is none; NULL: out of memory. Any thread. */
struct live *live_get(struct live_table *table, enum live_kind kind, const char *name);
size_t live_count(struct live_table *table);
/* Calls fn for every entry of the kind; meanwhile nobody can make one. */
typedef void live_each_fn(void *context, const struct live *live);
void live_each(struct live_table *table, enum live_kind kind, live_each_fn *fn, void *context);

enum live_verdict {
	LIVE_OK,       /* the call is counted: live_end() when it is over */
	LIVE_FULL,     /* capacity reached */
	LIVE_TOO_FAST, /* rate limit reached */
};

/* Admits a call, or says why not. capacity 0 = no limit, rate_limit (calls/s) 0 = no limit; what
 * the gateway has published stands before its capacity. */
enum live_verdict live_begin(struct live *live, uint32_t capacity, uint32_t rate_limit,
			     uint64_t now_us);
/* Where it has a parent, of both: who begins there begins at the parent first. */
void live_end(struct live *live);
/* The same question without counting: for a list of candidates. */
enum live_verdict live_would_admit(const struct live *live, uint32_t capacity, uint32_t rate_limit,
				   uint64_t now_us);
/* Calls begun in the running second. */
uint32_t live_rate(const struct live *live, uint64_t now_us);
/* Sets or clears one reason to be offline. */
static inline void live_set_offline(struct live *live, enum live_offline reason, bool is_offline)
{
	if (is_offline)
		atomic_fetch_or(&live->is_offline, (uint32_t)reason);
	else
		atomic_fetch_and(&live->is_offline, ~(uint32_t)reason);
}
/* Calls in thousandths of the capacity; 0 without one. */
uint32_t live_load(const struct live *live, uint32_t capacity, uint64_t now_us);
/* A publication of the gateway's is in force. */
static inline bool live_has_published(const struct live *live, uint64_t now_us)
{
	return atomic_load_explicit(&live->published_until_us, memory_order_relaxed) > now_us;
}

/* One attempt that has ended, into a window of bucket_count buckets over window_s seconds. Without
 * a window nothing is kept, and the sum is 0. */
void live_window_add(struct live *live, bool was_answered, uint32_t window_s, uint32_t bucket_count,
		     uint64_t now_us);
struct live_ratio {
	uint32_t attempts;
	uint32_t answers;
};
struct live_ratio live_window_sum(const struct live *live, uint32_t window_s, uint32_t bucket_count,
				  uint64_t now_us);
