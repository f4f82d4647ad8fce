/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection while a line is typed: events, its loss, and the way back with growing pauses. */
#include <stdio.h>

#include "shared/base/clock.h"
#include "vosctl/shell/shell_private.h"

#define RETRY_FIRST_MS    250
#define RETRY_MAX_MS      10000
#define RECONNECT_WAIT_MS 1000

static void schedule(struct shell *shell, int pause_ms)
{
	shell->retry_ms = pause_ms;
	shell->retry_at_us = clock_mono_us() + (uint64_t)pause_ms * 1000;
}

void link_lost(struct shell *shell)
{
	if (shell->is_lost)
		return;
	shell->is_lost = true;
	schedule(shell, RETRY_FIRST_MS);
	shell_update_prompt(shell);
}

static enum vos_err run_silently(struct shell *shell, const char *line, struct client_status *out)
{
	const struct client_sink sink = {0};
	const struct client_request request = {
		.line = line, .mode = "exec", .timeout_ms = RECONNECT_WAIT_MS};
	struct vos_fault fault = {0};
	enum vos_err err = client_exec(shell->client, &request, &sink, out, &fault);

	if (err == VOS_ECLOSED)
		link_lost(shell);
	return err;
}

/* Back to where we were in configuration: with the candidate that switchd has kept, or with a new
 * one when ours had no changes. What it is worth saying, NULL when it cannot be. */
static const char *resume_config(struct shell *shell)
{
	struct client_status status = {0};
	bool had_changes = shell->status.pending > 0;
	bool is_kept = client_info(shell->client)->kept > 0;

	if ((had_changes && !is_kept) ||
	    run_silently(shell, is_kept ? "configure resume" : "configure", &status) != VOS_OK)
		return NULL;
	shell->status = status;
	if (!shell->has_lock)
		return is_kept ? "% connected again; the candidate goes on\n"
			       : "% connected again; configuration goes on\n";
	shell->has_lock = run_silently(shell, "configure exclusive", &status) == VOS_OK;
	if (shell->has_lock)
		return "% connected again; the candidate goes on, locked again\n";
	return "% connected again; the candidate goes on, but somebody else has the lock\n";
}

/* What was followed is followed again. */
static void resume_monitor(struct shell *shell)
{
	if (shell->is_monitoring && run_silently(shell, "terminal monitor", NULL) == VOS_EINVAL)
		shell->is_monitoring = false;
}

bool link_restore(struct shell *shell)
{
	struct vos_fault fault = {0};
	bool was_config = shell->mode.kind != MODE_EXEC;
	const char *said = "% connected again\n";
	int pause_ms = shell->retry_ms * 2;

	if (client_reconnect(shell->client, RECONNECT_WAIT_MS, &fault) != VOS_OK) {
		schedule(shell, pause_ms > RETRY_MAX_MS ? RETRY_MAX_MS : pause_ms);
		return false;
	}
	shell->is_lost = false;
	shell->status.generation = client_info(shell->client)->generation;
	shell_set_confirm(shell, client_info(shell->client)->confirm_s);
	shell->is_same_language =
		strcmp(client_info(shell->client)->grammar, grammar_hash(shell->grammar)) == 0;
	if (was_config)
		said = resume_config(shell);
	if (!said) {
		/* A new session of the daemon: in exec mode and without a candidate. */
		shell->mode = (struct mode){.kind = MODE_EXEC};
		shell->status.pending = 0;
		shell->has_lock = false;
		said = "% connected again; configuration mode was left\n";
	}
	if (!shell->is_lost)
		resume_monitor(shell);
	shell_update_prompt(shell);
	edit_print_above(shell->edit, said);
	return !shell->is_lost;
}

int link_fd(void *context)
{
	const struct shell *shell = context;

	return shell->is_lost ? -1 : client_fd(shell->client);
}

int link_wait_ms(void *context)
{
	const struct shell *shell = context;
	uint64_t now_us = clock_mono_us();

	/* They came with the answer to a key. */
	if (events_has(shell))
		return 0;
	/* The clock of the prompt. */
	if (!shell->is_lost)
		return shell->confirm_until_us ? 1000 : -1;
	return now_us >= shell->retry_at_us ? 0 : (int)((shell->retry_at_us - now_us) / 1000) + 1;
}

/* The right prompt counts down; once more at the end, to be gone. */
static void tick(struct shell *shell)
{
	if (!shell->confirm_until_us)
		return;
	if (!shell_confirm_s(shell))
		shell->confirm_until_us = 0;
	shell_update_prompt(shell);
	edit_redraw(shell->edit);
}

void link_idle(void *context)
{
	struct shell *shell = context;

	if (shell->is_lost) {
		if (clock_mono_us() >= shell->retry_at_us)
			link_restore(shell);
	} else if (client_poll(shell->client) != VOS_OK) {
		link_lost(shell);
		edit_redraw(shell->edit);
	} else {
		tick(shell);
	}
	events_print(shell);
}
