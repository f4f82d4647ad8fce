/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the configuration says about numbers and times, ready to be asked for each call: dial plans
 * (number-transform), pools of caller numbers (number-pool), groups that share lines, times of the
 * week. Immutable, part of a conf; strings point into its snapshot. */
#pragma once

#include "shared/catalog/dial_rule.h"
#include "shared/catalog/period_rule.h"
#include "switchd/conf/conf_numbers.h"

struct conf_dial_plan {
	const char *name;
	const struct dial_rule *rules; /* longest source first, equals as they were given */
	size_t count;
};

struct conf_pool {
	const char *name;
	bool in_turn;         /* else at random */
	uint32_t reuse_count; /* live calls that may share a number; 0 = no limit */
	struct live *turn;    /* counts the turns, for all threads and past commits */
	struct live **numbers;
	size_t count;
};

#define CONF_GROUPS_MAX 8 /* with a limit, of one gateway */

/* Lines that gateways share (behaviour B6). */
struct conf_group {
	const char *name;
	struct live *live;
	uint32_t capacity; /* 0 = no limit */
};

/* The groups of a gateway that have a limit. Once a group has fewer free lines than the reserve,
 * what is left is for the others. */
struct conf_membership {
	const struct conf_group *const *groups;
	size_t count;
	uint32_t reserve;
};

enum conf_group_verdict { CONF_GROUP_OK, CONF_GROUP_FULL, CONF_GROUP_RESERVED };

struct conf_periods {
	const struct period_rule *rules;
	size_t count;
};

struct conf_rules {
	struct arena arena;
	struct conf_number_groups number_groups;
	struct conf_dial_plan *plans; /* by name */
	size_t plan_count;
	struct conf_pool *pools; /* by name */
	size_t pool_count;
	struct conf_group *groups; /* by name */
	size_t group_count;
};

/* Compiles the number-transform, number-group and number-pool objects. */
VOS_CHECK enum vos_err conf_rules_build(struct conf_rules *rules, const struct snapshot *snapshot,
					struct live_table *live);
void conf_rules_free(struct conf_rules *rules);
/* NULL for "" and for a name that is not there. */
const struct conf_dial_plan *conf_plan_find(const struct conf_rules *rules, const char *name);
const struct conf_pool *conf_pool_find(const struct conf_rules *rules, const char *name);
/* Compiled into the rules' memory. */
VOS_CHECK enum vos_err conf_periods_build(struct conf_rules *rules, const struct object *object,
					  enum field_id field, struct conf_periods *out);

/* The number after the plan; the same when the plan is NULL, no rule fits, or the result would not
 * fit in out. */
void conf_plan_apply(const struct conf_dial_plan *plan, const char *number, conf_random_fn *random,
		     void *context, char *out, size_t size);
/* A number for one more call; give it back with live_end(). NULL: all are taken. */
struct live *conf_pool_take(const struct conf_pool *pool, conf_random_fn *random, void *context,
			    uint64_t now_us);
/* Minutes since Monday 00:00 of the machine's local time. */
int conf_week_minute(int64_t wall_ms);

/* conf_groups.c */
VOS_CHECK enum vos_err conf_groups_build(struct conf_rules *rules, const struct snapshot *snapshot,
					 struct live_table *live);
VOS_CHECK enum vos_err conf_membership_build(struct conf_rules *rules, const struct object *object,
					     enum field_id groups, enum field_id reserve,
					     struct conf_membership *out);
/* Whether a call of the gateway would be let in. */
enum conf_group_verdict conf_groups_would_admit(const struct conf_membership *membership,
						uint64_t now_us);
/* Takes a line of each group, or of none; lines[] has room for all, *count of them were taken: give
 * each back with live_end(). */
enum conf_group_verdict conf_groups_take(const struct conf_membership *membership,
					 struct live *lines[], size_t *count, uint64_t now_us);
