/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MESSAGE outside a dialog (RFC 3428): from whoever may call to a phone of ours, at all of its
 * contacts at once. The first 2xx is the sender's answer; else the best of the refusals (RFC 3261
 * 16.7 step 6). Nothing is stored: a phone that is not there gets nothing, and the sender is told.
 *
 * As of a call no header of one side reaches the other, but those that say what the body is. */
#pragma once

#include "switchd/sip/worker.h"

struct message_relay;

void message_request(struct sip_worker *worker, const struct sip_rx *rx);
/* Frees those under way without a word to anybody; at the end of the worker. */
void message_relays_destroy(struct sip_worker *worker);
