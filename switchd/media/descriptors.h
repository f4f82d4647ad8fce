/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors of the process: a relayed call takes two (four in the paired layout), so the limit of
 * the process is a limit of calls. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Beside those of the relay: listens, connections, sessions, files. */
#define DESCRIPTORS_OTHERS 8192

/* Raises the soft limit to the hard one, and where that is less than `relay` and the others take,
 * the hard one too; the kernel lets only the privileged. */
void descriptors_raise(uint64_t relay);

struct descriptors {
	int64_t used; /* -1: cannot be told, as with the next */
	int64_t limit;
	int64_t hard_limit;
};

/* Reads /proc; not for the way of a call or packet. */
void descriptors_read(struct descriptors *out);
