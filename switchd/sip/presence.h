/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether routing gateways that register here are there: the location table knows, routing asks
 * their live state. */
#pragma once

#include "switchd/sip/worker.h"

/* After a REGISTER of the gateway's. */
void presence_update(struct sip_worker *worker, const struct conf_routing_gateway *gateway);
/* All of them, once a second by one thread: registrations expire and are cleared. */
void presence_update_all(struct sip_worker *worker);
