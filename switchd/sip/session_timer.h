/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session timer of one leg (RFC 4028, behaviour C4): what the two ends agree on, who refreshes,
 * and when. Pure: headers in, headers and times out; the leg keeps the clock.
 *
 * SS_SIP_SESSION_TTL is the interval that we propose (0 = no timer), SS_SIP_SESSION_UPDATE_SEGMENT
 * when we refresh (2..10 divides the interval, from 30 it is seconds),
 * SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP how long before its end a session that nobody refreshed is
 * given up (0: a third of the interval, at most 32 s, RFC 4028 section 10). */
#pragma once

#include "shared/base/buf.h"
#include "shared/config/snapshot.h"
#include "switchd/sip/msg.h"

#define SESSION_MIN_SE_S 90 /* RFC 4028 section 4: nobody may ask for less */

struct session_rules {
	uint32_t ttl_s;   /* 0 = no timer on this leg */
	uint32_t segment; /* as the parameter has it */
	uint32_t early_hangup_s;
};

enum session_refresher {
	SESSION_OFF, /* no timer was agreed on */
	SESSION_WE_REFRESH,
	SESSION_PEER_REFRESHES,
};

/* Kept twice a leg: small. */
struct session_timer {
	uint32_t refresher : 2; /* enum session_refresher */
	uint32_t interval_s : 29;
	uint32_t peer_supports : 1; /* it listed `timer`: the answer may require it */
};

enum session_verdict {
	SESSION_AGREED,    /* *out says on what, perhaps on no timer */
	SESSION_TOO_SMALL, /* answer 422 with Min-SE: SESSION_MIN_SE_S */
	SESSION_BAD,       /* a header that cannot be read: 400 */
};

/* is_enabled: the setting of the leg's party. */
struct session_rules session_rules_of(const struct snapshot *config, bool is_enabled);

/* A request of the peer's, INVITE, re-INVITE or UPDATE: what our 2xx says. */
enum session_verdict session_take_request(const struct session_rules *rules,
					  const struct sip_msg *msg, struct session_timer *out);
/* The peer's 2xx to a request of ours that proposed a timer. A header that cannot be read counts as
 * none. */
void session_take_answer(const struct session_rules *rules, const struct sip_msg *msg,
			 struct session_timer *out);
/* Interval to propose after a 422: what its Min-SE asks for; 0 when it asks for nothing more than
 * was proposed, so that trying again is of no use. */
uint32_t session_after_422(uint32_t proposed_s, const struct sip_msg *msg);

/* Supported and, with an interval, Session-Expires of a request of ours. current: what the session
 * runs by, NULL in the first INVITE; the refresher stays who it is. min_se_s: of a 422 before, 0 =
 * none. */
void session_write_request(struct buf *out, uint32_t interval_s,
			   const struct session_timer *current, uint32_t min_se_s);
/* Headers of our 2xx. */
void session_write_answer(struct buf *out, const struct session_timer *timer);

/* Seconds after the last refresh at which we refresh, or give the session up. 0 = never. */
uint32_t session_refresh_after_s(const struct session_rules *rules,
				 const struct session_timer *timer);
uint32_t session_give_up_after_s(const struct session_rules *rules,
				 const struct session_timer *timer);
