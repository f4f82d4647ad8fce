/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket address as the kernel takes and gives it: compared and sent to a packet at a time, so it
 * is not turned into struct addr and back. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "shared/base/addr.h"

struct endpoint {
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	};
	socklen_t len; /* 0 = none */
};

static inline bool endpoint_is_none(const struct endpoint *endpoint)
{
	return endpoint->len == 0;
}

static inline bool endpoint_ip_eq(const struct endpoint *a, const struct endpoint *b)
{
	if (a->len != b->len || a->len == 0 || a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
	return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
}

/* The port stands at the same place in both forms. */
static inline bool endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
	return a->in4.sin_port == b->in4.sin_port && endpoint_ip_eq(a, b);
}

static inline struct endpoint endpoint_of(const struct addr *addr)
{
	struct endpoint endpoint = {.len = 0};
	struct sockaddr_storage sa;

	if (addr->family == ADDR_NONE)
		return endpoint;
	endpoint.len = addr_to_sockaddr(addr, &sa);
	memcpy(&endpoint.sa, &sa, endpoint.len);
	return endpoint;
}

static inline struct addr endpoint_addr(const struct endpoint *endpoint)
{
	struct addr addr = {0};

	if (endpoint->len)
		addr_from_sockaddr(&endpoint->sa, &addr);
	return addr;
}
