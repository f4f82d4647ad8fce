/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The call's own state, shared by the files of this folder. */
#pragma once

#include <uthash.h>

#include "switchd/call/call_media.h"
#include "switchd/call/call_switch.h"
#include "switchd/call/route.h"
#include "switchd/loop/wheel.h"

#define CALL_TARGETS_MAX 10

enum call_attempt_state {
	ATTEMPT_CALLING, /* nothing heard */
	ATTEMPT_TRYING,
	ATTEMPT_RINGING, /* 18x */
	ATTEMPT_ANSWERED,
	ATTEMPT_FAILED,
	ATTEMPT_ENDED, /* by us: another one answered, the caller gave up */
};

/* One callee that was called, in the order of the list; kept as long as the call. The stages of
 * behaviour C6 are timed by its leg. */
struct call_attempt {
	struct call_attempt *next;
	struct call_attempt *prev;
	struct leg *leg;                  /* while it is under way */
	struct call_candidate *candidate; /* while the call is being set up */
	struct addr address;              /* where it was called */
	struct cause outcome;             /* of one that is over */
	struct live *line;                /* counted there until it is over; NULL = nowhere */
	struct live *pool_number;         /* lent for it */
	uint32_t start_ms;                /* this and the following since the call's start */
	uint32_t ring_ms;                 /* first 18x; 0 = none */
	uint32_t end_ms;                  /* answer or end; 0 = not yet */
	enum call_attempt_state state;
	char party[]; /* "phone 1002" */
};

/* One that may be called, and what its attempt needs until the call is answered. */
struct call_candidate {
	struct call_target target;
	unsigned group;     /* those of one group are called at once, the groups in turn */
	bool is_fork;       /* called together with others */
	bool is_held;       /* the relay does not know the caller's side of it yet */
	unsigned path;      /* number of its media path: another one is another callee's */
	struct addr anchor; /* our address towards it: where its ports are bound */
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
	bool wants_address;         /* the next address of the current one, not the next gateway */
	unsigned switches;          /* to another gateway */
	struct switch_input failed; /* the attempt that failed last */
	enum switch_rule rule;      /* what was decided of it */
};

#define CALL_FORWARDS_MAX 5 /* of one call */

/* Numbers that stand in for the one that was called, tried in order. */
struct call_forward {
	const struct conf_names *numbers;
	size_t next;
	char from[64]; /* the number that is forwarded */
};

/* What only the set-up needs; freed at the answer. */
struct call_hunt {
	struct conf *conf;                          /* reference: what the targets point into */
	const struct conf_mapping_gateway *mapping; /* who calls: this */
	const struct conf_phone *phone;             /* or this */
	char caller_number[64]; /* both as they are routed: after the rewriting on the way in */
	char callee_number[64];
	const struct conf_phone *called; /* that the candidates are contacts of; NULL: gateways */
	struct live *called_line;        /* counted there while it is called; NULL = nowhere */
	struct call_gateways gateways;
	struct call_forward forwards[CALL_FORWARDS_MAX]; /* the first depth are in use */
	unsigned depth;
	struct decide_party caller;
	struct call_candidate *candidates; /* room for CALL_TARGETS_MAX at most */
	size_t capacity;
	size_t count;
	size_t next;
	unsigned running;    /* attempts under way */
	bool is_one_party;   /* contacts of one phone: every one counts, not only the last */
	bool was_ringing;    /* some attempt was */
	bool has_answer;     /* answer is set */
	struct cause answer; /* for the caller, unless one of the others answers */
	char *sdp;           /* the caller's offer, for every attempt */
	size_t sdp_len;
	struct call_peers *held; /* where the caller takes media, for attempts at once */
	struct call_media spare; /* ports of the attempt before, for the next one */
	struct addr spare_anchor;
	unsigned spare_path;
	unsigned paths;                  /* numbers given */
	const struct call_attempt *told; /* whose 18x the caller hears; NULL = nobody's now */
	unsigned told_path;              /* whose SDP the caller has; 0 = nobody's */
	bool told_ringing;               /* the caller had 180 */
	bool told_progress;              /* the caller had any 18x */
	char display[64];
	int max_forwards;
};

/* A new offer inside the call that waits for its answer. */
struct call_offer {
	enum media_side by;
	bool was_empty;
	bool is_withdrawn;
	unsigned streams_before; /* bit set of those that had ports already */
	struct call_stream heard;
	struct call_peers peers; /* take effect with the answer */
};

/* What the media decision went by, kept for show; networks are in call->networks. */
struct call_decided {
	struct addr source;
	uint8_t mode; /* enum conf_media_mode */
	bool has_local_ring;
	bool has_encryption;
	bool is_dynamic;
	bool is_nat;
};

struct call {
	uint64_t id;
	UT_hash_handle hh;
	struct call *next; /* in order of id */
	struct call *prev;
	struct call_table *table;
	struct leg *legs[MEDIA_SIDES]; /* B: the callee that answered */
	struct call_attempt *attempts;
	struct call_attempt *answered; /* the attempt that became leg B */
	struct call_hunt *hunt;        /* NULL once it is answered */
	struct call_offer *offer;      /* NULL: none waits */
	char *caller;                  /* with callee and party in one block */
	char *callee;
	char *party;              /* the caller's: "phone 1001" */
	struct live *caller_line; /* counted there while the call lasts; NULL = nowhere */
	struct live *callee_line; /* the same of a phone that answered */
	char *networks; /* of caller and callee, each with its NUL; NULL: neither has one */
	struct wheel_timer limit;     /* of the set-up; once it is answered, of the talk */
	struct call_silence *silence; /* call_limit.c; NULL: media is not watched */
	uint32_t max_s;               /* longest talk; 0 = no limit, as with the next */
	uint32_t ceiling_s;           /* while the caller's leg has no session timer */
	int64_t start_ms;
	int64_t answer_ms;
	uint64_t start_us;
	uint64_t answer_us;
	struct call_media media; /* with the callee that answered */
	struct call_stream streams[MEDIA_SIDES];
	struct call_decided decided[MEDIA_SIDES];
	bool is_late_offer; /* INVITE without SDP: the answer comes with the caller's ACK */
	bool ack_pending;   /* callee waits for that ACK */
};

struct call_table {
	struct call_env env;
	struct call *by_id;
	struct call *first;
	size_t count;
	uint64_t next_id;
};

static inline struct leg *call_other_leg(const struct call *call, const struct leg *leg)
{
	return call->legs[leg->side == MEDIA_A ? MEDIA_B : MEDIA_A];
}

static inline bool call_attempt_is_running(const struct call_attempt *attempt)
{
	return attempt->state <= ATTEMPT_RINGING;
}

/* call_table.c */
struct call *call_new(struct call_table *table);
void call_free(struct call *call);
struct call *call_find(const struct call_table *table, uint64_t id);
/* The first call with a higher id. */
struct call *call_after(const struct call_table *table, uint64_t after);

/* call_hunt.c: who may be called, in which order, and until when. */
struct cause call_hunt_fill(struct call *call, const struct call_setup *setup);
/* Candidates for hunt->callee_number, in the place of those before; else why there is none. */
struct cause call_hunt_aim(struct call *call, struct span instance);
/* Calls the next group of candidates; false when there is none left. */
bool call_hunt_next(struct call *call);
/* After an attempt ended like this: whether others may still be called. */
bool call_hunt_may_go_on(struct call_hunt *hunt, struct cause cause);
void call_hunt_end(struct call *call);

/* call_ingress.c: who calls, before anybody is called. */
/* Chance for dial plans and pools: 0..n-1. */
uint64_t call_chance(void *context, uint64_t n);
/* Admits the call and rewrites its numbers; else the cause to refuse it with. */
struct cause call_ingress(struct call *call, const struct call_setup *setup);
/* What the caller is told in place of that cause. */
struct cause call_ingress_told(const struct call_hunt *hunt, struct cause cause);
/* 180, 183 as the caller wants to have ringing signalled. */
int call_ingress_ringing(const struct call_hunt *hunt, int status, bool has_sdp);

/* call_forward.c: the numbers that stand in for another. */
/* The called phone forwards all its calls. */
const struct conf_names *call_forward_always(const struct conf_phone *phone);
/* Aims at the next number after the present one ended like that; false: there is none, and *cause
 * says so when that is the reason. */
bool call_forward_next(struct call *call, struct cause *cause);

/* call_gateways.c: the gateways of a number. */
struct cause call_gateways_fill(struct call *call);
/* Makes the hunt's candidate the next address or gateway; false when there is none. */
bool call_gateways_next(struct call *call);
/* After an attempt at the current one has failed. */
bool call_gateways_may_go_on(struct call_hunt *hunt, struct cause cause);
void call_gateways_end(struct call_gateways *gateways);
/* Counts the attempt at its gateway and lends it a number; else why it cannot be made. */
struct cause call_gateways_take_line(struct call *call, struct call_attempt *attempt);
/* Gives back what was taken, and counts what came of it. */
void call_gateways_give_line(struct call *call, struct call_attempt *attempt, bool is_answered);

/* call_attempt.c: one of them. */
bool call_attempt_dial(struct call *call, struct call_candidate *candidate);
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
/* What runs, in words, each with "; " behind it. */
void call_limit_describe(const struct call *call, struct buf *out);

/* call.c */
void call_end(struct call *call, struct leg *but, struct cause cause);
