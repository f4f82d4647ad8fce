/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captured media of calls as rows (media/capture.h): one walk through the rings for all calls of an
 * export, some records a step. */
#pragma once

#include "switchd/ctl/handlers.h"
#include "switchd/trace/find.h"

struct trace_media;

/* NULL: nothing was ever captured, or out of memory. */
struct trace_media *trace_media_new(struct request *request, const struct trace_call *calls,
				    size_t count);
/* NULL is allowed. */
void trace_media_free(struct trace_media *walk);
/* One step. False: it was the last one. */
bool trace_media_emit(struct request *request, struct trace_media *walk, int64_t wall_offset_us);
