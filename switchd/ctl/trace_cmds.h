/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of the flight recorder that follow it: monitor trace, debug, named traces. */
#pragma once

#include "switchd/ctl/ctl_private.h"

/* --- monitor_trace.c, debug.c, named_trace_cmds.c --- */
step_fn cmd_monitor_trace, cmd_debug, cmd_no_debug, show_debugging, cmd_trace_start, cmd_trace_stop,
	cmd_clear_trace, show_traces;
/* --- show_trace.c --- */
step_fn show_trace_registrations;

/* As monitor_calls_wake(). */
uint64_t monitor_trace_wake(struct request *request, uint64_t now_us);
/* trace export NAME. */
step_fn export_named_trace;
