/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/auth/events.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct security_events {
	pthread_mutex_t lock;
	int fd;
	size_t first;
	size_t count;
	uint64_t lost;
	struct security_event ring[SECURITY_EVENTS_MAX];
};

enum vos_err security_events_create(struct security_events **out)
{
	struct security_events *events = calloc(1, sizeof(*events));

	if (!events)
		return VOS_ENOMEM;
	events->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (events->fd < 0) {
		free(events);
		return VOS_EIO;
	}
	pthread_mutex_init(&events->lock, NULL);
	*out = events;
	return VOS_OK;
}

void security_events_destroy(struct security_events *events)
{
	if (!events)
		return;
	close(events->fd);
	pthread_mutex_destroy(&events->lock);
	free(events);
}

void security_events_push(struct security_events *events, const struct security_event *event)
{
	const uint64_t one = 1;
	bool was_empty;

	pthread_mutex_lock(&events->lock);
	was_empty = events->count == 0;
	if (events->count == SECURITY_EVENTS_MAX) {
		events->lost++;
	} else {
		events->ring[(events->first + events->count) % SECURITY_EVENTS_MAX] = *event;
		events->count++;
	}
	pthread_mutex_unlock(&events->lock);
	if (was_empty && write(events->fd, &one, sizeof(one)) < 0)
		return; /* the counter is full, so the reader is awake */
}

bool security_events_take(struct security_events *events, struct security_event *out)
{
	bool is_there;

	pthread_mutex_lock(&events->lock);
	is_there = events->count > 0;
	if (is_there) {
		*out = events->ring[events->first];
		events->first = (events->first + 1) % SECURITY_EVENTS_MAX;
		events->count--;
	}
	pthread_mutex_unlock(&events->lock);
	return is_there;
}

uint64_t security_events_lost(struct security_events *events)
{
	uint64_t lost;

	pthread_mutex_lock(&events->lock);
	lost = events->lost;
	events->lost = 0;
	pthread_mutex_unlock(&events->lock);
	return lost;
}

int security_events_fd(const struct security_events *events)
{
	return events->fd;
}

void security_events_woken(struct security_events *events)
{
	uint64_t count;

	if (read(events->fd, &count, sizeof(count)) < 0)
		return; /* nobody rang */
}
