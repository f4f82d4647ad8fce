/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leg as the call sees it: what it can be told (leg_ops), and what it reports (call_* below). The
 * protocol behind it (SIP in sip/leg_*.c) is not visible here.
 *
 * A leg belongs to the call until it reports its end (call_leg_failed, call_leg_released) or is
 * told to release; after either both sides drop their pointers and the leg finishes its protocol
 * alone. */
#pragma once

#include "switchd/call/call.h"
#include "switchd/call/call_dial.h"
#include "switchd/call/call_redirect.h"
#include "switchd/call/cause.h"
#include "switchd/call/identity.h"

struct cdr_spool;
struct cdr_writer;
struct recorder_ring;

struct leg;
struct leg_parcel;
struct call;
struct call_far;
struct mailbox;

/* A request inside the call that changes nothing of it. */
enum call_inside_kind { CALL_INSIDE_INFO, CALL_INSIDE_MESSAGE };

struct call_inside {
	enum call_inside_kind kind;
	struct span content_type;
	struct span body;
	uint32_t number; /* by which its answer is known to the asker; 0: nobody asks */
};

struct leg_ops {
	/* To a caller still waiting: 180, 183; sdp may be empty. */
	void (*provisional)(struct leg *leg, int status, struct span sdp);
	/* To a caller still waiting: what follows is of another callee than what it was told, with
	 * other media; so it is another dialog (RFC 3261 12.1). */
	void (*new_dialog)(struct leg *leg);
	/* To a caller still waiting: 3xx, to call those numbers of ours instead. It ends the leg.
	 */
	void (*redirect)(struct leg *leg, int status, const struct call_redirect *to);
	/* To a caller: 200. */
	void (*answer)(struct leg *leg, struct span sdp);
	/* To a callee that answered: ACK; sdp only after a late offer. To one whose early offer
	 * waits: its answer. */
	void (*ack)(struct leg *leg, struct span sdp);
	/* In the call: a new offer (hold, resume, codec); empty sdp asks the peer for one. The
	 * peer's answer comes as call_offer_result. */
	void (*offer)(struct leg *leg, struct span sdp);
	/* Who is at the other end from the next offer on; that says so. */
	void (*present)(struct leg *leg, const char *number, bool has_remote_party_id);
	/* The asker has given up its offer; a result is reported all the same. */
	void (*withdraw_offer)(struct leg *leg);
	/* Answer to the peer's own offer (call_offer). */
	void (*offer_result)(struct leg *leg, int status, struct span sdp);
	/* A request inside the call that just passes: false when it cannot be sent. Else its answer
	 * comes by call_inside_result(), if it has a number. */
	bool (*inside)(struct leg *leg, const struct call_inside *inside);
	/* Answer to a request of the peer's (call_inside_request); number 0: to all that wait. */
	void (*inside_result)(struct leg *leg, uint32_t number, int status);
	/* How the peer's REFER is getting on (call_refer): a SIP status, from 200 on the last. */
	void (*referred)(struct leg *leg, int status);
	/* Ends the leg in whatever state it is: final answer, CANCEL or BYE. */
	void (*release)(struct leg *leg, struct cause cause);
	/* Takes the leg away from its call and this thread, for that one (call_env.unpack); NULL:
	 * it cannot go now, and stays as it is. */
	struct leg_parcel *(*pack)(struct leg *leg, int thread);
	void (*describe)(const struct leg *leg, struct call_leg_info *out);
	/* Call-ID, by which its messages are found in the recorder; valid as long as the leg. */
	struct span (*call_id)(const struct leg *leg);
};

struct leg {
	const struct leg_ops *ops;
	struct call *call;            /* NULL once they have parted */
	struct call_attempt *attempt; /* the call's: of a callee that has not answered yet */
	enum media_side side;
	uint64_t dialog;               /* hash of its Call-ID, for the flight recorder */
	struct addr signalling;        /* observed source, or where it is called */
	struct conf_media_place media; /* ours, in the SDP that this leg is sent */
	bool is_nat;
	bool is_secure;         /* its signalling is encrypted: keys may stand in its SDP */
	bool has_session_timer; /* agreed on: a peer that is gone is noticed */
	bool wants_answer;      /* the SDP of its 18x is an offer that has no answer yet */
	bool offers_late;       /* the same of its 2xx */
	bool takes_early_offer; /* the caller's: it would answer one */
	bool is_other_callee;   /* who answers now is not the one whose early SDP was reported */
};

/* Between the threads of an attended transfer (call_far.h). */
enum call_far_letter {
	CALL_FAR_ASK,  /* to the thread of the dialog */
	CALL_FAR_TELL, /* the answer */
	CALL_FAR_DROP, /* the answer is not wanted any more */
};

/* What a call needs of its thread; filled by sip/leg_table.c. */
struct call_env {
	struct wheel *wheel;
	struct mailbox *mailbox; /* of the thread */
	const uint64_t *now_us;
	struct conf *const *conf;
	struct location *location;
	struct media *media;
	struct alarms *alarms; /* NULL: nobody is told */
	const struct log *log;
	struct recorder_ring *trace;  /* NULL: nothing is recorded */
	struct cdr_spool *records;    /* of calls; NULL: none are made, as with the next */
	const struct cdr_writer *cdr; /* who may have no room for more */
	struct blacklist *blacklist;  /* NULL: there is no dynamic one */
	struct fraud_feed *fraud;     /* NULL: nobody looks for it */
	int worker_number;
	void *context;
	/* The Reason header (RFC 3326) of the message that is being handled, if it has one. */
	void (*reason)(void *context, struct buf *out);
	/* Where the media of a leg to this target will be, before it is dialled. */
	struct conf_media_place (*media_place)(void *context, const struct call_target *target,
					       const struct leg *caller);
	/* Whether its signalling will be encrypted. */
	bool (*is_secure)(void *context, const struct call_target *target,
			  const struct leg *caller);
	/* A leg from another thread, which has no call yet; NULL: out of memory. */
	struct leg *(*unpack)(void *context, struct leg_parcel *parcel);
	/* Sends a letter to the thread that it is for; false: it stays the sender's. */
	bool (*send_far)(void *context, enum call_far_letter letter, struct call_far *far);
	/* Starts an outgoing leg for the call; NULL when it cannot be. */
	struct leg *(*dial)(void *context, struct call *call, const struct leg *caller,
			    const struct call_dial *dial);
};

struct call_setup {
	struct leg *leg;
	const char *caller;
	const char *callee;
	const char *display; /* for between quotes; "" = none */
	struct call_identity identity;
	struct span instance; /* of a GRUU (RFC 5627): only this one of the callee's; empty = all */
	char party[CALL_PARTY_MAX];
	struct decide_party decide;
	const struct conf_mapping_gateway *mapping;   /* who calls: this */
	const struct conf_phone *phone;               /* or this */
	const struct conf_registration *registration; /* that it came by; NULL = none */
	const char *matched_by;                       /* for the recorder; NULL = not told */
	struct span sdp;
	int max_forwards;
};

/* A new incoming call. It may be refused before this returns (leg->ops->release was called). */
void call_start(struct call_table *table, const struct call_setup *setup);

/* Reports of a leg. The leg must not look at leg->call afterwards without a check for NULL. */
void call_provisional(struct leg *leg, int status, struct span sdp);
void call_answered(struct leg *leg, struct span sdp);
/* The caller's ACK; or its answer to an early offer, in which case the SDP is not empty. */
void call_acked(struct leg *leg, struct span sdp);
/* An outgoing leg has failed before answer. */
void call_leg_failed(struct leg *leg, struct cause cause);
/* It has failed with a 3xx. */
void call_leg_redirected(struct leg *leg, struct cause cause, const struct call_redirect *to);
/* A timer of the leg has run out; for the recorder. */
void call_leg_timer(const struct leg *leg, const char *name, uint64_t after_s);
/* The peer hung up, gave up, or is lost. */
void call_leg_released(struct leg *leg, struct cause cause);
/* 0: the result comes by offer_result; else the status to refuse with. */
int call_offer(struct leg *leg, struct span sdp);
/* The peer has cancelled the offer that waits for its result. */
void call_offer_withdrawn(struct leg *leg);
void call_offer_result(struct leg *leg, int status, struct span sdp);
/* The peer has confirmed the session as it is, with this SDP in its answer (may be empty). */
void call_refreshed(struct leg *leg, struct span sdp);
void call_inside_request(struct leg *leg, const struct call_inside *inside);
/* Of one that the leg was given: the final status. */
void call_inside_result(struct leg *leg, uint32_t number, int status);

/* The peer asks for another party in its place (RFC 3515). */
struct call_refer {
	const char *number;   /* to be called, unless: */
	bool has_replaced;    /* it is to be the party of a call that is up already */
	struct leg *replaced; /* the sender's leg of that; NULL: it has none such */
	bool is_far;          /* it may be another thread's, which knows it by: */
	struct span dialog;
};

/* Whether that may be done: 0, or the status to refuse it with. */
int call_refer_check(struct leg *leg, const struct call_refer *refer);
/* Does it, after that and the answer to it; what comes of it is told by ops->referred. */
void call_refer(struct leg *leg, const struct call_refer *refer);
/* An INVITE by which a peer takes over a leg of its own (RFC 3891): 0, or the status to refuse it
 * with. The answer comes by ops->answer or ops->release. */
int call_replace(struct leg *leg, struct leg *replaced, const struct call_setup *setup);
