/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/soak_path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LATE_US 30000u

struct late {
	struct late *next;
	uint64_t due_us;
	struct sockaddr_in peer;
	int end;
	int fd; /* to send by; -1: received */
	size_t len;
	char data[];
};

struct path {
	uint64_t state;
	unsigned loss;
	unsigned twice;
	unsigned late;
	path_fn *fn;
	void *context;
	struct late *first; /* by due time: all wait the same */
	struct late **last;
	struct path_counts counts;
};

uint64_t path_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

struct path *path_new(uint64_t seed, unsigned loss, unsigned twice, unsigned late, path_fn *fn,
		      void *context)
{
	struct path *path = calloc(1, sizeof(*path));

	if (!path)
		return NULL;
	path->state = seed;
	path->loss = loss;
	path->twice = twice;
	path->late = late;
	path->fn = fn;
	path->context = context;
	path->last = &path->first;
	return path;
}

void path_free(struct path *path)
{
	while (path && path->first) {
		struct late *next = path->first->next;

		free(path->first);
		path->first = next;
	}
	free(path);
}

static void deliver(struct path *path, int end, int fd, const char *data, size_t len,
		    const struct sockaddr_in *peer)
{
	if (fd < 0)
		path->fn(path->context, end, data, len, peer);
	else if (sendto(fd, data, len, 0, (const struct sockaddr *)peer, sizeof(*peer)) < 0)
		path->counts.lost++;
}

static void keep(struct path *path, int end, int fd, const char *data, size_t len,
		 const struct sockaddr_in *peer, uint64_t now_us)
{
	struct late *late = malloc(sizeof(*late) + len);

	if (!late)
		return;
	*late = (struct late){
		.due_us = now_us + LATE_US, .peer = *peer, .end = end, .fd = fd, .len = len};
	memcpy(late->data, data, len);
	*path->last = late;
	path->last = &late->next;
	path->counts.late++;
}

static void take(struct path *path, int end, int fd, const char *data, size_t len,
		 const struct sockaddr_in *peer, uint64_t now_us)
{
	unsigned chance;

	path->state = path_mix(path->state);
	chance = (unsigned)(path->state % 1000);
	if (chance < path->loss) {
		path->counts.lost++;
		return;
	}
	chance -= path->loss;
	if (chance < path->late) {
		keep(path, end, fd, data, len, peer, now_us);
		return;
	}
	chance -= path->late;
	path->counts.passed++;
	deliver(path, end, fd, data, len, peer);
	if (chance < path->twice) {
		path->counts.doubled++;
		deliver(path, end, fd, data, len, peer);
	}
}

void path_send(struct path *path, int end, int fd, const char *data, size_t len,
	       const struct sockaddr_in *to, uint64_t now_us)
{
	take(path, end, fd, data, len, to, now_us);
}

void path_receive(struct path *path, int end, const char *data, size_t len,
		  const struct sockaddr_in *from, uint64_t now_us)
{
	take(path, end, -1, data, len, from, now_us);
}

void path_run(struct path *path, uint64_t now_us)
{
	while (path->first && path->first->due_us <= now_us) {
		struct late *late = path->first;

		path->first = late->next;
		if (!path->first)
			path->last = &path->first;
		deliver(path, late->end, late->fd, late->data, late->len, &late->peer);
		free(late);
	}
}

const struct path_counts *path_counts(const struct path *path)
{
	return &path->counts;
}
