/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers of a DNS server: what is read of them stays within its bounds, and can be put in order.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/sip/srv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t half(void *context, uint32_t n)
{
	(void)context;
	return n / 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srv_set set;

	if (!srv_parse(data, size, &set))
		return 0;
	if (set.count > SRV_RECORDS_MAX || set.ttl_s > SRV_TTL_MAX_S ||
	    (set.count && set.is_refused))
		abort();
	srv_order(&set, half, NULL);
	for (size_t i = 0; i < set.count; i++) {
		if (!memchr(set.records[i].target, 0, sizeof(set.records[i].target)))
			abort();
		if (i && set.records[i].priority < set.records[i - 1].priority)
			abort();
	}
	return 0;
}
