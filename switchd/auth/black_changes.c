/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/auth/black_changes.h"

#include <string.h>

void black_changes_init(struct black_changes *changes)
{
	pthread_mutex_init(&changes->lock, NULL);
}

void black_changes_destroy(struct black_changes *changes)
{
	pthread_mutex_destroy(&changes->lock);
}

void black_changes_note(struct black_changes *changes, const struct black_entry *entry,
			bool is_over)
{
	pthread_mutex_lock(&changes->lock);
	if (changes->count == BLACK_CHANGES_MAX)
		changes->is_all = true;
	if (!changes->is_all)
		changes->list[changes->count++] = (struct black_change){*entry, is_over};
	pthread_mutex_unlock(&changes->lock);
}

size_t black_changes_take(struct black_changes *changes, struct black_change *out, size_t max,
			  bool *is_all)
{
	size_t count = 0;

	pthread_mutex_lock(&changes->lock);
	*is_all = changes->is_all || changes->count > max;
	if (!*is_all) {
		count = changes->count;
		memcpy(out, changes->list, count * sizeof(*out));
	}
	changes->is_all = false;
	changes->count = 0;
	pthread_mutex_unlock(&changes->lock);
	return count;
}

void black_changes_mark_all(struct black_changes *changes)
{
	pthread_mutex_lock(&changes->lock);
	changes->is_all = true;
	pthread_mutex_unlock(&changes->lock);
}
