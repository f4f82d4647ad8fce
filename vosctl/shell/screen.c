/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output in pages. The terminal is in its ordinary mode while a command runs; only the wait for a
 * key at the end of a page takes it out of that. */
#include "vosctl/shell/screen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define PAGE_PROMPT "--More-- (space, enter, q)"

int screen_rows(const struct screen *screen)
{
	struct winsize size;

	if (screen->length >= 0)
		return screen->length;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
		return size.ws_row;
	return 24;
}

int screen_columns(const struct screen *screen)
{
	struct winsize size;

	if (screen->width >= 0)
		return screen->width;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

void screen_begin(struct screen *screen, bool is_unpaged)
{
	screen->is_unpaged = is_unpaged;
	screen->is_quit = false;
	screen->column = 0;
	screen->lines_left = screen_rows(screen) - 1;
}

bool screen_is_cancelled(const struct screen *screen)
{
	return screen->is_quit || input_is_interrupted(screen->input);
}

/* One key, unechoed; 'q' when there will be none. The question comes once the echo is off: who is
 * quick would leave his answer on the screen. */
static char read_key(const struct screen *screen)
{
	struct termios before;
	struct termios raw;
	char key = 'q';
	ssize_t got;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return key;
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	fputs(PAGE_PROMPT, stdout);
	fflush(stdout);
	do {
		got = read(STDIN_FILENO, &key, 1);
	} while (got < 0 && errno == EINTR && !input_is_interrupted(screen->input));
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	return got == 1 ? key : 'q';
}

static void end_of_page(struct screen *screen)
{
	char key;

	key = read_key(screen);
	printf("\r%*s\r", (int)strlen(PAGE_PROMPT), "");
	/* Ctrl-C is a key when ? has called us from the line editor. */
	if (key == 'q' || key == 'Q' || key == 3)
		screen->is_quit = true;
	else
		screen->lines_left = key == '\n' || key == '\r' ? 1 : screen_rows(screen) - 1;
}

/* Rows that a line of this many bytes takes; bytes over characters only make a page a little
 * shorter. */
static int rows_of(const struct screen *screen, size_t len)
{
	int columns = screen_columns(screen);

	return columns > 0 && len > (size_t)columns ? (int)((len - 1) / (size_t)columns) + 1 : 1;
}

void screen_write(struct screen *screen, const char *data, size_t len)
{
	bool is_paged = !screen->is_unpaged && screen_rows(screen) > 1;

	while (len && !screen_is_cancelled(screen)) {
		const char *newline = memchr(data, '\n', len);
		size_t part = newline ? (size_t)(newline - data) + 1 : len;

		if (is_paged && screen->lines_left <= 0 && screen->column == 0) {
			end_of_page(screen);
			continue;
		}
		fwrite(data, 1, part, stdout);
		screen->column += (int)part;
		if (newline) {
			screen->lines_left -= rows_of(screen, (size_t)screen->column - 1);
			screen->column = 0;
		}
		data += part;
		len -= part;
	}
}
