/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/fraud/act.h"

#include "switchd/auth/black_rules.h"

static uint32_t number_of(const struct snapshot *config, enum param_id id)
{
	const struct value *value = snapshot_param(config, id);

	return value->type == VALUE_NONE ? 0 : (uint32_t)value->number;
}

void fraud_rules_read(const struct snapshot *config, struct fraud_rules *out)
{
	*out = (struct fraud_rules){
		.limits =
			{
				[FRAUD_DESTINATION] =
					number_of(config, PARAM_SS_FRAUD_DESTINATION_LIMIT),
				[FRAUD_SHORT_CALLS] =
					number_of(config, PARAM_SS_FRAUD_SHORT_CALL_LIMIT),
				[FRAUD_NIGHT] = number_of(config, PARAM_SS_FRAUD_NIGHT_LIMIT),
				[FRAUD_CONCURRENT] =
					number_of(config, PARAM_SS_FRAUD_CONCURRENT_LIMIT),
			},
		.destination_period_s = number_of(config, PARAM_SS_FRAUD_DESTINATION_PERIOD),
		.destination_digits = number_of(config, PARAM_SS_FRAUD_DESTINATION_DIGITS),
		.destination_learn_s = number_of(config, PARAM_SS_FRAUD_DESTINATION_LEARN),
		.short_period_s = number_of(config, PARAM_SS_FRAUD_SHORT_CALL_PERIOD),
		.short_talk_s = number_of(config, PARAM_SS_FRAUD_SHORT_CALL_TALK),
		.night_begin_h = (int)number_of(config, PARAM_SS_FRAUD_NIGHT_BEGIN),
		.night_end_h = (int)number_of(config, PARAM_SS_FRAUD_NIGHT_END),
		.night_rise_percent = number_of(config, PARAM_SS_FRAUD_NIGHT_RISE),
	};
}

static bool is_white(const struct snapshot *config, const char *number)
{
	const struct object *object =
		snapshot_object_find(config, OBJECT_WHITE_LIST, span_of(number));
	int64_t as;

	if (!object)
		return false;
	as = object_field(object, FIELD_WHITE_LIST_LISTED_AS)->number;
	return as == WORD_LISTED_AS_BOTH || as == WORD_LISTED_AS_CALLER;
}

bool fraud_act(struct blacklist *list, const struct snapshot *config,
	       const struct fraud_crossing *crossing, uint64_t now_us)
{
	struct black_rules rules;
	enum black_type type =
		crossing->pattern == FRAUD_CONCURRENT ? BLACK_CONCURRENT : BLACK_MALICIOUS;

	if (!list ||
	    snapshot_number(config, PARAM_SS_FRAUD_ACTION) != WORD_FRAUD_ACTION_BLACK_LIST ||
	    is_white(config, crossing->caller))
		return false;
	black_rules_read(config, &rules);
	return blacklist_add(list, &rules, type, crossing->caller, crossing->figure, now_us);
}
