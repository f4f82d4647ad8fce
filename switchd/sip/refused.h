/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attempts that never become a call, and their records.
 *
 * Of a source that may not call (SERVER_BILLING_RECORD_ILLEGAL_CALL): a challenge is no refusal, so
 * an attempt is one when its repeat with the right password has not come within
 * SS_SIP_AUTHENTICATION_TIMEOUT. It has billing mode -1. Nobody knows how many of them come, so
 * there are `cdr illegal-rate` records a second of them, and 60 times as many at once; the others
 * only count. And of a party that is known, and barred.
 *
 * A thread remembers REFUSED_MAX attempts, by Call-ID, so that what is sent again counts once; what
 * finds no place counts as one without a record. */
#pragma once

#include "switchd/auth/digest.h"
#include "switchd/call/cause.h"
#include "switchd/sip/leg_caller.h"

#define REFUSED_MAX 1024u

struct refused;

/* NULL: out of memory. */
struct refused *refused_create(struct sip_worker *worker);
/* NULL is allowed. */
void refused_destroy(struct refused *refused);

/* An INVITE was not let in; answered says by which status, 0: by none. */
void refused_stranger(struct sip_worker *worker, const struct sip_rx *rx,
		      const struct leg_caller *caller, const char *callee, enum auth_result result,
		      int answered);
/* It was, by its password: what was asked for has come. */
void refused_forget(struct sip_worker *worker, struct span call_id);
/* Whose INVITE it is is known, and may not call. */
void refused_party(struct sip_worker *worker, const struct sip_rx *rx,
		   const struct leg_caller *caller, const char *callee, enum cause_id cause);
