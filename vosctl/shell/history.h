/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines typed before, in a file of the user's: one line each, mode 0600, only ever appended to, so
 * that two shells do not overwrite each other. Callers mask secrets before a line gets here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HISTORY_LINES_MAX 2000

struct shell_history;

/* path NULL: $HOME/.vosctl_history; "" keeps lines in memory only. NULL: out of memory. A file that
 * cannot be used is left alone. */
struct shell_history *shell_history_open(const char *path);
void shell_history_close(struct shell_history *history);
/* A line like the last one is not added again. */
void shell_history_add(struct shell_history *history, const char *line);
/* For this run only. */
void shell_history_add_unsaved(struct shell_history *history, const char *line);
size_t shell_history_count(const struct shell_history *history);
const char *shell_history_at(const struct shell_history *history, size_t index); /* 0 = oldest */
