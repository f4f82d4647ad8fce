/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/conf/trunk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct trunk_row {
	UT_hash_handle hh; /* by name */
	struct trunk trunk;
};

struct trunk_table {
	atomic_uint refs;
	pthread_mutex_t mutex;
	struct trunk_row *rows;
};

enum vos_err trunk_table_create(struct trunk_table **out)
{
	struct trunk_table *table = calloc(1, sizeof(*table));

	if (!table)
		return VOS_ENOMEM;
	atomic_init(&table->refs, 1);
	pthread_mutex_init(&table->mutex, NULL);
	*out = table;
	return VOS_OK;
}

struct trunk_table *trunk_table_ref(struct trunk_table *table)
{
	atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
	return table;
}

void trunk_table_unref(struct trunk_table *table)
{
	struct trunk_row *row;
	struct trunk_row *next;

	if (!table || atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) != 1)
		return;
	HASH_ITER (hh, table->rows, row, next) {
		HASH_DEL(table->rows, row);
		free(row);
	}
	pthread_mutex_destroy(&table->mutex);
	free(table);
}

struct trunk *trunk_get(struct trunk_table *table, const char *name)
{
	size_t len = strlen(name);
	struct trunk_row *row;

	pthread_mutex_lock(&table->mutex);
	HASH_FIND(hh, table->rows, name, len, row);
	if (!row) {
		row = calloc(1, sizeof(*row) + len + 1);
		if (row) {
			memcpy(row->trunk.name, name, len + 1);
			HASH_ADD_KEYPTR(hh, table->rows, row->trunk.name, len, row);
		}
	}
	pthread_mutex_unlock(&table->mutex);
	return row ? &row->trunk : NULL;
}

void trunk_set_way(struct trunk *trunk, const struct trunk_way *way)
{
	uint32_t turn = atomic_load_explicit(&trunk->turn, memory_order_relaxed);
	uint64_t words[TRUNK_WORDS] = {0};
	struct trunk_way before;

	if (trunk_get_way(trunk, &before) && memcmp(&before, way, sizeof(before)) == 0)
		return;
	memcpy(words, way, sizeof(*way));
	atomic_store(&trunk->turn, turn + 1);
	for (size_t i = 0; i < TRUNK_WORDS; i++)
		atomic_store(&trunk->way[i], words[i]);
	atomic_store(&trunk->turn, turn + 2 ? turn + 2 : 2);
}

bool trunk_get_way(const struct trunk *trunk, struct trunk_way *out)
{
	uint64_t words[TRUNK_WORDS];
	uint32_t turn;

	do {
		turn = atomic_load(&trunk->turn);
		if (turn == 0)
			return false;
		for (size_t i = 0; i < TRUNK_WORDS; i++)
			words[i] = atomic_load(&trunk->way[i]);
		/* The owner writes a few words, and seldom. */
	} while ((turn & 1) || turn != atomic_load(&trunk->turn));
	memcpy(out, words, sizeof(*out));
	return true;
}
