/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers and answers before the call is answered. */
#pragma once

#include "switchd/call/call_hunt.h"

/* The attempt that the caller hears of, to which or of which this leg belongs; NULL: there is none.
 */
struct call_attempt *call_early_told(const struct call *call, const struct leg *leg);
/* The attempt that an offer of this leg would be to, or of; NULL: none can be made now. */
struct call_attempt *call_early_attempt(const struct call *call, const struct leg *leg);
/* The caller's answer to the callee's offer. */
void call_early_answer(struct call *call, struct leg *leg, struct span sdp);
/* What waits for an answer between the caller and the attempt goes on in the call, or ends. */
void call_early_over(struct call *call, struct call_attempt *attempt,
		     enum call_attempt_state state);

/* call_offer.c */
/* SDP of one leg, made ready for the other; of the call when attempt is NULL. */
VOS_CHECK enum vos_err call_forward_sdp(struct call *call, const struct call_attempt *attempt,
					struct leg *from, bool is_answer, struct span sdp,
					struct buf *out);
