/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interactive shell: prompt, line editing, help, and one command after the other.
 *
 * Only for a terminal: standard input and output must be ttys. Standard input is never set to
 * non-blocking, the terminal's settings are restored on every way out. */
#pragma once

#include "vosctl/client.h"

struct shell_options {
	int timeout_ms;  /* of a command; 0 = none */
	bool yes;        /* questions are answered with yes */
	bool quiet;      /* no greeting, no warnings */
	bool no_history; /* read and write no history file */
};

/* Runs until exit, end of input or a hangup; returns vosctl's exit code. `client` is connected and
 * stays the caller's. */
int shell_run(struct client *client, const struct shell_options *options);
