/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log_ring.h"

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug"};
/* Priorities of syslog(3), as sd-daemon(3) wants them in front of a line. */
static const int level_priority[] = {3, 4, 5, 6, 7};

void log_open(struct log *log, enum log_level threshold)
{
	log->fd = STDERR_FILENO;
	log->threshold = threshold;
	log->is_journal = getenv("JOURNAL_STREAM") != NULL;
	log->ring = NULL;
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
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
	int64_t now_ms;
	va_list args;
	int head;
	int len;

	if (!log || level > __atomic_load_n(&log->threshold, __ATOMIC_RELAXED))
		return;
	now_ms = clock_wall_ms();
	if (log->is_journal)
		head = snprintf(line, sizeof(line), "<%d>%s: ", level_priority[level], subsystem);
	else
		head = snprintf(line, sizeof(line), "%s %s %s: ", clock_print_utc(now_ms, stamp),
				level_names[level], subsystem);
	va_start(args, format);
	len = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, format, args);
	va_end(args);
	if (len < 0)
		return;
	len += head;
	if ((size_t)len > sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	if (log->ring)
		log_ring_add(log->ring, now_ms, (int)level, subsystem, line + head,
			     (size_t)(len - head));
	line[len++] = '\n';
	if (write(log->fd, line, (size_t)len) < 0)
		return; /* nowhere left to say it */
}
