/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filters of a line (| include, exclude, begin, section, count, last), one after the other, a
 * line of output at a time. Holds nothing but the lines of `last`. */
#pragma once

#include "shared/grammar/grammar.h"

struct pipeline;

typedef void pipeline_fn(void *context, struct span line, bool is_heading);

/* match may be NULL. VOS_EINVAL: a regular expression is wrong. */
VOS_CHECK enum vos_err pipeline_open(const struct match *match, pipeline_fn *fn, void *context,
				     struct pipeline **out, struct vos_fault *fault);
/* One line without its newline. Headings are filtered, but never counted or held back. */
void pipeline_line(struct pipeline *pipeline, struct span line, bool is_heading);
/* The held lines come, then the pipeline is freed. */
void pipeline_close(struct pipeline *pipeline);
bool pipeline_filters(const struct pipeline *pipeline);
bool pipeline_counts(const struct pipeline *pipeline);
