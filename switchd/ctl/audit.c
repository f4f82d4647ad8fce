/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/ctl/ctl_private.h"
#include "switchd/ctl/file_sync.h"

#define COMMAND_SHOWN 600 /* bytes of a command in the log */
#define ALARM_WRITE   "audit.log"
#define ALARM_SYNC    "audit.log on disk"
#define READ_PIECE    (64u * 1024u)

static char *old_path(const struct audit *audit, int number, char out[AUDIT_PATH_MAX + 8])
{
	if (number)
		snprintf(out, AUDIT_PATH_MAX + 8, "%s.%d", audit->path, number);
	else
		snprintf(out, AUDIT_PATH_MAX + 8, "%s", audit->path);
	return out;
}

/* A crash may have left half a line; the next one must not continue it. */
static bool ends_in_a_line(int fd, uint64_t size)
{
	char last = '\n';

	return size == 0 || pread(fd, &last, 1, (off_t)size - 1) != 1 || last == '\n';
}

static bool open_file(struct audit *audit)
{
	struct stat info;

	audit->fd = open(audit->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (audit->fd < 0)
		return false;
	if (fstat(audit->fd, &info) != 0 || !S_ISREG(info.st_mode)) {
		close(audit->fd);
		audit->fd = -1;
		errno = EINVAL;
		return false;
	}
	audit->size = (uint64_t)info.st_size;
	audit->is_torn = !ends_in_a_line(audit->fd, audit->size);
	return true;
}

static bool rotate(struct audit *audit)
{
	char from[AUDIT_PATH_MAX + 8];
	char to[AUDIT_PATH_MAX + 8];

	for (int i = AUDIT_OLD; i-- > 0;)
		if (rename(old_path(audit, i, from), old_path(audit, i + 1, to)) != 0 &&
		    errno != ENOENT)
			return false;
	if (audit->sync)
		file_sync_flush(audit->sync);
	close(audit->fd);
	return open_file(audit);
}

/* In the thread that syncs, or in ours. */
static void synced(void *user, int error)
{
	const struct audit *audit = user;

	if (error)
		alarms_raise(audit->alarms, WORD_ALARM_KIND_DISK, ALARM_SYNC,
			     "%s cannot be brought onto the disk: %s; its newest lines may be lost",
			     audit->path, strerror(error));
	else
		alarms_clear(audit->alarms, WORD_ALARM_KIND_DISK, ALARM_SYNC);
}

static void bring_to_disk(struct audit *audit)
{
	if (audit->sync)
		file_sync_mark(audit->sync, audit->fd);
	else
		synced(audit, fdatasync(audit->fd) == 0 ? 0 : errno);
}

static bool write_line(struct audit *audit, struct span line)
{
	struct buf whole = buf_new();
	ssize_t len;
	bool is_done;

	if (audit->fd < 0 && !open_file(audit))
		return false;
	if (audit->size && audit->size + line.len + 1 > audit->size_max && !rotate(audit))
		return false;
	if (audit->is_torn)
		buf_add_char(&whole, '\n');
	buf_add_span(&whole, line);
	buf_add_char(&whole, '\n');
	errno = ENOMEM;
	len = whole.failed ? -1 : write(audit->fd, whole.data, whole.len);
	is_done = len == (ssize_t)whole.len;
	if (len > 0) {
		audit->size += (uint64_t)len;
		audit->is_torn = !is_done;
		if (is_done)
			bring_to_disk(audit);
		else
			errno = ENOSPC;
	}
	buf_free(&whole);
	return is_done;
}

static void cannot_write(struct audit *audit)
{
	const char *why = strerror(errno);

	if (audit->lost++)
		return;
	log_warning(audit->log, "audit", "cannot write %s: %s; commands go on and are only logged",
		    audit->path, why);
	alarms_raise(audit->alarms, WORD_ALARM_KIND_DISK, ALARM_WRITE,
		     "%s cannot be written: %s; commands go on and are only logged", audit->path,
		     why);
}

void audit_open(struct audit *audit, const char *dir, const struct log *log, struct alarms *alarms)
{
	*audit = (struct audit){.log = log, .alarms = alarms, .fd = -1, .size_max = AUDIT_FILE_MAX};
	if (!dir)
		return;
	if (file_sync_start(synced, audit, &audit->sync) != VOS_OK)
		log_warning(log, "audit",
			    "no thread to sync the audit; commands wait for the disk");
	if (snprintf(audit->path, sizeof(audit->path), "%s/audit.log", dir) >=
	    (int)sizeof(audit->path)) {
		audit->path[0] = '\0';
		log_warning(log, "audit", "the path of the state folder is too long; no file");
	} else if (!open_file(audit)) {
		log_warning(log, "audit", "cannot open %s: %s", audit->path, strerror(errno));
	}
}

void audit_close(struct audit *audit)
{
	file_sync_stop(audit->sync);
	audit->sync = NULL;
	if (audit->fd >= 0)
		close(audit->fd);
	audit->fd = -1;
}

void audit_append(struct audit *audit, struct span line)
{
	if (!audit->path[0])
		return;
	if (write_line(audit, line)) {
		if (audit->lost)
			log_warning(audit->log, "audit",
				    "%s is written again; %llu commands are missing in it",
				    audit->path, (unsigned long long)audit->lost);
		if (audit->lost)
			alarms_clear(audit->alarms, WORD_ALARM_KIND_DISK, ALARM_WRITE);
		audit->lost = 0;
	} else {
		cannot_write(audit);
	}
}

/* --- Reading. --- */

static uint64_t count_lines(int fd)
{
	char piece[16384];
	uint64_t count = 0;
	ssize_t len;

	while ((len = read(fd, piece, sizeof(piece))) > 0)
		for (ssize_t i = 0; i < len; i++)
			count += piece[i] == '\n';
	if (lseek(fd, 0, SEEK_SET) != 0)
		return 0;
	return count;
}

void audit_read_open(struct audit_reader *reader, const struct audit *audit, uint64_t last)
{
	uint64_t count = 0;
	char path[AUDIT_PATH_MAX + 8];

	*reader = (struct audit_reader){.in = buf_new()};
	for (int i = 0; i <= AUDIT_OLD; i++)
		reader->fds[i] = -1;
	/* Newest first, as far back as it takes. */
	for (int i = 0; audit->path[0] && i <= AUDIT_OLD && count < last; i++) {
		int fd = open(old_path(audit, i, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		if (fd < 0)
			continue;
		reader->fds[AUDIT_OLD - i] = fd;
		count += count_lines(fd);
	}
	reader->skip = count > last ? count - last : 0;
}

/* More of the present file, or of the next one; false at the end of all. */
static bool read_piece(struct audit_reader *reader)
{
	buf_consume(&reader->in, reader->in_at);
	reader->in_at = 0;
	while (reader->at <= AUDIT_OLD) {
		int fd = reader->fds[reader->at];
		ssize_t len = 0;

		if (fd >= 0 && buf_reserve(&reader->in, READ_PIECE))
			len = read(fd, reader->in.data + reader->in.len, READ_PIECE);
		if (len > 0) {
			reader->in.len += (size_t)len;
			return true;
		}
		reader->at++;
		buf_reset(&reader->in); /* half a line is none */
	}
	return false;
}

bool audit_read_next(struct audit_reader *reader, struct span *out)
{
	for (;;) {
		struct span rest = {reader->in.data + reader->in_at,
				    reader->in.len - reader->in_at};
		size_t at = rest.len ? span_find(rest, '\n') : 0;

		if (at == rest.len) {
			if (!read_piece(reader))
				return false;
			continue;
		}
		reader->in_at += at + 1;
		if (reader->skip) {
			reader->skip--;
			continue;
		}
		*out = (struct span){rest.ptr, at};
		return true;
	}
}

void audit_read_close(struct audit_reader *reader)
{
	for (int i = 0; i <= AUDIT_OLD; i++)
		if (reader->fds[i] >= 0)
			close(reader->fds[i]);
	buf_free(&reader->in);
}

/* --- A command. --- */

/* Session NULL: what switchd does by itself. */
static void append_line(struct audit *audit, const struct session *session, struct span command,
			const char *result, uint64_t generation)
{
	char time[CLOCK_TEXT_MAX];
	json_t *json = json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:s, s:I}", "time",
		clock_print_utc(clock_wall_ms(), time), "user",
		control_text(span_of(session ? session->login : "switchd")), "uid",
		session ? json_integer((json_int_t)session->uid) : json_null(), "session",
		session ? json_integer((json_int_t)session->id) : json_null(), "command",
		control_text(command), "result", result, "generation", (json_int_t)generation);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (text)
		audit_append(audit, span_of(text));
	free(text);
	json_decref(json);
}

static void log_own_act(const struct log *log, const char *what, uint64_t generation)
{
	log_notice(log, "audit", "user=switchd generation=%llu result=ok command=\"%s\"",
		   (unsigned long long)generation, what);
}

void audit_own_act(struct ctl *ctl, const char *what)
{
	uint64_t generation = snapshot_generation(ctl->conf->snapshot);

	append_line(&ctl->audit, NULL, span_of(what), "ok", generation);
	log_own_act(ctl->context.log, what, generation);
}

void audit_start_act(const char *dir, const struct log *log, const char *what, uint64_t generation)
{
	struct audit audit;

	audit_open(&audit, dir, log, NULL);
	append_line(&audit, NULL, span_of(what), "ok", generation);
	audit_close(&audit);
	log_own_act(log, what, generation);
}

void audit_command(const struct request *request, const char *line, const char *result)
{
	const struct session *session = request->session;
	struct ctl *ctl = request->ctl;
	uint64_t generation = snapshot_generation(ctl->conf->snapshot);
	struct buf clean = buf_new();

	append_line(&ctl->audit, session, span_of(line), result, generation);
	/* What was typed must not be able to write lines of its own into the log. */
	for (const char *c = line; *c && clean.len < COMMAND_SHOWN; c++)
		buf_add_char(&clean, (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
	log_notice(ctl->context.log, "audit",
		   "user=%s session=%llu generation=%llu result=%s command=\"%s\"", session->login,
		   (unsigned long long)session->id, (unsigned long long)generation, result,
		   buf_cstr(&clean));
	buf_free(&clean);
}
