/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an object says of its calls has to fit together: the bounds of their longest duration, and
 * the order of the gateways that are tried for them. */
#include "shared/config/check_private.h"

#include <stdio.h>

static const struct call_fields {
	enum object_kind kind;
	enum field_id max;
	enum field_id from;
	enum field_id policies[2]; /* FIELD_COUNT: it calls nobody */
} parties[] = {
	{OBJECT_PHONE,
	 FIELD_PHONE_MAX_CALL_DURATION,
	 FIELD_PHONE_MAX_CALL_DURATION_FROM,
	 {FIELD_PHONE_FIRST_ROUTE_POLICY, FIELD_PHONE_SECOND_ROUTE_POLICY}},
	{OBJECT_MAPPING_GATEWAY,
	 FIELD_MAPPING_GATEWAY_MAX_CALL_DURATION,
	 FIELD_MAPPING_GATEWAY_MAX_CALL_DURATION_FROM,
	 {FIELD_MAPPING_GATEWAY_FIRST_ROUTE_POLICY, FIELD_MAPPING_GATEWAY_SECOND_ROUTE_POLICY}},
	{OBJECT_ROUTING_GATEWAY,
	 FIELD_ROUTING_GATEWAY_MAX_CALL_DURATION,
	 FIELD_ROUTING_GATEWAY_MAX_CALL_DURATION_FROM,
	 {FIELD_COUNT, FIELD_COUNT}},
};

static void path_of(const struct object *object, enum field_id id, char path[FAULT_PATH_MAX])
{
	snprintf(path, FAULT_PATH_MAX, "%s %s %s", object_type(object->kind)->keyword, object->key,
		 field_get(id)->keyword);
}

static void check_durations(struct check *check, const struct object *object,
			    const struct call_fields *fields)
{
	const struct value *max = object_field(object, fields->max);
	const struct value *from = object_field(object, fields->from);
	char path[FAULT_PATH_MAX];

	if (from->type == VALUE_NONE)
		return;
	path_of(object, fields->from, path);
	if (max->type == VALUE_NONE)
		check_error(check, FAULT_REF_MISSING, path,
			    "%s %lld s: up to which? set %s as well, to %lld s or more", path,
			    (long long)from->number, field_get(fields->max)->keyword,
			    (long long)from->number);
	else if (from->number > max->number)
		check_error(check, FAULT_VALUE_RANGE, path,
			    "%s %lld s is above %s %lld s%s; it may be that at most", path,
			    (long long)from->number, field_get(fields->max)->keyword,
			    (long long)max->number, max->number ? "" : ", no limit");
}

static bool is_asr(const struct object *object, enum field_id id)
{
	return object_field(object, id)->number == WORD_ROUTE_POLICY_ASR;
}

static void check_policies(struct check *check, const struct object *object,
			   const struct call_fields *fields)
{
	char path[FAULT_PATH_MAX];
	int by_asr;

	if (fields->policies[0] == FIELD_COUNT)
		return;
	by_asr = is_asr(object, fields->policies[0]) ? 0 : 1;
	if (!is_asr(object, fields->policies[by_asr]))
		return;
	path_of(object, fields->policies[by_asr], path);
	if (!snapshot_bool(check->after, PARAM_SS_GATEWAY_ASR_CALCULATE))
		check_warning(check, path,
			      "%s asr: no answer ratio is kept; set SS_GATEWAY_ASR_CALCULATE On",
			      path);
	if (by_asr == 0 && is_asr(object, fields->policies[1])) {
		path_of(object, fields->policies[1], path);
		check_warning(check, path, "%s asr: the first one is asr, so this changes nothing",
			      path);
	}
}

void check_calls(struct check *check)
{
	for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++) {
		struct check_walk walk = check_walk_start(check, parties[i].kind);
		const struct object *before;
		const struct object *object;

		while ((object = check_walk_next(&walk, &before)) != NULL) {
			check_durations(check, object, &parties[i]);
			check_policies(check, object, &parties[i]);
		}
	}
}
