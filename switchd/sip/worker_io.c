/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transport of a signalling thread: UDP sockets, receive and send in batches, hand-over between
 * threads. One recvmmsg and one sendmmsg a turn of the loop, however many messages. */
#include "switchd/sip/dispatch.h"

#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SOCKET_BUFFER (4 * 1024 * 1024)

/* The address that a peer is to see when the socket is bound to all of them: that of the default
 * route. Connecting a UDP socket sends nothing. */
static void find_outward_address(struct addr *local)
{
	struct addr far = {.family = local->family, .port = 9, .ip = {192, 0, 2, 1}};
	struct sockaddr_storage sa;
	socklen_t len;
	struct addr found;
	int fd;

	if (local->family == ADDR_IP6)
		far = (struct addr){
			.family = ADDR_IP6, .port = 9, .ip = {0x20, 1, 0x0d, 0xb8, [15] = 1}};
	len = addr_to_sockaddr(&far, &sa);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&sa, len) == 0) {
		len = sizeof(sa);
		if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
		    addr_from_sockaddr((struct sockaddr *)&sa, &found)) {
			found.port = local->port;
			*local = found;
		}
	}
	close(fd);
}

static void set_tos(int fd, const struct addr *local, int tos)
{
	if (local->family == ADDR_IP4)
		setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
}

static enum vos_err bind_socket(const struct addr *address, int *out)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(address, &sa);
	const int on = 1;
	const int size = SOCKET_BUFFER;
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return VOS_EIO;
	/* REUSEPORT is what gives every thread a socket of its own on the same port. A second
	 * switchd of the same user could join too; the state folder's lock keeps it out. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (address->family == ADDR_IP6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&sa, len) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return error == EADDRINUSE ? VOS_EINUSE : error == EACCES ? VOS_EPERM : VOS_EIO;
	}
	*out = fd;
	return VOS_OK;
}

/* SO_REUSEPORT hides that another program holds the port, so the first thread asks without it. */
static enum vos_err probe_port(const struct addr *address)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(address, &sa);
	const int on = 1;
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return VOS_EIO;
	if (address->family == ADDR_IP6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, len) != 0)
		error = errno;
	close(fd);
	errno = error;
	return error == 0            ? VOS_OK
	       : error == EADDRINUSE ? VOS_EINUSE
	       : error == EACCES     ? VOS_EPERM
				     : VOS_EIO;
}

static enum vos_err open_listen(struct sip_worker *worker, const struct conf_listen *listen,
				struct vos_fault *fault)
{
	struct sip_socket *sock = &worker->sockets[worker->socket_count];
	char text[ADDR_TEXT_MAX];
	enum vos_err err = VOS_OK;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = sock};

	if (worker->number == 0)
		err = probe_port(&listen->address);
	if (err == VOS_OK)
		err = bind_socket(&listen->address, &sock->fd);
	if (err != VOS_OK) {
		fault_set(fault, FAULT_STATE, 0, "cannot bind udp %s (listen %s): %s",
			  addr_print(&listen->address, text), listen->name, strerror(errno));
		return err;
	}
	sock->index = (uint8_t)worker->socket_count++;
	sock->bound = listen->address;
	sock->local = listen->address;
	if (addr_is_any(&sock->local))
		find_outward_address(&sock->local);
	if (epoll_ctl(worker->io->epoll_fd, EPOLL_CTL_ADD, sock->fd, &event) != 0)
		return VOS_EIO;
	return VOS_OK;
}

static const struct conf_listen *listen_of(const struct conf *conf, const struct sip_socket *sock)
{
	for (size_t i = 0; i < conf->listen_count; i++)
		if (conf->listens[i].transport == CONF_UDP &&
		    addr_eq(&conf->listens[i].address, &sock->bound))
			return &conf->listens[i];
	return NULL;
}

void worker_io_configure(struct sip_worker *worker)
{
	int tos = (int)snapshot_number(worker->conf->snapshot, PARAM_SS_QOS_SIGNAL);

	for (int i = 0; i < worker->socket_count; i++) {
		struct sip_socket *sock = &worker->sockets[i];
		const struct conf_listen *listen = listen_of(worker->conf, sock);

		set_tos(sock->fd, &sock->bound, tos);
		if (!listen)
			continue; /* gone from the configuration; closed at the next start */
		sock->media_address =
			listen->media_address.family ? listen->media_address : sock->local;
		addr_print(listen->advertised_address.family ? &listen->advertised_address
							     : &sock->local,
			   sock->host_port);
	}
}

enum vos_err worker_io_create(struct sip_worker *worker, struct vos_fault *fault)
{
	struct worker_io *io = aligned_alloc(64, (sizeof(*io) + 63) / 64 * 64);
	struct epoll_event event = {.events = EPOLLIN};
	int threads = worker->shared->worker_count;

	if (!io)
		return VOS_ENOMEM;
	memset(io, 0, sizeof(*io));
	worker->io = io;
	io->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	io->handover_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	io->rx_memory = malloc((size_t)(RX_BATCH + 1) * RX_BUFFER);
	io->tx_memory = malloc(TX_ARENA);
	io->inbound = aligned_alloc(64, (size_t)threads * sizeof(*io->inbound));
	if (io->epoll_fd < 0 || io->handover_fd < 0 || !io->rx_memory || !io->tx_memory ||
	    !io->inbound)
		return VOS_ENOMEM;
	memset(io->inbound, 0, (size_t)threads * sizeof(*io->inbound));
	for (int i = 0; i < threads; i++)
		if (i != worker->number && ring_init(&io->inbound[i], HANDOVER_RING) != VOS_OK)
			return VOS_ENOMEM;
	event.data.ptr = &io->handover_fd;
	if (epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, io->handover_fd, &event) != 0)
		return VOS_EIO;
	event.data.ptr = &worker->mailbox;
	if (epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, worker->mailbox.wake_fd, &event) != 0)
		return VOS_EIO;
	for (size_t i = 0; i < worker->conf->listen_count; i++) {
		const struct conf_listen *listen = &worker->conf->listens[i];
		enum vos_err err;

		if (listen->transport != CONF_UDP)
			continue;
		if (worker->socket_count == SIP_LISTENS_MAX) {
			fault_set(fault, FAULT_STATE, 0, "more than %d udp listen addresses",
				  SIP_LISTENS_MAX);
			return VOS_EFULL;
		}
		err = open_listen(worker, listen, fault);
		if (err != VOS_OK)
			return err;
	}
	worker_io_configure(worker);
	return VOS_OK;
}

void worker_io_destroy(struct sip_worker *worker)
{
	struct worker_io *io = worker->io;

	if (!io)
		return;
	for (int i = 0; i < worker->socket_count; i++)
		close(worker->sockets[i].fd);
	for (int i = 0; io->inbound && i < worker->shared->worker_count; i++)
		ring_destroy(&io->inbound[i]);
	if (io->epoll_fd >= 0)
		close(io->epoll_fd);
	if (io->handover_fd >= 0)
		close(io->handover_fd);
	free(io->inbound);
	free(io->rx_memory);
	free(io->tx_memory);
	free(io);
	worker->io = NULL;
}

bool worker_io_receive(struct sip_worker *worker, const struct sip_socket *socket)
{
	struct worker_io *io = worker->io;
	struct mmsghdr headers[RX_BATCH];
	struct iovec vectors[RX_BATCH];
	struct sockaddr_storage sources[RX_BATCH];
	int count;

	for (int i = 0; i < RX_BATCH; i++) {
		vectors[i] = (struct iovec){io->rx_memory + (size_t)i * RX_BUFFER, RX_BUFFER};
		headers[i].msg_hdr = (struct msghdr){
			.msg_name = &sources[i],
			.msg_namelen = sizeof(sources[i]),
			.msg_iov = &vectors[i],
			.msg_iovlen = 1,
		};
	}
	count = recvmmsg(socket->fd, headers, RX_BATCH, MSG_DONTWAIT, NULL);
	if (count <= 0)
		return false; /* EAGAIN, or an ICMP error of some peer: nothing to read either way
			       */
	worker->counters.rx_datagrams += (uint64_t)count;
	for (int i = 0; i < count; i++) {
		struct addr source;

		if (!addr_from_sockaddr((struct sockaddr *)&sources[i], &source) ||
		    source.port == 0)
			continue;
		sip_dispatch_datagram(worker, socket, &source, vectors[i].iov_base,
				      headers[i].msg_len, false);
	}
	return count == RX_BATCH;
}

struct handover_head {
	struct addr source;
	uint8_t socket_index;
};

/* True when the datagram went to its owner (or was dropped because the owner's ring is full). */
bool worker_hand_over(struct sip_worker *worker, int owner, const struct sip_socket *socket,
		      const struct addr *source, const char *data, size_t len)
{
	struct sip_worker *to = worker->shared->workers[owner];
	struct handover_head head = {.source = *source, .socket_index = socket->index};
	const uint64_t one = 1;

	/* One byte over the limit is enough for the owner to refuse it. */
	if (len > SIP_MSG_MAX)
		len = SIP_MSG_MAX + 1;
	if (!ring_push(&to->io->inbound[worker->number], &head, sizeof(head), data, len)) {
		worker->counters.handover_full++;
		return false;
	}
	worker->counters.rx_handed_over++;
	if (atomic_load(&to->io->is_sleeping) && write(to->io->handover_fd, &one, sizeof(one)) < 0)
		return true; /* counter full: it is awake */
	return true;
}

void worker_io_receive_handover(struct sip_worker *worker)
{
	struct worker_io *io = worker->io;
	char *record = io->rx_memory + (size_t)RX_BATCH * RX_BUFFER;
	struct handover_head head;
	uint64_t count;

	if (worker->shared->worker_count == 1)
		return;
	if (read(io->handover_fd, &count, sizeof(count)) < 0) {
		/* Nobody rang; the rings are looked at all the same. */
	}
	for (int i = 0; i < worker->shared->worker_count; i++) {
		if (i == worker->number)
			continue;
		for (int n = 0; n < RX_BATCH; n++) {
			size_t len = ring_pop(&io->inbound[i], record, RX_BUFFER);

			if (len < sizeof(head))
				break;
			memcpy(&head, record, sizeof(head));
			sip_dispatch_datagram(worker, &worker->sockets[head.socket_index],
					      &head.source, record + sizeof(head),
					      len - sizeof(head), true);
		}
	}
}

struct buf *worker_send_begin(struct sip_worker *worker)
{
	struct worker_io *io = worker->io;

	if (io->tx_count == TX_BATCH || TX_ARENA - io->tx_used < SIP_SEND_MAX)
		worker_io_flush(worker);
	io->tx_open = buf_over(io->tx_memory + io->tx_used, SIP_SEND_MAX);
	return &io->tx_open;
}

struct span worker_send_commit(struct sip_worker *worker, const struct sip_socket *socket,
			       const struct addr *to)
{
	struct worker_io *io = worker->io;
	struct tx_item *item = &io->tx[io->tx_count];
	struct span sent = buf_span(&io->tx_open);

	if (io->tx_open.failed || to->family == ADDR_NONE || to->port == 0) {
		worker->counters.tx_errors++;
		return SPAN_NONE;
	}
	item->fd = socket->fd;
	item->to_len = addr_to_sockaddr(to, &item->to);
	item->data = io->tx_open.data;
	item->len = sent.len;
	io->tx_used += (sent.len + 63) & ~(size_t)63;
	io->tx_count++;
	return sent;
}

void worker_send(struct sip_worker *worker, const struct sip_socket *socket, const struct addr *to,
		 const char *data, size_t len)
{
	buf_add(worker_send_begin(worker), data, len);
	worker_send_commit(worker, socket, to);
}

/* Sends items [from, to) which all leave by one socket. */
static void flush_socket(struct sip_worker *worker, int from, int to)
{
	struct worker_io *io = worker->io;
	struct mmsghdr headers[TX_BATCH];
	struct iovec vectors[TX_BATCH];

	for (int i = from; i < to; i++) {
		vectors[i] = (struct iovec){io->tx[i].data, io->tx[i].len};
		headers[i].msg_hdr = (struct msghdr){
			.msg_name = &io->tx[i].to,
			.msg_namelen = io->tx[i].to_len,
			.msg_iov = &vectors[i],
			.msg_iovlen = 1,
		};
	}
	while (from < to) {
		int sent = sendmmsg(io->tx[from].fd, headers + from, (unsigned)(to - from), 0);

		if (sent > 0) {
			worker->counters.tx_datagrams += (uint64_t)sent;
			from += sent;
		} else if (errno != EINTR) {
			/* The first one failed (unreachable, buffer full): UDP may lose it, timers
			 * repeat it. */
			worker->counters.tx_errors++;
			from++;
		}
	}
}

void worker_io_flush(struct sip_worker *worker)
{
	struct worker_io *io = worker->io;
	int from = 0;

	while (from < io->tx_count) {
		int to = from + 1;

		while (to < io->tx_count && io->tx[to].fd == io->tx[from].fd)
			to++;
		flush_socket(worker, from, to);
		from = to;
	}
	io->tx_count = 0;
	io->tx_used = 0;
}
