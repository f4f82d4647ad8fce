/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where packets are while a socket is being served. Slots of rx are made once; of tx, filled anew.
 */
#pragma once

#include <sys/socket.h>

#include "switchd/media/packet.h"
#include "switchd/media/relay.h"

/* Room for the address that a packet was sent to, in the control data of either family. */
#define RELAY_CONTROL_BYTES CMSG_SPACE(sizeof(struct sockaddr_in6))

/* One writer: a plain load and store that other threads may look at. */
#define RELAY_COUNT(counter, more)                                                             \
	atomic_store_explicit(&(counter),                                                      \
			      atomic_load_explicit(&(counter), memory_order_relaxed) + (more), \
			      memory_order_relaxed)

struct relay_batch {
	struct mmsghdr rx[RELAY_BATCH];
	struct iovec rx_iov[RELAY_BATCH];
	struct endpoint from[RELAY_BATCH];
	struct mmsghdr tx[RELAY_BATCH];
	struct iovec tx_iov[RELAY_BATCH];
	enum packet_kind tx_kind[RELAY_BATCH];
	struct relay_side *tx_from[RELAY_BATCH]; /* whose peer sent it; it leaves by the other */
	unsigned tx_count;
	const struct relay_side *reading; /* to whose port the packet came */
	uint8_t data[RELAY_BATCH][RELAY_PACKET_MAX + RELAY_ROOM];
	/* Of what comes by an inlet: */
	_Alignas(struct cmsghdr) uint8_t control[RELAY_BATCH][RELAY_CONTROL_BYTES];
};

/* Makes a slot of rx ready for the next packet. */
void relay_slot_reset(struct relay_batch *batch, int slot);
/* A packet of a slot of rx that came to the side's port: what it is, whether it is let in, and
 * where to; it is put into tx if it goes on. */
void relay_take(struct media_thread *thread, struct relay_side *side, int slot);
/* The same, for nobody. */
void relay_drop(struct media_thread *thread, int slot);
/* One of tx went out, or did not. */
void relay_count_tx(struct media_thread *thread, unsigned at);
void relay_count_unsent(struct media_thread *thread, unsigned at);
