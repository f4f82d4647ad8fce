/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether another gateway may be tried after one has failed (behaviour C7): a pure decision, with
 * the rule that made it. */
#pragma once

#include "switchd/call/cause.h"
#include "switchd/conf/conf.h"

/* What came of the attempt that failed, and what the call has behind it. */
struct switch_input {
	struct cause cause;
	bool heard_18x;     /* any of them */
	bool heard_sdp;     /* early media was described */
	bool heard_rtp;     /* a packet of its was relayed */
	bool is_registered; /* reached through a registration of ours */
	unsigned switches;  /* to another gateway, so far */
};

enum switch_rule {
	SWITCH_GO_ON,
	SWITCH_STOP_BUSY,           /* SS_GATEWAY_SWITCH_STOP_AFTER_USER_BUSY */
	SWITCH_STOP_EVERYWHERE,     /* 6xx: RFC 3261 21.6, nobody else will do better */
	SWITCH_STOP_CODE,           /* stop-codes of the gateway */
	SWITCH_STOP_RTP,            /* SS_GATEWAY_SWITCH_STOP_AFTER_RTP_START */
	SWITCH_STOP_SDP,            /* SS_SIP_STOP_SWITCH_AFTER_SDP */
	SWITCH_STOP_RING,           /* SS_GATEWAY_SWITCH_UNTIL_CONNECT is off */
	SWITCH_STOP_INVITE_TIMEOUT, /* SS_SIP_USER_AGENT_STOP_SWITCH_AFTER_INVITE_TIMEOUT */
	SWITCH_STOP_LIMIT,          /* SS_GATEWAY_SWITCH_LIMIT */
	SWITCH_RULE_COUNT,
};

/* gateway: the switching of the one that failed. */
enum switch_rule switch_decide(const struct snapshot *config, const struct conf_switching *gateway,
			       const struct switch_input *input);
bool switch_is_stop_code(const struct conf_switching *gateway, int code);
const char *switch_rule_text(enum switch_rule rule);
