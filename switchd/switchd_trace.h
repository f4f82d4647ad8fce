/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flight recorders of the daemon, and who sends what they hold. */
#pragma once

#include "switchd/switchd.h"

/* For that many signalling threads; the media threads run. */
VOS_CHECK enum vos_err switchd_trace_start(struct switchd *switchd, int threads);
void switchd_trace_configure(struct switchd *switchd, const struct snapshot *config);
/* After the signalling threads have ended. */
void switchd_trace_stop(struct switchd *switchd);
/* After the media threads have ended. */
void switchd_trace_free(struct switchd *switchd);
