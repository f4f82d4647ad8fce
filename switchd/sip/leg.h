/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP leg: the dialog (RFC 3261 section 12) and its INVITE, on one side of a call.
 *
 * Found by our own tag, which carries the leg's slot; so a request inside a dialog costs no search.
 * A leg outlives its part in the call until its protocol is done (answer to BYE, late answers to a
 * cancelled INVITE), at most 32 s. */
#pragma once

#include "switchd/sip/worker.h"

struct sip_leg;
struct leg_table;

VOS_CHECK enum vos_err leg_table_create(struct sip_worker *worker, struct leg_table **out);
/* The call table of this thread, wired to dial SIP legs. */
VOS_CHECK enum vos_err leg_call_table_create(struct sip_worker *worker, struct call_table **out);
void leg_table_destroy(struct sip_worker *worker);
/* No leg is left, and so nothing of a call is on the way. */
bool leg_table_is_quiet(const struct sip_worker *worker);
size_t leg_table_count(const struct sip_worker *worker);

/* An INVITE outside a dialog. */
void leg_invite(struct sip_worker *worker, const struct sip_rx *rx);
/* CANCEL for the INVITE whose transaction's user this is (NULL: nobody any more). */
void leg_cancelled(struct sip_worker *worker, void *user, const struct sip_rx *rx);
/* The To tag that its answers have; empty for NULL. */
struct span leg_tag(const void *user);
/* The leg that a request with a To tag belongs to, by both tags and Call-ID; NULL: none. */
struct sip_leg *leg_find(struct sip_worker *worker, const struct sip_msg *msg);
/* ACK, BYE, re-INVITE, UPDATE, INFO, OPTIONS inside the dialog. */
void leg_request(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx);
