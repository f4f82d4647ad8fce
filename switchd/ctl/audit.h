/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit trail: who changed what, when, with what result. One JSON object a line in
 * STATE/audit.log, which only the daemon's user may read; full files are kept as audit.log.1
 * (newest) to audit.log.3.
 *
 * A thread of its own brings the lines onto the disk within a second, so that nobody waits for it.
 * A disk that is full stops no command: an alarm and the log say so, and again when lines are
 * written anew. All functions belong to one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/log.h"

#define AUDIT_FILE_MAX (4u * 1024u * 1024u)
#define AUDIT_OLD      3 /* full files that are kept */
#define AUDIT_PATH_MAX 480

struct alarms;
struct file_sync;

struct audit {
	const struct log *log;
	struct alarms *alarms;     /* may be NULL */
	struct file_sync *sync;    /* NULL: each line is synced when it is written */
	char path[AUDIT_PATH_MAX]; /* empty: nothing is kept */
	int fd;                    /* -1: to be opened by the next line */
	uint64_t size;
	uint64_t size_max; /* AUDIT_FILE_MAX, less in a test */
	uint64_t lost;     /* lines, since writing failed */
	bool is_torn;      /* the file ends within a line */
};

/* dir NULL: nothing is kept. The audit must not move from here on. */
void audit_open(struct audit *audit, const char *dir, const struct log *log, struct alarms *alarms);
/* Waits until all lines are on the disk. */
void audit_close(struct audit *audit);
/* What switchd does by itself before its control thread runs: one line, kept when this returns. */
void audit_start_act(const char *dir, const struct log *log, const char *what, uint64_t generation);
/* One object, without newline. */
void audit_append(struct audit *audit, struct span line);

/* The newest lines, the oldest of them first. Rotation meanwhile takes nothing away from it. */
struct audit_reader {
	int fds[AUDIT_OLD + 1]; /* oldest first; -1 = none */
	int at;
	uint64_t skip; /* lines before the first one wanted */
	struct buf in;
	size_t in_at;
};

void audit_read_open(struct audit_reader *reader, const struct audit *audit, uint64_t last);
/* The next whole line; false at the end. Points into the reader. */
bool audit_read_next(struct audit_reader *reader, struct span *out);
void audit_read_close(struct audit_reader *reader);
