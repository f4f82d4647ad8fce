/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop of the interactive shell: prompt, a line, what it does, and what is said about it. */
#include "vosctl/shell/shell.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "vosctl/config_file.h"
#include "vosctl/render/output.h"
#include "vosctl/shell/shell_private.h"

#define EXIT_LOST 3

int shell_confirm_s(const struct shell *shell)
{
	uint64_t now_us = clock_mono_us();

	if (now_us >= shell->confirm_until_us)
		return 0;
	return (int)((shell->confirm_until_us - now_us + 999999) / 1000000);
}

void shell_set_confirm(struct shell *shell, int left_s)
{
	shell->confirm_until_us = left_s ? clock_mono_us() + (uint64_t)left_s * 1000000 : 0;
}

void shell_update_prompt(struct shell *shell)
{
	const struct client_status *status = &shell->status;
	char mode[MODE_KEY_MAX + 48];
	char prompt[MODE_KEY_MAX + 160];
	char right[64] = "";

	if (shell->is_asking)
		return; /* the question is the prompt */
	if (shell->mode.kind == MODE_EXEC)
		snprintf(prompt, sizeof(prompt), "%s%s ", status->hostname,
			 client_info(shell->client)->role == ROLE_MONITOR ? ">" : "#");
	else
		snprintf(prompt, sizeof(prompt), "%s(%s)%s# ", status->hostname,
			 mode_print(&shell->mode, mode), status->pending ? "*" : "");
	if (shell->is_lost)
		snprintf(right, sizeof(right), "[disconnected]");
	else if (shell_confirm_s(shell))
		snprintf(right, sizeof(right), "[confirm in %d:%02d]", shell_confirm_s(shell) / 60,
			 shell_confirm_s(shell) % 60);
	else if (status->pending)
		snprintf(right, sizeof(right), "[%d change%s]", status->pending,
			 status->pending == 1 ? "" : "s");
	edit_set_prompt(shell->edit, prompt, right);
}

/* --- Output of a command. --- */

static void write_output(void *context, const char *data, size_t len)
{
	struct shell *shell = context;

	screen_write(&shell->screen, data, len);
}

static void write_warning(void *context, const struct vos_fault *fault, bool is_error)
{
	struct shell *shell = context;
	struct buf line = buf_new();

	buf_add_lit(&line, "% ");
	if (fault->line) /* of a file */
		buf_printf(&line, "line %d:%d: ", fault->line, fault->column);
	/* The text names its path itself. */
	buf_printf(&line, "%s%s\n", is_error ? "" : "warning: ", fault->text);
	if (!line.failed)
		screen_write(&shell->screen, line.data, line.len);
	buf_free(&line);
}

static bool is_cancelled(void *context)
{
	const struct shell *shell = context;

	return screen_is_cancelled(&shell->screen);
}

static void say_fault(struct shell *shell, const char *line, const struct vos_fault *fault)
{
	struct buf text = buf_new();

	render_fault_caret(edit_prompt_width(shell->edit), line, fault, &text);
	if (!text.failed)
		fwrite(text.data, 1, text.len, stdout);
	buf_free(&text);
}

static void take_status(struct shell *shell, const struct client_status *status)
{
	struct mode mode;

	shell->status = *status;
	shell_set_confirm(shell, status->confirm_s);
	if (mode_parse(span_of(status->mode), &mode))
		shell->mode = mode;
	if (status->is_closing)
		shell->is_done = true;
}

static void print_time(struct shell *shell)
{
	char time[CLOCK_TEXT_MAX];

	clock_print_utc(clock_wall_ms(), time);
	screen_write(&shell->screen, time, strlen(time));
	screen_write(&shell->screen, "\n", 1);
}

enum vos_err shell_send(struct shell *shell, const char *line, const struct match *match,
			bool is_answered)
{
	char mode[MODE_KEY_MAX + 48];
	struct client_status status = shell->status;
	struct vos_fault fault = {0};
	struct vos_fault save_fault = {0};
	struct output *output = NULL;
	const struct output_options options = {
		.width = screen_columns(&shell->screen),
		.quiet = shell->options->quiet,
		.has_color = shell->has_color,
		.write = write_output,
		.warn = write_warning,
		.is_cancelled = is_cancelled,
		.context = shell,
		.info = client_info(shell->client),
	};
	const struct client_request request = {
		.line = line,
		.mode = mode_print(&shell->mode, mode),
		.yes = is_answered || shell->options->yes,
		.timeout_ms = shell->options->timeout_ms,
	};
	enum vos_err err = output_open(&options, match, &output, &fault);

	shell->status.question[0] = '\0';
	if (err != VOS_OK) {
		say_fault(shell, line, &fault);
		return err;
	}
	screen_begin(&shell->screen, output_is_unpaged(output) || shell->is_watching);
	if (shell->has_timestamps && !shell->is_watching)
		print_time(shell);
	input_unblock(shell->input);
	if (match && config_file_is_load(match)) {
		err = config_file_load(shell->client, match, request.mode, request.timeout_ms,
				       output_sink(output), &status, &fault);
		fault.line = 0; /* of the file: its faults have been listed */
		fault.column = 0;
	} else {
		err = client_exec(shell->client, &request, output_sink(output), &status, &fault);
	}
	if (output_close(output, &status, err == VOS_OK ? NULL : &fault, &save_fault) != VOS_OK)
		printf("%% %s\n", save_fault.text);
	input_block(shell->input);
	fflush(stdout);
	if (err == VOS_OK || err == VOS_EINVAL)
		take_status(shell, &status);
	if (err == VOS_ECLOSED)
		link_lost(shell);
	if (err != VOS_OK && !screen_is_cancelled(&shell->screen) && !shell->status.question[0])
		say_fault(shell, line, &fault);
	return err;
}

/* --- Leaving configuration with changes that nobody has committed. --- */

enum answer { ANSWER_STAY, ANSWER_COMMIT, ANSWER_KEEP, ANSWER_DISCARD };

static enum answer ask_about_changes(struct shell *shell)
{
	static const struct {
		const char *word;
		enum answer answer;
	} answers[] = {
		{"commit", ANSWER_COMMIT}, {"keep", ANSWER_KEEP}, {"discard", ANSWER_DISCARD}};
	enum answer answer = ANSWER_STAY;
	bool is_asking = true;
	char question[96];

	snprintf(question, sizeof(question), "%d change%s not committed: commit, keep or discard? ",
		 shell->status.pending, shell->status.pending == 1 ? " is" : "s are");
	shell->is_asking = true;
	while (is_asking) {
		struct buf line = buf_new();
		struct span word;

		edit_set_prompt(shell->edit, question, "");
		is_asking = edit_read(shell->edit, &line) == EDIT_LINE;
		if (!is_asking)
			putchar('\n');
		word = span_trim(buf_span(&line));
		for (int i = 0; i < 3 && word.len && answer == ANSWER_STAY; i++) {
			if (span_istarts_with(span_of(answers[i].word), word))
				answer = answers[i].answer;
		}
		is_asking = is_asking && answer == ANSWER_STAY;
		buf_free(&line);
	}
	shell->is_asking = false;
	shell_update_prompt(shell);
	return answer;
}

/* False: stay where we are. *is_kept when switchd is to keep the changes for the next configure. */
static bool may_leave(struct shell *shell, bool *is_kept)
{
	*is_kept = false;
	if (shell->status.pending == 0 || shell->options->yes || shell->is_lost)
		return true;
	switch (ask_about_changes(shell)) {
	case ANSWER_COMMIT:
		return shell_send(shell, "commit", NULL, false) == VOS_OK;
	case ANSWER_DISCARD:
		return shell_send(shell, "discard", NULL, false) == VOS_OK;
	case ANSWER_KEEP:
		*is_kept = true;
		return true;
	case ANSWER_STAY:
		break;
	}
	return false;
}

static bool leaves_config(const struct shell *shell, const struct match *match)
{
	return (match->command == COMMAND_EXIT || match->command == COMMAND_END) &&
	       shell->mode.kind != MODE_EXEC && match->target.kind == MODE_EXEC;
}

/* --- A line. --- */

static void remember(struct shell *shell, const char *line, const struct match *match)
{
	const char *shown = match->has_secret ? match->full_line : line;

	if (line[0] == ' ')
		return;
	edit_remember(shell->edit, shown);
	shell_history_add(shell->history, shown);
}

/* What switchd does only when somebody has said yes. */
static bool ask_yes(struct shell *shell)
{
	struct buf line = buf_new();
	char prompt[sizeof(shell->status.question) + 16];
	bool is_yes;

	snprintf(prompt, sizeof(prompt), "%s; go on? [y/N] ", shell->status.question);
	shell->is_asking = true;
	edit_set_prompt(shell->edit, prompt, "");
	is_yes = edit_read(shell->edit, &line) == EDIT_LINE;
	if (!is_yes)
		putchar('\n');
	is_yes = is_yes && line.len &&
		 span_istarts_with(SPAN_LIT("yes"), span_trim(buf_span(&line)));
	shell->is_asking = false;
	shell_update_prompt(shell);
	buf_free(&line);
	return is_yes;
}

/* match may be NULL. */
static void send_line(struct shell *shell, const char *line, const struct match *match,
		      bool is_answered)
{
	enum command_id command = match ? match->command : COMMAND_COUNT;
	enum vos_err err = shell_send(shell, line, match, is_answered);

	if (err == VOS_EINVAL && shell->status.question[0] && ask_yes(shell))
		err = shell_send(shell, line, match, true);
	/* Behind the terminal's ^C, which has thrown away the end of a row. */
	if (input_is_interrupted(shell->input))
		putchar('\n');
	if (err == VOS_OK && command == COMMAND_TERMINAL_MONITOR)
		shell->is_monitoring = true;
	if (err == VOS_OK && command == COMMAND_TERMINAL_NO_MONITOR)
		shell->is_monitoring = false;
	if (err == VOS_OK && command == COMMAND_CONFIGURE && match_arg(match, "exclusive"))
		shell->has_lock = true;
	if (shell->mode.kind == MODE_EXEC)
		shell->has_lock = false;
}

static void run_line(struct shell *shell, const char *line)
{
	struct match *match = &shell->match;
	struct vos_fault fault = {0};
	bool is_kept = false;
	enum vos_err err =
		grammar_match(shell->grammar, &shell->mode, span_of(line), match, &fault);

	if (err == VOS_ENOENT)
		return;
	/* Of a value that is out of range switchd says what it is now. */
	if (err != VOS_OK && shell->is_same_language &&
	    (fault.code != FAULT_VALUE_RANGE || shell->is_lost)) {
		/* For the up arrow only: what is not understood may hold a secret, so it is not
		 * stored. */
		if (line[0] != ' ')
			edit_remember(shell->edit, line);
		say_fault(shell, line, &fault);
		return;
	}
	if (err != VOS_OK && line[0] != ' ')
		edit_remember(shell->edit, line);
	if (err == VOS_OK) {
		remember(shell, line, match);
		if (local_run(shell, match))
			return;
		if (match->command == COMMAND_EXIT && shell->mode.kind == MODE_EXEC &&
		    shell->is_lost) {
			shell->is_done = true;
			shell->exit_code = EXIT_LOST;
			return;
		}
	}
	if (shell->is_lost && !link_restore(shell)) {
		printf("%% not connected to %s; trying again\n", client_path(shell->client));
		return;
	}
	if (err == VOS_OK && leaves_config(shell, match) && !may_leave(shell, &is_kept))
		return;
	send_line(shell, line, err == VOS_OK ? match : NULL, is_kept);
}

/* Ctrl-Z: back to exec from any configuration mode. */
static const char *escape_line(void *context)
{
	const struct shell *shell = context;

	return shell->mode.kind == MODE_EXEC ? NULL : "end";
}

static void end_of_input(struct shell *shell)
{
	bool is_kept = false;

	putchar('\n');
	if (shell->mode.kind != MODE_EXEC && !may_leave(shell, &is_kept))
		return;
	shell->is_done = true;
	if (shell->is_lost)
		shell->exit_code = EXIT_LOST;
}

static void loop(struct shell *shell)
{
	while (!shell->is_done) {
		struct buf line = buf_new();
		enum edit_result result;

		events_print(shell);
		shell_update_prompt(shell);
		result = edit_read(shell->edit, &line);
		if (result == EDIT_HANGUP) {
			putchar('\n');
			shell->is_done = true;
		} else if (result == EDIT_EOF) {
			end_of_input(shell);
		} else if (memchr(buf_cstr(&line), 0, line.len)) {
			fputs("% the line has a NUL character\n", stdout);
		} else {
			run_line(shell, buf_cstr(&line));
		}
		buf_free(&line);
		if (input_signal(shell->input)) {
			shell->is_done = true;
			shell->exit_code = 128 + input_signal(shell->input);
		}
	}
}

/* --- Start and end. --- */

/* The editor counts characters; without UTF-8 every byte over 127 would be lost. */
static void set_locale(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static void greet(const struct shell *shell)
{
	const struct client_info *info = client_info(shell->client);

	if (shell->options->quiet)
		return;
	printf("switchd %s on %s. ? lists what may be typed, help the commands.\n", info->version,
	       info->hostname);
	if (!shell->is_same_language)
		printf("%% switchd %s has other commands than this vosctl (%s); its own parser "
		       "decides\n",
		       info->version, VOS_VERSION);
}

/* https://no-color.org: any value but the empty one. */
static void look_at_terminal(struct shell *shell)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");

	shell->is_dumb = !term || !*term || strcmp(term, "dumb") == 0;
	shell->has_color = !shell->is_dumb && !(no_color && *no_color) && isatty(STDOUT_FILENO);
}

static bool start(struct shell *shell)
{
	const struct edit_hooks hooks = {
		.context = shell,
		.help = assist_help,
		.complete = assist_complete,
		.list = assist_list,
		.escape = escape_line,
		.daemon_fd = link_fd,
		.wait_ms = link_wait_ms,
		.idle = link_idle,
	};
	const struct client_info *info = client_info(shell->client);

	shell->grammar = grammar_create();
	shell->input = input_create(STDIN_FILENO);
	shell->history = shell_history_open(shell->options->no_history ? "" : NULL);
	if (!shell->grammar || !shell->input || !shell->history)
		return false;
	shell->edit = edit_open(shell->input, &hooks);
	if (!shell->edit)
		return false;
	for (size_t i = 0; i < shell_history_count(shell->history); i++)
		edit_remember(shell->edit, shell_history_at(shell->history, i));
	shell->screen = (struct screen){.input = shell->input, .length = -1, .width = -1};
	snprintf(shell->status.hostname, sizeof(shell->status.hostname), "%s", info->hostname);
	shell->status.generation = info->generation;
	shell_set_confirm(shell, info->confirm_s);
	shell->is_same_language = strcmp(info->grammar, grammar_hash(shell->grammar)) == 0;
	return true;
}

int shell_run(struct client *client, const struct shell_options *options)
{
	struct shell *shell = calloc(1, sizeof(*shell));
	int exit_code = 1;

	if (!shell)
		return exit_code;
	shell->client = client;
	shell->options = options;
	set_locale();
	look_at_terminal(shell);
	shell->events = buf_new();
	if (start(shell)) {
		client_on_event(client, events_take, shell);
		greet(shell);
		loop(shell);
		exit_code = shell->exit_code;
	}
	client_on_event(client, NULL, NULL);
	buf_free(&shell->events);
	edit_close(shell->edit);
	input_destroy(shell->input);
	shell_history_close(shell->history);
	grammar_destroy(shell->grammar);
	free(shell->words.items);
	files_clear(&shell->files);
	free(shell);
	return exit_code;
}
