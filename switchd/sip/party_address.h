/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a party's requests are answered, and where requests to it inside a call go, as its
 * `reply-address` and `request-address` say (behaviour B1). Of datagrams only: what came by a
 * connection is answered by that.
 *
 * A source address costs nothing to forge, and what Via and Contact name still less. So none of the
 * two leads to another IP address than the one that the request came from, unless the configuration
 * has that as a gateway's or as trusted: whoever forges could as well name it as the source. */
#pragma once

#include "switchd/sip/worker.h"

/* Where the request is answered; how: WORD_PARTY_ADDRESS_... */
struct addr party_reply_address(uint8_t how, const struct sip_rx *rx, const struct conf *conf);

/* What a Contact says of where its party is. */
struct party_contact {
	struct addr address; /* family ADDR_NONE: that is a name, or cannot be used */
	uint16_t port;       /* 0: none of its own, it leads back to us (RFC 5627) */
};

/* is_proven: that it is the party's own Contact is beyond doubt, so that it may lead elsewhere. */
struct addr party_request_address(uint8_t how, const struct addr *source,
				  const struct party_contact *contact, bool is_proven,
				  const struct conf *conf);

/* How the one wants it that the request says it is from, which nobody has proved so far; only
 * where something is configured. */
uint8_t party_reply_claimed(const struct sip_rx *rx, const struct conf *conf);
