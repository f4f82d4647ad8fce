/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gateway groups: the lines that gateways share, and how many are left. */
#include <stdlib.h>
#include <string.h>

#include "switchd/conf/live.h"
#include "switchd/ctl/fields.h"
#include "switchd/ctl/gateway.h"
#include "switchd/ctl/handlers.h"

/* Of a group without a capacity no lines are counted: calls to free are null then. reserve is the
 * largest of its gateways: with fewer free lines some of them get none. */
static const struct column groups_columns[] = {
	{"name", CELL_TEXT, "", "NAME", 16},
	{"calls", CELL_INT, "", "CALLS", 5},
	{"calls_peak", CELL_INT, "", "PEAK", -4},
	{"capacity", CELL_INT, "", "CAPACITY", 8},
	{"free", CELL_INT, "", "FREE", 5},
	{"reserve", CELL_INT, "", "RESERVE", 7},
	{"mapping_gateways", CELL_INT, "", "MAPPING", 7},
	{"routing_gateways", CELL_INT, "", "ROUTING", 7},
};

const struct schema schema_gateway_groups = SCHEMA_OF_ROWS(groups_columns);

struct members {
	uint32_t mapping;
	uint32_t routing;
	int64_t reserve;
};

struct walk_groups {
	struct conf *conf; /* one configuration for the whole list */
	struct object_range range;
	struct members *members; /* of each group */
};

static void drop_groups(void *state)
{
	struct walk_groups *walk = state;

	conf_unref(walk->conf);
	free(walk->members);
	free(walk);
}

static int compare_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct conf_group *)row)->name);
}

/* The groups that a gateway names; it may name one that there is not. */
static void count_gateway(const struct walk_groups *walk, const struct object *object,
			  enum field_id groups, enum field_id reserve)
{
	const struct conf_rules *rules = conf_rules(walk->conf);
	int64_t kept = object_field(object, reserve)->number;

	for (size_t i = 0; i < object_list_count(object, groups); i++) {
		const struct conf_group *group =
			bsearch(object_list_at(object, groups, i)->text, rules->groups,
				rules->group_count, sizeof(*rules->groups), compare_name);
		struct members *members = group ? &walk->members[group - rules->groups] : NULL;

		if (!members)
			continue;
		if (groups == FIELD_MAPPING_GATEWAY_GROUPS)
			members->mapping++;
		else
			members->routing++;
		if (kept > members->reserve)
			members->reserve = kept;
	}
}

static bool count_members(struct walk_groups *walk)
{
	const struct snapshot *snapshot = walk->conf->snapshot;

	walk->members = calloc(conf_rules(walk->conf)->group_count + 1, sizeof(*walk->members));
	if (!walk->members)
		return false;
	for (size_t i = 0; i < snapshot_object_count(snapshot, OBJECT_MAPPING_GATEWAY); i++)
		count_gateway(walk, snapshot_object_at(snapshot, OBJECT_MAPPING_GATEWAY, i),
			      FIELD_MAPPING_GATEWAY_GROUPS, FIELD_MAPPING_GATEWAY_GROUP_RESERVE);
	for (size_t i = 0; i < snapshot_object_count(snapshot, OBJECT_ROUTING_GATEWAY); i++)
		count_gateway(walk, snapshot_object_at(snapshot, OBJECT_ROUTING_GATEWAY, i),
			      FIELD_ROUTING_GATEWAY_GROUPS, FIELD_ROUTING_GATEWAY_GROUP_RESERVE);
	return true;
}

static void emit_lines(struct request *request, const struct conf_group *group)
{
	uint32_t calls = atomic_load_explicit(&group->live->calls, memory_order_relaxed);

	if (!group->capacity) {
		for (int i = 0; i < 4; i++)
			emit_null(request);
		return;
	}
	emit_int(request, calls);
	emit_int(request, atomic_load_explicit(&group->live->peak, memory_order_relaxed));
	emit_int(request, group->capacity);
	/* More than there are, since the capacity was made smaller. */
	emit_int(request, calls < group->capacity ? group->capacity - calls : 0);
}

static void emit_group(struct request *request, const struct walk_groups *walk, size_t index)
{
	const struct conf_group *group = &conf_rules(walk->conf)->groups[index];
	const struct members *members = &walk->members[index];

	emit_str(request, group->name);
	emit_lines(request, group);
	emit_int(request, members->reserve);
	emit_int(request, members->mapping);
	emit_int(request, members->routing);
	emit_row_end(request);
}

enum step show_gateway_groups(struct request *request)
{
	struct walk_groups *walk = request_state(request, sizeof(*walk));

	if (!walk)
		return request_no_memory(request);
	if (!walk->conf) {
		walk->conf = conf_ref(request->ctl->conf);
		request->drop_state = drop_groups;
		if (!count_members(walk))
			return request_no_memory(request);
		if (!find_objects(request, walk->conf->snapshot, OBJECT_GATEWAY_GROUP, "group",
				  &walk->range))
			return STEP_DONE;
		EMIT_TABLE(request, groups_columns);
	}
	for (int i = 0; i < CTL_SLICE && walk->range.at < walk->range.end; i++)
		emit_group(request, walk, walk->range.at++);
	return walk->range.at < walk->range.end ? STEP_MORE : STEP_DONE;
}
