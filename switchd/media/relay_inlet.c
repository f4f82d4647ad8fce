/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/relay_inlet.h"

#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "switchd/media/relay_batch.h"
#include "switchd/media/relay_fast.h"
#include "switchd/media/relay_outlet.h"

/* Of all streams of a thread together: what comes in some 50 ms at the highest rate. */
#define INLET_BUFFER_BYTES (8 * 1024 * 1024)
#define PORTS_ALL          65536
#define FAMILIES           2
/* Between two looks at the sockets of ports and at the mail. */
#define BATCHES_A_TURN 8

struct relay_inlet {
	struct steer *steer;
	uint32_t number; /* of the first socket, for steer */
	int fds[FAMILIES];
	struct relay_outlets *outlets;
	struct relay_side *at_port[PORTS_ALL]; /* of sides with that port, the first */
};

static const int families[FAMILIES] = {AF_INET, AF_INET6};

/* It is told where packets were meant for. Bound it has to be, and is where nobody sends and where
 * it takes no port from anybody: within the loopback, and in the prefix for what is to be discarded
 * (RFC 6666). */
static int open_socket(int family)
{
	static const struct in6_addr nowhere = {.s6_addr = {1, [15] = 1}};
	const int bytes = INLET_BUFFER_BYTES;
	const int yes = 1;
	struct endpoint at = {.len = sizeof(at.in4)};
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int failed;

	if (fd < 0)
		return -1;
	at.sa.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		at.in4.sin_addr.s_addr = htonl(UINT32_C(0x7f564f53));
		failed = setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &yes, sizeof(yes)) ||
			 setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes));
	} else {
		at.len = sizeof(at.in6);
		at.in6.sin6_addr = nowhere;
		failed = setsockopt(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &yes, sizeof(yes)) ||
			 setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) ||
			 setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &yes, sizeof(yes));
	}
	if (!failed && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		failed = setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (!failed && bind(fd, &at.sa, at.len) == 0)
		return fd;
	close(fd);
	return -1;
}

enum vos_err relay_inlet_new(struct steer *steer, int thread_number, struct relay_inlet **out,
			     struct vos_fault *fault)
{
	struct relay_inlet *inlet = calloc(1, sizeof(*inlet));
	enum vos_err err = inlet ? relay_outlets_new(&inlet->outlets) : VOS_ENOMEM;

	if (err != VOS_OK)
		goto out;
	inlet->steer = steer;
	inlet->number = (uint32_t)thread_number * FAMILIES;
	inlet->fds[0] = inlet->fds[1] = -1;
	for (uint32_t i = 0; i < FAMILIES && err == VOS_OK; i++) {
		inlet->fds[i] = open_socket(families[i]);
		/* There may be no IPv6. */
		if (inlet->fds[i] < 0 && families[i] == AF_INET6)
			break;
		if (inlet->fds[i] < 0)
			err = VOS_EIO;
		else
			err = steer_add_inlet(steer, inlet->number + i, inlet->fds[i], fault);
	}
out:
	if (err != VOS_OK) {
		relay_inlet_free(inlet);
		return err;
	}
	*out = inlet;
	return VOS_OK;
}

void relay_inlet_free(struct relay_inlet *inlet)
{
	if (!inlet)
		return;
	for (int i = 0; i < FAMILIES; i++)
		if (inlet->fds[i] >= 0)
			close(inlet->fds[i]);
	relay_outlets_free(inlet->outlets);
	free(inlet);
}

enum vos_err relay_inlet_watch(struct relay_inlet *inlet, int epoll_fd)
{
	for (int i = 0; i < FAMILIES; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &inlet->fds[i]};

		if (inlet->fds[i] >= 0 &&
		    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, inlet->fds[i], &event) < 0)
			return VOS_EIO;
	}
	return VOS_OK;
}

/* The side whose port a packet was sent to; NULL: it has ended meanwhile. */
static struct relay_side *side_of(const struct relay_inlet *inlet, struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	struct endpoint to = {.len = sizeof(to.in4)};
	struct relay_side *side;

	if (!control)
		return NULL;
	if (control->cmsg_level == IPPROTO_IPV6)
		to.len = sizeof(to.in6);
	memcpy(&to.sa, CMSG_DATA(control), to.len);
	side = inlet->at_port[ntohs(to.in4.sin_port)];
	while (side && !endpoint_ip_eq(&side->steering.local, &to))
		side = side->steering.next_at_port;
	return side;
}

/* True: there may be more. */
static bool receive_batch(struct media_thread *thread, int fd)
{
	struct relay_batch *batch = thread->batch;
	int received;

	for (int i = 0; i < RELAY_BATCH; i++) {
		batch->rx[i].msg_hdr.msg_control = batch->control[i];
		batch->rx[i].msg_hdr.msg_controllen = sizeof(batch->control[i]);
	}
	received = recvmmsg(fd, batch->rx, RELAY_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < received; i++) {
		struct relay_side *side = side_of(thread->inlet, &batch->rx[i].msg_hdr);

		if (side && !side->session->is_closed)
			relay_take(thread, side, i);
		else
			relay_drop(thread, i);
	}
	for (int i = 0; i < RELAY_BATCH; i++) {
		batch->rx[i].msg_hdr.msg_control = NULL;
		batch->rx[i].msg_hdr.msg_controllen = 0;
	}
	if (received > 0)
		RELAY_COUNT(thread->steered, (unsigned)received);
	relay_outlets_send(thread, thread->inlet->outlets);
	for (unsigned i = 0; i < batch->tx_count; i++)
		if (batch->tx_from[i]->entry)
			relay_fast_relayed(thread, batch->tx_from[i]);
	batch->tx_count = 0;
	return received == RELAY_BATCH;
}

bool relay_inlet_is(const struct relay_inlet *inlet, const void *named)
{
	return inlet && (named == &inlet->fds[0] || named == &inlet->fds[1]);
}

void relay_inlet_read(struct media_thread *thread, const void *named)
{
	const int *fd = named;

	for (int i = 0; i < BATCHES_A_TURN; i++)
		if (!receive_batch(thread, *fd))
			break;
}

static void unsteer(struct relay_inlet *inlet, struct relay_side *side)
{
	struct relay_steering *steering = &side->steering;

	if (endpoint_is_none(&steering->remote))
		return;
	steer_leave(inlet->steer, &steering->local, &steering->remote);
	steering->remote.len = 0;
}

static void list(struct relay_inlet *inlet, struct relay_side *side)
{
	struct relay_steering *steering = &side->steering;
	struct relay_side **first;
	struct addr local = side->latch.local;

	if (!endpoint_is_none(&steering->local))
		return;
	local.port = media_port(side->session, (enum media_side)side->which);
	steering->local = endpoint_of(&local);
	first = &inlet->at_port[local.port];
	steering->next_at_port = *first;
	*first = side;
	relay_outlets_bind(inlet->outlets, side);
}

void relay_inlet_enter(struct media_thread *thread, struct relay_side *side)
{
	struct relay_inlet *inlet = thread->inlet;
	struct relay_steering *steering = &side->steering;
	const struct endpoint *source = &side->latch.source;
	uint32_t socket = inlet->number + (source->sa.sa_family == AF_INET6);

	if (endpoint_is_none(source) || endpoint_eq(&steering->remote, source) ||
	    addr_is_any(&side->latch.local) || addr_is_any(&side->other->latch.local))
		return;
	unsteer(inlet, side);
	/* Both, for what is steered to one leaves by the other. */
	list(inlet, side);
	list(inlet, side->other);
	/* Where the table is full, that is not tried again. */
	(void)steer_enter(inlet->steer, &steering->local, source, socket);
	steering->remote = *source;
}

void relay_inlet_rebind(struct relay_inlet *inlet, struct relay_side *side)
{
	if (!endpoint_is_none(&side->steering.local))
		relay_outlets_bind(inlet->outlets, side);
}

void relay_inlet_leave(struct relay_inlet *inlet, struct relay_side *side)
{
	struct relay_side **at;

	if (endpoint_is_none(&side->steering.local))
		return;
	unsteer(inlet, side);
	at = &inlet->at_port[ntohs(side->steering.local.in4.sin_port)];
	while (*at && *at != side)
		at = &(*at)->steering.next_at_port;
	if (*at)
		*at = side->steering.next_at_port;
}
