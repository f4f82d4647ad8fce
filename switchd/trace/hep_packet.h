/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet of HEP version 3 (the Extensible Encapsulation Protocol of HOMER): "HEP3", the length of
 * all, then chunks of vendor, type, length and value, everything in network order. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/span.h"

#define HEP_PACKET_MAX 65507u /* of UDP over IPv4 */

struct hep_packet {
	struct addr from;
	struct addr to;       /* family ADDR_NONE: not known, sent as none of the other's family */
	bool is_stream;       /* it came by TCP or TLS */
	int64_t wall_us;      /* since 1970 */
	uint32_t capture_id;  /* who captured it */
	struct span password; /* empty: none */
	struct span correlation;
	struct span message; /* SIP */
};

/* Returns the length; 0: it does not fit. */
size_t hep_packet_write(const struct hep_packet *packet, uint8_t *out, size_t size);
