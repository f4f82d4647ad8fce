/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings a file that is only appended to onto the disk, in a thread of its own: whoever writes does
 * not wait for the disk, and what is written is there within a second. */
#pragma once

#include "shared/base/err.h"

struct file_sync;

/* `done` is called in that thread after each sync, with 0 or an errno. */
VOS_CHECK enum vos_err file_sync_start(void (*done)(void *user, int error), void *user,
				       struct file_sync **out);
/* Syncs what is marked, then ends the thread. */
void file_sync_stop(struct file_sync *sync);
/* The file has been written to. The descriptor stays the caller's. */
void file_sync_mark(struct file_sync *sync, int fd);
/* The file that was marked is synced before this returns; another one may be marked afterwards. */
void file_sync_flush(struct file_sync *sync);
