/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Append-only byte buffer, growable or over fixed memory.
 *
 * Errors are sticky: after a failed append (out of memory, or the fixed room is used up) `failed`
 * is set, further appends do nothing, and the caller checks once at the end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/span.h"

struct buf {
	char *data; /* not terminated; buf_cstr() terminates */
	size_t len;
	size_t cap;
	bool is_fixed;
	bool failed;
};

/* Growable, empty; nothing is allocated until the first append. Free with buf_free(). */
static inline struct buf buf_new(void)
{
	return (struct buf){0};
}

/* Writes into the caller's memory, never beyond cap. */
static inline struct buf buf_over(char *memory, size_t cap)
{
	return (struct buf){.data = memory, .cap = cap, .is_fixed = true};
}

void buf_free(struct buf *buf);
void buf_reset(struct buf *buf);
bool buf_grow(struct buf *buf, size_t more);
void buf_add_slow(struct buf *buf, const char *data, size_t len);
void buf_add_u64(struct buf *buf, uint64_t number);
void buf_add_i64(struct buf *buf, int64_t number);
void buf_add_hex(struct buf *buf, const uint8_t *bytes, size_t len);
void buf_printf(struct buf *buf, const char *format, ...) VOS_PRINTF(2, 3);
/* Terminates without counting the NUL; "" when nothing was appended or it failed. */
const char *buf_cstr(struct buf *buf);
/* Drops the first len bytes. */
void buf_consume(struct buf *buf, size_t len);

/* Room for so many more bytes behind what is there. */
static inline bool buf_reserve(struct buf *buf, size_t more)
{
	return (!buf->failed && buf->cap - buf->len >= more) || buf_grow(buf, more);
}

static inline void buf_add(struct buf *buf, const char *data, size_t len)
{
	if (len && !buf->failed && buf->cap - buf->len >= len) {
		memcpy(buf->data + buf->len, data, len);
		buf->len += len;
	} else if (len) {
		buf_add_slow(buf, data, len);
	}
}

static inline void buf_add_span(struct buf *buf, struct span s)
{
	buf_add(buf, s.ptr, s.len);
}

static inline void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

static inline void buf_add_str(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

/* String literal: length known at compile time. */
#define buf_add_lit(buf, literal) buf_add((buf), (literal), sizeof(literal) - 1)

static inline struct span buf_span(const struct buf *buf)
{
	return (struct span){buf->data, buf->len};
}
