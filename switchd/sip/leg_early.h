/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a leg needs before its INVITE is answered, and not afterwards: early dialogs, reliable
 * provisional answers (RFC 3262), UPDATE with offers (RFC 3311). Freed at the answer of a callee,
 * at the ACK of a caller; so a call that is up has none of it. */
#pragma once

#include "switchd/sip/leg_private.h"

#define LEG_EARLY_MAX                                                                           \
	8              /* early dialogs of one INVITE: a peer makes up as many tags as it likes \
			*/
#define LEG_HELD_MAX 4 /* provisional answers that wait for the PRACK of the one before */

/* With one of the callees that a proxy has called for our INVITE. */
struct leg_early_dialog {
	struct leg_early_dialog *next;
	char *tag;
	char *target;
	char *route;
	char *sdp; /* of its reliable 18x, then what an UPDATE has made of it; NULL = none */
	size_t sdp_len;
	struct addr peer;
	struct txn_client *prack; /* sent last */
	uint32_t rseq;            /* taken last; 0 = none yet */
	uint32_t invite_cseq;     /* that the PRACK which is held back is for */
	uint32_t remote_cseq;
	bool has_remote_cseq;
	bool takes_update;
	bool holds_prack; /* until the caller has answered the offer in it */
	bool is_agreed;   /* offer and answer are exchanged */
	bool is_parked;   /* but the caller knows nothing of them (leg_late.h) */
};

/* A provisional answer that waits; or, of status 200, the answer. */
struct leg_held {
	struct leg_held *next;
	int status;
	bool wants_answer;
	size_t len;
	char sdp[];
};

struct leg_early {
	/* Of a callee. */
	struct leg_early_dialog *dialogs;
	struct leg_early_dialog *shown; /* whose SDP the call has had; NULL = nobody's */
	struct leg_early_dialog *asker; /* whose UPDATE is leg->offer_in */
	unsigned count;
	/* Of a caller whose provisional answers are reliable. */
	struct leg_held *held; /* in order */
	struct leg_held *answer;
	uint32_t rseq; /* sent last */
	bool is_reliable;
	bool is_required;   /* none may go otherwise */
	bool is_late;       /* the INVITE had no offer */
	bool is_waiting;    /* for PRACK */
	bool waits_for_sdp; /* and what waits had SDP: no 2xx meanwhile */
	bool is_offering;   /* that SDP is an offer: PRACK brings its answer */
	bool is_prack_in;   /* leg->offer_in is a PRACK */
	bool is_settled;    /* what differs from sdp_sent was offered by UPDATE, and refused */
	char *sdp_next; /* the other side's SDP has become this: to be offered; NULL = has not */
	/* Of either. */
	char *sdp_sent; /* ours, as agreed; NULL: nothing is, or it is that of our INVITE */
	char *asked;    /* the peer's, in leg->offer_in */
	struct txn_client *update_out;
	bool is_own_update; /* nobody waits for what comes of it */
};

/* leg_early.c */
/* NULL: out of memory. */
struct leg_early *leg_early_use(struct sip_leg *leg);
void leg_early_end(struct sip_leg *leg);
struct leg_early_dialog *leg_early_find(const struct sip_leg *leg, struct span tag);
/* The one that the caller hears of; NULL: none is there yet. */
struct leg_early_dialog *leg_early_current(const struct sip_leg *leg);
/* RFC 3261 12.2.2: false for a request of its peer that is out of order. */
bool leg_early_take_cseq(struct leg_early_dialog *dialog, const struct sip_msg *msg);
/* 18x: sets the SDP that the call is to have of it. False: it is not to be looked at, being a
 * repeat, or out of order. */
bool leg_early_take(struct sip_leg *leg, const struct sip_rx *rx, struct span *sdp);
/* 2xx, before the call is told: sets the SDP that holds. */
void leg_early_answered(struct sip_leg *leg, const struct sip_msg *msg, struct span *sdp);
void leg_early_prack(struct sip_leg *leg, struct leg_early_dialog *dialog, uint32_t invite_cseq,
		     struct span sdp);
/* The caller's answer to the offer whose PRACK was held back. */
void leg_early_ack(struct sip_leg *leg, struct span sdp);
/* As leg_begin_request() in that dialog; to be sent to dialog->peer. */
struct buf *leg_early_begin(struct sip_leg *leg, struct leg_early_dialog *dialog,
			    enum sip_method method, const char *branch);
/* What the peer says of its target. */
void leg_early_learn(struct sip_leg *leg, struct leg_early_dialog *dialog,
		     const struct sip_msg *msg);

/* leg_outgoing.c, leg_write.c, leg_dialog.c */
/* The route set that a response gives; false: it is beyond all use. */
bool leg_write_route(const struct sip_msg *msg, struct buf *out);
/* URI of a Contact; empty: none that can be used. */
struct span leg_target_in(const struct sip_name_addr *contact);
/* The 2xx to the caller's INVITE. */
void leg_confirm(struct sip_leg *leg, struct span sdp);

/* leg_reliable.c: provisional answers to a caller. */
/* Whether they are reliable, by its INVITE. */
void leg_reliable_use(struct sip_leg *leg, const struct sip_msg *msg);
void leg_reliable_provisional(struct sip_leg *leg, int status, struct span sdp);
/* What was agreed on belongs to another dialog. */
void leg_reliable_renew(struct sip_leg *leg);
/* True: the answer waits. */
bool leg_reliable_holds(struct sip_leg *leg, struct span sdp);
/* The SDP of the 2xx: none when it was agreed on before. */
struct span leg_reliable_body(struct sip_leg *leg, struct span sdp);
void leg_reliable_prack(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx);
/* Sends what waits, if it need not any longer. */
void leg_reliable_go_on(struct sip_leg *leg);
/* PRACK has not come. */
void leg_reliable_lost(struct sip_leg *leg);
/* ACK has come. */
void leg_reliable_acked(struct sip_leg *leg);

/* leg_update.c: UPDATE before the answer. */
void leg_update_request(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx);
void leg_update_offer(struct sip_leg *leg, struct span sdp);
/* The same for an offer that is the leg's own business; false when it cannot be sent. */
bool leg_update_own_offer(struct sip_leg *leg, struct span sdp);
/* What has come of the offer in leg->offer_in. */
void leg_update_result(struct sip_leg *leg, int status, struct span sdp);
