/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of one signalling thread. For switchd/fraud only; others use fraud.h. */
#pragma once

#include "switchd/fraud/fraud.h"
#include "switchd/loop/ring.h"

#define FRAUD_RING_BYTES (1u << 20)
#define FRAUD_TEXT_MAX   (3 * FRAUD_NAME_MAX)

enum fraud_event_kind { FRAUD_BEGINS, FRAUD_ENDS };

/* The texts of a call that begins follow: party, caller, callee, each with its NUL. */
struct fraud_event {
	uint64_t caller_key;
	int64_t talk_ms;
	enum fraud_event_kind kind;
};

struct fraud_feed {
	struct ring ring;
	const atomic_bool *is_on;
	const struct hash_key *hash_key;
	atomic_uint_fast64_t lost_begins;
	atomic_uint_fast64_t lost_ends;
};

VOS_CHECK enum vos_err feed_init(struct fraud_feed *feed, const atomic_bool *is_on,
				 const struct hash_key *hash_key);
void feed_destroy(struct fraud_feed *feed);
/* The next one, by the reading thread; texts are in *begin, which points into `text`. False: there
 * is none. */
bool feed_next(struct fraud_feed *feed, struct fraud_event *event, struct fraud_begin *begin,
	       char text[FRAUD_TEXT_MAX]);
