/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP_UNICAST_IF (ip(7)): it holds for what is sent, so that a packet from another interface is
 * judged as everywhere, by its source. The index is in network order, going in and coming out. */
#include "switchd/media/device.h"

#include <netinet/ip.h>

void device_set(int fd, enum addr_family family, unsigned device)
{
	const uint32_t index = htonl(device);

	if (family == ADDR_IP6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_IF, &index, sizeof(index));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &index, sizeof(index));
}

unsigned device_of(int fd, enum addr_family family)
{
	uint32_t index = 0;
	socklen_t len = sizeof(index);

	if (family == ADDR_IP6)
		(void)getsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_IF, &index, &len);
	else
		(void)getsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &index, &len);
	return ntohl(index);
}
