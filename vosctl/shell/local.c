/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that the shell answers by itself: terminal, history, help. */
#include <stdio.h>
#include <stdlib.h>

#include "vosctl/shell/shell_private.h"

static void print_command(void *context, const struct candidate *candidate)
{
	struct shell *shell = context;
	struct buf line = buf_new();

	/* Parameters and fields are many; ? shows them. */
	if (candidate->param != PARAM_COUNT || candidate->field != FIELD_COUNT)
		return;
	if (strlen(candidate->word) + strlen(candidate->type) < 34)
		buf_printf(&line, "  %s %-*s  %s\n", candidate->word,
			   33 - (int)strlen(candidate->word), candidate->type, candidate->help);
	else
		buf_printf(&line, "  %s\n  %36s%s\n", candidate->word, "", candidate->help);
	if (!line.failed)
		screen_write(&shell->screen, line.data, line.len);
	buf_free(&line);
}

static void run_help(struct shell *shell)
{
	static const char head[] =
		"Commands of this mode. ? lists what may follow at any place, TAB completes,\n"
		"words may be cut to a unique prefix, | filters or saves output.\n\n";

	screen_write(&shell->screen, head, sizeof(head) - 1);
	grammar_list(shell->grammar, &shell->mode, client_info(shell->client)->role, print_command,
		     shell);
}

static void run_history(struct shell *shell)
{
	size_t count = shell_history_count(shell->history);

	for (size_t i = 0; i < count; i++) {
		struct buf line = buf_new();

		buf_printf(&line, "%5zu  %s\n", i + 1, shell_history_at(shell->history, i));
		if (!line.failed)
			screen_write(&shell->screen, line.data, line.len);
		buf_free(&line);
	}
}

bool local_run(struct shell *shell, const struct match *match)
{
	if (!command_is_local(match->command) || match->pipe_count)
		return false;
	screen_begin(&shell->screen, false);
	switch (match->command) {
	case COMMAND_TERMINAL_LENGTH:
		shell->screen.length = atoi(match_text(match, "lines"));
		return true;
	case COMMAND_TERMINAL_WIDTH: {
		int width = atoi(match_text(match, "columns"));

		shell->screen.width = width > 0 ? width : -1;
		return true;
	}
	case COMMAND_TERMINAL_TIMESTAMPS:
		shell->has_timestamps = match_arg(match, "on") != NULL;
		return true;
	case COMMAND_WATCH:
		watch_run(shell, match);
		return true;
	case COMMAND_HISTORY:
		run_history(shell);
		return true;
	case COMMAND_HELP:
		run_help(shell);
		return true;
	default:
		return false;
	}
}
