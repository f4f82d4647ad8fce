/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Period rules of a routing gateway: what is otherwise there at some times of the week. */
#include "switchd/conf/conf_rules.h"

/* The catalogue lets only rules in, and the check of a commit only plans that are there. */
static const struct conf_dial_plan *plan_of(const struct conf_rules *rules,
					    const struct period_rule *rule)
{
	for (size_t i = 0; i < rules->plan_count; i++)
		if (span_eq(span_of(rules->plans[i].name), rule->plan))
			return &rules->plans[i];
	return NULL;
}

enum vos_err conf_periods_build(struct conf_rules *rules, const struct object *object,
				enum field_id field, struct conf_periods *out)
{
	size_t given = object_list_count(object, field);
	struct period_rule *periods = arena_alloc(&rules->arena, (given + 1) * sizeof(*periods));
	struct conf_period *more = arena_alloc(&rules->arena, (given + 1) * sizeof(*more));

	if (!periods || !more)
		return VOS_ENOMEM;
	*out = (struct conf_periods){.rules = periods, .more = more};
	for (size_t i = 0; i < given; i++) {
		const char *text = object_list_at(object, field, i)->text;

		if (!period_rule_parse(span_of(text), &periods[out->count]))
			continue;
		more[out->count] = (struct conf_period){text, plan_of(rules, &periods[out->count])};
		out->count++;
	}
	return VOS_OK;
}

void conf_periods_apply(const struct conf_periods *periods, const struct period_query *query,
			struct conf_terms *terms)
{
	for (int action = PERIOD_CAPACITY; action < PERIOD_ACTIONS; action++) {
		const struct period_rule *rule = period_rules_find(
			periods->rules, periods->count, (enum period_action)action, query);
		const struct conf_period *more =
			rule ? &periods->more[rule - periods->rules] : NULL;

		if (!more)
			continue;
		terms->rules[action] = more->text;
		if (action == PERIOD_CAPACITY)
			terms->capacity = rule->capacity;
		else if (action == PERIOD_CALLER_PLAN)
			terms->caller_plan = more->plan;
		else
			terms->callee_plan = more->plan;
	}
}
