/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leg on its way to another thread: its dialog, and nothing that belongs to a thread. */
#pragma once

#include "switchd/sip/leg_private.h"

struct leg_parcel;

/* leg_ops.pack: the dialog goes to that thread; of the leg is left what lets late answers find
 * their way. NULL: it cannot go, and is as before. */
struct leg_parcel *leg_op_pack(struct leg *base, int thread);
/* call_env.unpack: the leg in its new thread, without a call. The parcel is gone with that. NULL:
 * out of memory. */
struct leg *leg_unpack(void *context, struct leg_parcel *parcel);
/* A response that no transaction of the thread has sent for: a 2xx that wants its ACK again. */
void leg_stray_response(struct sip_worker *worker, const struct sip_rx *rx);
