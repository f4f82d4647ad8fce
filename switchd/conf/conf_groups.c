/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gateway groups: lines that several gateways share, of which some are kept back for those members
 * that reserve less. */
#include <stdlib.h>
#include <string.h>

#include "switchd/conf/conf_rules.h"

enum vos_err conf_groups_build(struct conf_rules *rules, const struct snapshot *snapshot,
			       struct live_table *live)
{
	size_t count = snapshot_object_count(snapshot, OBJECT_GATEWAY_GROUP);

	rules->groups = arena_alloc(&rules->arena, (count + 1) * sizeof(*rules->groups));
	if (!rules->groups)
		return VOS_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct object *object = snapshot_object_at(snapshot, OBJECT_GATEWAY_GROUP, i);
		struct conf_group *group = &rules->groups[rules->group_count++];

		*group = (struct conf_group){
			.name = object_key(object),
			.live = live_get(live, LIVE_LINES, object_key(object)),
			.capacity = (uint32_t)object_field(object, FIELD_GATEWAY_GROUP_CAPACITY)
					    ->number,
		};
		if (!group->live)
			return VOS_ENOMEM;
	}
	return VOS_OK;
}

static int compare_group(const void *key, const void *row)
{
	return strcmp(key, ((const struct conf_group *)row)->name);
}

enum vos_err conf_membership_build(struct conf_rules *rules, const struct object *object,
				   enum field_id groups, enum field_id reserve,
				   struct conf_membership *out)
{
	size_t count = object_list_count(object, groups);
	const struct conf_group **list;

	*out = (struct conf_membership){.reserve = (uint32_t)object_field(object, reserve)->number};
	if (count == 0)
		return VOS_OK;
	list = arena_alloc(&rules->arena, count * sizeof(const struct conf_group *));
	if (!list)
		return VOS_ENOMEM;
	out->groups = list;
	for (size_t i = 0; i < count && out->count < CONF_GROUPS_MAX; i++) {
		const char *name = object_list_at(object, groups, i)->text;
		const struct conf_group *group = bsearch(name, rules->groups, rules->group_count,
							 sizeof(*rules->groups), compare_group);

		/* One that is nothing but a name has no lines to count. */
		if (group && group->capacity)
			list[out->count++] = group;
	}
	return VOS_OK;
}

/* Lines of the group that a member with that reserve may come to; 0: none ever. */
static uint32_t reach(const struct conf_group *group, uint32_t reserve)
{
	uint32_t kept = reserve > 1 ? reserve - 1 : 0;

	return group->capacity > kept ? group->capacity - kept : 0;
}

static enum conf_group_verdict why_not(const struct conf_group *group, uint64_t now_us)
{
	return live_would_admit(group->live, group->capacity, 0, now_us) == LIVE_OK
		       ? CONF_GROUP_RESERVED
		       : CONF_GROUP_FULL;
}

enum conf_group_verdict conf_groups_would_admit(const struct conf_membership *membership,
						uint64_t now_us)
{
	for (size_t i = 0; i < membership->count; i++) {
		const struct conf_group *group = membership->groups[i];
		uint32_t most = reach(group, membership->reserve);

		if (most == 0 || live_would_admit(group->live, most, 0, now_us) != LIVE_OK)
			return why_not(group, now_us);
	}
	return CONF_GROUP_OK;
}

enum conf_group_verdict conf_groups_take(const struct conf_membership *membership,
					 struct live *lines[], size_t *count, uint64_t now_us)
{
	for (*count = 0; *count < membership->count; ++*count) {
		const struct conf_group *group = membership->groups[*count];
		uint32_t most = reach(group, membership->reserve);
		enum conf_group_verdict verdict;

		if (most && live_begin(group->live, most, 0, now_us) == LIVE_OK) {
			lines[*count] = group->live;
			continue;
		}
		verdict = why_not(group, now_us);
		while (*count > 0)
			live_end(lines[--*count]);
		return verdict;
	}
	return CONF_GROUP_OK;
}
