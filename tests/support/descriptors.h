/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of open descriptors, as a program that is being started holds them until it has begun:
 * what is closed meanwhile stays open in the kernel, and in every epoll it was not taken out of. */
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "tests/support/test.h"

#define DESCRIPTORS_MAX 256

struct descriptors {
	int copies[DESCRIPTORS_MAX];
};

/* All but one, which the test closes itself. */
static inline void descriptors_copy(struct descriptors *held, int but)
{
	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
		held->copies[fd] = -1;
	for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_MAX; fd++)
		if (fd != but)
			held->copies[fd] = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS_MAX);
}

static inline void descriptors_release(struct descriptors *held)
{
	for (int i = 0; i < DESCRIPTORS_MAX; i++)
		if (held->copies[i] >= 0)
			close(held->copies[i]);
}
