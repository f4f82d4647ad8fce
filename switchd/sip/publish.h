/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PUBLISH of routing gateways (RFC 3903, behaviour C13): a gateway with `allow-publish` tells how
 * many calls it can take, and that stands in the place of its configured capacity until it expires.
 *
 * Event package `gateway-load`; the body is of type application/gateway-load, a line each:
 *
 *   capacity: 30     calls that it takes at a time, ours among them; 0: none for now
 *   calls: 12        that it carries, for show; may be left out
 *
 * Other lines are skipped. A gateway is known by the address that it sends from: one of its own, of
 * its registration here, or of the server where we register. One publication a gateway is kept, in
 * its live counters; so nothing is allocated for it. */
#pragma once

#include "switchd/sip/worker.h"

#define PUBLISH_EVENT "gateway-load"
#define PUBLISH_TYPE  "application/gateway-load"

void publish_request(struct sip_worker *worker, const struct sip_rx *rx);
