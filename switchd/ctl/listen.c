/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/span.h"

#define LISTEN_BACKLOG 64

static void set_errno_fault(struct vos_fault *fault, const char *what, const char *path)
{
	fault_set(fault, FAULT_STATE, 0, "control socket %s: cannot %s: %s", path, what,
		  strerror(errno));
}

/* Takes a file away that a crashed switchd left; VOS_EINUSE when somebody answers on it. */
static enum vos_err remove_stale(const struct sockaddr_un *address, struct vos_fault *fault)
{
	struct stat info;
	int fd;
	int failed;

	if (lstat(address->sun_path, &info) != 0)
		return VOS_OK;
	if (!S_ISSOCK(info.st_mode)) {
		fault_set(
			fault, FAULT_STATE, 0,
			"control socket %s: a file that is no socket is there; remove it or choose "
			"another path with --socket",
			address->sun_path);
		return VOS_EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		set_errno_fault(fault, "open", address->sun_path);
		return VOS_EIO;
	}
	failed = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	/* EAGAIN: somebody listens, its backlog is full. */
	if (failed == 0 || errno != ECONNREFUSED) {
		close(fd);
		fault_set(
			fault, FAULT_STATE, 0,
			"control socket %s: another switchd answers on it; stop that one or choose "
			"another path with --socket",
			address->sun_path);
		return VOS_EINUSE;
	}
	close(fd);
	if (unlink(address->sun_path) != 0 && errno != ENOENT) {
		set_errno_fault(fault, "remove the old one", address->sun_path);
		return VOS_EPERM;
	}
	return VOS_OK;
}

enum vos_err control_listen_open(struct control_listen *to, const char *path, mode_t mode,
				 struct vos_fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat info;
	enum vos_err err;

	*to = (struct control_listen){.fd = -1};
	if (!span_copy(span_of(path), address.sun_path, sizeof(address.sun_path))) {
		fault_set(fault, FAULT_STATE, 0,
			  "control socket: the path is longer than %zu bytes: %.200s",
			  sizeof(address.sun_path) - 1, path);
		return VOS_EINVAL;
	}
	err = remove_stale(&address, fault);
	if (err)
		return err;
	to->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (to->fd < 0 || bind(to->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		err = errno == EACCES || errno == EPERM || errno == EROFS ? VOS_EPERM : VOS_EIO;
		set_errno_fault(fault, "bind", path);
		control_listen_close(to);
		return err;
	}
	/* From here on the file is ours to remove. Nobody can connect before listen(). */
	snprintf(to->path, sizeof(to->path), "%s", path);
	if (chmod(path, mode) != 0 || stat(path, &info) != 0 ||
	    listen(to->fd, LISTEN_BACKLOG) != 0) {
		set_errno_fault(fault, "listen", path);
		control_listen_close(to);
		return VOS_EIO;
	}
	to->gid = info.st_gid;
	return VOS_OK;
}

void control_listen_close(struct control_listen *to)
{
	if (to->fd >= 0)
		close(to->fd);
	if (to->path[0])
		unlink(to->path);
	*to = (struct control_listen){.fd = -1};
}
