/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch: a show command again and again on a cleared screen, until Ctrl-C or a failure. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "vosctl/render/watch.h"
#include "vosctl/shell/shell_private.h"

#define CLEAR_SCREEN "\033[H\033[2J"

/* False: Ctrl-C, or the shell is to end. */
static bool wait_seconds(const struct shell *shell, int seconds)
{
	uint64_t end_us = clock_mono_us() + (uint64_t)seconds * 1000000u;
	uint64_t now_us = clock_mono_us();
	bool is_going_on = true;

	input_unblock(shell->input);
	while (is_going_on && now_us < end_us) {
		poll(NULL, 0, (int)((end_us - now_us + 999) / 1000));
		is_going_on = !input_is_interrupted(shell->input) && !input_signal(shell->input);
		now_us = clock_mono_us();
	}
	input_block(shell->input);
	return is_going_on;
}

static void print_head(const struct shell *shell, const struct match *match)
{
	char time[CLOCK_TEXT_MAX];

	fputs(shell->is_dumb ? "\n" : CLEAR_SCREEN, stdout);
	printf("every %s s: %s  %s\n\n", match_text(match, "seconds"), match_text(match, "show"),
	       clock_print_utc(clock_wall_ms(), time));
}

void watch_run(struct shell *shell, const struct match *match)
{
	const char *line = match_text(match, "show");
	int seconds = atoi(match_text(match, "seconds"));
	struct match *shown = calloc(1, sizeof(*shown));
	struct vos_fault fault = {0};

	if (!shown)
		return;
	if (!watch_match(shell->grammar, &shell->mode, line, shown, &fault)) {
		printf("%% %s\n", fault.text);
		free(shown);
		return;
	}
	shell->is_watching = true;
	do
		print_head(shell, match);
	while (shell_send(shell, line, shown, false) == VOS_OK &&
	       !screen_is_cancelled(&shell->screen) && wait_seconds(shell, seconds));
	shell->is_watching = false;
	if (input_is_interrupted(shell->input))
		putchar('\n'); /* behind the terminal's ^C */
	free(shown);
}
