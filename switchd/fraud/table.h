/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of parties, callers and destinations: at most `max` entries by keyed hashes;
 * one more takes the place of the one that rested longest. Belongs to one thread. */
#pragma once

#include <stdbool.h>
#include <uthash.h>

#include "shared/base/hash.h"

#define FRAUD_NAME_MAX 84 /* CALL_PARTY_MAX */

/* Calls that count since the first of them. */
struct fraud_window {
	uint64_t first_us;
	uint32_t count;
};

struct fraud_entry {
	UT_hash_handle hh;
	struct fraud_entry *prev; /* by use, the oldest first */
	struct fraud_entry *next;
	uint64_t key;
	struct fraud_window window;
	int64_t first_s; /* wall time: called first, or heard of first */
	int64_t last_s;
	uint32_t calls;   /* of a caller: up now */
	uint32_t mean_x8; /* of a party: calls of a night's hour, in eighths */
	int64_t hour;     /* of a party: that the window counts for */
	bool has_mean;
	char name[FRAUD_NAME_MAX];
};

struct fraud_table {
	struct fraud_entry *by_key;
	struct fraud_entry *oldest;
	size_t max;
};

struct fraud_entry *fraud_table_find(const struct fraud_table *table, uint64_t key);
/* Makes it when there is none; it is the newest then. NULL: out of memory. */
struct fraud_entry *fraud_table_need(struct fraud_table *table, uint64_t key, const char *name);
void fraud_table_clear(struct fraud_table *table);
