/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Late offers: an INVITE of ours without one is answered by the peer's, and that may not be left
 * without an answer, whatever has become of those who asked for it (leg_late.c). */
#pragma once

#include "switchd/sip/leg_early.h"

/* The 2xx to our INVITE: if that had no offer and this has, the ACK is to answer it. */
void leg_late_note(struct sip_leg *leg, const struct sip_msg *msg);
/* The answer by which no media flows; empty when nothing is to be answered, or nothing can be. */
struct span leg_late_answer(const struct sip_leg *leg, struct span offer, struct buf *out);
/* The ACK has gone. */
void leg_late_end(struct sip_leg *leg);

/* An early dialog whose offer the caller has not seen: the offer is answered so. */
void leg_late_park(struct sip_leg *leg, struct leg_early_dialog *dialog, const struct sip_msg *msg);
/* The 2xx of such a dialog has come: it is asked for an offer that the caller can answer. */
void leg_late_ask(struct sip_leg *leg);
/* That is still going on; so the call knows nothing of the answer. */
bool leg_late_is_asking(const struct sip_leg *leg);
/* What has come of it; msg is NULL when nothing came. */
void leg_late_asked(struct sip_leg *leg, int status, const struct sip_msg *msg);
