/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captured media of calls as rows (media/capture.h): one walk through the rings for all calls of an
 * export, some records a step. */
#pragma once

#include "switchd/ctl/handlers.h"

struct trace_media;

/* For so many calls. NULL: nothing was ever captured, or out of memory. */
struct trace_media *trace_media_new(struct request *request, size_t room);
/* Before the first step; what there is no room for is left out. */
void trace_media_add(struct trace_media *walk, uint64_t key, uint64_t first_us);
/* NULL is allowed. */
void trace_media_free(struct trace_media *walk);
/* One step. False: it was the last one. */
bool trace_media_emit(struct request *request, struct trace_media *walk, int64_t wall_offset_us);

/* Has the media of the call kept from now on, in whichever signalling thread it is. */
void trace_media_capture(struct ctl *ctl, uint64_t key);
/* Memory for that. False, and refused: there is none. */
bool trace_media_prepare(struct request *request);
