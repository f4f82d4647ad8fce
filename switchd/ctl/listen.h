/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A control socket in the file system: bound, shared with the right people, and taken away again.
 */
#pragma once

#include <sys/types.h>

#include "shared/base/err.h"

struct control_listen {
	int fd;         /* -1: not open */
	char path[108]; /* empty: no file of ours */
	gid_t gid;      /* of the file */
};

/* A file that nobody answers on is replaced. Faults: VOS_EINUSE somebody answers on it, VOS_EEXIST
 * it is no socket, VOS_EINVAL the path is too long, VOS_EPERM/VOS_EIO bind failed. */
VOS_CHECK enum vos_err control_listen_open(struct control_listen *to, const char *path, mode_t mode,
					   struct vos_fault *fault);
void control_listen_close(struct control_listen *to);
