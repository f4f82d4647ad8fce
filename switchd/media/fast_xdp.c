/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hook in an interface's driver (XDP). What it redirects is lost where the interface cannot
 * send it, as one end of a veth pair whose other end does not poll; the kernel tells that by
 * generic netlink since Linux 6.3 (family netdev), and without its word the hook is not used. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "switchd/media/fast_private.h"

/* Of linux/netdev.h, which Debian 12 does not have. */
#define NETDEV_FAMILY           "netdev"
#define NETDEV_DEV_GET          1
#define NETDEV_DEV_IFINDEX      1
#define NETDEV_DEV_XDP_FEATURES 3
#define XDP_BASIC               0x1u
#define XDP_REDIRECTS           0x2u
#define XDP_SENDS               0x4u /* what others redirect to it */

#define REPLY_BYTES 4096
/* As for routes: it only guards against a socket that lost the answer. */
#define REPLY_TIMEOUT_US 100000

struct request {
	struct nlmsghdr header;
	struct genlmsghdr command;
	struct nlattr attribute;
	uint8_t data[16];
};

/* The first attribute of that type in the answer; false: there is none. */
static bool ask(int fd, const struct request *request, uint16_t type, void *out, size_t len)
{
	uint8_t reply[REPLY_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *header = (const struct nlmsghdr *)reply;
	size_t at = NLMSG_LENGTH(GENL_HDRLEN);
	ssize_t received;

	if (send(fd, request, request->header.nlmsg_len, 0) < 0)
		return false;
	received = recv(fd, reply, sizeof(reply), 0);
	if (received < (ssize_t)at || header->nlmsg_type == NLMSG_ERROR)
		return false;
	while (at + sizeof(struct nlattr) <= (size_t)received) {
		const struct nlattr *attribute = (const struct nlattr *)(reply + at);

		if (attribute->nla_len < NLA_HDRLEN || at + attribute->nla_len > (size_t)received)
			return false;
		if ((attribute->nla_type & NLA_TYPE_MASK) == type &&
		    attribute->nla_len >= NLA_HDRLEN + len) {
			memcpy(out, reply + at + NLA_HDRLEN, len);
			return true;
		}
		at += NLA_ALIGN(attribute->nla_len);
	}
	return false;
}

static struct request request_of(uint16_t family, uint8_t command, uint16_t type, const void *data,
				 size_t len)
{
	struct request request = {
		.header = {.nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST},
		.command = {.cmd = command, .version = 1},
		.attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type},
	};

	memcpy(request.data, data, len);
	request.header.nlmsg_len =
		(uint32_t)(NLMSG_LENGTH(GENL_HDRLEN) + NLA_HDRLEN + NLA_ALIGN(len));
	return request;
}

static uint64_t features_of(unsigned device)
{
	const struct timeval timeout = {.tv_usec = REPLY_TIMEOUT_US};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	const uint32_t index = device;
	struct request request;
	uint64_t features = 0;
	uint16_t family;

	if (fd < 0)
		return 0;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	request = request_of(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY,
			     sizeof(NETDEV_FAMILY));
	if (ask(fd, &request, CTRL_ATTR_FAMILY_ID, &family, sizeof(family))) {
		request = request_of(family, NETDEV_DEV_GET, NETDEV_DEV_IFINDEX, &index,
				     sizeof(index));
		(void)ask(fd, &request, NETDEV_DEV_XDP_FEATURES, &features, sizeof(features));
	}
	close(fd);
	return features;
}

void fast_xdp_attach(struct fast *fast, struct fast_device *device)
{
	const uint64_t needed = XDP_BASIC | XDP_REDIRECTS;

	if ((features_of(device->index) & needed) != needed)
		return;
	device->xdp_fd = fast_link(fast_xdp_program_fd(fast->program), device->index, BPF_XDP,
				   XDP_FLAGS_DRV_MODE);
	/* Some drivers can send only once a program is attached. */
	if (device->xdp_fd >= 0 && !(features_of(device->index) & XDP_SENDS))
		fast_xdp_detach(device);
}

void fast_xdp_detach(struct fast_device *device)
{
	if (device->xdp_fd >= 0)
		close(device->xdp_fd);
	device->xdp_fd = -1;
}

bool fast_xdp_check(struct fast *fast)
{
	bool has_lost = false;

	for (int i = 0; i < FAST_DEVICES_MAX; i++) {
		struct fast_device *device = &fast->devices[i];

		if (!device->index || device->xdp_fd < 0 ||
		    (features_of(device->index) & XDP_SENDS))
			continue;
		fast_xdp_detach(device);
		has_lost = true;
	}
	return has_lost;
}
