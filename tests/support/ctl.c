/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/ctl.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "switchd/ctl/commit.h"
#include "switchd/ctl/file_load.h"
#include "tests/support/test.h"

static const struct log quiet = {.fd = -1, .threshold = LOG_LEVEL_ERROR};

void ctl_fixture_open(struct ctl_fixture *fixture)
{
	struct vos_fault fault = {0};
	char state[96];

	*fixture = (struct ctl_fixture){0};
	snprintf(fixture->root, sizeof(fixture->root), "%s/ctl-test-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(fixture->root));
	snprintf(state, sizeof(state), "%s/state", fixture->root);
	snprintf(fixture->socket, sizeof(fixture->socket), "%s/socket", fixture->root);
	if (store_open(&quiet, state, &fixture->store, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	assert_int_equal(store_load_config(fixture->store, &fixture->running, &fault), VOS_OK);
	fixture->grammar = grammar_create();
	assert_non_null(fixture->grammar);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void ctl_fixture_close(struct ctl_fixture *fixture)
{
	ctl_stop(fixture->ctl);
	if (fixture->conf)
		conf_unref(fixture->conf);
	snapshot_unref(fixture->running);
	grammar_destroy(fixture->grammar);
	store_close(fixture->store);
	nftw(fixture->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void count_commit(void *user, struct conf *conf)
{
	struct ctl_fixture *fixture = user;

	(void)conf;
	fixture->commits++;
}

void ctl_fixture_serve(struct ctl_fixture *fixture)
{
	struct vos_fault fault = {0};
	struct ctl_context context = {
		.log = &quiet,
		.store = fixture->store,
		.version = "test",
		.started_ms = 1,
		.conf_changed = count_commit,
		.user = fixture,
	};

	if (conf_build(snapshot_ref(fixture->running), store_key(fixture->store), NULL,
		       &fixture->conf, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	context.conf = fixture->conf;
	if (ctl_start(&context, fixture->socket, &fixture->ctl, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
}

enum vos_err ctl_line(struct ctl_fixture *fixture, struct config_candidate *candidate,
		      struct mode *mode, const char *line, struct vos_fault *fault)
{
	struct match *match = calloc(1, sizeof(*match));
	enum vos_err err;

	assert_non_null(match);
	err = file_match(fixture->grammar, mode, span_of(line), match, fault);
	if (err)
		candidate_explain_range(candidate, match, fault);
	else if (match->command == COMMAND_EXIT)
		*mode = mode_parent(mode);
	else
		err = candidate_apply_match(candidate, match, store_key(fixture->store), 0, fault);
	if (!err && match->command != COMMAND_EXIT)
		*mode = match->target;
	free(match);
	return err;
}

void ctl_lines(struct ctl_fixture *fixture, struct config_candidate *candidate, const char *lines)
{
	struct mode mode = {.kind = MODE_CONFIG};
	struct vos_fault fault = {0};
	char *copy = strdup(lines);
	char *rest = copy;
	char *line;

	assert_non_null(copy);
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		if (ctl_line(fixture, candidate, &mode, line, &fault) != VOS_OK)
			fail_msg("%s: %s", line, fault.text);
	}
	free(copy);
}

void ctl_commit(struct ctl_fixture *fixture, const char *author, const char *lines)
{
	const struct check_facts facts = {0};
	struct config_candidate candidate;
	struct commit_plan plan;
	struct vos_fault fault = {0};

	candidate_open(&candidate, fixture->running);
	ctl_lines(fixture, &candidate, lines);
	if (commit_plan_make(fixture->running, &candidate.changes, false, &facts, &plan, &fault) !=
	    VOS_OK)
		fail_msg("%s", fault.text);
	assert_non_null(plan.after);
	assert_int_equal(plan.report.error_count, 0);
	assert_int_equal(store_commit(fixture->store, &plan.diff, fixture->running, plan.after,
				      author, "", 1, &fault),
			 VOS_OK);
	snapshot_unref(fixture->running);
	fixture->running = snapshot_ref(plan.after);
	commit_plan_clear(&plan);
	candidate_close(&candidate);
}
