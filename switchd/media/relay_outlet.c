/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/relay_outlet.h"

#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switchd/media/device.h"
#include "switchd/media/relay_batch.h"
#include "switchd/media/udp_head.h"

#define SEND_BUFFER_BYTES (4 * 1024 * 1024)

struct relay_outlet {
	struct endpoint local; /* without port */
	int tos;
	unsigned device; /* 0: as routes say */
	int fd;          /* -1: not allowed */
};

struct relay_outlets {
	struct relay_outlet all[OUTLETS_MAX];
	int count;
	/* Of the batch that is being sent: */
	unsigned order[RELAY_BATCH]; /* places in tx */
	struct mmsghdr messages[RELAY_BATCH];
	struct iovec iov[RELAY_BATCH][2];
	struct endpoint to[RELAY_BATCH];
	uint8_t heads[RELAY_BATCH][UDP_HEAD_BYTES];
};

enum vos_err relay_outlets_new(struct relay_outlets **out)
{
	struct relay_outlets *outlets = calloc(1, sizeof(*outlets));

	if (!outlets)
		return VOS_ENOMEM;
	for (int i = 0; i < RELAY_BATCH; i++) {
		struct msghdr *message = &outlets->messages[i].msg_hdr;

		outlets->iov[i][0].iov_base = outlets->heads[i];
		message->msg_name = &outlets->to[i].sa;
		message->msg_iov = outlets->iov[i];
		message->msg_iovlen = 2;
	}
	*out = outlets;
	return VOS_OK;
}

void relay_outlets_free(struct relay_outlets *outlets)
{
	for (int i = 0; outlets && i < outlets->count; i++)
		if (outlets->all[i].fd >= 0)
			close(outlets->all[i].fd);
	free(outlets);
}

/* Bound, so that routes are found by the source address too. */
static int open_raw(const struct endpoint *local, int tos, unsigned device)
{
	const int bytes = SEND_BUFFER_BYTES;
	int fd = socket(local->sa.sa_family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	/* The header has it; but it is the packet's priority within this host, too. */
	if (local->sa.sa_family == AF_INET)
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	if (device)
		device_set(fd, local->sa.sa_family == AF_INET ? ADDR_IP4 : ADDR_IP6, device);
	if (bind(fd, &local->sa, local->len) == 0)
		return fd;
	close(fd);
	return -1;
}

static const struct relay_outlet *outlet_of(struct relay_outlets *outlets,
					    const struct endpoint *local, int tos, unsigned device)
{
	struct relay_outlet *outlet;

	for (int i = 0; i < outlets->count; i++)
		if (endpoint_ip_eq(&outlets->all[i].local, local) && outlets->all[i].tos == tos &&
		    outlets->all[i].device == device)
			return &outlets->all[i];
	if (outlets->count == OUTLETS_MAX)
		return NULL;
	outlet = &outlets->all[outlets->count++];
	outlet->local = *local;
	outlet->local.in4.sin_port = 0;
	outlet->tos = tos;
	outlet->device = device;
	outlet->fd = open_raw(&outlet->local, tos, device);
	return outlet;
}

void relay_outlets_bind(struct relay_outlets *outlets, struct relay_side *side)
{
	struct relay_steering *steering = &side->steering;
	bool is_ip4 = steering->local.sa.sa_family == AF_INET;
	const struct relay_outlet *outlet;
	int level = is_ip4 ? IPPROTO_IP : IPPROTO_IPV6;
	int tos = 0;
	int ttl = IPDEFTTL;
	socklen_t len = sizeof(tos);

	(void)getsockopt(side->fd, level, is_ip4 ? IP_TOS : IPV6_TCLASS, &tos, &len);
	len = sizeof(ttl);
	(void)getsockopt(side->fd, level, is_ip4 ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, &len);
	outlet = outlet_of(outlets, &steering->local, tos, side->device);
	steering->outlet_fd = outlet ? outlet->fd : -1;
	steering->tos = (uint8_t)tos;
	steering->ttl = (uint8_t)ttl;
}

/* By the socket of the port. */
static void send_one(struct media_thread *thread, unsigned at)
{
	const struct relay_batch *batch = thread->batch;

	if (sendmsg(batch->tx_from[at]->other->fd, &batch->tx[at].msg_hdr, MSG_DONTWAIT) >= 0)
		relay_count_tx(thread, at);
	else
		relay_count_unsent(thread, at);
}

static void add(struct relay_outlets *outlets, unsigned n, const struct relay_batch *batch,
		unsigned at)
{
	const struct relay_steering *steering = &batch->tx_from[at]->other->steering;
	const struct iovec *data = &batch->tx_iov[at];
	struct endpoint *to = &outlets->to[n];

	outlets->order[n] = at;
	memcpy(&to->sa, batch->tx[at].msg_hdr.msg_name, batch->tx[at].msg_hdr.msg_namelen);
	outlets->iov[n][0].iov_len =
		udp_head_write(outlets->heads[n], &steering->local, to, steering->tos,
			       steering->ttl, data->iov_base, data->iov_len);
	outlets->iov[n][1] = *data;
	outlets->messages[n].msg_hdr.msg_namelen = batch->tx[at].msg_hdr.msg_namelen;
	/* To a raw socket of IPv6 it would be a protocol. */
	to->in4.sin_port = 0;
}

static void send_all(struct media_thread *thread, const struct relay_outlets *outlets, int fd,
		     struct mmsghdr *messages, unsigned count)
{
	unsigned done = 0;

	while (done < count) {
		int sent = sendmmsg(fd, messages + done, count - done, MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0) {
			send_one(thread, outlets->order[done++]);
			continue;
		}
		for (int i = 0; i < sent; i++)
			relay_count_tx(thread, outlets->order[done++]);
		RELAY_COUNT(thread->batched, (unsigned)sent);
	}
}

void relay_outlets_send(struct media_thread *thread, struct relay_outlets *outlets)
{
	const struct relay_batch *batch = thread->batch;

	for (int i = 0; i < outlets->count; i++) {
		int fd = outlets->all[i].fd;
		unsigned n = 0;

		for (unsigned at = 0; fd >= 0 && at < batch->tx_count; at++)
			if (batch->tx_from[at]->other->steering.outlet_fd == fd)
				add(outlets, n++, batch, at);
		send_all(thread, outlets, fd, outlets->messages, n);
	}
	for (unsigned at = 0; at < batch->tx_count; at++)
		if (batch->tx_from[at]->other->steering.outlet_fd < 0)
			send_one(thread, at);
}
