/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A state folder, a configuration made of shell lines, and a control server on them, for tests.
 * Whatever fails here fails the test. */
#pragma once

#include "shared/grammar/grammar.h"
#include "switchd/conf/conf.h"
#include "switchd/ctl/candidate.h"
#include "switchd/ctl/ctl.h"
#include "switchd/store/store.h"

struct ctl_fixture {
	char root[64];
	char socket[80];
	struct store *store;
	struct grammar *grammar;
	struct snapshot *running;
	struct conf *conf;
	struct ctl *ctl;
	int commits; /* calls of conf_changed */
};

/* Opens a store in a folder of its own. */
void ctl_fixture_open(struct ctl_fixture *fixture);
void ctl_fixture_close(struct ctl_fixture *fixture);
/* Starts the server; it has no signalling threads. */
void ctl_fixture_serve(struct ctl_fixture *fixture);

/* One line of configuration into a candidate; *mode moves. */
enum vos_err ctl_line(struct ctl_fixture *fixture, struct config_candidate *candidate,
		      struct mode *mode, const char *line, struct vos_fault *fault);
/* Lines separated by newlines, from mode config; all must be taken. */
void ctl_lines(struct ctl_fixture *fixture, struct config_candidate *candidate, const char *lines);
/* The same as one commit on fixture->running, which it replaces. */
void ctl_commit(struct ctl_fixture *fixture, const char *author, const char *lines);
