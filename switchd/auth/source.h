/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What counts as one source: an IPv4 address, or an IPv6 /64, because a host owns all of that. */
#pragma once

#include "shared/base/addr.h"

static inline struct addr source_of(const struct addr *address)
{
	struct addr source = *address;

	source.port = 0;
	source.pad = 0;
	if (source.family == ADDR_IP6)
		memset(source.ip + 8, 0, 8);
	return source;
}
