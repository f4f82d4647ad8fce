/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bad path: datagrams of a socket that are lost, doubled and overtaken, each way with the same
 * chances, from a seed. Time is that of the caller. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct path;

/* What has come through towards us. */
typedef void path_fn(void *context, int end, const char *data, size_t len,
		     const struct sockaddr_in *from);

struct path_counts {
	unsigned long passed;
	unsigned long lost;
	unsigned long doubled;
	unsigned long late;
};

/* loss, twice, late: of 1000. NULL: out of memory. */
struct path *path_new(uint64_t seed, unsigned loss, unsigned twice, unsigned late, path_fn *fn,
		      void *context);
void path_free(struct path *path);
void path_send(struct path *path, int end, int fd, const char *data, size_t len,
	       const struct sockaddr_in *to, uint64_t now_us);
void path_receive(struct path *path, int end, const char *data, size_t len,
		  const struct sockaddr_in *from, uint64_t now_us);
/* Lets go what is due. */
void path_run(struct path *path, uint64_t now_us);
const struct path_counts *path_counts(const struct path *path);

/* A number that looks like chance, always the same for the same x. */
uint64_t path_mix(uint64_t x);
