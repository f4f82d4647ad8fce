/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From datagram to handler: gate, owner, transaction, then by method and To tag. */
#pragma once

#include "switchd/sip/worker_private.h"

bool worker_hand_over(struct sip_worker *worker, int owner, const struct sip_rx *rx,
		      const char *data, size_t len);

#define SIP_ALLOW                                                                              \
	"INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REGISTER, MESSAGE, PUBLISH, " \
	"REFER"
#define SIP_SUPPORTED "Supported: replaces, norefersub\r\n"
