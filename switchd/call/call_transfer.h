/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call that changes its parties: transfer to a number (RFC 3515, blind) or to the party of
 * another call (RFC 3891, attended), and a leg that takes the place of another.
 *
 * A transfer makes a new call. While it is under way the old one stays as it is: the party that
 * stays on, the kept one, is told of its new peer when the target has answered, by an offer inside
 * its dialog; if it takes that, it moves to the new call and the old one ends. The target is called
 * without an offer (RFC 3725 section 4.1), so that nothing of the old call is touched before. */
#pragma once

#include "switchd/call/call_hunt.h"

#define CALL_TRANSFERS_MAX 5 /* one after the other, of what was one call */

enum transfer_stage {
	TRANSFER_CALLING,   /* the target */
	TRANSFER_ASKING,    /* the target, in a call already, for an offer */
	TRANSFER_JOINING,   /* the kept party has, or is to have, the target's offer */
	TRANSFER_REPLACING, /* a leg of the old call by another */
	TRANSFER_LENDING,   /* the target of another thread's transfer is asked (call_far.h) */
};

struct call_transfer {
	enum transfer_stage stage;
	struct call *old;     /* NULL: the referrer has left it, and the kept leg moved on */
	struct call *consult; /* the referrer's with the target; NULL: there is none any more */
	struct call *fresh;   /* of the kept leg and the target; replacing, lending: none */
	struct leg *referrer; /* replacing: the leg that is replaced; NULL: gone */
	struct leg *kept;     /* in old until it moves to fresh */
	struct leg *target;   /* in consult until it moves; replacing: the new leg */
	struct call_far *far; /* lending: who asks; asking another thread: to stop that; or NULL */
	struct call_transfer *next; /* lending: of the table */
	struct call_transfer *prev;
	char shown[64]; /* attended: number that the target is told of; "" = of none */
	bool is_attended;
	bool is_offered; /* the kept leg has an offer that it has not answered */
	unsigned tries;  /* of that */
	struct wheel_timer timer;
	size_t sdp_len;
	char *sdp; /* the target's offer, as the kept leg is to have it */
};

/* What a call that came by a transfer carries with it. */
struct call_past {
	unsigned transfers; /* so far */
	uint64_t from;      /* id of the call before */
	char by[CALL_PARTY_MAX];
	size_t line_count;
	/* Of the kept party, from the calls before: up to three of its own, and of groups. */
	struct live *lines[(3 + CONF_GROUPS_MAX + 1) * CALL_TRANSFERS_MAX];
};

/* Its headers have a Remote-Party-ID. */
bool call_refer_has_remote_party_id(const struct conf *conf, const struct leg *leg);
/* What the media decision goes by of a party that is in a call. */
struct decide_party call_refer_party(const struct conf *conf, const struct leg *leg);
const char *call_party_of(const struct call *call, const struct leg *leg);
/* The number of a party, as others know it. */
const char *call_number_of(const struct call *call, const struct leg *leg);
/* No leg of it is missing, and nothing of it is under way that a transfer would disturb. */
bool call_is_whole(const struct call *call);
/* The media of kept and target, decided as for a call from the one to the other; the target is in
 * the fresh call's `answered` already. */
void call_refer_media(struct call_transfer *transfer, const struct decide_party *target);
/* The fresh call is up as far as its limits are concerned. */
void call_refer_up(struct call *fresh);

/* Asks the target of an attended transfer for an offer. */
void call_transfer_ask(struct call_transfer *transfer);
/* A new offer would meet with the joining. */
bool call_transfer_is_joining(const struct call *call);
/* The target is ringing. */
void call_transfer_rings(struct call *call);
/* The transfer is over for all its calls. */
void call_transfer_end(struct call_transfer *transfer);
/* What the leg's party holds in its call goes on being held: lines go to `past`, those of groups to
 * *groups if that has none. */
void call_transfer_keep(struct call *from, enum media_side side, struct call_past *past,
			struct call_lines **groups);
/* The target has come from another thread with its offer. */
void call_transfer_lent(struct call_transfer *transfer, struct span sdp);
/* The target of the fresh call has answered, with this SDP as the kept leg is to have it. */
void call_transfer_answered(struct call *call, struct leg *target, struct span sdp);
/* An answer to an offer: true when it was one of the transfer's. */
bool call_transfer_result(struct leg *leg, int status, struct span sdp);
/* A leg has hung up: true when its call goes on, or has ended, without it. */
bool call_transfer_left(struct leg *leg);
/* The call, one of those of a transfer, is about to end; leg has ended by itself. */
void call_transfer_over(struct call *call, struct cause cause);
/* The same without a word to anybody: the table goes. */
void call_transfer_drop(struct call *call);
void call_past_free(struct call *call);
/* Lines of the one go to the other, as far as it has room. */
void call_past_join(struct call_past *past, struct call_past *from);

/* call_replace.c */
/* The answer to the new leg's offer. */
void call_replace_result(struct call *call, int status, struct span sdp);
bool call_replace_left(struct leg *leg);
/* The call ends with it: the leg that the call does not know of ends too. */
void call_replace_over(struct call_transfer *transfer, struct cause cause);
