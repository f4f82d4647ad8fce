/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets of the relay: what a pair of ports is made of. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/media/ports.h"

/* Holds about one second of a G.711 stream while the thread is busy elsewhere; more would only make
 * late audio later, and 30,000 sockets may fill theirs at once. */
#define SOCKET_BUFFER_BYTES (64 * 1024)

/* Rounds of a drain: a socket that is still not empty is being flooded, and then the source check
 * of the relay has to do. */
#define DRAIN_PACKETS_MAX 512

/* Descriptors that calls leave to the rest of the process: who asks what is wrong must be let in,
 * and what is written must find its file. */
#define DESCRIPTORS_KEPT 16

/* The kernel gives the lowest number that is free, so a high one says how many are in use. */
static bool is_of_the_last(int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	       (rlim_t)fd + DESCRIPTORS_KEPT >= limit.rlim_cur;
}

static enum vos_err err_of_errno(void)
{
	switch (errno) {
	case EADDRINUSE:
	case EACCES: /* a port that the system reserves */
		return VOS_EINUSE;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return VOS_EFULL;
	default:
		return VOS_EIO;
	}
}

static void set_buffer(int fd, int bytes)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static enum vos_err open_one(const struct addr *local, uint8_t tos, int *out)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(local, &sa);
	const int yes = 1;
	const int value = tos & 0xfc;
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	enum vos_err err;

	if (fd < 0)
		return err_of_errno();
	if (is_of_the_last(fd)) {
		close(fd);
		return VOS_EFULL;
	}
	/* A kernel without the option, or one that refuses it, still relays: not worth a lost call.
	 */
	if (sa.ss_family == AF_INET6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
	} else {
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &value, sizeof(value));
	}
	set_buffer(fd, SOCKET_BUFFER_BYTES);
	if (bind(fd, (const struct sockaddr *)&sa, sa_len) < 0) {
		err = err_of_errno();
		close(fd);
		return err;
	}
	*out = fd;
	return VOS_OK;
}

enum vos_err ports_bind_udp(void *context, const struct addr *local, uint8_t tos, int fds[2])
{
	struct addr odd = *local;
	enum vos_err err;
	int even_fd;

	(void)context;
	odd.port++;
	err = open_one(local, tos, &even_fd);
	if (err != VOS_OK)
		return err;
	err = open_one(&odd, tos, &fds[1]);
	if (err != VOS_OK) {
		close(even_fd);
		return err;
	}
	fds[0] = even_fd;
	return VOS_OK;
}

void ports_mute(int fd)
{
	set_buffer(fd, 0); /* the kernel makes it two or three packets */
	ports_drain(fd);
}

void ports_unmute(int fd)
{
	set_buffer(fd, SOCKET_BUFFER_BYTES);
}

void ports_drain(int fd)
{
	char byte;

	for (int i = 0; i < DRAIN_PACKETS_MAX; i++)
		if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) < 0)
			return;
}

void ports_set_open(struct ports_options *out)
{
	const uint32_t most = PORTS_READY_TARGET + PORTS_KEPT_MAX;
	struct rlimit limit;
	uint32_t pairs = most;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 8 < most)
		pairs = (uint32_t)(limit.rlim_cur / 8);
	out->ready_target = pairs < PORTS_READY_TARGET ? pairs : PORTS_READY_TARGET;
	out->kept_max = pairs - out->ready_target;
}
