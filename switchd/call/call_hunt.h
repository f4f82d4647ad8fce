/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The set-up of a call: who may be called instead of whom, by which gateways, one after the other
 * or at once. All of it is freed at the answer. */
#pragma once

#include "switchd/call/call_private.h"
#include "switchd/call/call_switch.h"
#include "switchd/call/route.h"

#define CALL_TARGETS_MAX 10

/* One that may be called, and what its attempt needs until the call is answered. */
struct call_candidate {
	struct call_target target;
	unsigned group; /* those of one group are called at once, the groups in turn */
	bool is_fork;   /* called together with others */
	bool is_held;   /* the relay does not know the caller's side of it yet */
	unsigned path;  /* number of its media path: another one is another callee's */
	const struct conf_phone *phone; /* one of whose contacts it is; NULL: a gateway */
	struct live *line; /* of the phone, held by the first of its contacts; NULL = none */
	struct conf_media_place anchor; /* towards it: where its ports are bound */
	struct call_media media;
	struct call_stream heard;
	char *early_sdp; /* of its 18x, as the caller is to see it; NULL = none */
	size_t early_sdp_len;
};

/* Gateways for the called number, called one after the other; there is one candidate, made anew
 * for each. */
struct call_gateways {
	struct route_candidate *list; /* those that are in, best first; NULL: a phone is called */
	bool *is_tried;
	size_t count;
	const struct conf_routing_gateway *current;
	size_t address;             /* of the current one, that was called last */
	size_t first_address;       /* to begin with */
	bool wants_address;         /* the next address of the current one, not the next gateway */
	bool was_called;            /* the current one: another one after it is a switch */
	unsigned switches;          /* to another gateway */
	struct switch_input failed; /* the attempt that failed last */
	enum switch_rule rule;      /* what was decided of it */
};

struct call_forward; /* call_forward.h */

/* What only the set-up needs; freed at the answer. */
struct call_hunt {
	struct conf *conf;                          /* reference: what the targets point into */
	const struct conf_mapping_gateway *mapping; /* who calls: this */
	const struct conf_phone *phone;             /* or this */
	char caller_number[64]; /* both as they are routed: after the rewriting on the way in */
	char callee_number[64];
	struct span prefix; /* for the number that the mapping gateway calls, in its prefixing */
	char looked_up[64]; /* by gateways: callee_number, behind that prefix where it applies */
	char forwarded[64]; /* what the latter was before the first forward; "" = not forwarded */
	const struct conf_phone *called; /* that the candidates are contacts of; NULL: gateways */
	const struct conf_phone *shown;  /* whose display-number stands in for it; NULL: nobody's */
	struct call_gateways gateways;
	struct call_forward *forwards; /* CALL_FORWARDS_MAX of them, the first depth in use; NULL
					* while nothing was forwarded: most calls are not */
	unsigned depth;
	unsigned redirects; /* followed so far */
	struct decide_party caller;
	struct call_candidate *candidates; /* room for CALL_TARGETS_MAX at most */
	size_t capacity;
	size_t count;
	size_t next;
	unsigned running;   /* attempts under way */
	bool is_one_party;  /* contacts of one phone: every one counts, not only the last */
	bool was_ringing;   /* some attempt was */
	bool is_redirected; /* forwards has contacts that go before all others */
	bool has_answer;    /* answer is set */
	bool is_told_other; /* the caller is told another cause than this: */
	struct cause cause;
	struct cause answer; /* for the caller, unless one of the others answers */
	char *sdp;           /* the caller's offer, for every attempt */
	size_t sdp_len;
	struct call_peers *held; /* where the caller takes media, for attempts at once */
	struct call_media spare; /* ports of the attempt before, for the next one */
	struct conf_media_place spare_anchor;
	unsigned spare_path;
	unsigned paths;                    /* numbers given */
	const struct call_attempt *told;   /* whose 18x the caller hears; NULL = nobody's now */
	unsigned told_path;                /* whose SDP the caller has; 0 = nobody's */
	unsigned ring_path;                /* whose caller hears our tone; 0 = none */
	char ring_codec[5];                /* of the tone: "PCMA" */
	struct wheel_timer ring_timer;     /* until the tone of the attempt that runs */
	struct call *ring_call;            /* whose timer that is */
	const struct call_attempt *agreed; /* whose early offer the caller has answered */
	bool told_ringing;                 /* the caller had 180 */
	bool told_progress;                /* the caller had any 18x */
	char display[64];
	struct call_identity identity;
	int max_forwards;
};

/* call_hunt.c: who may be called, in which order, and until when. */
struct cause call_hunt_fill(struct call *call, const struct call_setup *setup);
/* Candidates for hunt->callee_number, in the place of those before; else why there is none. */
struct cause call_hunt_aim(struct call *call, struct span instance);
/* The same for that gateway alone, at that address of its own, if it may be used. */
struct cause call_hunt_aim_at(struct call *call, const struct conf_routing_gateway *gateway,
			      const struct addr *address);
/* For numbers that are called together: none yet, but room for all that may be called at once. */
struct cause call_hunt_aim_at_none(struct call *call);
/* One more of them, by the contacts of that phone; else why it cannot be called. */
struct cause call_hunt_add_phone(struct call *call, const struct conf_phone *phone);
/* A further candidate; NULL: there is no room. */
struct call_candidate *call_hunt_add(struct call_hunt *hunt);
/* The line of the phone that answered by the candidate, no longer the hunt's; NULL: none. */
struct live *call_hunt_take_line(struct call_hunt *hunt, const struct call_candidate *candidate);
/* An attempt there is over: with it the phone's line, unless another contact may still answer. */
void call_hunt_left(struct call *call, const struct call_candidate *candidate);
/* Who is shown to somebody who may see a display-number, or may not. */
const char *call_hunt_shown(const struct call_hunt *hunt, bool with_display_number);
/* What is offered to whoever is called from here on; false: out of memory, it is what it was. */
bool call_hunt_keep_sdp(struct call *call, struct span sdp);
/* Calls the next group of candidates; false when there is none left. */
bool call_hunt_next(struct call *call);
/* After an attempt ended like this: whether others may still be called. */
bool call_hunt_may_go_on(struct call *call, struct cause cause);
void call_hunt_end(struct call *call);

/* call_ingress.c: who calls, before anybody is called. */
/* Chance for dial plans and pools: 0..n-1. */
uint64_t call_chance(void *context, uint64_t n);
/* Admits the call and rewrites its numbers; else the cause to refuse it with. */
struct cause call_ingress(struct call *call, const struct call_setup *setup);
/* The same of a call that a party asks for by a transfer: from setup->caller, and without a limit
 * to its lines, as it has one in the call before. */
struct cause call_ingress_transfer(struct call *call, const struct call_setup *setup);
/* What the caller is told in place of that cause, which the hunt keeps. */
struct cause call_ingress_told(struct call_hunt *hunt, struct cause cause);
/* 180, 183 as the caller wants to have ringing signalled. */
int call_ingress_ringing(const struct call_hunt *hunt, int status, bool has_sdp);

/* call_gateways.c: the gateways of a number. */
struct cause call_gateways_fill(struct call *call);
struct cause call_gateways_fill_one(struct call *call, const struct conf_routing_gateway *gateway,
				    const struct addr *address);
/* One more of several numbers that are called together, by the best gateway alone. */
struct cause call_gateways_add(struct call *call);
/* Those that were called since at the same time may have taken the registration's last line. */
void call_gateways_reach_again(struct call *call, struct call_target *target);
/* Makes the hunt's candidate the next address or gateway; false when there is none. */
bool call_gateways_next(struct call *call);
/* After an attempt at the current one has failed. */
bool call_gateways_may_go_on(struct call *call, struct cause cause);
void call_gateways_end(struct call_gateways *gateways);
/* Counts the attempt at its gateway and lends it a number; else why it cannot be made. */
struct cause call_gateways_take_line(struct call *call, struct call_attempt *attempt);
/* Gives back what was taken, and counts what came of it. */
void call_gateways_give_line(struct call *call, struct call_attempt *attempt, bool is_answered);

/* call_reach.c: fills in where the gateway is called, by the number that the target has already;
 * `address` is one of its own. Nowhere: the target has no address. */
void call_gateway_reach(struct call *call, const struct conf_routing_gateway *gateway,
			size_t address, struct call_target *target);
/* Moves *address to the first place at or behind it that is to be called; false: there is none. */
bool call_gateway_next_place(const struct call *call, const struct conf_routing_gateway *gateway,
			     size_t *address);

/* call_attempt.c: one of them. */
/* The record of a party that was not called, but comes with a dialog that is up. */
struct call_attempt *call_attempt_joined(struct call *call, const char *party,
					 const struct addr *address);
bool call_attempt_dial(struct call *call, struct call_candidate *candidate);
void call_attempt_free(struct call *call, struct call_attempt *attempt);
void call_early_sdp_drop(struct call *call, struct call_candidate *candidate);
/* Its SDP, ready for the caller; else the cause that it has to end with. */
struct cause call_attempt_forward(struct call *call, struct call_attempt *attempt, struct span sdp,
				  struct buf *out);
void call_attempt_rings(struct call *call, struct call_attempt *attempt);
/* 18x, if it is news for the caller. */
void call_attempt_tell(struct call *call, struct call_attempt *attempt, int status,
		       struct span sdp);
/* The caller is going to get this SDP of the attempt. */
void call_attempt_open(struct call *call, struct call_attempt *attempt, struct span sdp);
/* Parts it from its leg, and notes how it ended. */
void call_attempt_over(struct call *call, struct call_attempt *attempt,
		       enum call_attempt_state state, struct cause cause);
/* Ends all that are under way. */
void call_attempts_end(struct call *call, struct cause cause);

/* call_limit.c: when a call that is up has to end. */
void call_limit_start(struct call *call, const struct call_target *callee);
void call_limit_stop(struct call *call);
/* call_watch.c: media of a call that is up. */
void call_watch_start(struct call *call);
void call_watch_stop(struct call *call);
/* For show, and for the record of the call before its media is closed. */
void call_quality_read(const struct call *call, const struct call_media *media,
		       struct call_quality *out);

/* What runs, in words, each with "; " behind it. */
void call_limit_describe(const struct call *call, struct buf *out);
