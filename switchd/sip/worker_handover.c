/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings between threads: datagrams of another signalling thread's calls, and messages from and to
 * the stream thread. */
#include "switchd/sip/dispatch.h"

#include <stdlib.h>
#include <unistd.h>

#include "switchd/sip/outbound.h"
#include "switchd/sip/stream.h"
#include "switchd/sip/txn.h"

/* Number of rings into this thread: those of the other signalling threads, and of the streams. */
static int ring_count(const struct sip_worker *worker)
{
	return worker->shared->worker_count + 1;
}

enum vos_err worker_rings_create(struct sip_worker *worker)
{
	size_t size = (size_t)ring_count(worker) * sizeof(struct ring);
	struct ring *rings = aligned_alloc(64, size);

	worker->io->inbound = rings;
	if (!rings)
		return VOS_ENOMEM;
	memset(rings, 0, size);
	for (int i = 0; i < ring_count(worker); i++)
		if (i != worker->number && ring_init(&rings[i], HANDOVER_RING) != VOS_OK)
			return VOS_ENOMEM;
	return VOS_OK;
}

void worker_rings_destroy(struct sip_worker *worker)
{
	for (int i = 0; worker->io->inbound && i < ring_count(worker); i++)
		ring_destroy(&worker->io->inbound[i]);
	free(worker->io->inbound);
	worker->io->inbound = NULL;
}

bool worker_rings_are_empty(const struct sip_worker *worker)
{
	for (int i = 0; i < ring_count(worker); i++)
		if (i != worker->number && !ring_is_empty(&worker->io->inbound[i]))
			return false;
	return true;
}

bool worker_hand_in(struct sip_worker *to, int ring, const struct handover_head *head,
		    const char *data, size_t len)
{
	/* One byte over the limit is enough for the owner to refuse it. */
	if (len > SIP_MSG_MAX)
		len = SIP_MSG_MAX + 1;
	return ring_push(&to->io->inbound[ring], head, sizeof(*head), data, len);
}

void worker_wake(struct sip_worker *to)
{
	const uint64_t one = 1;

	if (atomic_load(&to->io->is_sleeping) && write(to->io->handover_fd, &one, sizeof(one)) < 0)
		return; /* counter full: it is awake */
}

/* True when the datagram went to its owner (or was dropped because the owner's ring is full). */
bool worker_hand_over(struct sip_worker *worker, int owner, const struct sip_rx *rx,
		      const char *data, size_t len)
{
	struct handover_head head = {
		.dialog = rx->dialog, .source = rx->source, .socket_index = rx->socket->index};

	if (!worker_hand_in(worker->shared->workers[owner], worker->number, &head, data, len)) {
		worker->counters.handover_full++;
		return false;
	}
	worker_wake(worker->shared->workers[owner]);
	worker->counters.rx_handed_over++;
	return true;
}

void worker_hand_on(struct sip_worker *worker, int owner, const struct sip_rx *rx, bool is_repeat)
{
	struct handover_head head = {
		.dialog = rx->dialog,
		.source = rx->source,
		.socket_index = rx->socket->index,
		.is_moved = true,
		.is_repeat = is_repeat,
	};

	if (!worker_hand_in(worker->shared->workers[owner], worker->number, &head, rx->msg->raw.ptr,
			    rx->msg->raw.len)) {
		worker->counters.handover_full++;
		return;
	}
	worker_wake(worker->shared->workers[owner]);
	worker->counters.rx_handed_over++;
}

static void take_record(struct sip_worker *worker, char *record, size_t len)
{
	const struct sip_socket *socket;
	struct handover_head head;
	char *data = record + sizeof(head);

	memcpy(&head, record, sizeof(head));
	len -= sizeof(head);
	socket = &worker->sockets[head.socket_index];
	/* The dialog comes by mail, which was posted before this. */
	if (head.is_moved)
		mailbox_run(&worker->mailbox);
	if (head.is_peer_lost) {
		txn_client_peer_lost(worker, socket, &head.source, head.serial);
		outbound_peer_lost(worker->outbound, socket, &head.source);
	} else if (head.status) {
		sip_dispatch_refuse(worker, socket, &head.source, data, len, head.status, head.why);
	} else {
		sip_dispatch_datagram(worker, socket, &head.source, data, len, &head);
	}
}

void worker_receive_handover(struct sip_worker *worker)
{
	struct worker_io *io = worker->io;
	char *record = io->rx_memory + (size_t)RX_BATCH * RX_BUFFER;

	for (int i = 0; i < ring_count(worker); i++) {
		if (i == worker->number)
			continue;
		for (int n = 0; n < RX_BATCH; n++) {
			size_t len = ring_pop(&io->inbound[i], record, RX_BUFFER);

			if (len < sizeof(struct handover_head))
				break;
			take_record(worker, record, len);
		}
	}
}

bool worker_stream_send(struct sip_worker *worker, const struct sip_socket *socket,
			const struct addr *to, struct span message)
{
	struct stream *stream = worker->shared->stream;
	struct stream_order order = {.to = *to, .socket_index = socket->index};

	if (!stream || !stream_push(stream, worker->number, &order, message)) {
		worker->counters.tx_errors++;
		return false;
	}
	worker->io->stream_serial++;
	worker->io->has_streamed = true;
	return true;
}

void worker_keep_connection(struct sip_worker *worker, const struct sip_rx *rx, uint32_t seconds)
{
	struct stream *stream = worker->shared->stream;
	struct stream_order order = {
		.to = rx->source, .socket_index = rx->socket->index, .keep_s = seconds};

	/* When the ring is full it ends as idle earlier than it might. */
	if (stream && sip_socket_is_stream(rx->socket) &&
	    stream_push(stream, worker->number, &order, SPAN_NONE)) {
		worker->io->stream_serial++;
		worker->io->has_streamed = true;
	}
}
