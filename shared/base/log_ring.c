/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/log_ring.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct log_ring {
	pthread_mutex_t lock;
	uint64_t end; /* lines ever added */
	int wake_fd;
	bool is_watched;
	bool is_woken; /* wake_fd was written and not read yet */
	struct log_line lines[LOG_RING_LINES];
};

struct log_ring *log_ring_create(void)
{
	/* Zeroed by the kernel: memory is taken as lines come. */
	struct log_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (ring->wake_fd < 0) {
		free(ring);
		return NULL;
	}
	pthread_mutex_init(&ring->lock, NULL);
	return ring;
}

void log_ring_destroy(struct log_ring *ring)
{
	if (!ring)
		return;
	pthread_mutex_destroy(&ring->lock);
	close(ring->wake_fd);
	free(ring);
}

/* Under the lock. */
static void wake(struct log_ring *ring)
{
	const uint64_t one = 1;

	if (!ring->is_watched || ring->is_woken)
		return;
	ring->is_woken = write(ring->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one);
}

void log_ring_add(struct log_ring *ring, int64_t time_ms, int level, const char *subsystem,
		  const char *text, size_t len)
{
	struct log_line *line;

	if (len > LOG_LINE_TEXT - 1)
		len = LOG_LINE_TEXT - 1;
	pthread_mutex_lock(&ring->lock);
	line = &ring->lines[ring->end % LOG_RING_LINES];
	line->time_ms = time_ms;
	line->level = level;
	snprintf(line->subsystem, sizeof(line->subsystem), "%s", subsystem);
	memcpy(line->text, text, len);
	line->text[len] = '\0';
	ring->end++;
	wake(ring);
	pthread_mutex_unlock(&ring->lock);
}

uint64_t log_ring_end(struct log_ring *ring)
{
	uint64_t end;

	pthread_mutex_lock(&ring->lock);
	end = ring->end;
	pthread_mutex_unlock(&ring->lock);
	return end;
}

bool log_ring_read(struct log_ring *ring, uint64_t *number, struct log_line *out)
{
	bool is_there;

	pthread_mutex_lock(&ring->lock);
	if (ring->end - *number > LOG_RING_LINES && *number < ring->end)
		*number = ring->end - LOG_RING_LINES;
	is_there = *number < ring->end;
	if (is_there)
		*out = ring->lines[(*number)++ % LOG_RING_LINES];
	pthread_mutex_unlock(&ring->lock);
	return is_there;
}

int log_ring_wake_fd(const struct log_ring *ring)
{
	return ring->wake_fd;
}

void log_ring_watch(struct log_ring *ring, bool is_watched)
{
	pthread_mutex_lock(&ring->lock);
	ring->is_watched = is_watched;
	pthread_mutex_unlock(&ring->lock);
}

void log_ring_woken(struct log_ring *ring)
{
	uint64_t count;

	pthread_mutex_lock(&ring->lock);
	if (read(ring->wake_fd, &count, sizeof(count)) < 0) {
		/* Nothing was added since the last call. */
	}
	ring->is_woken = false;
	pthread_mutex_unlock(&ring->lock);
}
