/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session timer of a leg. */
#pragma once

#include "switchd/loop/wheel.h"
#include "switchd/sip/msg.h"
#include "switchd/sip/session_timer.h"

struct sip_leg;
struct txn_client;

/* The session timer of a leg (leg_session.c), and offers of ours that have to do with it. */
struct leg_session {
	struct session_rules rules;
	struct session_timer agreed;
	struct session_timer asked; /* by the peer's request that has no answer yet */
	uint32_t min_se_s;          /* of a 422; 0 = none */
	struct wheel_timer timer;   /* next refresh, or the end */
	uint64_t refreshed_us;
	struct txn_client *update_out;
	char *sdp;     /* a text: we sent last; kept when we refresh by re-INVITE */
	char *waiting; /* offer that waits for the end of a refresh by re-INVITE */
	uint32_t waiting_len;
	bool offer_waits;  /* waiting has it, or it is empty */
	bool offer_is_out; /* a re-INVITE of ours has no final answer */
	bool is_refresh;   /* that one, or the last, is the switch's own */
	bool peer_updates; /* it takes UPDATE */
	bool owns_call_id; /* ours: RFC 3261 14.1 */
	bool was_raised;   /* a 422 has been heeded since the last 2xx */
};

#define LEG_MIN_SE "Min-SE: 90\r\n" /* SESSION_MIN_SE_S */

/* Whether a timer may be agreed on with the leg's party. */
void leg_session_use(struct sip_leg *leg, bool is_enabled);
/* INVITE, re-INVITE or UPDATE of the peer: 0, or the status to refuse with; 422 wants
 * LEG_MIN_SE. */
int leg_session_take(struct sip_leg *leg, const struct sip_msg *msg);
/* Headers of our 2xx to it; the session runs by them from here. */
void leg_session_answer(struct sip_leg *leg, struct buf *out);
/* Headers of a request of ours. */
void leg_session_propose(const struct sip_leg *leg, struct buf *out);
/* 2xx to a request of ours. */
void leg_session_agreed(struct sip_leg *leg, const struct sip_msg *msg);
/* 422 to a request of ours: true when it is to be sent once again. */
bool leg_session_raise(struct sip_leg *leg, const struct sip_msg *msg);
/* A refresh by re-INVITE got this; NULL: no answer at all. */
void leg_session_refused(struct sip_leg *leg, const struct sip_msg *msg);
/* Whether our side of the session is kept: a refresh is going to repeat it. */
bool leg_session_wants_sdp(const struct sip_leg *leg);
/* What the peer has been sent as our side of the session. */
void leg_session_sent(struct sip_leg *leg, struct span sdp);
/* After a 491. */
uint64_t leg_session_glare_us(struct sip_leg *leg);
void leg_session_stop(struct sip_leg *leg);
/* The leg has come to another thread: its timer runs there. */
void leg_session_resume(struct sip_leg *leg);
void leg_session_describe(const struct sip_leg *leg, char *out, size_t size);
