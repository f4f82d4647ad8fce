/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hardware addresses of next hops by rtnetlink(7), for XDP, which cannot ask the kernel for them
 * where that does not forward for others. A hop is asked for when the first stream goes there, and
 * followed by news of neighbours. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/media/fast_private.h"

#define NEWS_BYTES 8192
#define MAC_BYTES  6
#define IS_KNOWN   (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

static size_t ip_bytes(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

static uint64_t mac_of_device(unsigned device)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t mac = 0;

	if (fd < 0)
		return 0;
	if (if_indextoname(device, request.ifr_name) && ioctl(fd, SIOCGIFHWADDR, &request) == 0 &&
	    request.ifr_hwaddr.sa_family == ARPHRD_ETHER)
		memcpy(&mac, request.ifr_hwaddr.sa_data, MAC_BYTES);
	close(fd);
	return mac;
}

static void store(const struct fast *fast, uint32_t place, uint64_t to)
{
	__atomic_store_n(&fast->config->hops[place].to, to, __ATOMIC_RELEASE);
}

static uint32_t place_of(const struct fast *fast, const struct fast_hop_key *key)
{
	for (uint32_t i = 1; i <= fast->hop_count; i++) {
		const struct fast_hop_key *at = &fast->hop_keys[i];

		if (at->device == key->device && at->family == key->family &&
		    memcmp(at->ip, key->ip, sizeof(at->ip)) == 0)
			return i;
	}
	return 0;
}

/* Takes what a message says of a neighbour that is a hop. */
static void take(const struct fast *fast, struct nlmsghdr *header)
{
	const struct ndmsg *neighbour = NLMSG_DATA(header);
	struct fast_hop_key key = {0};
	uint64_t mac = 0;
	int len = (int)NLMSG_PAYLOAD(header, sizeof(*neighbour));
	uint32_t place;

	if ((header->nlmsg_type != RTM_NEWNEIGH && header->nlmsg_type != RTM_DELNEIGH) ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(*neighbour)))
		return;
	key.device = (unsigned)neighbour->ndm_ifindex;
	key.family = neighbour->ndm_family;
	for (struct rtattr *at = (struct rtattr *)((uint8_t *)NLMSG_DATA(header) +
						   NLMSG_ALIGN(sizeof(*neighbour)));
	     RTA_OK(at, len); at = RTA_NEXT(at, len)) {
		if (at->rta_type == NDA_DST && RTA_PAYLOAD(at) == ip_bytes(key.family))
			memcpy(key.ip, RTA_DATA(at), RTA_PAYLOAD(at));
		else if (at->rta_type == NDA_LLADDR && RTA_PAYLOAD(at) == MAC_BYTES)
			memcpy(&mac, RTA_DATA(at), MAC_BYTES);
	}
	place = place_of(fast, &key);
	if (place)
		store(fast, place,
		      header->nlmsg_type == RTM_NEWNEIGH && (neighbour->ndm_state & IS_KNOWN) ? mac
											      : 0);
}

/* What the kernel knows of a hop now. Nothing, or no answer: until there is news of it. */
static void ask(const struct fast *fast, const struct fast_hop_key *key)
{
	uint8_t reply[NEWS_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header = (struct nlmsghdr *)reply;
	struct {
		struct nlmsghdr header;
		struct ndmsg neighbour;
		struct rtattr attribute;
		uint32_t ip[4];
	} request = {
		.header = {.nlmsg_type = RTM_GETNEIGH, .nlmsg_flags = NLM_F_REQUEST},
		.neighbour = {.ndm_family = key->family, .ndm_ifindex = (int)key->device},
		.attribute = {.rta_type = NDA_DST},
	};
	ssize_t received;

	memcpy(request.ip, key->ip, sizeof(request.ip));
	request.attribute.rta_len = (unsigned short)RTA_LENGTH(ip_bytes(key->family));
	request.header.nlmsg_len =
		NLMSG_LENGTH(sizeof(request.neighbour)) + (uint32_t)request.attribute.rta_len;
	if (send(fast->route_fd, &request, request.header.nlmsg_len, 0) < 0)
		return;
	received = recv(fast->route_fd, reply, sizeof(reply), 0);
	if (received > 0 && NLMSG_OK(header, (size_t)received))
		take(fast, header);
}

static bool is_by_xdp(const struct fast *fast, unsigned device)
{
	for (int i = 0; i < FAST_DEVICES_MAX; i++)
		if (fast->devices[i].index == device)
			return fast->devices[i].xdp_fd >= 0;
	return false;
}

uint32_t fast_hop_of(struct fast *fast, const struct fast_route *route)
{
	struct fast_hop_key key = {.device = route->device, .family = route->hop_family};
	uint32_t place;

	if (route->is_local || !is_by_xdp(fast, route->device))
		return 0;
	memcpy(key.ip, route->next_hop, sizeof(key.ip));
	place = place_of(fast, &key);
	if (place || fast->hop_count == FAST_HOPS_MAX - 1)
		return place;
	place = ++fast->hop_count;
	fast->hop_keys[place] = key;
	fast->config->hops[place].from = mac_of_device(route->device);
	ask(fast, &key);
	return place;
}

void fast_hops_clear(struct fast *fast)
{
	for (uint32_t i = 1; i <= fast->hop_count; i++)
		store(fast, i, 0);
	fast->hop_count = 0;
}

int fast_neighbour_socket(void)
{
	return fast_netlink_socket(RTMGRP_NEIGH, SOCK_NONBLOCK);
}

void fast_neighbour_read(struct fast *fast)
{
	uint8_t data[NEWS_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));

	for (;;) {
		struct nlmsghdr *header = (struct nlmsghdr *)data;
		ssize_t received = recv(fast->neighbour_fd, data, sizeof(data), 0);
		size_t rest = (size_t)received;

		if (received < 0 && errno != ENOBUFS)
			return;
		/* Some news is lost. */
		for (uint32_t i = 1; received < 0 && i <= fast->hop_count; i++)
			ask(fast, &fast->hop_keys[i]);
		for (; received > 0 && NLMSG_OK(header, rest); header = NLMSG_NEXT(header, rest))
			take(fast, header);
	}
}
