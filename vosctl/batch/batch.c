/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vosctl/batch/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/secret.h"
#include "vosctl/config_file.h"
#include "vosctl/render/watch.h"

/* A table fits the terminal; into a pipe or file it is written whole. */
static int terminal_width(void)
{
	struct winsize size = {0};

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

void batch_init(struct batch *batch, struct client *client, const struct grammar *grammar,
		const struct batch_options *options)
{
	*batch = (struct batch){
		.client = client,
		.grammar = grammar,
		.options = *options,
		.mode = "exec",
		.width = terminal_width(),
	};
}

int batch_exit_code(enum vos_err err, const struct vos_fault *fault,
		    const struct client_status *status)
{
	if (err == VOS_ECLOSED)
		return EXIT_NO_CONNECTION;
	if (err == VOS_EAGAIN)
		return EXIT_TIMED_OUT;
	if (err == VOS_EPERM || fault->code == FAULT_AUTH_ROLE)
		return EXIT_NOT_PERMITTED;
	if (fault->code == FAULT_CONFLICT_GENERATION ||
	    (status && strcmp(status->stage, "commit") == 0))
		return EXIT_COMMIT_REFUSED;
	if (fault->code == FAULT_NOT_FOUND)
		return EXIT_NOT_FOUND;
	return fault->code == FAULT_CONN_LOST ? EXIT_NO_CONNECTION : EXIT_REFUSED;
}

static void to_stderr(struct buf *text)
{
	/* What was printed before stands before. */
	fflush(stdout);
	if (text->len && fwrite(text->data, 1, text->len, stderr) != text->len) {
		/* Nowhere left to say it. */
	}
	buf_free(text);
}

void batch_print_fault(const char *name, const struct vos_fault *fault)
{
	struct buf text = buf_new();

	render_fault_batch(name ? name : "vosctl", fault, true, &text);
	to_stderr(&text);
}

static void write_stdout(void *context, const char *data, size_t len)
{
	struct batch *batch = context;

	if (len && fwrite(data, 1, len, stdout) != len && batch)
		batch->is_unsaved = true;
}

void batch_print_connect(enum output_format format, const struct vos_fault *fault)
{
	const struct output_options options = {.format = format, .write = write_stdout};
	struct buf text = buf_new();
	struct output *output;

	if (output_open(&options, NULL, &output, NULL) == VOS_OK &&
	    output_close(output, NULL, fault, NULL) != VOS_OK) {
		/* Nothing was saved. */
	}
	render_fault_batch("vosctl", fault, true, &text);
	to_stderr(&text);
}

/* Warnings of a line, faults and warnings of a file that is applied. */
static void print_warning(void *context, const struct vos_fault *fault, bool is_error)
{
	const struct batch *batch = context;
	struct vos_fault placed = *fault;
	struct buf text = buf_new();

	if (!placed.line)
		placed.line = batch->line;
	render_fault_batch(batch->name, &placed, is_error, &text);
	to_stderr(&text);
}

static void fail(struct batch *batch, int code, const struct vos_fault *fault)
{
	struct vos_fault placed = *fault;

	if (!placed.line)
		placed.line = batch->line;
	batch_print_fault(batch->name, &placed);
	if (!batch->exit_code)
		batch->exit_code = code;
}

static bool is_write_failed(void *context)
{
	const struct batch *batch = context;

	return batch->is_unsaved;
}

static struct output_options output_options(struct batch *batch)
{
	return (struct output_options){
		.format = batch->options.format,
		.width = batch->width,
		.quiet = batch->options.quiet,
		.write = write_stdout,
		.warn = print_warning,
		.context = batch,
		.info = client_info(batch->client),
	};
}

static void print_help_line(void *context, const struct candidate *candidate)
{
	char line[sizeof(candidate->word) + sizeof(candidate->help) + 80];

	snprintf(line, sizeof(line), "  %-50s %s\n", candidate->word, candidate->help);
	write_stdout(context, line, strlen(line));
}

/* load merge, configure replace: faults have their place in that file, the command's own in ours.
 */
static enum vos_err load_file(struct batch *batch, const struct match *match,
			      const struct client_sink *sink, struct client_status *status,
			      struct vos_fault *fault)
{
	const char *name = batch->name;
	int line = batch->line;
	enum vos_err err;

	/* A file that cannot be read leaves everything as it is. */
	snprintf(status->mode, sizeof(status->mode), "%s", batch->mode);
	status->pending = batch->pending;
	batch->name = match_text(match, "file");
	batch->line = 0;
	err = config_file_load(batch->client, match, batch->mode, batch->options.timeout_ms, sink,
			       status, fault);
	batch->name = name;
	batch->line = line;
	fault->line = 0;
	fault->column = 0;
	return err;
}

static void run_remote(struct batch *batch, const struct match *match, const char *text)
{
	const struct client_request request = {
		.line = text,
		.mode = batch->mode,
		.yes = batch->options.yes,
		.batch = true,
		.file = batch->name,
		.number = batch->line,
		.timeout_ms = batch->options.timeout_ms,
	};
	struct output_options options = output_options(batch);
	struct client_status status = {0};
	struct vos_fault fault = {0};
	struct vos_fault saving = {0};
	struct output *output;
	enum vos_err err;

	/* Who follows wants to see each line when it comes, and not for ever on a full disk. */
	if (match && match->command == COMMAND_TEST_SIP_OPTIONS)
		setvbuf(stdout, NULL, _IOLBF, 0);
	if (output_is_followed(match)) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		options.is_cancelled = is_write_failed;
	}
	err = output_open(&options, match, &output, &fault);
	if (err) {
		fail(batch, EXIT_REFUSED, &fault);
		return;
	}
	err = match && config_file_is_load(match)
		      ? load_file(batch, match, output_sink(output), &status, &fault)
		      : client_exec(batch->client, &request, output_sink(output), &status, &fault);
	if (output_close(output, &status, err ? &fault : NULL, &saving) != VOS_OK)
		fail(batch, EXIT_REFUSED, &saving);
	if (err)
		fail(batch, batch_exit_code(err, &fault, &status), &fault);
	if (err == VOS_OK || err == VOS_EINVAL) {
		snprintf(batch->mode, sizeof(batch->mode), "%s", status.mode);
		batch->pending = status.pending;
		batch->is_closing = status.is_closing;
	} else {
		batch->is_closing = true;
		batch->pending = 0; /* gone with the connection, which was reported */
	}
}

/* Until a command fails, or a signal ends the program. */
static void run_watch(struct batch *batch, const struct mode *mode, const struct match *match)
{
	const char *line = match_text(match, "show");
	const struct timespec pause = {.tv_sec = atoi(match_text(match, "seconds"))};
	struct match *shown = calloc(1, sizeof(*shown));
	struct vos_fault fault = {0};

	if (!shown)
		return;
	if (!watch_match(batch->grammar, mode, line, shown, &fault))
		fail(batch, EXIT_REFUSED, &fault);
	while (!batch->exit_code && !batch->is_closing && !batch->is_unsaved) {
		run_remote(batch, shown, line);
		if (fflush(stdout) != 0)
			batch->is_unsaved = true;
		else
			nanosleep(&pause, NULL);
	}
	free(shown);
}

/* What the shell would do by itself; settings of a terminal mean nothing here. */
static void run_local(struct batch *batch, const struct match *match)
{
	struct mode mode;

	if (!mode_parse(span_of(batch->mode), &mode))
		return;
	if (match->command == COMMAND_HELP)
		grammar_list(batch->grammar, &mode, client_info(batch->client)->role,
			     print_help_line, batch);
	else if (match->command == COMMAND_WATCH)
		run_watch(batch, &mode, match);
}

bool batch_line(struct batch *batch, const char *name, int line, const char *text)
{
	int before = batch->exit_code;
	struct match *match = calloc(1, sizeof(*match));
	struct vos_fault fault = {0};
	struct mode mode;
	enum vos_err err = VOS_EINVAL;

	if (!match)
		return false;
	batch->name = name;
	batch->line = line;
	if (mode_parse(span_of(batch->mode), &mode))
		err = grammar_match(batch->grammar, &mode, span_of(text), match, &fault);
	if (err == VOS_OK && command_is_local(match->command))
		run_local(batch, match);
	else if (err !=
		 VOS_ENOENT) /* the daemon's parser has the last word on what we cannot read */
		run_remote(batch, err == VOS_OK ? match : NULL, text);
	secret_wipe(match, sizeof(*match));
	free(match);
	if (batch->is_closing)
		return false;
	return batch->exit_code == before || batch->options.keep_going;
}

static void fail_to_read(struct batch *batch, const char *path, int error)
{
	struct vos_fault fault = {0};

	batch->name = NULL;
	fault_set(&fault, FAULT_STATE, 0, "cannot read %s: %s", path, strerror(error));
	fail(batch, EXIT_WRONG_USAGE, &fault);
}

void batch_file(struct batch *batch, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	char *text = NULL;
	size_t cap = 0;
	int line = 0;
	ssize_t len;

	if (!file) {
		fail_to_read(batch, path, errno);
		return;
	}
	while ((len = getline(&text, &cap, file)) >= 0) {
		while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
			text[--len] = '\0';
		if (!batch_line(batch, is_stdin ? "<stdin>" : path, ++line, text))
			break;
	}
	/* A folder can be opened, but not read. */
	if (ferror(file))
		fail_to_read(batch, path, errno);
	free(text);
	if (!is_stdin)
		fclose(file);
}

int batch_end(struct batch *batch)
{
	struct vos_fault fault = {0};

	if (batch->pending) {
		fault_set(&fault, FAULT_STATE, 0,
			  "%d change%s not committed and %s discarded; end the block with commit",
			  batch->pending, batch->pending == 1 ? " was" : "s were",
			  batch->pending == 1 ? "is" : "are");
		fail(batch, EXIT_REFUSED, &fault);
	}
	if (fflush(stdout) != 0 || batch->is_unsaved) {
		batch->name = NULL;
		batch->line = 0;
		fault_set(&fault, FAULT_STATE, 0, "cannot write to standard output");
		fail(batch, EXIT_REFUSED, &fault);
	}
	return batch->exit_code;
}
