/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/conf/conf_numbers.h"

#include <stdlib.h>

/* --- Sets of numbers. --- */

/* Where the number is, or the free slot at which it would be. */
static size_t slot_of(const struct conf_number_group *group, struct span number)
{
	size_t mask = group->slot_count - 1;
	size_t at = hash_lookup(&group->key, number.ptr, number.len) & mask;

	while (group->slots[at] && !span_eq(span_of(group->numbers[group->slots[at] - 1]), number))
		at = (at + 1) & mask;
	return at;
}

static enum vos_err build_group(struct conf_number_group *group, struct arena *arena,
				const struct object *object)
{
	size_t count = object_list_count(object, FIELD_NUMBER_GROUP_NUMBER);
	const char **numbers = arena_alloc(arena, (count + 1) * sizeof(*numbers));
	uint32_t *slots;

	group->slot_count = 16;
	while (group->slot_count < count * 2)
		group->slot_count *= 2;
	slots = arena_alloc(arena, group->slot_count * sizeof(*slots));
	if (!numbers || !slots)
		return VOS_ENOMEM;
	group->numbers = numbers;
	group->slots = slots;
	group->count = count;
	hash_key_random(&group->key);
	for (size_t i = 0; i < count; i++) {
		numbers[i] = object_list_at(object, FIELD_NUMBER_GROUP_NUMBER, i)->text;
		slots[slot_of(group, span_of(numbers[i]))] = (uint32_t)i + 1;
	}
	return VOS_OK;
}

enum vos_err conf_number_groups_build(struct conf_number_groups *groups, struct arena *arena,
				      const struct snapshot *snapshot, struct live_table *live)
{
	size_t count = snapshot_object_count(snapshot, OBJECT_NUMBER_GROUP);
	bool in_turn = snapshot_number(snapshot, PARAM_FORWARD_SIGNAL_REWRITE_SEQUENCE) ==
		       WORD_POOL_ORDER_POLL;

	groups->list = arena_alloc(arena, (count + 1) * sizeof(*groups->list));
	if (!groups->list)
		return VOS_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct object *object = snapshot_object_at(snapshot, OBJECT_NUMBER_GROUP, i);
		struct conf_number_group *group = &groups->list[groups->count++];

		group->name = object_key(object);
		group->in_turn = in_turn;
		group->turn = live_get(live, LIVE_NUMBER_GROUP, group->name);
		if (!group->turn || build_group(group, arena, object) != VOS_OK)
			return VOS_ENOMEM;
	}
	return VOS_OK;
}

static int compare_group(const void *key, const void *row)
{
	return strcmp(key, ((const struct conf_number_group *)row)->name);
}

const struct conf_number_group *conf_number_group_find(const struct conf_number_groups *groups,
						       const char *name)
{
	return bsearch(name, groups->list, groups->count, sizeof(*groups->list), compare_group);
}

bool conf_number_group_has(const struct conf_number_group *group, const char *number)
{
	return group->slots[slot_of(group, span_of(number))] != 0;
}

const char *conf_number_group_take(const struct conf_number_group *group, conf_random_fn *random,
				   void *context)
{
	if (group->count == 0)
		return NULL;
	if (group->in_turn)
		return group->numbers[atomic_fetch_add(&group->turn->attempts, 1) % group->count];
	return group->numbers[random(context, group->count)];
}

/* --- Rules on one number. --- */

static bool is_denied(const struct object *object, enum field_id rule)
{
	return rule != FIELD_COUNT && object_field(object, rule)->number == WORD_ALLOW_DENY_DENY;
}

static size_t count_of(const struct object *object, enum field_id list)
{
	return list == FIELD_COUNT ? 0 : object_list_count(object, list);
}

enum vos_err conf_number_rule_build(const struct conf_number_groups *groups, struct arena *arena,
				    const struct object *object,
				    const struct conf_number_fields *fields,
				    struct conf_number_rule *out)
{
	size_t prefix_count = count_of(object, fields->prefixes);
	size_t group_count = count_of(object, fields->groups);
	const char **prefixes = arena_alloc(arena, (prefix_count + 1) * sizeof(*prefixes));
	const struct conf_number_group **list =
		arena_alloc(arena, (group_count + 1) * sizeof(const struct conf_number_group *));

	if (!prefixes || !list)
		return VOS_ENOMEM;
	*out = (struct conf_number_rule){
		.is_deny = is_denied(object, fields->rule),
		.prefixes = prefixes,
		.prefix_count = prefix_count,
		.groups_are_denied = is_denied(object, fields->group_rule),
		.groups = list,
	};
	for (size_t i = 0; i < prefix_count; i++)
		prefixes[i] = object_list_at(object, fields->prefixes, i)->text;
	for (size_t i = 0; i < count_of(object, fields->lengths); i++)
		out->lengths |= UINT64_C(1) << object_list_at(object, fields->lengths, i)->number;
	for (size_t i = 0; i < group_count; i++) {
		const char *name = object_list_at(object, fields->groups, i)->text;

		list[out->group_count] = conf_number_group_find(groups, name);
		out->group_count += list[out->group_count] != NULL; /* checked at commit */
	}
	return VOS_OK;
}

static bool begins(const char *number, struct span prefix)
{
	return strncmp(number, prefix.ptr, prefix.len) == 0;
}

enum conf_number_verdict conf_number_check(const struct conf_number_rule *rule, const char *number)
{
	size_t len = strlen(number);
	bool has_prefix = false;
	bool is_member = false;

	if (rule->lengths && (len > 63 || !(rule->lengths >> len & 1)))
		return CONF_NUMBER_LENGTH;
	for (size_t i = 0; i < rule->prefix_count && !has_prefix; i++)
		has_prefix = begins(number, span_of(rule->prefixes[i]));
	if (rule->prefix_count && has_prefix == rule->is_deny)
		return CONF_NUMBER_PREFIX;
	for (size_t i = 0; i < rule->group_count && !is_member; i++)
		is_member = conf_number_group_has(rule->groups[i], number);
	if (rule->group_count && is_member == rule->groups_are_denied)
		return CONF_NUMBER_GROUP;
	return CONF_NUMBER_OK;
}

/* --- Rules on both. --- */

enum vos_err conf_pair_rule_build(struct arena *arena, const struct object *object,
				  enum field_id rule, enum field_id pairs,
				  struct conf_pair_rule *out)
{
	size_t given = object_list_count(object, pairs);
	struct conf_pair *list = arena_alloc(arena, (given + 1) * sizeof(*list));

	if (!list)
		return VOS_ENOMEM;
	*out = (struct conf_pair_rule){.is_deny = is_denied(object, rule), .pairs = list};
	for (size_t i = 0; i < given; i++) {
		struct span text = span_of(object_list_at(object, pairs, i)->text);

		/* The catalogue lets nothing else in. */
		if (number_pair_parse(text, &list[out->count].caller, &list[out->count].callee))
			out->count++;
	}
	return VOS_OK;
}

bool conf_pair_check(const struct conf_pair_rule *rule, const char *caller, const char *callee)
{
	bool fits = false;

	for (size_t i = 0; i < rule->count && !fits; i++)
		fits = begins(caller, rule->pairs[i].caller) &&
		       begins(callee, rule->pairs[i].callee);
	return rule->count == 0 || fits != rule->is_deny;
}
