/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens while a line is typed: keys, pasted text, signals, the daemon's socket.
 *
 * The terminal is read in blocks and never set to non-blocking. Text between the bracketed-paste
 * marks is collected whole, so that a ? or a TAB in it is text and not a key. Signals are blocked
 * and read from a descriptor; input_unblock lets them through while a command runs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

struct input;

enum input_event {
	INPUT_CHAR,  /* one character in *out */
	INPUT_PASTE, /* pasted text is ready for input_paste_line */
	INPUT_EOF,
	INPUT_RESIZE,
	INPUT_DAEMON, /* the other descriptor is readable or broken */
	INPUT_TIMEOUT,
	INPUT_HANGUP, /* SIGTERM or SIGHUP; input_signal tells which */
};

/* Blocks SIGINT, SIGWINCH, SIGTERM and SIGHUP until input_destroy. NULL: out of resources. */
struct input *input_create(int fd);
void input_destroy(struct input *input);
/* daemon_fd may be -1, timeout_ms -1. */
enum input_event input_wait(struct input *input, int daemon_fd, int timeout_ms, wchar_t *out);

bool input_has_paste(const struct input *input);
/* Next line of the pasted text (owned by input, until the next call) and whether it was ended by a
 * line break; false when there is none left. */
bool input_paste_line(struct input *input, const wchar_t **text, bool *is_ended);
void input_paste_drop(struct input *input);

/* While a command runs: signals interrupt poll(2), and again every second until unblock ends, so
 * that one between a check and poll is not lost. */
void input_unblock(struct input *input);
void input_block(struct input *input);
/* SIGINT came since input_unblock. */
bool input_is_interrupted(const struct input *input);
/* SIGTERM or SIGHUP when one came, else 0. */
int input_signal(const struct input *input);
