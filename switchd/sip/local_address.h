/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From which of our listen addresses something is sent. */
#pragma once

#include "switchd/sip/worker.h"

/* As a `local-address` says; its family ADDR_NONE: it says nothing, its port 0: any. */
bool local_address_is(const struct sip_socket *socket, const struct addr *wanted);
/* The first that can send to that family by one of those transports (bits 1 << enum
 * conf_transport), and is the wanted one; NULL: there is none. Always the same one, so that the
 * other side sees one source. */
const struct sip_socket *local_address_socket(const struct sip_worker *worker, unsigned transports,
					      uint8_t family, const struct addr *wanted);
