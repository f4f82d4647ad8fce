/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steering: packets of streams that are known come to one socket of their media thread, its inlet,
 * instead of one a port, so that one system call receives those of many. A program in the kernel
 * (steer.bpf.c) chooses the socket, by a table of streams: local and remote address and port.
 *
 * What is not in the table - the first packet of a stream, a stranger's, a flood - comes to the
 * socket of its port, whose queue is its own; so does everything when there is no steering, or no
 * more. Ports stay bound and are nobody else's. */
#pragma once

#include "shared/base/err.h"
#include "switchd/media/endpoint.h"

struct steer;

/* VOS_EPERM, VOS_EIO and others with the reason in fault: there is no steering here. */
VOS_CHECK enum vos_err steer_create(struct steer **out, struct vos_fault *fault);
/* NULL is fine. Inlets that were given to it are to be closed by then, or receive no more. */
void steer_destroy(struct steer *steer);

/* Gives it a socket to steer to: bound, not connected, of its own family only. */
VOS_CHECK enum vos_err steer_add_inlet(struct steer *steer, uint32_t inlet, int fd,
				       struct vos_fault *fault);

/* What comes from remote to local goes to the inlet. False: it goes to the port's own socket. */
bool steer_enter(struct steer *steer, const struct endpoint *local, const struct endpoint *remote,
		 uint32_t inlet);
void steer_leave(struct steer *steer, const struct endpoint *local, const struct endpoint *remote);
