/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that is not interactive: commands of the arguments, of -c, of a file or standard
 * input, and apply. No prompt, no colour, no question; results to stdout, faults to stderr (shell
 * contract, 8). */
#pragma once

#include "vosctl/client.h"
#include "vosctl/render/output.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_WRONG_USAGE = 2,
	EXIT_NO_CONNECTION = 3,
	EXIT_NOT_PERMITTED = 4,
	EXIT_COMMIT_REFUSED = 5,
	EXIT_NOT_FOUND = 6,
	EXIT_TIMED_OUT = 7,
	EXIT_DIFFERENT = 10,
};

struct batch_options {
	enum output_format format;
	int timeout_ms; /* of a command; 0 = none */
	bool quiet;
	bool yes;
	bool keep_going;
};

struct batch {
	struct client *client;
	const struct grammar *grammar;
	struct batch_options options;
	char mode[MODE_KEY_MAX + 48];
	int pending;      /* changes that nobody committed yet */
	bool is_closing;  /* exit was read */
	int exit_code;    /* of the first command that failed */
	const char *name; /* of the file, for faults */
	int line;
	bool is_unsaved; /* a write to stdout failed */
	int width;       /* of the terminal that stdout is, else 0 */
};

void batch_init(struct batch *batch, struct client *client, const struct grammar *grammar,
		const struct batch_options *options);
/* Runs one line; false when the batch ends here. */
bool batch_line(struct batch *batch, const char *name, int line, const char *text);
/* Lines of a file, "-" is standard input. */
void batch_file(struct batch *batch, const char *path);
/* Changes left over are a failure. Returns the exit code. */
int batch_end(struct batch *batch);

struct apply_options {
	const char *path;
	const char *comment;
	bool replace;
	bool check;
	bool diff;
	int confirm_minutes; /* 0 = holds without confirmation */
};

int batch_apply(struct batch *batch, const struct apply_options *options);

/* Exit code of a failed call of the client. status may be NULL. */
int batch_exit_code(enum vos_err err, const struct vos_fault *fault,
		    const struct client_status *status);
/* To stderr. Name is the file's, or NULL. */
void batch_print_fault(const char *name, const struct vos_fault *fault);
/* A fault of connecting: there is no batch yet. */
void batch_print_connect(enum output_format format, const struct vos_fault *fault);
