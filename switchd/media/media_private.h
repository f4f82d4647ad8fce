/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media proxy apart from the configuration, for tests and benchmarks. */
#pragma once

#include "switchd/media/media.h"
#include "switchd/media/ports.h"

/* log may be NULL. */
VOS_CHECK enum vos_err media_create_with(const struct log *log, const struct ports_options *options,
					 int thread_count, struct media **out,
					 struct vos_fault *fault);
