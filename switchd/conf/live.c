/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/conf/live.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define US_PER_S  UINT64_C(1000000)
#define KEY_BYTES 130 /* of any key of an object, with the letter of its kind */

struct live_row {
	UT_hash_handle hh; /* by the kind and the name behind it */
	char *key;
	struct live live;
};

struct live_table {
	atomic_uint refs;
	pthread_mutex_t mutex;
	struct live_row *rows;
};

static void free_row(struct live_row *row)
{
	free(row->live.window);
	free(row->key);
	free(row);
}

enum vos_err live_table_create(struct live_table **out)
{
	struct live_table *table = calloc(1, sizeof(*table));

	if (!table)
		return VOS_ENOMEM;
	atomic_init(&table->refs, 1);
	pthread_mutex_init(&table->mutex, NULL);
	*out = table;
	return VOS_OK;
}

struct live_table *live_table_ref(struct live_table *table)
{
	atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
	return table;
}

void live_table_unref(struct live_table *table)
{
	struct live_row *row;
	struct live_row *next;

	if (!table || atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) != 1)
		return;
	HASH_ITER (hh, table->rows, row, next) {
		HASH_DEL(table->rows, row);
		free_row(row);
	}
	pthread_mutex_destroy(&table->mutex);
	free(table);
}

static bool has_window(enum live_kind kind)
{
	return kind != LIVE_PHONE && kind != LIVE_PHONE_IN && kind != LIVE_PHONE_OUT &&
	       kind != LIVE_POOL && kind != LIVE_NUMBER && kind != LIVE_NUMBER_GROUP &&
	       kind != LIVE_REGISTRATION;
}

/* The key is the kind as a letter, and the name. */
static struct live_row *new_row(const char *key, size_t len, enum live_kind kind)
{
	struct live_row *row = calloc(1, sizeof(*row) + len);

	if (!row)
		return NULL;
	row->live.kind = kind;
	memcpy(row->live.name, key + 1, len);
	row->key = malloc(len + 1);
	if (has_window(kind))
		row->live.window = calloc(1, sizeof(*row->live.window));
	if (!row->key || (has_window(kind) && !row->live.window)) {
		free_row(row);
		return NULL;
	}
	memcpy(row->key, key, len + 1);
	return row;
}

/* len is that of the key, with its letter and without the NUL; 0: the name is longer than any. */
static size_t make_key(enum live_kind kind, const char *name, char key[KEY_BYTES])
{
	size_t len = strlen(name) + 1;

	if (len + 1 > KEY_BYTES)
		return 0;
	key[0] = (char)('A' + kind);
	memcpy(key + 1, name, len);
	return len;
}

struct live *live_get(struct live_table *table, enum live_kind kind, const char *name)
{
	char key[KEY_BYTES];
	size_t len = make_key(kind, name, key);
	struct live_row *row;

	if (!len)
		return NULL;
	pthread_mutex_lock(&table->mutex);
	HASH_FIND(hh, table->rows, key, len, row);
	if (!row) {
		row = new_row(key, len, kind);
		if (row)
			HASH_ADD_KEYPTR(hh, table->rows, row->key, len, row);
	}
	pthread_mutex_unlock(&table->mutex);
	return row ? &row->live : NULL;
}

size_t live_count(struct live_table *table)
{
	size_t count;

	pthread_mutex_lock(&table->mutex);
	count = HASH_COUNT(table->rows);
	pthread_mutex_unlock(&table->mutex);
	return count;
}

void live_each(struct live_table *table, enum live_kind kind, live_each_fn *fn, void *context)
{
	struct live_row *row;
	struct live_row *next;

	pthread_mutex_lock(&table->mutex);
	HASH_ITER (hh, table->rows, row, next)
		if (row->live.kind == kind)
			fn(context, &row->live);
	pthread_mutex_unlock(&table->mutex);
}

uint32_t live_rate(const struct live *live, uint64_t now_us)
{
	uint64_t rate = atomic_load_explicit(&live->rate, memory_order_relaxed);

	return rate >> 32 == (uint32_t)(now_us / US_PER_S) ? (uint32_t)rate : 0;
}

/* Counts one more in this second; false when that is over the limit. */
static bool take_rate(struct live *live, uint32_t limit, uint64_t now_us)
{
	uint64_t second = (uint64_t)(uint32_t)(now_us / US_PER_S) << 32;
	uint64_t old = atomic_load_explicit(&live->rate, memory_order_relaxed);
	uint64_t next;

	do {
		uint32_t count = (old ^ second) >> 32 ? 0 : (uint32_t)old;

		if (limit && count >= limit)
			return false;
		next = second | (count + 1);
	} while (!atomic_compare_exchange_weak_explicit(
		&live->rate, &old, next, memory_order_relaxed, memory_order_relaxed));
	return true;
}

static void raise_peak(struct live *live, uint32_t calls)
{
	uint32_t peak = atomic_load_explicit(&live->peak, memory_order_relaxed);

	while (peak < calls &&
	       !atomic_compare_exchange_weak_explicit(&live->peak, &peak, calls,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

/* Calls that may be there at a time. */
static uint32_t limit_of(const struct live *live, uint32_t capacity, uint64_t now_us)
{
	if (live_has_published(live, now_us))
		return atomic_load_explicit(&live->published_capacity, memory_order_relaxed);
	return capacity ? capacity : UINT32_MAX;
}

static bool take_line(struct live *live, uint32_t limit)
{
	uint32_t calls = atomic_load_explicit(&live->calls, memory_order_relaxed);

	do {
		if (calls >= limit)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&live->calls, &calls, calls + 1, memory_order_relaxed, memory_order_relaxed));
	raise_peak(live, calls + 1);
	return true;
}

static void give_line(struct live *live)
{
	atomic_fetch_sub_explicit(&live->calls, 1, memory_order_relaxed);
}

enum live_verdict live_begin(struct live *live, uint32_t capacity, uint32_t rate_limit,
			     uint64_t now_us)
{
	if (!take_line(live, limit_of(live, capacity, now_us)))
		return LIVE_FULL;
	if (!take_rate(live, rate_limit, now_us)) {
		give_line(live);
		return LIVE_TOO_FAST;
	}
	atomic_fetch_add_explicit(&live->attempts, 1, memory_order_relaxed);
	return LIVE_OK;
}

void live_end(struct live *live)
{
	for (; live; live = live->parent)
		give_line(live);
}

enum live_verdict live_would_admit(const struct live *live, uint32_t capacity, uint32_t rate_limit,
				   uint64_t now_us)
{
	if (atomic_load_explicit(&live->calls, memory_order_relaxed) >=
	    limit_of(live, capacity, now_us))
		return LIVE_FULL;
	if (rate_limit && live_rate(live, now_us) >= rate_limit)
		return LIVE_TOO_FAST;
	return LIVE_OK;
}

uint32_t live_load(const struct live *live, uint32_t capacity, uint64_t now_us)
{
	uint64_t calls = atomic_load_explicit(&live->calls, memory_order_relaxed);
	uint32_t limit = limit_of(live, capacity, now_us);

	return limit && limit != UINT32_MAX ? (uint32_t)(calls * 1000 / limit) : 0;
}

/* --- The window of answers. --- */

#define SLICE_BITS 24
#define COUNT_BITS 20
#define COUNT_MAX  ((UINT64_C(1) << COUNT_BITS) - 1)
#define SLICE_MASK ((UINT64_C(1) << SLICE_BITS) - 1)

static uint64_t slice_of(uint32_t window_s, uint32_t bucket_count, uint64_t now_us)
{
	uint64_t slice_us = (uint64_t)window_s * US_PER_S / bucket_count;

	/* 0 is what an unused bucket says. */
	return (now_us / (slice_us ? slice_us : 1) + 1) & SLICE_MASK;
}

void live_window_add(struct live *live, bool was_answered, uint32_t window_s, uint32_t bucket_count,
		     uint64_t now_us)
{
	uint64_t slice = slice_of(window_s, bucket_count, now_us);
	_Atomic uint64_t *bucket;
	uint64_t old;
	uint64_t next;

	if (!live->window)
		return;
	bucket = &live->window->buckets[slice % bucket_count];
	old = atomic_load_explicit(bucket, memory_order_relaxed);

	do {
		bool is_same = old >> (2 * COUNT_BITS) == slice;
		uint64_t attempts = is_same ? old >> COUNT_BITS & COUNT_MAX : 0;
		uint64_t answers = is_same ? old & COUNT_MAX : 0;

		/* A full bucket keeps its ratio. */
		if (attempts == COUNT_MAX) {
			attempts /= 2;
			answers /= 2;
		}
		next = slice << (2 * COUNT_BITS) | (attempts + 1) << COUNT_BITS |
		       (answers + was_answered);
	} while (!atomic_compare_exchange_weak_explicit(bucket, &old, next, memory_order_relaxed,
							memory_order_relaxed));
}

struct live_ratio live_window_sum(const struct live *live, uint32_t window_s, uint32_t bucket_count,
				  uint64_t now_us)
{
	uint64_t now = slice_of(window_s, bucket_count, now_us);
	struct live_ratio sum = {0};

	for (uint32_t i = 0; live->window && i < bucket_count; i++) {
		uint64_t bucket =
			atomic_load_explicit(&live->window->buckets[i], memory_order_relaxed);
		uint64_t slice = bucket >> (2 * COUNT_BITS);

		if (slice == 0 || ((now - slice) & SLICE_MASK) >= bucket_count)
			continue;
		sum.attempts += (uint32_t)(bucket >> COUNT_BITS & COUNT_MAX);
		sum.answers += (uint32_t)(bucket & COUNT_MAX);
	}
	return sum;
}

/* --- Places of gateways that move. --- */

uint64_t live_place_key(const struct addr *address)
{
	/* FNV-1a: of at most eight addresses, none of which a stranger chooses. */
	uint64_t key = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < sizeof(address->ip); i++)
		key = (key ^ address->ip[i]) * UINT64_C(1099511628211);
	key = (key ^ address->port) * UINT64_C(1099511628211);
	key = (key ^ (uint64_t)address->family) * UINT64_C(1099511628211);
	return key ? key : 1;
}

size_t live_place_of(const struct live *live, const struct addr *address)
{
	uint64_t key = live_place_key(address);
	size_t i = 0;

	while (i < LIVE_ADDRESSES_MAX &&
	       atomic_load_explicit(&live->check_keys[i], memory_order_relaxed) != key)
		i++;
	return i;
}
