/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Proportional prefixes (behaviour B2): which share of the calls of a mapping gateway is looked up
 * with which prefix. */
#include "switchd/conf/conf_rules.h"

enum vos_err conf_prefixing_build(struct conf_rules *rules, const struct object *object,
				  enum field_id field, struct conf_prefixing *out)
{
	size_t given = object_list_count(object, field);
	struct weighted_prefix *rows = arena_alloc(&rules->arena, (given + 1) * sizeof(*rows));

	if (!rows)
		return VOS_ENOMEM;
	*out = (struct conf_prefixing){.rows = rows};
	for (size_t i = 0; i < given; i++) {
		const char *text = object_list_at(object, field, i)->text;

		/* The catalogue lets nothing else in. */
		if (weighted_prefix_parse(span_of(text), &rows[out->count]))
			out->weight += rows[out->count++].weight;
	}
	return VOS_OK;
}

struct span conf_prefixing_pick(const struct conf_prefixing *prefixing, conf_random_fn *random,
				void *context)
{
	uint64_t left = prefixing->weight ? random(context, prefixing->weight) : 0;

	for (size_t i = 0; i < prefixing->count; i++) {
		if (left < prefixing->rows[i].weight)
			return prefixing->rows[i].prefix;
		left -= prefixing->rows[i].weight;
	}
	return SPAN_NONE;
}
