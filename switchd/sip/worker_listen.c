/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listen addresses of a signalling thread: its UDP sockets, and what stands for those of TCP
 * and TLS, whose sockets are the stream thread's. */
#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "switchd/sip/worker_private.h"

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

void worker_set_tos(int fd, const struct addr *local, int tos)
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

static enum vos_err open_udp(struct sip_worker *worker, struct sip_socket *sock,
			     const struct conf_listen *listen, struct vos_fault *fault)
{
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
	if (epoll_ctl(worker->io->epoll_fd, EPOLL_CTL_ADD, sock->fd, &event) != 0)
		return VOS_EIO;
	return VOS_OK;
}

static const struct conf_listen *listen_of(const struct conf *conf, const struct sip_socket *sock)
{
	for (size_t i = 0; i < conf->listen_count; i++)
		if (conf->listens[i].transport == sock->transport &&
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

		if (sock->transport == CONF_UDP)
			worker_set_tos(sock->fd, &sock->bound, tos);
		if (!listen)
			continue; /* gone from the configuration; closed at the next start */
		sock->media = conf_media_of_listen(listen, &sock->local);
		addr_print(listen->advertised_address.family ? &listen->advertised_address
							     : &sock->local,
			   sock->host_port);
	}
}

enum vos_err worker_listen_open(struct sip_worker *worker, struct vos_fault *fault)
{
	for (size_t i = 0; i < worker->conf->listen_count; i++) {
		const struct conf_listen *listen = &worker->conf->listens[i];
		struct sip_socket *sock = &worker->sockets[worker->socket_count];
		enum vos_err err;

		if (worker->socket_count == SIP_LISTENS_MAX) {
			fault_set(fault, FAULT_STATE, 0, "more than %d listen addresses",
				  SIP_LISTENS_MAX);
			return VOS_EFULL;
		}
		sock->fd = -1;
		sock->index = (uint8_t)worker->socket_count;
		sock->transport = listen->transport;
		sock->bound = listen->address;
		sock->local = listen->address;
		if (addr_is_any(&sock->local))
			find_outward_address(&sock->local);
		err = listen->transport == CONF_UDP ? open_udp(worker, sock, listen, fault)
						    : VOS_OK;
		if (err != VOS_OK)
			return err;
		worker->socket_count++;
	}
	return VOS_OK;
}

void worker_listen_close(struct sip_worker *worker)
{
	for (int i = 0; i < worker->socket_count; i++)
		if (worker->sockets[i].fd >= 0)
			close(worker->sockets[i].fd);
}
