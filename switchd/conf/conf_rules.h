/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the configuration says about numbers and times, ready to be asked for each call: dial plans
 * (number-transform), pools of caller numbers (number-pool), groups that share lines, times of the
 * week. Immutable, part of a conf; strings point into its snapshot. */
#pragma once

#include "shared/catalog/dial_rule.h"
#include "shared/catalog/period_rule.h"
#include "shared/catalog/weighted_prefix.h"
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
	const struct conf_period *more; /* of each rule */
	size_t count;
};

struct conf_period {
	const char *text;
	const struct conf_dial_plan *plan; /* that the rule names; NULL: none */
};

/* What a call finds at a routing gateway: its own settings, or what a period rule says. */
struct conf_terms {
	uint32_t capacity;                        /* 0 = no limit */
	const struct conf_dial_plan *caller_plan; /* NULL: none, as with the next */
	const struct conf_dial_plan *callee_plan;
	const char *rules[PERIOD_ACTIONS]; /* texts of the rules that say so; NULL: its own */
};

#define CONF_DURATION_UNSET (-1)

/* Longest talk time of the calls of a party. */
struct conf_duration {
	int32_t max_s;  /* 0 = no limit; CONF_DURATION_UNSET: the parameter says */
	int32_t from_s; /* each call's is drawn between this and max_s; 0: it is max_s */
};

/* Proportional prefixes of a mapping gateway. */
struct conf_prefixing {
	const struct weighted_prefix *rows;
	size_t count;
	uint32_t weight; /* of all rows; 0: none has any */
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

/* The number after the plan; the same when the plan is NULL, no rule fits, or the result would not
 * fit in out. */
void conf_plan_apply(const struct conf_dial_plan *plan, const char *number, conf_random_fn *random,
		     void *context, char *out, size_t size);
/* A number for one more call; give it back with live_end(). NULL: all are taken. */
struct live *conf_pool_take(const struct conf_pool *pool, conf_random_fn *random, void *context,
			    uint64_t now_us);
/* Minutes since Monday 00:00 of the machine's local time. */
int conf_week_minute(int64_t wall_ms);

/* conf_periods.c. Compiled into the rules' memory, as the next. */
VOS_CHECK enum vos_err conf_periods_build(struct conf_rules *rules, const struct object *object,
					  enum field_id field, struct conf_periods *out);
/* Puts what the rules say now into the place of the gateway's own. */
void conf_periods_apply(const struct conf_periods *periods, const struct period_query *query,
			struct conf_terms *terms);

/* conf_prefixing.c */
VOS_CHECK enum vos_err conf_prefixing_build(struct conf_rules *rules, const struct object *object,
					    enum field_id field, struct conf_prefixing *out);
/* The prefix of one call; empty: none. */
struct span conf_prefixing_pick(const struct conf_prefixing *prefixing, conf_random_fn *random,
				void *context);

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
