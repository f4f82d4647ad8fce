/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/fraud/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

struct fraud_entry *fraud_table_find(const struct fraud_table *table, uint64_t key)
{
	struct fraud_entry *entry;

	HASH_FIND(hh, table->by_key, &key, sizeof(key), entry);
	return entry;
}

static void drop(struct fraud_table *table, struct fraud_entry *entry)
{
	HASH_DEL(table->by_key, entry);
	DL_DELETE(table->oldest, entry);
	free(entry);
}

struct fraud_entry *fraud_table_need(struct fraud_table *table, uint64_t key, const char *name)
{
	struct fraud_entry *entry = fraud_table_find(table, key);

	if (entry) {
		DL_DELETE(table->oldest, entry);
		DL_APPEND(table->oldest, entry);
		return entry;
	}
	if (HASH_COUNT(table->by_key) >= table->max)
		drop(table, table->oldest);
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->key = key;
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	HASH_ADD(hh, table->by_key, key, sizeof(entry->key), entry);
	DL_APPEND(table->oldest, entry);
	return entry;
}

void fraud_table_clear(struct fraud_table *table)
{
	while (table->oldest)
		drop(table, table->oldest);
}
