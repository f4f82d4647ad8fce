/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of numbers (number-group), and the rules by which a gateway lets a call through for its
 * numbers. Immutable, part of a conf; strings point into its snapshot. */
#pragma once

#include "shared/base/arena.h"
#include "shared/base/hash.h"
#include "shared/config/snapshot.h"
#include "switchd/conf/live.h"

/* A source of chance: 0..n-1. */
typedef uint64_t conf_random_fn(void *context, uint64_t n);

/* Exact numbers, found by a hash of them. */
struct conf_number_group {
	const char *name;
	const char *const *numbers; /* in the order given */
	size_t count;
	const uint32_t *slots; /* open addressing: index + 1, 0 = free */
	size_t slot_count;     /* power of two */
	struct hash_key key;
	struct live *turn; /* counts the numbers taken in turn, for all threads and past commits */
	bool in_turn;      /* else at random */
};

struct conf_number_groups {
	struct conf_number_group *list; /* by name */
	size_t count;
};

/* Which numbers are let through. */
struct conf_number_rule {
	bool is_deny; /* prefixes are the denied ones */
	const char *const *prefixes;
	size_t prefix_count; /* 0: any */
	uint64_t lengths;    /* bit n: n digits are allowed; 0: any */
	bool groups_are_denied;
	const struct conf_number_group *const *groups;
	size_t group_count; /* 0: any */
};

enum conf_number_verdict {
	CONF_NUMBER_OK,
	CONF_NUMBER_PREFIX,
	CONF_NUMBER_LENGTH,
	CONF_NUMBER_GROUP,
};

/* The fields that a rule of numbers is made of; FIELD_COUNT: it has none such. */
struct conf_number_fields {
	enum field_id rule;
	enum field_id prefixes;
	enum field_id lengths;
	enum field_id group_rule;
	enum field_id groups;
};

/* Beginnings of a call's two numbers; empty is any. */
struct conf_pair {
	struct span caller;
	struct span callee;
};

/* Which pairs of numbers are let through. */
struct conf_pair_rule {
	bool is_deny;
	const struct conf_pair *pairs;
	size_t count; /* 0: any */
};

/* Compiles the number-group objects into the arena. */
VOS_CHECK enum vos_err conf_number_groups_build(struct conf_number_groups *groups,
						struct arena *arena,
						const struct snapshot *snapshot,
						struct live_table *live);
/* NULL for "" and for a name that is not there. */
const struct conf_number_group *conf_number_group_find(const struct conf_number_groups *groups,
						       const char *name);
bool conf_number_group_has(const struct conf_number_group *group, const char *number);
/* One of its numbers, in turn or at random; NULL: it has none. */
const char *conf_number_group_take(const struct conf_number_group *group, conf_random_fn *random,
				   void *context);

VOS_CHECK enum vos_err conf_number_rule_build(const struct conf_number_groups *groups,
					      struct arena *arena, const struct object *object,
					      const struct conf_number_fields *fields,
					      struct conf_number_rule *out);
enum conf_number_verdict conf_number_check(const struct conf_number_rule *rule, const char *number);

VOS_CHECK enum vos_err conf_pair_rule_build(struct arena *arena, const struct object *object,
					    enum field_id rule, enum field_id pairs,
					    struct conf_pair_rule *out);
bool conf_pair_check(const struct conf_pair_rule *rule, const char *caller, const char *callee);
