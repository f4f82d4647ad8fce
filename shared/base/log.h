/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines with a level, to stderr or the journal.
 *
 * Lines to stderr start with "<N>" (sd-daemon(3)) when the output is the journal's stream, else
 * with the time. Thread-safe: one write(2) a line. Not for the message or packet path. */
#pragma once

#include <stdbool.h>

#include "shared/base/err.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

struct log_ring;

struct log {
	int fd;
	enum log_level threshold;
	bool is_journal;       /* fd is connected to systemd's journal */
	struct log_ring *ring; /* keeps the newest lines too; NULL = none */
};

/* Takes stderr; is_journal from $JOURNAL_STREAM; no ring. */
void log_open(struct log *log, enum log_level threshold);
/* May be called while other threads log. */
void log_set_threshold(struct log *log, enum log_level threshold);
void log_write(const struct log *log, enum log_level level, const char *subsystem,
	       const char *format, ...) VOS_PRINTF(4, 5);
/* "error", "warning", "notice", "info", "debug" */
const char *log_level_name(enum log_level level);

#define log_error(log, subsystem, ...) log_write((log), LOG_LEVEL_ERROR, (subsystem), __VA_ARGS__)
#define log_warning(log, subsystem, ...) \
	log_write((log), LOG_LEVEL_WARNING, (subsystem), __VA_ARGS__)
#define log_notice(log, subsystem, ...) log_write((log), LOG_LEVEL_NOTICE, (subsystem), __VA_ARGS__)
#define log_info(log, subsystem, ...)   log_write((log), LOG_LEVEL_INFO, (subsystem), __VA_ARGS__)
#define log_debug(log, subsystem, ...)  log_write((log), LOG_LEVEL_DEBUG, (subsystem), __VA_ARGS__)
