/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug"};
/* Priorities of syslog(3), as sd-daemon(3) wants them in front of a line. */
static const int level_priority[] = {3, 4, 5, 6, 7};

void log_open(struct log *log, enum log_level threshold)
{
	log->fd = STDERR_FILENO;
	log->threshold = threshold;
	log->is_journal = getenv("JOURNAL_STREAM") != NULL;
}

bool log_level_parse(const char *word, enum log_level *out)
{
	for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(level_names[i], word) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_set_threshold(struct log *log, enum log_level threshold)
{
	__atomic_store_n(&log->threshold, threshold, __ATOMIC_RELAXED);
}

void log_write(const struct log *log, enum log_level level, const char *subsystem,
	       const char *format, ...)
{
	char line[1024];
	char stamp[CLOCK_TEXT_MAX];
	va_list args;
	int len;
	int more;

	if (!log || level > __atomic_load_n(&log->threshold, __ATOMIC_RELAXED))
		return;
	if (log->is_journal)
		len = snprintf(line, sizeof(line), "<%d>%s: ", level_priority[level], subsystem);
	else
		len = snprintf(line, sizeof(line),
			       "%s %s %s: ", clock_print_utc(clock_wall_ms(), stamp),
			       level_names[level], subsystem);
	va_start(args, format);
	more = vsnprintf(line + len, sizeof(line) - (size_t)len - 1, format, args);
	va_end(args);
	if (more < 0)
		return;
	len += more;
	if ((size_t)len > sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	line[len++] = '\n';
	if (write(log->fd, line, (size_t)len) < 0)
		return; /* nowhere left to say it */
}
