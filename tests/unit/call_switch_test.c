/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each rule of behaviour C7: what stops the hunt, and what lets it go on all the same. */
#include "tests/support/test.h"

#include "switchd/call/call_switch.h"
#include "tests/support/changes.h"

static const uint16_t codes[] = {404, 484};
static const struct conf_switching strict = {0};
static const struct conf_switching lenient = {
	.after_ring = true, .after_sdp = true, .after_rtp = true, .after_busy = true};
static const struct conf_switching with_codes = {.stop_codes = codes, .stop_code_count = 2};

static const struct row {
	const char *param; /* NULL: all at their defaults */
	const char *value;
	const struct conf_switching *gateway;
	struct switch_input input;
	enum switch_rule rule;
} rows[] = {
	{NULL, NULL, &strict, {.cause = {.received = 503}}, SWITCH_GO_ON},
	{NULL, NULL, &strict, {.cause = {.id = CAUSE_TIMEOUT_INVITE}}, SWITCH_GO_ON},
	/* Busy. */
	{NULL, NULL, &strict, {.cause = {.received = 486}}, SWITCH_STOP_BUSY},
	{NULL, NULL, &strict, {.cause = {.received = 600}}, SWITCH_STOP_BUSY},
	{NULL, NULL, &lenient, {.cause = {.received = 486}}, SWITCH_GO_ON},
	{NULL, NULL, &lenient, {.cause = {.received = 600}}, SWITCH_GO_ON},
	{"SS_GATEWAY_SWITCH_STOP_AFTER_USER_BUSY",
	 "off",
	 &strict,
	 {.cause = {.received = 486}},
	 SWITCH_GO_ON},
	{"SS_GATEWAY_SWITCH_UNTIL_CONNECT",
	 "on",
	 &strict,
	 {.cause = {.received = 486}},
	 SWITCH_STOP_BUSY},
	/* Other 6xx, whatever is allowed. */
	{NULL, NULL, &lenient, {.cause = {.received = 603}}, SWITCH_STOP_EVERYWHERE},
	{NULL, NULL, &lenient, {.cause = {.received = 604}}, SWITCH_STOP_EVERYWHERE},
	/* Stop codes. */
	{NULL, NULL, &with_codes, {.cause = {.received = 404}}, SWITCH_STOP_CODE},
	{NULL, NULL, &with_codes, {.cause = {.received = 484}}, SWITCH_STOP_CODE},
	{NULL, NULL, &with_codes, {.cause = {.received = 480}}, SWITCH_GO_ON},
	{NULL, NULL, &with_codes, {.cause = {.id = CAUSE_NO_ANSWER}}, SWITCH_GO_ON},
	/* Ringing. */
	{NULL, NULL, &strict, {.cause = {.received = 480}, .heard_18x = true}, SWITCH_STOP_RING},
	{NULL, NULL, &lenient, {.cause = {.received = 480}, .heard_18x = true}, SWITCH_GO_ON},
	{"SS_GATEWAY_SWITCH_UNTIL_CONNECT",
	 "on",
	 &strict,
	 {.cause = {.received = 480}, .heard_18x = true},
	 SWITCH_GO_ON},
	/* Early SDP: until-connect does not overrule it. */
	{"SS_GATEWAY_SWITCH_UNTIL_CONNECT",
	 "on",
	 &strict,
	 {.cause = {.received = 480}, .heard_18x = true, .heard_sdp = true},
	 SWITCH_STOP_SDP},
	{"SS_SIP_STOP_SWITCH_AFTER_SDP",
	 "off",
	 &strict,
	 {.cause = {.received = 480}, .heard_18x = true, .heard_sdp = true},
	 SWITCH_STOP_RING},
	{NULL,
	 NULL,
	 &lenient,
	 {.cause = {.received = 480}, .heard_18x = true, .heard_sdp = true},
	 SWITCH_GO_ON},
	/* RTP. */
	{"SS_GATEWAY_SWITCH_UNTIL_CONNECT",
	 "on",
	 &strict,
	 {.cause = {.received = 480}, .heard_18x = true, .heard_sdp = true, .heard_rtp = true},
	 SWITCH_STOP_RTP},
	{"SS_GATEWAY_SWITCH_STOP_AFTER_RTP_START",
	 "off",
	 &strict,
	 {.cause = {.received = 480}, .heard_sdp = true, .heard_rtp = true},
	 SWITCH_STOP_SDP},
	{NULL,
	 NULL,
	 &lenient,
	 {.cause = {.received = 480}, .heard_18x = true, .heard_sdp = true, .heard_rtp = true},
	 SWITCH_GO_ON},
	/* A registered trunk that says nothing. */
	{"SS_SIP_USER_AGENT_STOP_SWITCH_AFTER_INVITE_TIMEOUT",
	 "on",
	 &strict,
	 {.cause = {.id = CAUSE_TIMEOUT_INVITE}, .is_registered = true},
	 SWITCH_STOP_INVITE_TIMEOUT},
	{"SS_SIP_USER_AGENT_STOP_SWITCH_AFTER_INVITE_TIMEOUT",
	 "on",
	 &strict,
	 {.cause = {.id = CAUSE_TIMEOUT_INVITE}},
	 SWITCH_GO_ON},
	{"SS_SIP_USER_AGENT_STOP_SWITCH_AFTER_INVITE_TIMEOUT",
	 "on",
	 &strict,
	 {.cause = {.id = CAUSE_TIMEOUT_TRYING}, .is_registered = true},
	 SWITCH_GO_ON},
	{NULL,
	 NULL,
	 &strict,
	 {.cause = {.id = CAUSE_TIMEOUT_INVITE}, .is_registered = true},
	 SWITCH_GO_ON},
	/* The limit. */
	{"SS_GATEWAY_SWITCH_LIMIT", "0", &lenient, {.cause = {.received = 503}}, SWITCH_STOP_LIMIT},
	{"SS_GATEWAY_SWITCH_LIMIT",
	 "2",
	 &lenient,
	 {.cause = {.received = 503}, .switches = 1},
	 SWITCH_GO_ON},
	{"SS_GATEWAY_SWITCH_LIMIT",
	 "2",
	 &lenient,
	 {.cause = {.received = 503}, .switches = 2},
	 SWITCH_STOP_LIMIT},
	{NULL, NULL, &lenient, {.cause = {.received = 503}, .switches = 1000}, SWITCH_GO_ON},
};

static void every_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct change_list list = {0};
		struct snapshot *config;
		enum switch_rule rule;

		if (rows[i].param)
			changes_param(&list, rows[i].param, rows[i].value);
		config = changes_apply(NULL, &list);
		rule = switch_decide(config, rows[i].gateway, &rows[i].input);
		if (rule != rows[i].rule)
			fail_msg("row %zu: %s, not %s", i, switch_rule_text(rule),
				 switch_rule_text(rows[i].rule));
		snapshot_unref(config);
	}
}

TEST_MAIN(cmocka_unit_test(every_rule))
