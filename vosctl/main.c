/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vosctl(1): options; interactive on a terminal, else batch. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vosctl/batch/batch.h"
#include "vosctl/shell/shell.h"

static const char usage[] =
	"usage: vosctl [-s SOCKET] [-t SECONDS] [-q] [-y]                interactive\n"
	"       vosctl [-s SOCKET] [-j|-J] [-t SECONDS] [-q] [-y] COMMAND...\n"
	"       vosctl [...] -c 'COMMAND' [-c 'COMMAND']... [--keep-going]\n"
	"       vosctl [...] -f FILE [--keep-going]                      - is standard input\n"
	"       vosctl [...] apply FILE [--replace] [--check] [--diff]\n"
	"                         [--confirm MIN] [--comment TEXT]\n"
	"\n"
	"  -s SOCKET     control socket (default $VOSCTL_SOCKET, else /run/switchd/control.sock)\n"
	"  -j, -J        output as one JSON document, or as one JSON object a line\n"
	"  -t SECONDS    longest time for a command\n"
	"  -q            no warnings\n"
	"  -y            answer questions with yes\n"
	"  --keep-going  go on after a command that fails\n"
	"  --version, --help\n"
	"\n"
	"Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no connection, 4 not permitted,\n"
	"5 commit refused, 6 not found, 7 timed out, 10 --diff: different.\n";

#define COMMANDS_MAX        256
#define CONFIRM_MINUTES_MAX 1440

struct arguments {
	const char *socket;
	struct batch_options batch;
	const char *commands[COMMANDS_MAX]; /* of -c */
	int command_count;
	const char *file;
	struct apply_options apply;
	char **words; /* COMMAND... */
	int word_count;
};

enum long_option {
	OPT_KEEP_GOING = 256,
	OPT_VERSION,
	OPT_HELP,
	OPT_REPLACE,
	OPT_CHECK,
	OPT_DIFF,
	OPT_CONFIRM,
	OPT_COMMENT,
};

static const struct option options[] = {
	{"keep-going", no_argument, NULL, OPT_KEEP_GOING},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static const struct option apply_options[] = {
	{"replace", no_argument, NULL, OPT_REPLACE},
	{"check", no_argument, NULL, OPT_CHECK},
	{"diff", no_argument, NULL, OPT_DIFF},
	{"confirm", required_argument, NULL, OPT_CONFIRM},
	{"comment", required_argument, NULL, OPT_COMMENT},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static int wrong_usage(const char *why, const char *what)
{
	fprintf(stderr, "vosctl: %s%s\n%s", why, what, usage);
	return EXIT_WRONG_USAGE;
}

/* Seconds with an optional fraction. */
static bool parse_seconds(const char *text, int *out_ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0) || seconds > 86400)
		return false;
	*out_ms = (int)(seconds * 1000);
	return true;
}

static bool parse_minutes(const char *text, int *out)
{
	char *end;
	long minutes = strtol(text, &end, 10);

	if (end == text || *end || minutes < 1 || minutes > CONFIRM_MINUTES_MAX)
		return false;
	*out = (int)minutes;
	return true;
}

/* apply FILE and its own options, in any order. -1: go on. */
static int parse_apply(int argc, char **argv, struct arguments *out)
{
	int option;

	optind = 0; /* glibc: scan anew */
	while ((option = getopt_long(argc, argv, "", apply_options, NULL)) != -1) {
		switch (option) {
		case OPT_REPLACE:
			out->apply.replace = true;
			break;
		case OPT_CHECK:
			out->apply.check = true;
			break;
		case OPT_DIFF:
			out->apply.diff = true;
			break;
		case OPT_CONFIRM:
			if (!parse_minutes(optarg, &out->apply.confirm_minutes))
				return wrong_usage("--confirm takes 1 to 1440 minutes, not ",
						   optarg);
			break;
		case OPT_COMMENT:
			out->apply.comment = optarg;
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			return EXIT_DONE;
		default:
			fputs(usage, stderr);
			return EXIT_WRONG_USAGE;
		}
	}
	if (argc - optind != 1)
		return wrong_usage("apply takes one file", "");
	out->apply.path = argv[optind];
	return -1;
}

/* -1: go on; else the exit code. */
static int parse_option(int option, struct arguments *out)
{
	switch (option) {
	case 's':
		out->socket = optarg;
		return -1;
	case 'j':
		out->batch.format = OUTPUT_JSON;
		return -1;
	case 'J':
		out->batch.format = OUTPUT_NDJSON;
		return -1;
	case 't':
		if (!parse_seconds(optarg, &out->batch.timeout_ms))
			return wrong_usage("not a number of seconds: ", optarg);
		return -1;
	case 'q':
		out->batch.quiet = true;
		return -1;
	case 'y':
		out->batch.yes = true;
		return -1;
	case 'c':
		if (out->command_count == COMMANDS_MAX)
			return wrong_usage("too many -c", "");
		out->commands[out->command_count++] = optarg;
		return -1;
	case 'f':
		out->file = optarg;
		return -1;
	case OPT_KEEP_GOING:
		out->batch.keep_going = true;
		return -1;
	case OPT_VERSION:
		puts("vosctl " VOS_VERSION);
		return EXIT_DONE;
	case OPT_HELP:
		fputs(usage, stdout);
		return EXIT_DONE;
	default:
		fputs(usage, stderr);
		return EXIT_WRONG_USAGE;
	}
}

/* `show phones -j`: the form at the end, where many tools take it too. No command ends so. */
static void take_last_format(struct arguments *out)
{
	const char *last = out->word_count > 1 ? out->words[out->word_count - 1] : "";

	if (strcmp(last, "-j") == 0)
		out->batch.format = OUTPUT_JSON;
	else if (strcmp(last, "-J") == 0)
		out->batch.format = OUTPUT_NDJSON;
	else
		return;
	out->word_count--;
}

static int parse_arguments(int argc, char **argv, struct arguments *out)
{
	int option;
	int code;

	*out = (struct arguments){.socket = client_default_path()};
	/* "+": what follows the first word belongs to the command. */
	while ((option = getopt_long(argc, argv, "+s:jJt:qyc:f:", options, NULL)) != -1) {
		code = parse_option(option, out);
		if (code >= 0)
			return code;
	}
	out->words = argv + optind;
	out->word_count = argc - optind;
	if ((out->word_count > 0) + (out->command_count > 0) + (out->file != NULL) > 1)
		return wrong_usage("give a command, -c or -f, one of them", "");
	if (out->word_count > 0 && strcmp(out->words[0], "apply") == 0) {
		char **words = out->words;
		int count = out->word_count;

		out->word_count = 0;
		return parse_apply(count, words, out);
	}
	take_last_format(out);
	return -1;
}

/* One argument is a line as it stands; of several, those that need it are quoted. */
static void join_words(const struct arguments *arguments, struct buf *line)
{
	for (int i = 0; i < arguments->word_count; i++) {
		const char *word = arguments->words[i];

		if (i)
			buf_add_char(line, ' ');
		if (arguments->word_count == 1 || (*word && !strpbrk(word, " \t\"\\"))) {
			buf_add_str(line, word);
			continue;
		}
		buf_add_char(line, '"');
		for (; *word; word++) {
			if (*word == '"' || *word == '\\')
				buf_add_char(line, '\\');
			buf_add_char(line, *word);
		}
		buf_add_char(line, '"');
	}
}

static int run_batch(const struct arguments *arguments, struct client *client,
		     const struct grammar *grammar)
{
	struct buf line = buf_new();
	struct batch batch;

	batch_init(&batch, client, grammar, &arguments->batch);
	if (arguments->apply.path)
		return batch_apply(&batch, &arguments->apply);
	if (arguments->word_count) {
		join_words(arguments, &line);
		batch_line(&batch, "command", 1, buf_cstr(&line));
		buf_free(&line);
	} else if (arguments->command_count) {
		for (int i = 0; i < arguments->command_count; i++)
			if (!batch_line(&batch, "-c", i + 1, arguments->commands[i]))
				break;
	} else {
		batch_file(&batch, arguments->file ? arguments->file : "-");
	}
	return batch_end(&batch);
}

static bool is_interactive(const struct arguments *arguments)
{
	return !arguments->word_count && !arguments->command_count && !arguments->file &&
	       !arguments->apply.path && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static int run_shell(const struct arguments *arguments, struct client *client)
{
	const struct shell_options options_of_shell = {
		.timeout_ms = arguments->batch.timeout_ms,
		.yes = arguments->batch.yes,
		.quiet = arguments->batch.quiet,
	};

	return shell_run(client, &options_of_shell);
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	struct vos_fault fault = {0};
	struct grammar *grammar;
	struct client *client;
	enum vos_err err;
	int code = parse_arguments(argc, argv, &arguments);

	if (code >= 0)
		return code;
	err = client_connect(arguments.socket, arguments.batch.timeout_ms, &client, &fault);
	if (err) {
		batch_print_connect(arguments.batch.format, &fault);
		return batch_exit_code(err, &fault, NULL);
	}
	grammar = grammar_create();
	if (!grammar) {
		fputs("vosctl: out of memory\n", stderr);
		client_close(client);
		return EXIT_REFUSED;
	}
	if (!arguments.batch.quiet && !is_interactive(&arguments) &&
	    strcmp(grammar_hash(grammar), client_info(client)->grammar) != 0)
		fprintf(stderr,
			"vosctl: warning: switchd %s has another command language; its parser "
			"decides\n",
			client_info(client)->version);
	code = is_interactive(&arguments) ? run_shell(&arguments, client)
					  : run_batch(&arguments, client, grammar);
	grammar_destroy(grammar);
	client_close(client);
	return code;
}
