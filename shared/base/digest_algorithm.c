/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/digest_algorithm.h"

struct row {
	const char *name;
	struct span word;
};

#define ROW(name, word)                        \
	{                                      \
		name,                          \
		{                              \
			word, sizeof(word) - 1 \
		}                              \
	}

static const struct row ROWS[DIGEST_ALGORITHM_COUNT] = {
	[DIGEST_SHA256] = ROW("SHA-256", "sha-256"),
	[DIGEST_SHA256_SESS] = ROW("SHA-256-sess", "sha-256-sess"),
	[DIGEST_MD5] = ROW("MD5", "md5"),
	[DIGEST_MD5_SESS] = ROW("MD5-sess", "md5-sess"),
};

const char *digest_algorithm_name(enum digest_algorithm algorithm)
{
	return ROWS[algorithm].name;
}

enum digest_algorithm digest_algorithm_find(struct span name)
{
	for (int i = 0; i < DIGEST_ALGORITHM_COUNT; i++)
		if (name.len == ROWS[i].word.len && span_ieq(name, ROWS[i].word))
			return (enum digest_algorithm)i;
	return DIGEST_ALGORITHM_COUNT;
}

static bool is_between(char c)
{
	return c == ' ' || c == ',';
}

bool digest_algorithms_parse(struct span text, unsigned *set)
{
	unsigned found = 0;
	size_t at = 0;

	while (at < text.len) {
		enum digest_algorithm algorithm;
		size_t start;

		if (is_between(text.ptr[at])) {
			at++;
			continue;
		}
		start = at;
		while (at < text.len && !is_between(text.ptr[at]))
			at++;
		algorithm = digest_algorithm_find((struct span){text.ptr + start, at - start});
		if (algorithm == DIGEST_ALGORITHM_COUNT || (found & DIGEST_BIT(algorithm)))
			return false;
		found |= DIGEST_BIT(algorithm);
	}
	if (!found)
		return false;
	*set = found;
	return true;
}

void digest_algorithms_print(unsigned set, struct buf *out)
{
	const char *between = "";

	for (int i = 0; i < DIGEST_ALGORITHM_COUNT; i++) {
		if (!(set & DIGEST_BIT(i)))
			continue;
		buf_add_str(out, between);
		buf_add_span(out, ROWS[i].word);
		between = ",";
	}
}
