/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decisions of a signalling thread about requests that are no call's, into the flight recorder. */
#pragma once

#include "switchd/sip/worker.h"
#include "switchd/trace/recorder.h"

/* text is cut where it is longer than any name of ours. */
void worker_note(const struct sip_worker *worker, const struct sip_rx *rx, enum trace_note note,
		 int64_t a, struct span text);
