/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Number groups: how many numbers each has, which have a given number, and who refers to them. */
#include <stdlib.h>

#include "switchd/ctl/fields.h"
#include "switchd/ctl/gateway.h"
#include "switchd/ctl/handlers.h"

static const struct column groups_columns[] = {
	{"name", CELL_TEXT, "", "NAME", 24},
	{"numbers", CELL_INT, "", "NUMBERS", 8},
	{"mapping_gateways", CELL_INT, "", "MAPPING", 7},
	{"routing_gateways", CELL_INT, "", "ROUTING", 7},
	{"number_pools", CELL_INT, "", "POOLS", 5},
};

const struct schema schema_number_groups = SCHEMA_OF_ROWS(groups_columns);

static const enum object_kind user_kinds[] = {OBJECT_MAPPING_GATEWAY, OBJECT_ROUTING_GATEWAY,
					      OBJECT_NUMBER_POOL};

#define USER_KINDS (sizeof(user_kinds) / sizeof(user_kinds[0]))

/* Objects that refer to a group, by whatever field, each counted once. */
struct users {
	uint32_t counts[USER_KINDS];
	const struct object *last;
};

struct walk_groups {
	struct conf *conf; /* one configuration for the whole list */
	struct object_range range;
	struct users *users; /* of each group */
	const char *number;  /* only groups that have it; NULL: all */
};

static void drop_groups(void *state)
{
	struct walk_groups *walk = state;

	conf_unref(walk->conf);
	free(walk->users);
	free(walk);
}

static const struct conf_number_groups *groups_of(const struct walk_groups *walk)
{
	return &conf_rules(walk->conf)->number_groups;
}

static void count_object(const struct walk_groups *walk, size_t kind, const struct object *object)
{
	const struct object_type *type = object_type(user_kinds[kind]);

	for (int i = 0; i < type->field_count; i++) {
		enum field_id id = (enum field_id)((int)type->first_field + i);

		if (field_get(id)->refers_to != OBJECT_NUMBER_GROUP ||
		    !object_field_is_set(object, id))
			continue;
		for (size_t at = 0; at < object_list_count(object, id); at++) {
			const struct conf_number_group *group = conf_number_group_find(
				groups_of(walk), object_list_at(object, id, at)->text);
			struct users *users =
				group ? &walk->users[group - groups_of(walk)->list] : NULL;

			if (users && users->last != object)
				users->counts[kind]++;
			if (users)
				users->last = object;
		}
	}
}

static bool count_users(struct walk_groups *walk)
{
	const struct snapshot *snapshot = walk->conf->snapshot;

	walk->users = calloc(groups_of(walk)->count + 1, sizeof(*walk->users));
	for (size_t kind = 0; walk->users && kind < USER_KINDS; kind++)
		for (size_t i = 0; i < snapshot_object_count(snapshot, user_kinds[kind]); i++)
			count_object(walk, kind, snapshot_object_at(snapshot, user_kinds[kind], i));
	return walk->users != NULL;
}

static void emit_group(struct request *request, const struct walk_groups *walk, size_t index)
{
	const struct conf_number_group *group = &groups_of(walk)->list[index];

	if (walk->number && !conf_number_group_has(group, walk->number))
		return;
	emit_str(request, group->name);
	emit_int(request, (int64_t)group->count);
	for (size_t kind = 0; kind < USER_KINDS; kind++)
		emit_int(request, walk->users[index].counts[kind]);
	emit_row_end(request);
}

enum step show_number_groups(struct request *request)
{
	struct walk_groups *walk = request_state(request, sizeof(*walk));

	if (!walk)
		return request_no_memory(request);
	if (!walk->conf) {
		walk->conf = conf_ref(request->ctl->conf);
		walk->number = request_arg(request, "listed");
		request->drop_state = drop_groups;
		if (!count_users(walk))
			return request_no_memory(request);
		if (!find_objects(request, walk->conf->snapshot, OBJECT_NUMBER_GROUP,
				  "number_group", &walk->range))
			return STEP_DONE;
		EMIT_TABLE(request, groups_columns);
	}
	for (int i = 0; i < CTL_SLICE && walk->range.at < walk->range.end; i++)
		emit_group(request, walk, walk->range.at++);
	return walk->range.at < walk->range.end ? STEP_MORE : STEP_DONE;
}
