/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file of records: its end, and what is added there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switchd/cdr/files_private.h"

#define FILE_MODE   0640
#define FOLDER_MODE 0750
#define TAIL_BYTES  65536 /* many times the longest line */

/* Where the last whole line ends, of the bytes. */
static size_t whole_lines(struct span bytes)
{
	size_t at = bytes.len;

	while (at && bytes.ptr[at - 1] != '\n')
		at--;
	return at;
}

static uint64_t last_flow(enum cdr_form form, struct span bytes)
{
	size_t from = bytes.len ? bytes.len - 1 : 0;

	while (from && bytes.ptr[from - 1] != '\n')
		from--;
	return cdr_text_flow(form,
			     (struct span){bytes.ptr + from, bytes.len ? bytes.len - 1 - from : 0});
}

static bool cut_tail(int fd, enum cdr_form form, uint64_t *last)
{
	off_t size = lseek(fd, 0, SEEK_END);
	off_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
	char *bytes = malloc(TAIL_BYTES);
	ssize_t got = bytes ? pread(fd, bytes, TAIL_BYTES, from) : -1;
	size_t whole = 0;
	bool is_good = size >= 0 && got >= 0;

	if (is_good)
		whole = whole_lines((struct span){bytes, (size_t)got});
	if (is_good && from + (off_t)whole < size)
		is_good = ftruncate(fd, from + (off_t)whole) == 0;
	if (is_good)
		*last = last_flow(form, (struct span){bytes, whole});
	free(bytes);
	return is_good;
}

int files_open(const char *path, enum cdr_form form, uint64_t *last)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

	*last = 0;
	/* What stands there already counts as written, so it has to be on the disk. */
	if (fd >= 0 && (!cut_tail(fd, form, last) || fsync(fd) != 0)) {
		int code = errno;

		close(fd);
		errno = code;
		return -1;
	}
	return fd;
}

/* Somebody may have removed or moved the file, and what is written then is seen by nobody. */
static bool is_in_place(const struct sink *sink)
{
	struct stat opened;
	struct stat named;

	if (fstat(sink->fd, &opened) != 0 || stat(sink->path, &named) != 0)
		return false;
	if (opened.st_ino == named.st_ino && opened.st_dev == named.st_dev)
		return true;
	errno = ESTALE;
	return false;
}

bool files_append(struct sink *sink, struct span text)
{
	if (!is_in_place(sink))
		return false;
	while (text.len) {
		ssize_t put = write(sink->fd, text.ptr, text.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		text = (struct span){text.ptr + put, text.len - (size_t)put};
	}
	return fsync(sink->fd) == 0 && is_in_place(sink);
}

bool files_sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_good = fd >= 0 && fsync(fd) == 0;
	int code = errno;

	if (fd >= 0)
		close(fd);
	errno = code;
	return is_good;
}

bool files_folder(const struct files_settings *settings)
{
	if (settings->is_own && mkdir(settings->folder, FOLDER_MODE) != 0 && errno != EEXIST)
		return false;
	/* A folder of the operator's is not made: it may be a mount that is missing. */
	return access(settings->folder, W_OK | X_OK) == 0;
}

void files_close(struct sink *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	sink->fd = -1;
}
