/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/catalog/weighted_prefix.h"

#include <string.h>

static bool is_prefix(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr(i ? "0123456789*#" : "0123456789*#+", text.ptr[i]))
			return false;
	return text.len <= WEIGHTED_PREFIX_LEN_MAX;
}

bool weighted_prefix_parse(struct span text, struct weighted_prefix *out)
{
	size_t colon = span_find(text, ':');
	uint64_t weight;

	if (colon == text.len ||
	    !span_to_u64((struct span){text.ptr, colon}, WEIGHTED_PREFIX_WEIGHT_MAX, &weight) ||
	    weight == 0)
		return false;
	*out = (struct weighted_prefix){(uint32_t)weight,
					{text.ptr + colon + 1, text.len - colon - 1}};
	return is_prefix(out->prefix);
}
