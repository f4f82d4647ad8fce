/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/call_switch.h"

const char *switch_rule_text(enum switch_rule rule)
{
	static const char *const texts[SWITCH_RULE_COUNT] = {
		[SWITCH_GO_ON] = "the next gateway may be tried",
		[SWITCH_STOP_BUSY] = "the called party is busy",
		[SWITCH_STOP_EVERYWHERE] = "the called party refused everywhere",
		[SWITCH_STOP_CODE] = "a stop code of the gateway",
		[SWITCH_STOP_RTP] = "media had begun",
		[SWITCH_STOP_SDP] = "early media had been described",
		[SWITCH_STOP_RING] = "it had rung",
		[SWITCH_STOP_INVITE_TIMEOUT] = "a registered trunk did not answer",
		[SWITCH_STOP_LIMIT] = "the limit of switches is used up",
	};

	return texts[rule];
}

static bool is_busy(struct cause cause)
{
	return cause.received == 486 || cause.received == 600;
}

bool switch_is_stop_code(const struct conf_switching *gateway, int code)
{
	for (size_t i = 0; code && i < gateway->stop_code_count; i++)
		if (gateway->stop_codes[i] == code)
			return true;
	return false;
}

enum switch_rule switch_decide(const struct snapshot *config, const struct conf_switching *gateway,
			       const struct switch_input *input)
{
	int64_t limit = snapshot_number(config, PARAM_SS_GATEWAY_SWITCH_LIMIT);

	if (switch_is_stop_code(gateway, input->cause.received))
		return SWITCH_STOP_CODE;
	if (is_busy(input->cause)) {
		if (!gateway->after_busy &&
		    snapshot_bool(config, PARAM_SS_GATEWAY_SWITCH_STOP_AFTER_USER_BUSY))
			return SWITCH_STOP_BUSY;
	} else if (input->cause.received >= 600) {
		return SWITCH_STOP_EVERYWHERE;
	}
	if (input->heard_rtp && !gateway->after_rtp &&
	    snapshot_bool(config, PARAM_SS_GATEWAY_SWITCH_STOP_AFTER_RTP_START))
		return SWITCH_STOP_RTP;
	if (input->heard_sdp && !gateway->after_sdp &&
	    snapshot_bool(config, PARAM_SS_SIP_STOP_SWITCH_AFTER_SDP))
		return SWITCH_STOP_SDP;
	if (input->heard_18x && !gateway->after_ring &&
	    !snapshot_bool(config, PARAM_SS_GATEWAY_SWITCH_UNTIL_CONNECT))
		return SWITCH_STOP_RING;
	if (input->is_registered && input->cause.id == CAUSE_TIMEOUT_INVITE &&
	    !input->cause.received &&
	    snapshot_bool(config, PARAM_SS_SIP_USER_AGENT_STOP_SWITCH_AFTER_INVITE_TIMEOUT))
		return SWITCH_STOP_INVITE_TIMEOUT;
	/* -1 is no limit; n allows n + 1 gateways (A17). */
	if (limit >= 0 && input->switches >= (unsigned)limit)
		return SWITCH_STOP_LIMIT;
	return SWITCH_GO_ON;
}
