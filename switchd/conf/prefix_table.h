/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Longest-prefix match over addresses: a sorted array, searched once for each prefix length that
 * occurs. Immutable after prefix_table_sort(). */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"

struct prefix_entry {
	struct prefix prefix;
	uint16_t port;    /* 0 = any */
	uint32_t target;  /* the owner's index; the smaller one wins among equals */
	int32_t priority; /* smaller first, of one prefix */
};

struct prefix_table {
	struct prefix_entry *entries;
	size_t count;
	size_t cap;
	uint8_t lengths4[33]; /* lengths that occur, longest first */
	uint8_t lengths6[129];
	uint8_t length4_count;
	uint8_t length6_count;
};

/* The prefix of that many bits that holds the address. */
void prefix_cut(const struct addr *address, uint8_t bits, struct prefix *out);
VOS_CHECK enum vos_err prefix_table_add(struct prefix_table *table,
					const struct prefix_entry *entry);
/* To be called once after the last add, before the first find. */
void prefix_table_sort(struct prefix_table *table);
/* The best entry that holds the address (and its port, where the entry has one); NULL when none. */
const struct prefix_entry *prefix_table_find(const struct prefix_table *table,
					     const struct addr *address);
void prefix_table_free(struct prefix_table *table);
