/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The newest log lines, kept in memory for `show logging` and those who follow the log.
 * Thread-safe: a lock is held for one copy of a line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RING_LINES 1000
#define LOG_LINE_TEXT  960 /* a longer message is cut */

struct log_line {
	int64_t time_ms; /* wall time */
	int level;       /* enum log_level */
	char subsystem[24];
	char text[LOG_LINE_TEXT];
};

struct log_ring;

struct log_ring *log_ring_create(void); /* NULL: out of memory or descriptors */
void log_ring_destroy(struct log_ring *ring);
/* Text of len bytes, without newline. */
void log_ring_add(struct log_ring *ring, int64_t time_ms, int level, const char *subsystem,
		  const char *text, size_t len);
/* Number of the next line to come: the first one ever has 0. */
uint64_t log_ring_end(struct log_ring *ring);
/* Copies line *number, or the oldest one that is still held, and moves *number behind it. False: at
 * the end. */
bool log_ring_read(struct log_ring *ring, uint64_t *number, struct log_line *out);

/* For one thread that waits for lines: an eventfd, readable once a line was added after
 * log_ring_watch(true), until log_ring_woken(). However many lines come, it is written once. */
int log_ring_wake_fd(const struct log_ring *ring);
void log_ring_watch(struct log_ring *ring, bool is_watched);
void log_ring_woken(struct log_ring *ring);
