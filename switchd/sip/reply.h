/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of a response, for those that write one: stateless replies (reply.c), server transactions.
 */
#pragma once

#include "switchd/sip/worker_private.h"

#define SIP_STATELESS_TAG_MAX 20

/* reason NULL = the standard phrase. */
void sip_write_status_line(struct buf *out, int status, const char *reason);
/* All Via, From, Call-ID and CSeq of the request; To is written apart, because its tag may be ours.
 */
void sip_write_response_head(const struct sip_rx *rx, struct buf *out);
void sip_write_to(struct buf *out, struct span to, bool has_tag, struct span tag);
/* Content-Type (when there is a body), Content-Length, blank line, body. */
void sip_write_body(struct buf *out, struct span content_type, struct span body);
/* To tag of an answer without a transaction. */
struct span sip_stateless_tag(const struct sip_worker *worker, const struct sip_rx *rx,
			      char out[SIP_STATELESS_TAG_MAX]);
