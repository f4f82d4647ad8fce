/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of the dynamic black list that began or ended, noted until the storage thread takes them.
 * At most BLACK_CHANGES_MAX are; beyond that it is told to write the whole list anew. */
#pragma once

#include <pthread.h>

#include "switchd/auth/blacklist.h"

struct black_changes {
	pthread_mutex_t lock;
	size_t count;
	bool is_all;
	struct black_change list[BLACK_CHANGES_MAX];
};

void black_changes_init(struct black_changes *changes);
void black_changes_destroy(struct black_changes *changes);
void black_changes_note(struct black_changes *changes, const struct black_entry *entry,
			bool is_over);
/* As blacklist_drain() says. */
size_t black_changes_take(struct black_changes *changes, struct black_change *out, size_t max,
			  bool *is_all);
void black_changes_mark_all(struct black_changes *changes);
