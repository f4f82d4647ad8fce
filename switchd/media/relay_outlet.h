/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw sockets of a media thread, one a local address: a batch leaves from many ports in one system
 * call. Without the right to have them (CAP_NET_RAW) each packet leaves by the socket of its port,
 * and so does what they refuse, as a packet that would have to be fragmented. */
#pragma once

#include "switchd/media/relay.h"

/* Of local addresses and ToS; what leaves by others does so by the socket of its port. */
#define OUTLETS_MAX 16

struct relay_outlets;

VOS_CHECK enum vos_err relay_outlets_new(struct relay_outlets **out);
/* NULL is fine. */
void relay_outlets_free(struct relay_outlets *outlets);
/* Finds the one that the side is to send by, from its local address. */
void relay_outlets_bind(struct relay_outlets *outlets, struct relay_side *side);
/* Sends what is in the thread's tx. */
void relay_outlets_send(struct media_thread *thread, struct relay_outlets *outlets);
