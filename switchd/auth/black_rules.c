/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/auth/black_rules.h"

static uint32_t number_of(const struct snapshot *config, enum param_id id)
{
	const struct value *value = snapshot_param(config, id);

	return value->type == VALUE_NONE ? 0 : (uint32_t)value->number;
}

void black_rules_read(const struct snapshot *config, struct black_rules *out)
{
	*out = (struct black_rules){{
		[BLACK_MALICIOUS] =
			{
				.limit = number_of(config,
						   PARAM_SS_BLACK_LIST_CALLER_MALICIOUS_CALL_LIMIT),
				.window_s = number_of(
					config,
					PARAM_SS_BLACK_LIST_CALLER_MALICIOUS_CALL_CHECK_INTERVAL),
				.expire_s = number_of(
					config, PARAM_SS_BLACK_LIST_CALLER_MALICIOUS_CALL_EXPIRE),
			},
		[BLACK_CONCURRENT] =
			{
				.limit = number_of(config,
						   PARAM_SS_BLACK_LIST_CALLER_CONCURRENT_LIMIT),
				.window_s = 1, /* it has none */
				.expire_s = number_of(config,
						      PARAM_SS_BLACK_LIST_CALLER_CONCURRENT_EXPIRE),
			},
		[BLACK_NO_ANSWER] =
			{
				.limit = number_of(config, PARAM_SS_BLACK_LIST_NO_ANSWER_LIMIT),
				.window_s = number_of(config, PARAM_SS_BLACK_LIST_NO_ANSWER_PERIOD),
				.expire_s = number_of(config, PARAM_SS_BLACK_LIST_NO_ANSWER_EXPIRE),
			},
	}};

	/* One of them unset: the kind is off. */
	for (int type = 0; type < BLACK_TYPES; type++)
		if (!out->of[type].window_s || !out->of[type].expire_s)
			out->of[type].limit = 0;
}

const char *black_type_word(enum black_type type)
{
	static const char *const words[BLACK_TYPES] = {
		[BLACK_NONE] = "none",
		[BLACK_MALICIOUS] = "malicious",
		[BLACK_CONCURRENT] = "concurrent",
		[BLACK_NO_ANSWER] = "no-answer",
	};

	return words[type];
}

const char *black_type_side(enum black_type type)
{
	return type == BLACK_NO_ANSWER ? "callee" : "caller";
}
