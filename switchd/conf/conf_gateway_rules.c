/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the object of a gateway, and of a phone, says of numbers, times, limits and the company that
 * it keeps. */
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

static struct conf_duration duration_of(const struct object *object, enum field_id max,
					enum field_id from)
{
	const struct value *longest = object_field(object, max);
	const struct value *shortest = object_field(object, from);

	return (struct conf_duration){
		.max_s = longest->type == VALUE_NONE ? CONF_DURATION_UNSET
						     : (int32_t)longest->number,
		.from_s = shortest->type == VALUE_NONE ? 0 : (int32_t)shortest->number,
	};
}

/* The first policy orders before the priority, the second one behind it. */
static uint8_t route_sort_of(const struct object *object, enum field_id first, enum field_id second)
{
	if (object_field(object, first)->number == WORD_ROUTE_POLICY_ASR)
		return WORD_ROUTE_SORT_BEFORE_PRIORITY;
	if (object_field(object, second)->number == WORD_ROUTE_POLICY_ASR)
		return WORD_ROUTE_SORT_AFTER_PRIORITY;
	return WORD_ROUTE_SORT_NONE;
}

/* A word, or -1. */
static int8_t word_of(const struct object *object, enum field_id field)
{
	const struct value *value = object_field(object, field);

	return value->type == VALUE_NONE ? -1 : (int8_t)value->number;
}

static void take_identity(const struct object *object, struct conf_routing_gateway *gateway)
{
	gateway->presentation = (struct conf_presentation){
		.privacy = word_of(object, FIELD_ROUTING_GATEWAY_PRIVACY),
		.display_from = word_of(object, FIELD_ROUTING_GATEWAY_DISPLAY_FROM),
		.asserted_identity =
			(uint8_t)object_field(object, FIELD_ROUTING_GATEWAY_ASSERTED_IDENTITY)
				->number,
		.preferred_identity =
			(uint8_t)object_field(object, FIELD_ROUTING_GATEWAY_PREFERRED_IDENTITY)
				->number,
		.has_remote_party_id =
			object_field(object, FIELD_ROUTING_GATEWAY_REMOTE_PARTY_ID)->boolean,
	};
}

static enum vos_err build_forwarding(struct conf *conf, const struct object *object,
				     struct conf_phone *phone)
{
	static const enum field_id fields[CONF_FORWARDS] = {
		[CONF_FORWARD_ALWAYS] = FIELD_PHONE_FORWARD_ALWAYS,
		[CONF_FORWARD_PERIOD] = FIELD_PHONE_FORWARD_IN_PERIOD,
		[CONF_FORWARD_BUSY] = FIELD_PHONE_FORWARD_BUSY,
		[CONF_FORWARD_NO_ANSWER] = FIELD_PHONE_FORWARD_NO_ANSWER,
		[CONF_FORWARD_OFFLINE] = FIELD_PHONE_FORWARD_OFFLINE,
	};
	struct conf_forwarding *forwarding;
	size_t count = 0;

	for (int kind = 0; kind < CONF_FORWARDS; kind++)
		count += object_list_count(object, fields[kind]);
	if (count == 0)
		return VOS_OK; /* as nearly all phones: nothing to keep */
	forwarding = arena_alloc(&conf->private->rules.arena, sizeof(*forwarding));
	if (!forwarding)
		return VOS_ENOMEM;
	forwarding->ring_s = (uint16_t)object_field(object, FIELD_PHONE_FORWARD_RING_TIME)->number;
	forwarding->order = (uint8_t)object_field(object, FIELD_PHONE_FORWARD_ORDER)->number;
	if (conf_periods_build(&conf->private->rules, object, FIELD_PHONE_FORWARD_PERIOD,
			       &forwarding->periods) != VOS_OK)
		return VOS_ENOMEM;
	for (int kind = 0; kind < CONF_FORWARDS; kind++)
		if (build_names(conf, object, fields[kind], &forwarding->numbers[kind]) != VOS_OK)
			return VOS_ENOMEM;
	phone->forwarding = forwarding;
	return VOS_OK;
}

/* Entries stay, and threads may count there: the parent is set before any of them knows of it. */
static enum vos_err build_way(struct conf *conf, struct conf_phone *phone, enum conf_way way,
			      enum live_kind kind)
{
	struct live *live;

	if (!phone->capacity_ways[way])
		return VOS_OK;
	live = live_get(conf->private->live, kind, phone->number);
	if (!live)
		return VOS_ENOMEM;
	if (!live->parent)
		live->parent = phone->live;
	phone->live_ways[way] = live;
	return VOS_OK;
}

static enum vos_err build_lines(struct conf *conf, const struct object *object,
				struct conf_phone *phone)
{
	uint32_t *ways = phone->capacity_ways;

	phone->capacity = (uint32_t)object_field(object, FIELD_PHONE_CAPACITY)->number;
	ways[CONF_WAY_IN] = (uint32_t)object_field(object, FIELD_PHONE_CAPACITY_IN)->number;
	ways[CONF_WAY_OUT] = (uint32_t)object_field(object, FIELD_PHONE_CAPACITY_OUT)->number;
	if (!phone->capacity && !ways[CONF_WAY_IN] && !ways[CONF_WAY_OUT])
		return VOS_OK;
	phone->live = live_get(conf->private->live, LIVE_PHONE, phone->number);
	if (!phone->live || build_way(conf, phone, CONF_WAY_IN, LIVE_PHONE_IN) != VOS_OK ||
	    build_way(conf, phone, CONF_WAY_OUT, LIVE_PHONE_OUT) != VOS_OK)
		return VOS_ENOMEM;
	return VOS_OK;
}

static void take_services(struct conf *conf, const struct object *object, struct conf_phone *phone)
{
	const struct value *offline = object_field(object, FIELD_PHONE_OFFLINE_ROUTING);

	phone->is_busy = object_field(object, FIELD_PHONE_DO_NOT_DISTURB)->boolean;
	phone->tries_gateways =
		offline->type == VALUE_NONE
			? snapshot_bool(conf->snapshot, PARAM_SS_PHONE_OFFLINE_ROUTING)
			: offline->boolean;
	phone->display_number = conf_field_text(object, FIELD_PHONE_DISPLAY_NUMBER);
	phone->forward_display = word_of(object, FIELD_PHONE_FORWARD_DISPLAY);
	phone->transfer_display = word_of(object, FIELD_PHONE_TRANSFER_DISPLAY);
	phone->ask_display = word_of(object, FIELD_PHONE_TRANSFER_ASK_DISPLAY);
}

enum vos_err conf_build_phone_rules(struct conf *conf, const struct object *object,
				    struct conf_phone *phone)
{
	phone->party.redirect = (uint8_t)object_field(object, FIELD_PHONE_REDIRECT)->number;
	phone->party.wants_diversion = object_field(object, FIELD_PHONE_DIVERSION)->boolean;
	phone->party.may_transfer = object_field(object, FIELD_PHONE_TRANSFER)->boolean;
	take_services(conf, object, phone);
	phone->max_duration = duration_of(object, FIELD_PHONE_MAX_CALL_DURATION,
					  FIELD_PHONE_MAX_CALL_DURATION_FROM);
	phone->route_sort = route_sort_of(object, FIELD_PHONE_FIRST_ROUTE_POLICY,
					  FIELD_PHONE_SECOND_ROUTE_POLICY);
	phone->caller_plan = plan_of(conf, object, FIELD_PHONE_CALLER_TRANSFORM);
	phone->callee_plan = plan_of(conf, object, FIELD_PHONE_CALLEE_TRANSFORM);
	if (build_lines(conf, object, phone) != VOS_OK)
		return VOS_ENOMEM;
	return build_forwarding(conf, object, phone);
}

/* "486:503": the catalogue lets nothing else in. */
static enum vos_err build_replacements(struct conf *conf, const struct object *object,
				       struct conf_mapping_gateway *gateway)
{
	size_t count = object_list_count(object, FIELD_MAPPING_GATEWAY_REPLACE_CAUSE);
	struct conf_replacement *list =
		arena_alloc(&conf->private->rules.arena, (count + 1) * sizeof(*list));

	if (!list)
		return VOS_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct span text = span_of(
			object_list_at(object, FIELD_MAPPING_GATEWAY_REPLACE_CAUSE, i)->text);
		size_t colon = span_find(text, ':');
		uint64_t code = 0;
		uint64_t instead = 0;

		if (colon < text.len && span_to_u64((struct span){text.ptr, colon}, 699, &code) &&
		    span_to_u64((struct span){text.ptr + colon + 1, text.len - colon - 1}, 699,
				&instead))
			list[gateway->replacement_count++] =
				(struct conf_replacement){(uint16_t)code, (uint16_t)instead};
	}
	gateway->replacements = list;
	return VOS_OK;
}

static enum vos_err build_switching(struct conf *conf, const struct object *object,
				    struct conf_switching *out)
{
	size_t count = object_list_count(object, FIELD_ROUTING_GATEWAY_STOP_CODES);
	uint16_t *codes = arena_alloc(&conf->private->rules.arena, (count + 1) * sizeof(*codes));

	if (!codes)
		return VOS_ENOMEM;
	for (size_t i = 0; i < count; i++)
		codes[i] = (uint16_t)object_list_at(object, FIELD_ROUTING_GATEWAY_STOP_CODES, i)
				   ->number;
	*out = (struct conf_switching){
		.after_ring =
			object_field(object, FIELD_ROUTING_GATEWAY_SWITCH_AFTER_RING)->boolean,
		.after_sdp = object_field(object, FIELD_ROUTING_GATEWAY_SWITCH_AFTER_SDP)->boolean,
		.after_rtp = object_field(object, FIELD_ROUTING_GATEWAY_SWITCH_AFTER_RTP)->boolean,
		.after_busy =
			object_field(object, FIELD_ROUTING_GATEWAY_SWITCH_AFTER_BUSY)->boolean,
		.stop_codes = codes,
		.stop_code_count = count,
	};
	return VOS_OK;
}

static enum vos_err build_mapping_numbers(struct conf_rules *rules, const struct object *object,
					  struct conf_mapping_gateway *gateway)
{
	static const struct conf_number_fields caller = {
		FIELD_MAPPING_GATEWAY_CALLER_PREFIX_RULE,
		FIELD_MAPPING_GATEWAY_CALLER_PREFIXES,
		FIELD_MAPPING_GATEWAY_CALLER_LENGTHS,
		FIELD_MAPPING_GATEWAY_CALLER_NUMBER_GROUP_RULE,
		FIELD_MAPPING_GATEWAY_CALLER_NUMBER_GROUPS,
	};
	static const struct conf_number_fields callee = {
		FIELD_MAPPING_GATEWAY_CALLEE_PREFIX_RULE,
		FIELD_MAPPING_GATEWAY_CALLEE_PREFIXES,
		FIELD_MAPPING_GATEWAY_CALLEE_LENGTHS,
		FIELD_MAPPING_GATEWAY_CALLEE_NUMBER_GROUP_RULE,
		FIELD_MAPPING_GATEWAY_CALLEE_NUMBER_GROUPS,
	};
	const struct conf_number_groups *groups = &rules->number_groups;

	gateway->callee_restrict =
		(uint8_t)object_field(object, FIELD_MAPPING_GATEWAY_CALLEE_RESTRICT)->number;
	gateway->forward_numbers = conf_number_group_find(
		groups, conf_field_text(object, FIELD_MAPPING_GATEWAY_FORWARD_SIGNAL_REWRITE));
	if (conf_number_rule_build(groups, &rules->arena, object, &caller, &gateway->caller_rule) !=
		    VOS_OK ||
	    conf_number_rule_build(groups, &rules->arena, object, &callee, &gateway->callee_rule) !=
		    VOS_OK)
		return VOS_ENOMEM;
	return VOS_OK;
}

enum vos_err conf_build_mapping_rules(struct conf *conf, const struct object *object,
				      struct conf_mapping_gateway *gateway)
{
	struct conf_rules *rules = &conf->private->rules;

	gateway->party.may_transfer = object_field(object, FIELD_MAPPING_GATEWAY_TRANSFER)->boolean;
	gateway->live = live_get(conf->private->live, LIVE_MAPPING_GATEWAY, gateway->name);
	gateway->capacity = (uint32_t)object_field(object, FIELD_MAPPING_GATEWAY_CAPACITY)->number;
	gateway->rate_limit =
		(uint32_t)object_field(object, FIELD_MAPPING_GATEWAY_RATE_LIMIT)->number;
	gateway->groups_are_denied =
		object_field(object, FIELD_MAPPING_GATEWAY_ROUTING_GROUP_RULE)->number ==
		WORD_ALLOW_DENY_DENY;
	gateway->caller_plan = plan_of(conf, object, FIELD_MAPPING_GATEWAY_CALLER_TRANSFORM);
	gateway->callee_plan = plan_of(conf, object, FIELD_MAPPING_GATEWAY_CALLEE_TRANSFORM);
	gateway->proceeding_s =
		(uint16_t)object_field(object, FIELD_MAPPING_GATEWAY_PROCEEDING_TIMEOUT)->number;
	gateway->priority = (int32_t)object_field(object, FIELD_MAPPING_GATEWAY_PRIORITY)->number;
	gateway->caller_from =
		(uint8_t)object_field(object, FIELD_MAPPING_GATEWAY_CALLER_FROM)->number;
	gateway->callee_from =
		(uint8_t)object_field(object, FIELD_MAPPING_GATEWAY_CALLEE_FROM)->number;
	gateway->recognises_privacy =
		object_field(object, FIELD_MAPPING_GATEWAY_RECOGNISE_PRIVACY)->boolean;
	gateway->has_black_list =
		object_field(object, FIELD_MAPPING_GATEWAY_DYNAMIC_BLACK_LIST)->boolean;
	gateway->party.remote_ringing =
		(uint8_t)object_field(object, FIELD_MAPPING_GATEWAY_REMOTE_RINGING)->number;
	gateway->max_duration = duration_of(object, FIELD_MAPPING_GATEWAY_MAX_CALL_DURATION,
					    FIELD_MAPPING_GATEWAY_MAX_CALL_DURATION_FROM);
	gateway->route_sort = route_sort_of(object, FIELD_MAPPING_GATEWAY_FIRST_ROUTE_POLICY,
					    FIELD_MAPPING_GATEWAY_SECOND_ROUTE_POLICY);
	if (!gateway->live || build_replacements(conf, object, gateway) != VOS_OK ||
	    build_names(conf, object, FIELD_MAPPING_GATEWAY_ALLOW_ROUTING_GATEWAYS,
			&gateway->allowed_gateways) != VOS_OK ||
	    build_names(conf, object, FIELD_MAPPING_GATEWAY_ROUTING_GROUPS, &gateway->groups) !=
		    VOS_OK ||
	    conf_prefixing_build(rules, object, FIELD_MAPPING_GATEWAY_PROPORTIONAL_PREFIX,
				 &gateway->prefixing) != VOS_OK ||
	    conf_membership_build(rules, object, FIELD_MAPPING_GATEWAY_GROUPS,
				  FIELD_MAPPING_GATEWAY_GROUP_RESERVE,
				  &gateway->membership) != VOS_OK ||
	    build_mapping_numbers(rules, object, gateway) != VOS_OK)
		return VOS_ENOMEM;
	return VOS_OK;
}

static enum vos_err build_routing_numbers(struct conf_rules *rules, const struct object *object,
					  struct conf_routing_gateway *gateway)
{
	static const struct conf_number_fields caller = {
		FIELD_ROUTING_GATEWAY_CALLER_PREFIX_RULE,
		FIELD_ROUTING_GATEWAY_CALLER_PREFIXES,
		FIELD_ROUTING_GATEWAY_CALLER_LENGTHS,
		FIELD_ROUTING_GATEWAY_CALLER_NUMBER_GROUP_RULE,
		FIELD_ROUTING_GATEWAY_CALLER_NUMBER_GROUPS,
	};
	static const struct conf_number_fields callee = {
		FIELD_ROUTING_GATEWAY_CALLEE_PREFIX_RULE,
		FIELD_ROUTING_GATEWAY_CALLEE_PREFIXES,
		FIELD_ROUTING_GATEWAY_CALLEE_LENGTHS,
		FIELD_ROUTING_GATEWAY_CALLEE_NUMBER_GROUP_RULE,
		FIELD_ROUTING_GATEWAY_CALLEE_NUMBER_GROUPS,
	};
	static const struct conf_number_fields forwarded = {
		FIELD_ROUTING_GATEWAY_FORWARDED_PREFIX_RULE,
		FIELD_ROUTING_GATEWAY_FORWARDED_PREFIXES,
		FIELD_COUNT,
		FIELD_COUNT,
		FIELD_COUNT,
	};
	const struct conf_number_groups *groups = &rules->number_groups;

	gateway->callee_restrict =
		(uint8_t)object_field(object, FIELD_ROUTING_GATEWAY_CALLEE_RESTRICT)->number;
	gateway->forward_numbers = conf_number_group_find(
		groups, conf_field_text(object, FIELD_ROUTING_GATEWAY_FORWARD_SIGNAL_REWRITE));
	if (conf_number_rule_build(groups, &rules->arena, object, &caller, &gateway->caller_rule) !=
		    VOS_OK ||
	    conf_number_rule_build(groups, &rules->arena, object, &callee, &gateway->callee_rule) !=
		    VOS_OK ||
	    conf_number_rule_build(groups, &rules->arena, object, &forwarded,
				   &gateway->forwarded_rule) != VOS_OK ||
	    conf_pair_rule_build(&rules->arena, object, FIELD_ROUTING_GATEWAY_PAIR_RULE,
				 FIELD_ROUTING_GATEWAY_PAIRS, &gateway->pair_rule) != VOS_OK)
		return VOS_ENOMEM;
	return VOS_OK;
}

enum vos_err conf_build_routing_rules(struct conf *conf, const struct object *object,
				      struct conf_routing_gateway *gateway)
{
	static const enum field_id stages[CONF_STAGES] = {
		[CONF_STAGE_INVITE] = FIELD_ROUTING_GATEWAY_TIMEOUT_INVITE,
		[CONF_STAGE_TRYING] = FIELD_ROUTING_GATEWAY_TIMEOUT_TRYING,
		[CONF_STAGE_PROGRESS] = FIELD_ROUTING_GATEWAY_TIMEOUT_SESSION_PROGRESS,
		[CONF_STAGE_PROGRESS_SDP] = FIELD_ROUTING_GATEWAY_TIMEOUT_SESSION_PROGRESS_SDP,
		[CONF_STAGE_RINGING] = FIELD_ROUTING_GATEWAY_TIMEOUT_RINGING,
	};
	struct conf_rules *rules = &conf->private->rules;

	for (int stage = 0; stage < CONF_STAGES; stage++)
		gateway->stage_s[stage] = (uint16_t)object_field(object, stages[stage])->number;
	gateway->max_duration = duration_of(object, FIELD_ROUTING_GATEWAY_MAX_CALL_DURATION,
					    FIELD_ROUTING_GATEWAY_MAX_CALL_DURATION_FROM);
	gateway->party.redirect =
		(uint8_t)object_field(object, FIELD_ROUTING_GATEWAY_REDIRECT)->number;
	gateway->party.wants_diversion =
		object_field(object, FIELD_ROUTING_GATEWAY_DIVERSION)->boolean;
	gateway->party.may_transfer = object_field(object, FIELD_ROUTING_GATEWAY_TRANSFER)->boolean;
	gateway->live = live_get(conf->private->live, LIVE_ROUTING_GATEWAY, gateway->name);
	gateway->capacity = (uint32_t)object_field(object, FIELD_ROUTING_GATEWAY_CAPACITY)->number;
	gateway->may_publish = object_field(object, FIELD_ROUTING_GATEWAY_ALLOW_PUBLISH)->boolean;
	gateway->rate_limit =
		(uint32_t)object_field(object, FIELD_ROUTING_GATEWAY_RATE_LIMIT)->number;
	take_identity(object, gateway);
	gateway->has_options_check =
		object_field(object, FIELD_ROUTING_GATEWAY_OPTIONS_CHECK)->boolean;
	gateway->is_protected = object_field(object, FIELD_ROUTING_GATEWAY_PROTECT)->boolean;
	gateway->stops_prefix = object_field(object, FIELD_ROUTING_GATEWAY_PREFIX_MODE)->number ==
				WORD_PREFIX_MODE_TERMINATE;
	gateway->caller_plan = plan_of(conf, object, FIELD_ROUTING_GATEWAY_CALLER_TRANSFORM);
	gateway->callee_plan = plan_of(conf, object, FIELD_ROUTING_GATEWAY_CALLEE_TRANSFORM);
	gateway->shows_display_number =
		object_field(object, FIELD_ROUTING_GATEWAY_SHOW_DISPLAY_NUMBER)->boolean;
	gateway->pool =
		conf_pool_find(rules, conf_field_text(object, FIELD_ROUTING_GATEWAY_NUMBER_POOL));
	if (!gateway->live || build_switching(conf, object, &gateway->switching) != VOS_OK ||
	    build_names(conf, object, FIELD_ROUTING_GATEWAY_GROUPS, &gateway->groups) != VOS_OK ||
	    conf_membership_build(rules, object, FIELD_ROUTING_GATEWAY_GROUPS,
				  FIELD_ROUTING_GATEWAY_GROUP_RESERVE,
				  &gateway->membership) != VOS_OK ||
	    build_routing_numbers(rules, object, gateway) != VOS_OK ||
	    conf_periods_build(rules, object, FIELD_ROUTING_GATEWAY_PERIOD, &gateway->periods) !=
		    VOS_OK)
		return VOS_ENOMEM;
	return VOS_OK;
}
