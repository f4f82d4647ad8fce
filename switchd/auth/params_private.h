/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of the parameter lists of credentials and challenges (RFC 3261 section 25.1). Inline:
 * every byte of every credential goes through them. */
#pragma once

#include "shared/base/span.h"

/* token of RFC 3261 25.1, one bit a character: a table, because every byte of every credential goes
 * through it. */
static inline bool auth_is_token(char c)
{
	static const uint32_t TOKEN[4] = {0, 0x03ff6ca2, 0x87fffffe, 0x47ffffff};
	unsigned char u = (unsigned char)c;

	return u < 128 && (TOKEN[u / 32] >> (u % 32) & 1);
}

static inline void auth_skip_blanks(struct span *rest)
{
	while (rest->len && (*rest->ptr == ' ' || *rest->ptr == '\t' || *rest->ptr == '\r' ||
			     *rest->ptr == '\n')) {
		rest->ptr++;
		rest->len--;
	}
}

static inline bool auth_take_char(struct span *rest, char c)
{
	if (!rest->len || *rest->ptr != c)
		return false;
	rest->ptr++;
	rest->len--;
	return true;
}

static inline struct span auth_take_token(struct span *rest)
{
	struct span token = {rest->ptr, 0};

	while (rest->len && auth_is_token(*rest->ptr)) {
		rest->ptr++;
		rest->len--;
		token.len++;
	}
	return token;
}

/* Stands for itself between quotes; the rest is the quote, the backslash and control characters. */
static inline bool auth_is_plain(char c)
{
	static const uint32_t PLAIN[8] = {
		0x00000200, 0xfffffffb, 0xefffffff, 0x7fffffff,
		UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
	};
	unsigned char u = (unsigned char)c;

	return PLAIN[u / 32] >> (u % 32) & 1;
}

/* After the opening quote; false when it does not close or holds a control character. */
static inline bool auth_take_quoted(struct span *rest, struct span *value)
{
	size_t i = 0;

	for (;;) {
		while (i < rest->len && auth_is_plain(rest->ptr[i]))
			i++;
		if (i >= rest->len)
			return false;
		if (rest->ptr[i] == '"')
			break;
		if (rest->ptr[i] != '\\')
			return false;
		i += 2;
	}
	*value = (struct span){rest->ptr, i};
	rest->ptr += i + 1;
	rest->len -= i + 1;
	return true;
}
