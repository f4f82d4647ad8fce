/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which fast path the relay uses, if any. */
#pragma once

#include <pthread.h>

#include "switchd/media/fast.h"
#include "switchd/media/media.h"

struct media_fast {
	const struct log *log;
	pthread_mutex_t lock;
	struct fast *fast;       /* NULL: none */
	int wanted;              /* WORD_FAST_PATH_...: the parameter when the relay began */
	bool wants_xdp;          /* SS_MEDIA_XDP when the relay began */
	uint64_t packets_before; /* of tables that are gone */
	uint64_t xdp_before;
	char reason[FAULT_TEXT_MAX]; /* why there is none */
};

void media_fast_init(struct media_fast *own, const struct log *log);
void media_fast_destroy(struct media_fast *own);
/* As SS_MEDIA_FAST_PATH says. An error only where it is required. */
VOS_CHECK enum vos_err media_fast_start(struct media_fast *own, const struct conf *conf,
					struct vos_fault *fault);
/* Follows the port range and the local addresses; what the modes were at the start holds. */
void media_fast_configure(struct media_fast *own, const struct conf *conf);
/* Uses the fast path by these options; another table than before when they are others. Without
 * success the relay goes on without it. */
VOS_CHECK enum vos_err media_fast_use(struct media_fast *own, const struct fast_options *options,
				      struct vos_fault *fault);
/* Gives the sides of a session with ports, that no thread knows yet, their entries. */
void media_fast_bind(struct media_fast *own, struct media_session *session,
		     const struct addr locals[MEDIA_SIDES]);
uint64_t media_fast_packets(struct media_fast *own);
void media_fast_status(struct media_fast *own, struct media_fast_status *out);
