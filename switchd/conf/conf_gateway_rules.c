/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the object of a gateway says of numbers, times, limits and the company that it keeps. */
#include "switchd/conf/conf_private.h"

static enum vos_err build_names(struct conf *conf, const struct object *object, enum field_id field,
				struct conf_names *out)
{
	size_t count = object_list_count(object, field);
	const char **names = arena_alloc(&conf->private->rules.arena, (count + 1) * sizeof(*names));

	if (!names)
		return VOS_ENOMEM;
	for (size_t i = 0; i < count; i++)
		names[i] = object_list_at(object, field, i)->text;
	*out = (struct conf_names){names, count};
	return VOS_OK;
}

static const struct conf_dial_plan *plan_of(const struct conf *conf, const struct object *object,
					    enum field_id field)
{
	return conf_plan_find(&conf->private->rules, conf_field_text(object, field));
}

enum vos_err conf_build_mapping_rules(struct conf *conf, const struct object *object,
				      struct conf_mapping_gateway *gateway)
{
	static const struct conf_number_fields caller = {
		FIELD_MAPPING_GATEWAY_CALLER_PREFIX_RULE,
		FIELD_MAPPING_GATEWAY_CALLER_PREFIXES,
		FIELD_MAPPING_GATEWAY_CALLER_LENGTHS,
	};
	static const struct conf_number_fields callee = {
		FIELD_MAPPING_GATEWAY_CALLEE_PREFIX_RULE,
		FIELD_MAPPING_GATEWAY_CALLEE_PREFIXES,
		FIELD_MAPPING_GATEWAY_CALLEE_LENGTHS,
	};
	struct conf_rules *rules = &conf->private->rules;

	gateway->live = live_get(conf->private->live, LIVE_MAPPING_GATEWAY, gateway->name);
	gateway->capacity = (uint32_t)object_field(object, FIELD_MAPPING_GATEWAY_CAPACITY)->number;
	gateway->rate_limit =
		(uint32_t)object_field(object, FIELD_MAPPING_GATEWAY_RATE_LIMIT)->number;
	gateway->groups_are_denied =
		object_field(object, FIELD_MAPPING_GATEWAY_ROUTING_GROUP_RULE)->number ==
		WORD_ALLOW_DENY_DENY;
	gateway->caller_plan = plan_of(conf, object, FIELD_MAPPING_GATEWAY_CALLER_TRANSFORM);
	gateway->callee_plan = plan_of(conf, object, FIELD_MAPPING_GATEWAY_CALLEE_TRANSFORM);
	if (!gateway->live ||
	    build_names(conf, object, FIELD_MAPPING_GATEWAY_ALLOW_ROUTING_GATEWAYS,
			&gateway->allowed_gateways) != VOS_OK ||
	    build_names(conf, object, FIELD_MAPPING_GATEWAY_ROUTING_GROUPS, &gateway->groups) !=
		    VOS_OK ||
	    conf_number_rule_build(rules, object, &caller, &gateway->caller_rule) != VOS_OK ||
	    conf_number_rule_build(rules, object, &callee, &gateway->callee_rule) != VOS_OK)
		return VOS_ENOMEM;
	return VOS_OK;
}

enum vos_err conf_build_routing_rules(struct conf *conf, const struct object *object,
				      struct conf_routing_gateway *gateway)
{
	static const struct conf_number_fields caller = {
		FIELD_ROUTING_GATEWAY_CALLER_PREFIX_RULE,
		FIELD_ROUTING_GATEWAY_CALLER_PREFIXES,
		FIELD_ROUTING_GATEWAY_CALLER_LENGTHS,
	};
	static const struct conf_number_fields callee = {
		FIELD_ROUTING_GATEWAY_CALLEE_PREFIX_RULE,
		FIELD_ROUTING_GATEWAY_CALLEE_PREFIXES,
		FIELD_ROUTING_GATEWAY_CALLEE_LENGTHS,
	};
	struct conf_rules *rules = &conf->private->rules;

	gateway->live = live_get(conf->private->live, LIVE_ROUTING_GATEWAY, gateway->name);
	gateway->capacity = (uint32_t)object_field(object, FIELD_ROUTING_GATEWAY_CAPACITY)->number;
	gateway->rate_limit =
		(uint32_t)object_field(object, FIELD_ROUTING_GATEWAY_RATE_LIMIT)->number;
	gateway->is_protected = object_field(object, FIELD_ROUTING_GATEWAY_PROTECT)->boolean;
	gateway->stops_prefix = object_field(object, FIELD_ROUTING_GATEWAY_PREFIX_MODE)->number ==
				WORD_PREFIX_MODE_TERMINATE;
	gateway->caller_plan = plan_of(conf, object, FIELD_ROUTING_GATEWAY_CALLER_TRANSFORM);
	gateway->callee_plan = plan_of(conf, object, FIELD_ROUTING_GATEWAY_CALLEE_TRANSFORM);
	gateway->pool =
		conf_pool_find(rules, conf_field_text(object, FIELD_ROUTING_GATEWAY_NUMBER_POOL));
	if (!gateway->live ||
	    build_names(conf, object, FIELD_ROUTING_GATEWAY_GROUPS, &gateway->groups) != VOS_OK ||
	    conf_number_rule_build(rules, object, &caller, &gateway->caller_rule) != VOS_OK ||
	    conf_number_rule_build(rules, object, &callee, &gateway->callee_rule) != VOS_OK ||
	    conf_periods_build(rules, object, FIELD_ROUTING_GATEWAY_PERIOD, &gateway->periods) !=
		    VOS_OK)
		return VOS_ENOMEM;
	return VOS_OK;
}
