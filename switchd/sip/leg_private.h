/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of a SIP leg, shared by leg_table.c, leg_incoming.c, leg_outgoing.c, leg_dialog.c. */
#pragma once

#include <stddef.h>

#include "switchd/call/call_table.h"
#include "switchd/loop/pool.h"
#include "switchd/sip/leg.h"
#include "switchd/sip/leg_session.h"
#include "switchd/sip/leg_trunk.h"
#include "switchd/sip/reply.h"
#include "switchd/sip/txn.h"

#define LEG_TABLE_MAX 400000u
#define LEG_TAG_MAX   32
/* What a leg keeps of its peer's headers; an INVITE with longer ones is refused. */
#define LEG_TOKEN_BYTES 1024 /* tag, Call-ID */
#define LEG_NAME_BYTES  1024 /* From, To, Contact */
#define LEG_ROUTE_BYTES 4096
#define LEG_ROUTES_MAX  64
#define LEG_STRAYS_MAX  8 /* answers of other branches of a fork that are ended properly */

enum leg_state {
	LEG_INCOMING,  /* INVITE received, no final answer yet */
	LEG_OUTGOING,  /* INVITE sent, no final answer yet */
	LEG_ANSWERED,  /* outgoing: 2xx received, ACK held back for a late offer's answer */
	LEG_CONFIRMED, /* dialog is up */
	LEG_CANCELLED, /* outgoing: given up; a late 2xx gets ACK and BYE */
	LEG_ENDED,     /* BYE sent or received */
};

/* Where the texts of a leg are (leg_text.c). */
struct leg_texts {
	char *block;
	uint32_t size;
	uint32_t used;
};

struct sip_leg {
	struct leg base; /* first: a struct leg * is cast to its leg */
	struct sip_worker *worker;
	const struct sip_socket *socket;
	struct addr peer;         /* where requests are sent */
	struct wheel_timer timer; /* stage; ended: removal */
	uint32_t slot;
	enum leg_state state;
	enum conf_stage stage;
	uint16_t stage_s[CONF_STAGES]; /* of the called gateway; 0: the parameter */
	char local_tag[LEG_TAG_MAX];
	struct leg_texts texts; /* of the following, and of session.sdp; set by leg_set() */
	char *call_id;
	char *local;         /* our From or To without tag */
	char *remote;        /* theirs without tag */
	char *remote_tag;    /* "" until known */
	char *remote_target; /* Contact of the peer: Request-URI inside the dialog */
	char *route;         /* value of the Route header; NULL or "" = none */
	char *user;          /* user part of our Contact, escaped */
	char *number;        /* for show */
	char *identity;      /* header lines of our next INVITE about who calls; NULL = none */
	int max_forwards;    /* of the first INVITE */
	uint32_t local_cseq;
	uint32_t remote_cseq;
	uint32_t invite_cseq; /* ours, of the INVITE that awaits ACK from us */
	uint32_t ack_cseq;    /* theirs, of the INVITE whose 2xx awaits ACK from them */
	bool has_remote_cseq;
	bool is_sips; /* the dialog is one of sips: URIs, our Contact too (RFC 3261 12.1.1) */
	bool heard_provisional;
	bool cancel_wanted; /* CANCEL goes with the first provisional */
	bool awaits_ack;
	bool reinvite_answered; /* ours; further 2xx only want their ACK again */
	bool ack_held;          /* ours was answered; its ACK waits for the other side's */
	bool has_offered;       /* our last INVITE had an offer */
	bool asks_100rel;       /* our INVITE says that we have it */
	uint8_t anew;           /* answered, and asked so many times for another offer */
	bool release_after_ack; /* BYE is held until the caller's ACK (RFC 3261 15.1.1) */
	bool has_moved;         /* to another thread: what is left here has no dialog */
	uint8_t strays;
	uint8_t reply_address;          /* WORD_PARTY_ADDRESS_... of its party, as the next */
	uint8_t request_address;        /* party_address.h */
	bool is_proven;                 /* by its password, or as it was called */
	struct cause release_cause;     /* why it is given up, or why BYE is held */
	struct txn_server *invite_in;   /* the peer's INVITE or re-INVITE */
	struct txn_server *offer_in;    /* its UPDATE that waits for an answer */
	struct txn_client *invite_out;  /* ours */
	struct txn_client *request_out; /* BYE */
	struct leg_pass *passing;       /* leg_pass.h */
	uint32_t pass_number;           /* given last */
	struct leg_refer *refer;        /* of the peer's last REFER (leg_refer.c); NULL = none */
	char *ack;                      /* ACK with a body, kept to be sent again */
	size_t ack_len;
	char *late_offer;        /* the peer's in its 2xx, which our ACK answers; NULL = none */
	struct leg_guest *guest; /* it came from another thread (leg_route.h); NULL = it did not */
	struct leg_trunk *trunk; /* a registration of ours that the dialog runs over; NULL = none */
	struct leg_session session;
	struct leg_early *early; /* leg_early.h; NULL once the call is up */
	uint64_t merge_key;      /* in the table by that; 0 = it is not */
};

static inline struct sip_leg *leg_of(struct leg *leg)
{
	return (struct sip_leg *)leg;
}

/* leg_table.c */
struct sip_leg *leg_new(struct sip_worker *worker);
/* Another tag of ours, which leads to the leg as well. */
void leg_renew_tag(struct sip_leg *leg);
/* Frees after the present event: the caller may still touch the leg. */
void leg_free_soon(struct sip_leg *leg);
/* RFC 3261 8.2.2.2: the INVITE of this leg may come again by another way. */
uint64_t leg_merge_key(const struct sip_worker *worker, const struct sip_msg *msg);
void leg_merge_enter(struct sip_leg *leg, uint64_t key);
bool leg_merge_is_known(const struct sip_worker *worker, uint64_t key);
/* For what lives as long as a leg. */
struct pool *leg_pool(const struct sip_worker *worker);

/* leg_text.c */
/* Sets one of the leg's texts. A text that is of no use any more is set to NULL. False: out of
 * memory, and nothing was changed. */
bool leg_set(struct sip_leg *leg, char **field, struct span value);
bool leg_text_from(struct sip_leg *leg, char **field, struct buf *text);
/* The route set; most are empty and take no memory. */
bool leg_route_from(struct sip_leg *leg, struct buf *text);
/* The dialog is up: what was only of use before takes no memory any more. */
void leg_texts_pack(struct sip_leg *leg);
void leg_texts_free(struct sip_leg *leg);
/* Of a copy of a leg: the texts are copied to a block of malloc(), for another thread. */
bool leg_texts_carry(struct sip_leg *copy);
/* There they become the leg's own, and the block is free. */
bool leg_texts_settle(struct sip_leg *leg, struct leg_texts *carried);

/* Appends a user part, escaping what RFC 3261 does not allow in one. */
void buf_add_escaped_user(struct buf *out, const char *user);

/* leg_dialog.c */
extern const struct leg_ops sip_leg_ops;
/* Writes start line and dialog headers of a request of ours, CSeq included; the caller appends and
 * calls txn_client_send or worker_send_commit. */
struct buf *leg_begin_request(struct sip_leg *leg, enum sip_method method, uint32_t cseq,
			      const char *branch);
/* "UDP", "TCP", "TLS": as it stands in Via. */
const char *leg_via_transport(const struct sip_leg *leg);
/* ";transport=tcp" and the like for a SIP URI; "" for UDP. */
const char *leg_uri_transport(const struct sip_leg *leg);
void leg_add_contact(const struct sip_leg *leg, struct buf *out);
void leg_send_ack(struct sip_leg *leg, struct span sdp);
/* The ACK to repeat for the last answered INVITE, valid until the next message is written. */
struct span leg_write_ack(struct sip_leg *leg);
void leg_send_bye(struct sip_leg *leg, struct cause cause);
/* Where requests inside the dialog go: first Route, else as the party's `request-address` says,
 * else NAT source, else the peer's Contact, which is what the target has just been learned from;
 * NULL: the target is looked into. */
void leg_choose_peer(struct sip_leg *leg, const struct addr *source,
		     const struct sip_name_addr *contact);
/* The first of the message's Contact; false, and all empty: none can be read. */
bool leg_contact_of(const struct sip_msg *msg, struct sip_name_addr *out);
void leg_learn_target(struct sip_leg *leg, const struct sip_msg *msg);
/* The same of a Contact that was read, and then where requests go. */
void leg_learn_peer(struct sip_leg *leg, const struct sip_name_addr *contact,
		    const struct addr *source);
/* The SDP body of a message, empty when there is none. */
struct span leg_sdp(const struct sip_msg *msg);
void leg_add_reason(struct buf *out, struct cause cause);
/* The Reason header of the message that is being handled. */
void leg_received_reason(void *context, struct buf *out);

/* leg_outgoing.c */
struct leg *leg_dial(void *context, struct call *call, const struct leg *caller,
		     const struct call_dial *dial);
void leg_give_up(struct sip_leg *leg, struct cause cause);

/* leg_socket.c */
/* That of the caller where the target's kind has none; NULL: nor has that. */
const struct sip_socket *leg_socket(struct sip_worker *worker, const struct call_target *target,
				    const struct leg *caller);
/* False: it is of another kind than the target's, or not the one that it is to be called from, so
 * that nothing sent would leave. */
bool leg_socket_serves(const struct sip_socket *socket, const struct call_target *target);
struct conf_media_place leg_media_place(void *context, const struct call_target *target,
					const struct leg *caller);
bool leg_is_secure(void *context, const struct call_target *target, const struct leg *caller);

/* leg_offer.c */
/* A re-INVITE that only refreshes; false when it cannot be sent. */
bool leg_offer_refresh(struct sip_leg *leg, struct span sdp);
/* One without an offer, to have the peer's; the same. */
bool leg_offer_ask(struct sip_leg *leg);
/* Sends the offer that waited, if there is one. */
void leg_offer_next(struct sip_leg *leg);
void leg_offer(struct leg *base, struct span sdp);
void leg_withdraw_offer(struct leg *base);
void leg_present(struct leg *base, const char *number, bool has_remote_party_id);

/* leg_incoming.c */
void leg_txn_event(struct sip_worker *worker, void *user, struct txn_server *txn,
		   enum txn_server_event event);
