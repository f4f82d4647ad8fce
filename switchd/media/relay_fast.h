/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media thread and the fast path; a side without an entry never gets here. */
#pragma once

#include "switchd/media/fast.h"
#include "switchd/media/relay.h"

void relay_fast_turn(struct media_thread *thread);
/* Packets of the side's peer were counted and went on; the next may stay in the kernel. */
void relay_fast_relayed(struct media_thread *thread, struct relay_side *side);
/* Something about the session has changed or is about to: its packets come here. */
void relay_fast_leave(struct media_session *session);
/* Any thread. */
bool relay_fast_is_on(const struct relay_side *side);
