/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal as a place for output: its size, and a page at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "vosctl/shell/input.h"

struct screen {
	struct input *input; /* tells of Ctrl-C */
	int length;          /* terminal length: lines a page, 0 = no paging, -1 = the screen's */
	int width;           /* terminal width: -1 = the screen's, 0 = no limit */
	bool is_unpaged;     /* this output */
	bool is_quit;        /* q was pressed: the rest is thrown away */
	int lines_left;      /* of this page */
	int column;          /* where the cursor stands, for lines longer than the screen */
};

int screen_rows(const struct screen *screen);
/* 0 = no limit. */
int screen_columns(const struct screen *screen);
void screen_begin(struct screen *screen, bool is_unpaged);
/* Writes, and stops for a key at the end of a page. */
void screen_write(struct screen *screen, const char *data, size_t len);
bool screen_is_cancelled(const struct screen *screen);
