/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line editor: everything that libedit does, and the keys of ours. edit.c is the only file that
 * knows libedit. Text is UTF-8 on this side. */
#pragma once

#include "shared/base/buf.h"
#include "vosctl/shell/input.h"

struct edit;

enum edit_result { EDIT_LINE, EDIT_EOF, EDIT_HANGUP };

/* What TAB does at the cursor. */
struct edit_completion {
	size_t replace; /* bytes before the cursor that insert takes the place of */
	char insert[2048];
	bool is_listing; /* nothing to insert: `list` shows what there is */
};

struct edit_hooks {
	void *context;
	/* ? was typed behind `before`: prints its rows at the start of an empty row. */
	void (*help)(void *context, struct span before);
	void (*complete)(void *context, struct span before, struct edit_completion *out);
	void (*list)(void *context); /* prints what the last complete found */
	/* Line to run on Ctrl-Z in place of what is typed; NULL: the key does nothing. */
	const char *(*escape)(void *context);
	int (*daemon_fd)(void *context);
	int (*wait_ms)(void *context); /* -1: no limit */
	/* The daemon's descriptor is readable, or wait_ms is over. */
	void (*idle)(void *context);
};

/* Takes the terminal. NULL: out of memory. */
struct edit *edit_open(struct input *input, const struct edit_hooks *hooks);
void edit_close(struct edit *edit);
/* Takes effect with the next redraw. */
void edit_set_prompt(struct edit *edit, const char *prompt, const char *right);
/* The line without its end goes to out. Ctrl-C starts over with an empty line. */
enum edit_result edit_read(struct edit *edit, struct buf *out);
/* A line for the up arrow. */
void edit_remember(struct edit *edit, const char *line);
/* Prints whole lines above the line being typed, which stays as it is. */
void edit_print_above(struct edit *edit, const char *text);
/* Redraws prompt and line, after edit_set_prompt. */
void edit_redraw(struct edit *edit);
int edit_prompt_width(const struct edit *edit);
