/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes by rtnetlink(7): where packets for a peer leave, and word of changes. The hardware address
 * of the next hop is the kernel's business, for each packet. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/media/fast_private.h"

#define REPLY_BYTES 8192
/* The kernel answers at once; this only guards against a socket that lost the answer. */
#define REPLY_TIMEOUT_MS 100

int fast_netlink_socket(unsigned groups, int flags)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int fast_route_socket(void)
{
	const struct timeval timeout = {.tv_usec = REPLY_TIMEOUT_MS * 1000};
	int fd = fast_netlink_socket(0, 0);

	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return fd;
}

struct route_request {
	struct nlmsghdr header;
	struct rtmsg route;
	uint8_t attributes[128];
};

static void add_attribute(struct route_request *request, unsigned short type, const void *data,
			  size_t len)
{
	struct rtattr *attribute =
		(struct rtattr *)((uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(attribute), data, len);
	request->header.nlmsg_len =
		NLMSG_ALIGN(request->header.nlmsg_len) + (uint32_t)RTA_ALIGN(attribute->rta_len);
}

static const void *ip_of(const struct endpoint *endpoint, size_t *len)
{
	if (endpoint->sa.sa_family == AF_INET) {
		*len = sizeof(endpoint->in4.sin_addr);
		return &endpoint->in4.sin_addr;
	}
	*len = sizeof(endpoint->in6.sin6_addr);
	return &endpoint->in6.sin6_addr;
}

static bool ask(int fd, const struct endpoint *source, const struct endpoint *to, unsigned device)
{
	const uint8_t udp = IPPROTO_UDP;
	size_t len;
	const void *ip = ip_of(to, &len);
	struct route_request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			   .nlmsg_type = RTM_GETROUTE,
			   .nlmsg_flags = NLM_F_REQUEST},
		.route = {.rtm_family = (unsigned char)to->sa.sa_family,
			  .rtm_dst_len = (unsigned char)(len * 8),
			  .rtm_src_len = (unsigned char)(len * 8)},
	};

	add_attribute(&request, RTA_DST, ip, len);
	if (device)
		add_attribute(&request, RTA_OIF, &device, sizeof(uint32_t));
	add_attribute(&request, RTA_SRC, ip_of(source, &len), len);
	/* So that of several ways it is the one that the socket would take. */
	add_attribute(&request, RTA_IP_PROTO, &udp, sizeof(udp));
	add_attribute(&request, RTA_SPORT, &source->in4.sin_port, sizeof(uint16_t));
	add_attribute(&request, RTA_DPORT, &to->in4.sin_port, sizeof(uint16_t));
	return send(fd, &request, request.header.nlmsg_len, 0) >= 0;
}

static void take_hop(struct fast_route *out, uint8_t family, const void *ip)
{
	out->hop_family = family;
	memset(out->next_hop, 0, sizeof(out->next_hop));
	memcpy(out->next_hop, ip, family == AF_INET ? 4 : 16);
}

/* RTA_VIA: a next hop of the other family (RFC 5549). */
static void take_via(struct fast_route *out, const struct rtattr *attribute)
{
	const struct rtvia *via = RTA_DATA(attribute);
	size_t len = RTA_PAYLOAD(attribute) - sizeof(*via);

	if (RTA_PAYLOAD(attribute) > sizeof(*via) && len == (via->rtvia_family == AF_INET ? 4 : 16))
		take_hop(out, (uint8_t)via->rtvia_family, via->rtvia_addr);
}

static bool read_route(struct nlmsghdr *header, struct fast_route *out)
{
	struct rtmsg *route = NLMSG_DATA(header);
	int len = (int)RTM_PAYLOAD(header);

	if (header->nlmsg_type != RTM_NEWROUTE)
		return false;
	out->is_local = route->rtm_type == RTN_LOCAL;
	if (!out->is_local && route->rtm_type != RTN_UNICAST)
		return false;
	for (struct rtattr *at = RTM_RTA(route); RTA_OK(at, len); at = RTA_NEXT(at, len)) {
		if (at->rta_type == RTA_OIF && RTA_PAYLOAD(at) == sizeof(uint32_t))
			memcpy(&out->device, RTA_DATA(at), sizeof(uint32_t));
		else if (at->rta_type == RTA_GATEWAY &&
			 RTA_PAYLOAD(at) == (route->rtm_family == AF_INET ? 4 : 16))
			take_hop(out, route->rtm_family, RTA_DATA(at));
		else if (at->rta_type == RTA_VIA)
			take_via(out, at);
		/* With a way of its own (a tunnel within the route) it is the kernel's to send. */
		else if (at->rta_type == RTA_ENCAP)
			return false;
	}
	return out->device != 0;
}

static bool read_mtu(struct fast_route *out)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_known;

	if (fd < 0)
		return false;
	is_known = if_indextoname(out->device, request.ifr_name) &&
		   ioctl(fd, SIOCGIFMTU, &request) == 0;
	if (is_known)
		out->mtu = (uint16_t)(request.ifr_mtu > UINT16_MAX ? UINT16_MAX : request.ifr_mtu);
	close(fd);
	return is_known;
}

bool fast_route_find(int fd, const struct endpoint *source, const struct endpoint *to,
		     unsigned device, struct fast_route *out)
{
	uint8_t reply[REPLY_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header = (struct nlmsghdr *)reply;
	struct fast_route route = {0};
	size_t len;
	ssize_t received;

	if (source->sa.sa_family != to->sa.sa_family || !ask(fd, source, to, device))
		return false;
	received = recv(fd, reply, sizeof(reply), 0);
	if (received < 0 || !NLMSG_OK(header, (size_t)received))
		return false;
	take_hop(&route, (uint8_t)to->sa.sa_family, ip_of(to, &len));
	if (!read_route(header, &route) || !read_mtu(&route))
		return false;
	*out = route;
	return true;
}

int fast_monitor_socket(void)
{
	return fast_netlink_socket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
					   RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE |
					   RTMGRP_IPV4_RULE | 1u << (RTNLGRP_IPV6_RULE - 1),
				   SOCK_NONBLOCK);
}

bool fast_monitor_read(int fd)
{
	uint8_t data[REPLY_BYTES];
	bool has_news = false;

	/* What the news are does not matter, not even how many were lost. */
	while (recv(fd, data, sizeof(data), 0) >= 0)
		has_news = true;
	return has_news;
}
