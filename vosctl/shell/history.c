/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of lines typed before. Every line is appended with one write(2) to a file opened for it
 * alone, so a file that another shell has trimmed meanwhile is picked up. */
#include "vosctl/shell/history.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"

#define FILE_LINES_MAX (2 * HISTORY_LINES_MAX) /* the file is cut back when it has more */

struct shell_history {
	char *path; /* NULL: memory only */
	char *lines[HISTORY_LINES_MAX];
	size_t count;
};

/* Regular, ours, and for nobody else to read; -1 when it is not so and cannot be made so. */
static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	struct stat info;

	if (fd < 0)
		return -1;
	if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != geteuid() ||
	    ((info.st_mode & 077) && fchmod(fd, 0600) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

void shell_history_add_unsaved(struct shell_history *history, const char *line)
{
	char *copy;

	if (history->count && strcmp(history->lines[history->count - 1], line) == 0)
		return;
	copy = strdup(line);
	if (!copy)
		return;
	if (history->count == HISTORY_LINES_MAX) {
		free(history->lines[0]);
		memmove(history->lines, history->lines + 1,
			sizeof(history->lines[0]) * (HISTORY_LINES_MAX - 1));
		history->count--;
	}
	history->lines[history->count++] = copy;
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t done = write(fd, data, len);

		if (done < 0)
			return false;
		data += done;
		len -= (size_t)done;
	}
	return true;
}

/* A new file in place of the long one: whoever appends to the old one meanwhile loses that line
 * only. */
static void trim_file(const struct shell_history *history)
{
	struct buf text = buf_new();
	struct buf temporary = buf_new();
	int fd;

	for (size_t i = 0; i < history->count; i++) {
		buf_add_str(&text, history->lines[i]);
		buf_add_char(&text, '\n');
	}
	buf_printf(&temporary, "%s.%ld", history->path, (long)getpid());
	fd = temporary.failed || text.failed
		     ? -1
		     : open_file(buf_cstr(&temporary), O_WRONLY | O_CREAT | O_EXCL);
	if (fd >= 0) {
		bool is_written = write_all(fd, text.data, text.len);

		close(fd);
		if (!is_written || rename(buf_cstr(&temporary), history->path) != 0)
			unlink(buf_cstr(&temporary));
	}
	buf_free(&text);
	buf_free(&temporary);
}

static void read_file(struct shell_history *history)
{
	int fd = open_file(history->path, O_RDONLY);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	char *line = NULL;
	size_t size = 0;
	size_t count = 0;
	ssize_t len;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((len = getline(&line, &size, file)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = 0;
		count++;
		if (line[0])
			shell_history_add_unsaved(history, line);
	}
	free(line);
	fclose(file);
	if (count > FILE_LINES_MAX)
		trim_file(history);
}

struct shell_history *shell_history_open(const char *path)
{
	struct shell_history *history = calloc(1, sizeof(*history));
	const char *home = getenv("HOME");
	struct buf standard = buf_new();

	if (!history)
		return NULL;
	if (!path && home && home[0] == '/') {
		buf_printf(&standard, "%s/.vosctl_history", home);
		path = buf_cstr(&standard);
	}
	if (path && path[0])
		history->path = strdup(path);
	buf_free(&standard);
	if (history->path)
		read_file(history);
	return history;
}

void shell_history_close(struct shell_history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->count; i++)
		free(history->lines[i]);
	free(history->path);
	free(history);
}

void shell_history_add(struct shell_history *history, const char *line)
{
	bool is_repeated = history->count && strcmp(history->lines[history->count - 1], line) == 0;
	struct buf text = buf_new();
	int fd;

	if (is_repeated)
		return;
	shell_history_add_unsaved(history, line);
	if (!history->path)
		return;
	buf_add_str(&text, line);
	buf_add_char(&text, '\n');
	fd = text.failed ? -1 : open_file(history->path, O_WRONLY | O_CREAT | O_APPEND);
	if (fd >= 0) {
		/* A history that cannot be written is no reason to stop anyone. */
		(void)!write_all(fd, text.data, text.len);
		close(fd);
	}
	buf_free(&text);
}

size_t shell_history_count(const struct shell_history *history)
{
	return history->count;
}

const char *shell_history_at(const struct shell_history *history, size_t index)
{
	return history->lines[index];
}
