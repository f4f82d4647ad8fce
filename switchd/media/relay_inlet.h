/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inlet of a media thread, where steered packets come in (steer.h), and its outlets: raw
 * sockets, one a local address, that send a batch from whatever ports in one system call. What they
 * do not take leaves by the socket of its port, as everything did without them.
 *
 * All is the media thread's own; only relay_inlet_new() and relay_inlet_free() are others'. */
#pragma once

#include "switchd/media/relay.h"
#include "switchd/media/steer.h"

struct relay_inlet;

VOS_CHECK enum vos_err relay_inlet_new(struct steer *steer, int thread_number,
				       struct relay_inlet **out, struct vos_fault *fault);
/* NULL is fine. */
void relay_inlet_free(struct relay_inlet *inlet);
/* Has the thread's epoll watch it, with this as what events name. */
VOS_CHECK enum vos_err relay_inlet_watch(struct relay_inlet *inlet, int epoll_fd);
/* Whether an event names a socket of the inlet; NULL has none. */
bool relay_inlet_is(const struct relay_inlet *inlet, const void *named);
/* Takes what waits there, at most some batches. */
void relay_inlet_read(struct media_thread *thread, const void *named);

/* The side is locked to a source: what comes from there is steered from now on. Costs nothing when
 * it is already. */
void relay_inlet_enter(struct media_thread *thread, struct relay_side *side);
/* The side is about to end. */
/* Where its socket sends to is another way now. */
void relay_inlet_rebind(struct relay_inlet *inlet, struct relay_side *side);
void relay_inlet_leave(struct relay_inlet *inlet, struct relay_side *side);
