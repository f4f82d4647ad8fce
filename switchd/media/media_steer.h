/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether packets are steered to the media threads (steer.h), and why not. What is decided at the
 * start holds. */
#pragma once

#include "switchd/media/media.h"
#include "switchd/media/steer.h"

struct media_thread;

struct media_steer {
	const struct log *log;
	struct steer *steer;         /* NULL: nothing is steered */
	int wanted;                  /* WORD_FAST_PATH_...: the parameter at the start */
	char reason[FAULT_TEXT_MAX]; /* why nothing is */
};

void media_steer_init(struct media_steer *own, const struct log *log);
/* Has each of the threads, which have no session yet, receive what is theirs. Without success the
 * relay goes on without it. */
VOS_CHECK enum vos_err media_steer_use(struct media_steer *own, struct media_thread *threads,
				       int thread_count, struct vos_fault *fault);
/* As SS_MEDIA_STEERING says. An error only where it is required. */
VOS_CHECK enum vos_err media_steer_start(struct media_steer *own, const struct conf *conf,
					 struct media_thread *threads, int thread_count,
					 struct vos_fault *fault);
/* After the threads have ended. */
void media_steer_destroy(struct media_steer *own);
