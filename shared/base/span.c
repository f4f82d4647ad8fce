/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/span.h"

#include <stdlib.h>

/* By characters: what is compared is short, and mostly differs at the first or is written alike. */
static bool is_alike(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char letter = a[i] | 0x20;

		if (a[i] != b[i] && ((a[i] ^ b[i]) != 0x20 || letter < 'a' || letter > 'z'))
			return false;
	}
	return true;
}

int span_compare(struct span a, struct span b)
{
	size_t least = a.len < b.len ? a.len : b.len;
	int order = least ? memcmp(a.ptr, b.ptr, least) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool span_ieq(struct span a, struct span b)
{
	return a.len == b.len && is_alike(a.ptr, b.ptr, a.len);
}

bool span_istarts_with(struct span s, struct span prefix)
{
	return s.len >= prefix.len && is_alike(s.ptr, prefix.ptr, prefix.len);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
	while (s.len > 0 && is_blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

#define NO_OVERFLOW 19 /* so many decimal digits fit into 64 bits, whatever they are */

bool span_to_u64(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t number = 0;
	size_t at = 0;

	for (; at < s.len && at < NO_OVERFLOW; at++) {
		unsigned digit = (unsigned)(s.ptr[at] - '0');

		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	for (; at < s.len; at++) {
		unsigned digit = (unsigned)(s.ptr[at] - '0');

		if (digit > 9 || number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	if (s.len == 0 || number > max)
		return false;
	*out = number;
	return true;
}

bool span_copy(struct span s, char *out, size_t size)
{
	if (s.len >= size) {
		if (size)
			out[0] = '\0';
		return false;
	}
	if (s.len)
		memcpy(out, s.ptr, s.len);
	out[s.len] = '\0';
	return true;
}

void span_join(struct span a, struct span b, char *out, size_t size)
{
	size_t first = a.len < size ? a.len : size - 1;
	size_t second = b.len < size - first ? b.len : size - first - 1;

	if (first)
		memcpy(out, a.ptr, first);
	if (second)
		memcpy(out + first, b.ptr, second);
	out[first + second] = '\0';
}

char *span_dup(struct span s)
{
	char *copy = malloc(s.len + 1);

	if (!copy)
		return NULL;
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}
