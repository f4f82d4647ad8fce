/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media proxy apart from the configuration, for tests and benchmarks. */
#pragma once

#include "switchd/media/media.h"
#include "switchd/media/ports.h"

struct media_fast;

/* log may be NULL. */
VOS_CHECK enum vos_err media_create_with(const struct log *log, const struct ports_options *options,
					 int thread_count, struct media **out,
					 struct vos_fault *fault);
/* Its fast path, to be switched on by media_fast_use(). */
struct media_fast *media_fast_of(struct media *media);
/* Has packets steered to its threads; before the first session. */
VOS_CHECK enum vos_err media_steer(struct media *media, struct vos_fault *fault);
