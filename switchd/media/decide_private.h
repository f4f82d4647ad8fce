/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decision apart from where the global settings come from, so that tests can walk all of them.
 */
#pragma once

#include "switchd/media/decide.h"

struct decide_global {
	enum conf_media_mode mode; /* SS_MEDIA_PROXY_MODE */
	bool between_net;          /* SS_MEDIA_PROXY_BETWEEN_NET */
	bool behind_nat;           /* SS_MEDIA_PROXY_BEHIND_NAT */
	bool same_nat;             /* SS_MEDIA_PROXY_SAME_NAT */
	bool is_paired;            /* SS_RTP_PORT_LAYOUT */
};

struct decide_result decide_by(const struct decide_global *global,
			       const struct decide_party *caller,
			       const struct decide_party *callee);
