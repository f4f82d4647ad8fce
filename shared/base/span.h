/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text as pointer and length, not terminated. A span never owns what it points at. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *ptr;
	size_t len;
};

#define SPAN_LIT(s) ((struct span){(s), sizeof(s) - 1})
#define SPAN_NONE   ((struct span){NULL, 0})
/* For printf: "%.*s", SPAN_ARG(span). */
#define SPAN_ARG(s) (int)(s).len, (s).ptr

static inline struct span span_of(const char *text)
{
	return (struct span){text, text ? strlen(text) : 0};
}

static inline bool span_is_empty(struct span s)
{
	return s.len == 0;
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* 0..15, or -1 for anything else. */
static inline int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static inline bool span_starts_with(struct span s, struct span prefix)
{
	return s.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

/* Index of the first c, or s.len. */
static inline size_t span_find(struct span s, char c)
{
	const char *hit = s.len ? (const char *)memchr(s.ptr, c, s.len) : NULL;

	return hit ? (size_t)(hit - s.ptr) : s.len;
}

/* ASCII case-insensitive comparison. */
/* The order of strcmp(): below, at or above 0. */
int span_compare(struct span a, struct span b);
bool span_ieq(struct span a, struct span b);
bool span_istarts_with(struct span s, struct span prefix);
/* Without blanks, tabs, CR and LF at both ends. */
struct span span_trim(struct span s);
/* Whole span is decimal digits and the number is at most max. False leaves *out untouched. */
bool span_to_u64(struct span s, uint64_t max, uint64_t *out);
/* Copies with a terminating NUL into out[size]; false when it does not fit (out is then empty). */
bool span_copy(struct span s, char *out, size_t size);
/* One behind the other, as much of them as fits, with a NUL. */
void span_join(struct span a, struct span b, char *out, size_t size);
/* malloc'ed, NUL-terminated copy; NULL when out of memory. */
char *span_dup(struct span s);
