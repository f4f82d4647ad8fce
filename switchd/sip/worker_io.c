/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transport of a signalling thread: receive and send in batches. One recvmmsg and one sendmmsg a
 * turn of the loop, however many messages. */
#include "switchd/sip/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "switchd/sip/stream.h"

static void prepare_batches(struct worker_io *io)
{
	for (int i = 0; i < RX_BATCH; i++) {
		io->rx.vectors[i] =
			(struct iovec){io->rx_memory + (size_t)i * RX_BUFFER, RX_BUFFER};
		io->rx.headers[i].msg_hdr = (struct msghdr){
			.msg_name = &io->rx.sources[i],
			.msg_namelen = sizeof(io->rx.sources[i]),
			.msg_iov = &io->rx.vectors[i],
			.msg_iovlen = 1,
		};
	}
	for (int i = 0; i < TX_BATCH; i++)
		io->tx.headers[i].msg_hdr = (struct msghdr){
			.msg_name = &io->tx.to[i],
			.msg_iov = &io->tx.vectors[i],
			.msg_iovlen = 1,
		};
}

enum vos_err worker_io_create(struct sip_worker *worker, struct vos_fault *fault)
{
	struct worker_io *io = aligned_alloc(64, (sizeof(*io) + 63) / 64 * 64);
	struct epoll_event event = {.events = EPOLLIN};
	enum vos_err err;

	if (!io)
		return VOS_ENOMEM;
	memset(io, 0, sizeof(*io));
	worker->io = io;
	io->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	io->handover_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	io->rx_memory = malloc((size_t)(RX_BATCH + 1) * RX_BUFFER);
	io->tx_memory = malloc(TX_ARENA);
	if (io->epoll_fd < 0 || io->handover_fd < 0 || !io->rx_memory || !io->tx_memory)
		return VOS_ENOMEM;
	prepare_batches(io);
	err = worker_rings_create(worker);
	if (err != VOS_OK)
		return err;
	/* Reported once for each ring, so that it need not be read. */
	event.events = EPOLLIN | EPOLLET;
	event.data.ptr = &io->handover_fd;
	if (epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, io->handover_fd, &event) != 0)
		return VOS_EIO;
	event.events = EPOLLIN;
	event.data.ptr = &worker->mailbox;
	if (epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, worker->mailbox.wake_fd, &event) != 0)
		return VOS_EIO;
	err = worker_listen_open(worker, fault);
	if (err != VOS_OK)
		return err;
	worker_io_configure(worker);
	return VOS_OK;
}

void worker_io_destroy(struct sip_worker *worker)
{
	struct worker_io *io = worker->io;

	if (!io)
		return;
	worker_listen_close(worker);
	worker_rings_destroy(worker);
	if (io->epoll_fd >= 0)
		close(io->epoll_fd);
	if (io->handover_fd >= 0)
		close(io->handover_fd);
	free(io->rx_memory);
	free(io->tx_memory);
	free(io);
	worker->io = NULL;
}

bool worker_io_receive(struct sip_worker *worker, const struct sip_socket *socket)
{
	struct sip_socket_counters *counters = &worker->socket_counters[socket->index];
	struct worker_io *io = worker->io;
	struct rx_batch *rx = &io->rx;
	int count = recvmmsg(socket->fd, rx->headers, RX_BATCH, MSG_DONTWAIT, NULL);

	if (count <= 0)
		return false; /* EAGAIN, or an ICMP error of some peer: nothing to read either way
			       */
	worker->counters.rx_datagrams += (uint64_t)count;
	counters->rx_messages += (uint64_t)count;
	for (int i = 0; i < count; i++) {
		size_t len = rx->headers[i].msg_len;
		struct addr source;

		rx->headers[i].msg_hdr.msg_namelen = sizeof(rx->sources[i]);
		counters->rx_bytes += len;
		if (!addr_from_sockaddr((struct sockaddr *)&rx->sources[i], &source) ||
		    source.port == 0)
			continue;
		sip_dispatch_datagram(worker, socket, &source, rx->vectors[i].iov_base, len, NULL);
	}
	return count == RX_BATCH;
}

struct buf *worker_send_begin(struct sip_worker *worker)
{
	struct worker_io *io = worker->io;

	if (io->tx.count == TX_BATCH || TX_ARENA - io->tx_used < SIP_SEND_MAX)
		worker_io_flush(worker);
	/* Field by field: a copy of a buf that was just made waits for its writes. */
	io->tx_open.data = io->tx_memory + io->tx_used;
	io->tx_open.len = 0;
	io->tx_open.cap = SIP_SEND_MAX;
	io->tx_open.is_fixed = true;
	io->tx_open.failed = false;
	io->tx_dialog = 0;
	return &io->tx_open;
}

struct span worker_send_commit(struct sip_worker *worker, const struct sip_socket *socket,
			       const struct addr *to)
{
	struct worker_io *io = worker->io;
	struct tx_batch *tx = &io->tx;
	struct span sent = buf_span(&io->tx_open);

	if (io->tx_open.failed || to->family == ADDR_NONE || to->port == 0) {
		worker->counters.tx_errors++;
		return SPAN_NONE;
	}
	io->tx_used += (sent.len + 63) & ~(size_t)63;
	io->tx_dialog = worker_record_sent(worker, socket, to, sent, io->tx_dialog);
	if (sip_socket_is_stream(socket))
		return worker_stream_send(worker, socket, to, sent) ? sent : SPAN_NONE;
	tx->headers[tx->count].msg_hdr.msg_namelen = addr_to_sockaddr(to, &tx->to[tx->count]);
	tx->vectors[tx->count] = (struct iovec){io->tx_open.data, sent.len};
	tx->sockets[tx->count] = socket->index;
	tx->count++;
	return sent;
}

void worker_send_dialog(struct sip_worker *worker, uint64_t dialog)
{
	worker->io->tx_dialog = dialog;
}

uint64_t worker_sent_dialog(const struct sip_worker *worker)
{
	return worker->io->tx_dialog;
}

void worker_send(struct sip_worker *worker, const struct sip_socket *socket, const struct addr *to,
		 const char *data, size_t len)
{
	buf_add(worker_send_begin(worker), data, len);
	worker_send_commit(worker, socket, to);
}

/* Sends messages [from, to) which all leave by one socket. */
static void flush_socket(struct sip_worker *worker, int from, int to)
{
	struct tx_batch *tx = &worker->io->tx;
	uint8_t index = tx->sockets[from];
	struct sip_socket_counters *counters = &worker->socket_counters[index];

	while (from < to) {
		int sent = sendmmsg(worker->sockets[index].fd, tx->headers + from,
				    (unsigned)(to - from), 0);

		if (sent > 0) {
			worker->counters.tx_datagrams += (uint64_t)sent;
			counters->tx_messages += (uint64_t)sent;
			for (int i = from; i < from + sent; i++)
				counters->tx_bytes += tx->vectors[i].iov_len;
			from += sent;
		} else if (errno != EINTR) {
			/* The first one failed (unreachable, buffer full): UDP may lose it, timers
			 * repeat it. */
			worker->counters.tx_errors++;
			counters->tx_errors++;
			from++;
		}
	}
}

void worker_io_flush(struct sip_worker *worker)
{
	struct worker_io *io = worker->io;
	struct tx_batch *tx = &io->tx;
	int from = 0;

	while (from < tx->count) {
		int to = from + 1;

		while (to < tx->count && tx->sockets[to] == tx->sockets[from])
			to++;
		flush_socket(worker, from, to);
		from = to;
	}
	tx->count = 0;
	io->tx_used = 0;
	if (io->has_streamed)
		stream_wake(worker->shared->stream);
	io->has_streamed = false;
}
