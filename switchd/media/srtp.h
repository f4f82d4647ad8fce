/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SRTP and SRTCP (RFC 3711) of one side of a relay session, through libsrtp; the only place that
 * knows it. */
#pragma once

#include "shared/base/err.h"
#include "switchd/media/relay_work.h"
#include "switchd/media/sdes.h"

/* Before the first of the others. */
void srtp_start(void);

/* For RELAY_PROTECT: what goes to the peer, under our key. */
VOS_CHECK enum vos_err srtp_protect_new(const struct sdes *ours, struct relay_work **out);
/* For RELAY_UNPROTECT: what comes from the peer, under its key. `before`, which may be NULL, is the
 * key that it had: what is still under way with it passes too until the first packet under the new
 * one (RFC 4568 section 7.1.4 leaves the moment of change open). */
VOS_CHECK enum vos_err srtp_unprotect_new(const struct sdes *theirs, const struct sdes *before,
					  struct relay_work **out);
