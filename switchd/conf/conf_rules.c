/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/conf/conf_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* --- Dial plans. --- */

/* Longest source first; qsort is not stable, so the place decides among equals. */
struct ranked_rule {
	struct dial_rule rule;
	size_t place;
};

static int compare_rules(const void *a, const void *b)
{
	const struct ranked_rule *left = a;
	const struct ranked_rule *right = b;

	if (left->rule.source.len != right->rule.source.len)
		return left->rule.source.len > right->rule.source.len ? -1 : 1;
	return left->place < right->place ? -1 : 1;
}

static enum vos_err build_plan(struct conf_rules *rules, const struct object *object,
			       struct conf_dial_plan *plan)
{
	size_t given = object_list_count(object, FIELD_NUMBER_TRANSFORM_RULE);
	struct ranked_rule *ranked = calloc(given + 1, sizeof(*ranked));
	struct dial_rule *sorted = arena_alloc(&rules->arena, (given + 1) * sizeof(*sorted));
	size_t count = 0;

	if (!ranked || !sorted) {
		free(ranked);
		return VOS_ENOMEM;
	}
	for (size_t i = 0; i < given; i++) {
		const struct value *value = object_list_at(object, FIELD_NUMBER_TRANSFORM_RULE, i);

		/* The catalogue lets nothing else in. */
		if (dial_rule_parse(span_of(value->text), &ranked[count].rule)) {
			ranked[count].place = i;
			count++;
		}
	}
	qsort(ranked, count, sizeof(*ranked), compare_rules);
	for (size_t i = 0; i < count; i++)
		sorted[i] = ranked[i].rule;
	free(ranked);
	*plan = (struct conf_dial_plan){object_key(object), sorted, count};
	return VOS_OK;
}

static enum vos_err build_plans(struct conf_rules *rules, const struct snapshot *snapshot)
{
	size_t count = snapshot_object_count(snapshot, OBJECT_NUMBER_TRANSFORM);

	rules->plans = arena_alloc(&rules->arena, (count + 1) * sizeof(*rules->plans));
	if (!rules->plans)
		return VOS_ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (build_plan(rules, snapshot_object_at(snapshot, OBJECT_NUMBER_TRANSFORM, i),
			       &rules->plans[rules->plan_count++]) != VOS_OK)
			return VOS_ENOMEM;
	return VOS_OK;
}

void conf_plan_apply(const struct conf_dial_plan *plan, const char *number, conf_random_fn *random,
		     void *context, char *out, size_t size)
{
	struct span text = span_of(number);

	for (size_t i = 0; plan && i < plan->count; i++) {
		int matched = dial_rule_match(&plan->rules[i], text);
		struct buf result = buf_over(out, size - 1);

		if (matched < 0)
			continue;
		if (!dial_rule_apply(&plan->rules[i], text, (size_t)matched, random, context,
				     &result))
			break;
		out[result.len] = '\0';
		return;
	}
	span_join(text, SPAN_NONE, out, size);
}

/* --- Pools. --- */

/* Its own order, else that of all. */
static bool is_in_turn(const struct snapshot *snapshot, const struct object *object)
{
	const struct value *order = object_field(object, FIELD_NUMBER_POOL_ORDER);

	if (order->type == VALUE_NONE)
		order = snapshot_param(snapshot, PARAM_FORWARD_SIGNAL_REWRITE_SEQUENCE);
	return order->type != VALUE_NONE && order->number == WORD_POOL_ORDER_POLL;
}

static enum vos_err add_number(struct conf_pool *pool, struct live_table *live, const char *number)
{
	struct live *one = live_get(live, LIVE_NUMBER, number);

	if (!one)
		return VOS_ENOMEM;
	pool->numbers[pool->count++] = one;
	return VOS_OK;
}

/* Its own numbers, and those of the group; each once. */
static enum vos_err add_numbers(struct conf_pool *pool, struct live_table *live,
				const struct object *object, const struct conf_number_group *group)
{
	for (size_t i = 0; i < object_list_count(object, FIELD_NUMBER_POOL_NUMBER); i++) {
		const char *number = object_list_at(object, FIELD_NUMBER_POOL_NUMBER, i)->text;

		if (group && conf_number_group_has(group, number))
			continue;
		if (add_number(pool, live, number) != VOS_OK)
			return VOS_ENOMEM;
	}
	for (size_t i = 0; group && i < group->count; i++)
		if (add_number(pool, live, group->numbers[i]) != VOS_OK)
			return VOS_ENOMEM;
	return VOS_OK;
}

static enum vos_err build_pool(struct conf_rules *rules, const struct snapshot *snapshot,
			       struct live_table *live, const struct object *object,
			       struct conf_pool *pool)
{
	const struct conf_number_group *group = conf_number_group_find(
		&rules->number_groups, conf_field_text(object, FIELD_NUMBER_POOL_NUMBER_GROUP));
	size_t most =
		object_list_count(object, FIELD_NUMBER_POOL_NUMBER) + (group ? group->count : 0);

	pool->name = object_key(object);
	pool->in_turn = is_in_turn(snapshot, object);
	pool->reuse_count = (uint32_t)object_field(object, FIELD_NUMBER_POOL_REUSE_COUNT)->number;
	pool->turn = live_get(live, LIVE_POOL, pool->name);
	pool->numbers = arena_alloc(&rules->arena, (most + 1) * sizeof(*pool->numbers));
	if (!pool->turn || !pool->numbers)
		return VOS_ENOMEM;
	return add_numbers(pool, live, object, group);
}

static enum vos_err build_pools(struct conf_rules *rules, const struct snapshot *snapshot,
				struct live_table *live)
{
	size_t count = snapshot_object_count(snapshot, OBJECT_NUMBER_POOL);

	rules->pools = arena_alloc(&rules->arena, (count + 1) * sizeof(*rules->pools));
	if (!rules->pools)
		return VOS_ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (build_pool(rules, snapshot, live,
			       snapshot_object_at(snapshot, OBJECT_NUMBER_POOL, i),
			       &rules->pools[rules->pool_count++]) != VOS_OK)
			return VOS_ENOMEM;
	return VOS_OK;
}

struct live *conf_pool_take(const struct conf_pool *pool, conf_random_fn *random, void *context,
			    uint64_t now_us)
{
	size_t start;

	if (pool->count == 0)
		return NULL;
	start = pool->in_turn ? (size_t)(atomic_fetch_add(&pool->turn->attempts, 1) % pool->count)
			      : (size_t)random(context, pool->count);
	for (size_t i = 0; i < pool->count; i++) {
		struct live *number = pool->numbers[(start + i) % pool->count];

		if (live_begin(number, pool->reuse_count, 0, now_us) == LIVE_OK)
			return number;
	}
	return NULL;
}

/* --- Look-ups by name. --- */

enum vos_err conf_rules_build(struct conf_rules *rules, const struct snapshot *snapshot,
			      struct live_table *live)
{
	if (build_plans(rules, snapshot) != VOS_OK ||
	    conf_number_groups_build(&rules->number_groups, &rules->arena, snapshot, live) !=
		    VOS_OK ||
	    build_pools(rules, snapshot, live) != VOS_OK ||
	    conf_groups_build(rules, snapshot, live) != VOS_OK)
		return VOS_ENOMEM;
	return VOS_OK;
}

void conf_rules_free(struct conf_rules *rules)
{
	arena_free(&rules->arena);
}

static int compare_plan(const void *key, const void *row)
{
	return strcmp(key, ((const struct conf_dial_plan *)row)->name);
}

static int compare_pool(const void *key, const void *row)
{
	return strcmp(key, ((const struct conf_pool *)row)->name);
}

const struct conf_dial_plan *conf_plan_find(const struct conf_rules *rules, const char *name)
{
	return bsearch(name, rules->plans, rules->plan_count, sizeof(*rules->plans), compare_plan);
}

const struct conf_pool *conf_pool_find(const struct conf_rules *rules, const char *name)
{
	return bsearch(name, rules->pools, rules->pool_count, sizeof(*rules->pools), compare_pool);
}

/* --- Rules of one object. --- */

int conf_week_minute(int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm local;

	localtime_r(&seconds, &local);
	return (local.tm_wday + 6) % 7 * 24 * 60 + local.tm_hour * 60 + local.tm_min;
}
