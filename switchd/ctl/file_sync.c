/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/file_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/thread.h"

#define PAUSE_MS 250 /* between two syncs: lines that come in a burst share one */

struct file_sync {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	pthread_t thread;
	void (*done)(void *user, int error);
	void *user;
	int fd;       /* a duplicate, to be synced; -1 = nothing is marked */
	bool is_busy; /* the thread is syncing one */
	bool is_stopping;
};

/* Unlocks meanwhile. */
static void sync_marked(struct file_sync *sync)
{
	int fd = sync->fd;
	int error;

	sync->fd = -1;
	sync->is_busy = true;
	pthread_mutex_unlock(&sync->mutex);
	error = fdatasync(fd) == 0 ? 0 : errno;
	close(fd);
	sync->done(sync->user, error);
	pthread_mutex_lock(&sync->mutex);
	sync->is_busy = false;
	pthread_cond_broadcast(&sync->changed);
}

static void pause_a_while(struct file_sync *sync)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PAUSE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	while (!sync->is_stopping &&
	       pthread_cond_timedwait(&sync->changed, &sync->mutex, &until) != ETIMEDOUT)
		;
}

static void *run(void *argument)
{
	struct file_sync *sync = argument;

	pthread_mutex_lock(&sync->mutex);
	while (!sync->is_stopping || sync->fd >= 0) {
		if (sync->fd < 0) {
			pthread_cond_wait(&sync->changed, &sync->mutex);
			continue;
		}
		sync_marked(sync);
		pause_a_while(sync);
	}
	pthread_mutex_unlock(&sync->mutex);
	return NULL;
}

enum vos_err file_sync_start(void (*done)(void *user, int error), void *user,
			     struct file_sync **out)
{
	struct file_sync *sync = calloc(1, sizeof(*sync));
	pthread_condattr_t attributes;

	if (!sync)
		return VOS_ENOMEM;
	sync->done = done;
	sync->user = user;
	sync->fd = -1;
	pthread_mutex_init(&sync->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&sync->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (thread_start(&sync->thread, NULL, "control-files", run, sync) != 0) {
		pthread_cond_destroy(&sync->changed);
		pthread_mutex_destroy(&sync->mutex);
		free(sync);
		return VOS_EFULL;
	}
	*out = sync;
	return VOS_OK;
}

void file_sync_stop(struct file_sync *sync)
{
	if (!sync)
		return;
	pthread_mutex_lock(&sync->mutex);
	sync->is_stopping = true;
	pthread_cond_broadcast(&sync->changed);
	pthread_mutex_unlock(&sync->mutex);
	pthread_join(sync->thread, NULL);
	pthread_cond_destroy(&sync->changed);
	pthread_mutex_destroy(&sync->mutex);
	free(sync);
}

void file_sync_mark(struct file_sync *sync, int fd)
{
	pthread_mutex_lock(&sync->mutex);
	if (sync->fd < 0) {
		sync->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		/* Out of descriptors: the writer waits for the disk after all. */
		if (sync->fd < 0)
			sync->done(sync->user, fdatasync(fd) == 0 ? 0 : errno);
		pthread_cond_broadcast(&sync->changed);
	}
	pthread_mutex_unlock(&sync->mutex);
}

void file_sync_flush(struct file_sync *sync)
{
	pthread_mutex_lock(&sync->mutex);
	while (sync->is_busy)
		pthread_cond_wait(&sync->changed, &sync->mutex);
	if (sync->fd >= 0)
		sync_marked(sync);
	pthread_mutex_unlock(&sync->mutex);
}
