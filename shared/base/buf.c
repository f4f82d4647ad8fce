/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_free(struct buf *buf)
{
	if (!buf->is_fixed)
		free(buf->data);
	*buf = (struct buf){0};
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

bool buf_grow(struct buf *buf, size_t more)
{
	size_t cap = buf->cap ? buf->cap : 256;
	char *data;

	if (buf->failed)
		return false;
	if (buf->is_fixed || more > SIZE_MAX / 4 || buf->len > SIZE_MAX / 4) {
		buf->failed = true;
		return false;
	}
	while (cap - buf->len < more)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->cap = cap;
	return true;
}

void buf_add_slow(struct buf *buf, const char *data, size_t len)
{
	if (!buf_reserve(buf, len))
		return;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

void buf_add_u64(struct buf *buf, uint64_t number)
{
	size_t count = 1;
	char *at;

	for (uint64_t rest = number; rest >= 10; rest /= 10)
		count++;
	if (!buf_reserve(buf, count))
		return;
	/* Where they are to stand: a copy would wait for the digits written one by one. */
	buf->len += count;
	at = buf->data + buf->len;
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
}

void buf_add_i64(struct buf *buf, int64_t number)
{
	if (number < 0)
		buf_add_char(buf, '-');
	buf_add_u64(buf, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void buf_add_hex(struct buf *buf, const uint8_t *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";

	char *at;

	if (len == 0 || !buf_reserve(buf, 2 * len))
		return;
	at = buf->data + buf->len;
	buf->len += 2 * len;
	for (size_t i = 0; i < len; i++) {
		*at++ = hex[bytes[i] >> 4];
		*at++ = hex[bytes[i] & 15];
	}
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	char small[256];
	int len;

	va_start(args, format);
	len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (len < 0) {
		buf->failed = true;
		return;
	}
	if ((size_t)len < sizeof(small)) {
		buf_add(buf, small, (size_t)len);
		return;
	}
	if (!buf_reserve(buf, (size_t)len + 1))
		return;
	va_start(args, format);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
}

const char *buf_cstr(struct buf *buf)
{
	if (!buf_reserve(buf, 1))
		return "";
	buf->data[buf->len] = '\0';
	return buf->data;
}

void buf_consume(struct buf *buf, size_t len)
{
	if (len >= buf->len) {
		buf->len = 0;
		return;
	}
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
}
