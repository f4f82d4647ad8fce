/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The call's own state, shared by the files of this folder. */
#pragma once

#include <stdatomic.h>

#include "switchd/call/call_media.h"
#include "switchd/loop/key_table.h"
#include "switchd/loop/pool.h"
#include "switchd/loop/wheel.h"

/* Lines of gateway groups, and of a registration of ours, until given back. */
struct call_lines {
	size_t count;
	struct live *lines[CONF_GROUPS_MAX + 1];
};

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
	struct call_lines *groups;        /* of its gateway; NULL: none has a limit */
	uint32_t start_ms;                /* this and the following since the call's start */
	uint32_t ring_ms;                 /* first 18x; 0 = none */
	uint32_t end_ms;                  /* answer or end; 0 = not yet */
	enum call_attempt_state state;
	char party[]; /* "phone 1002" */
};

/* A new offer inside the call that waits for its answer. */
struct call_offer {
	enum media_side by;
	struct call_attempt *attempt; /* before the answer: with whom; NULL: in the call */
	bool was_empty;
	bool is_withdrawn;
	struct call_dtmf dtmf_before;
	unsigned streams_before; /* bit set of those that had ports already */
	struct call_stream heard;
	struct call_peers peers; /* take effect with the answer */
	size_t sdp_len;
	char *sdp; /* the caller's before the answer: the next callee is offered that */
};

/* What the media decision went by, kept for show; networks are in call->networks. */
struct call_decided {
	struct addr source;
	uint8_t mode; /* enum conf_media_mode */
	bool has_local_ring;
	bool has_encryption;
	bool is_dynamic;
	bool is_nat;
	int8_t port_layout;
	uint8_t learning;
	uint8_t rtp_detection;
};

struct call {
	uint64_t id;
	struct call *next; /* in order of id */
	struct call *prev;
	struct call_table *table;
	struct leg *legs[MEDIA_SIDES]; /* B: the callee that answered */
	struct call_attempt *attempts;
	struct call_attempt *answered;  /* the attempt that became leg B */
	struct call_hunt *hunt;         /* NULL once it is answered */
	struct call_offer *offer;       /* NULL: none waits */
	struct call_transfer *transfer; /* under way; NULL = none, as nearly always */
	struct call_past *past;         /* of a call that came by a transfer; NULL = none */
	uint64_t went_to;               /* id of the call that it became by a transfer */
	char *caller;                   /* with callee and party in one block */
	char *callee;
	char *party;                      /* the caller's: "phone 1001" */
	struct live *caller_line;         /* counted there while the call lasts; NULL = nowhere */
	struct live *callee_line;         /* the same of a phone that answered */
	struct call_lines *caller_groups; /* of the calling gateway; NULL: none has a limit */
	char *networks;      /* of caller and callee, each with its NUL; NULL: neither has one */
	uint64_t black_held; /* caller counted in the black list; 0 = no, as with the next */
	uint64_t fraud_held; /* and where fraud is looked for */
	struct wheel_timer limit;     /* of the set-up; once it is answered, of the talk */
	struct call_silence *silence; /* call_limit.c; NULL: media is not watched */
	struct call_watch *watch;     /* call_watch.c; the same */
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
	bool is_captured;   /* its media is (call_capture.h) */
	bool is_recorded;   /* its beginning is (call_record.h) */
	uint8_t replaced;   /* bit set of sides whose leg took the place of another */
	uint8_t privacy;    /* that the caller asked for: set of enum call_privacy */
};

struct call_table {
	struct call_env env;
	struct key_table by_id;
	struct call *first;
	atomic_size_t count; /* written by its thread only, as the next */
	_Atomic uint64_t begun;
	uint64_t next_id;
	struct call_transfer *lent; /* of other threads' transfers: whose target is asked here */
	unsigned alarms_up[2];      /* of calls' media, by kind (call_watch.c) */
	struct pool pool;           /* of what a call has as long as it lasts */
	struct pool setups_pool;    /* of what it has until the answer */
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

/* call.c */
void call_end(struct call *call, struct leg *but, struct cause cause);
/* In the place of those before, of which the new ones may be. */
void call_texts_free(struct call *call);
bool call_set_texts(struct call *call, const char *caller, const char *callee, const char *party);
/* Calls the first candidates, or forwards; false: none is left, and *cause says why. */
bool call_dial_on(struct call *call, struct cause *cause);

/* call_offer.c */
void call_offer_free(struct call_offer *offer);

/* call_table.c: false: a group has none for this member. */
bool call_lines_take(struct call_lines **out, const struct conf_membership *membership,
		     uint64_t now_us);
/* One of the registration's besides, if that has a limit (NULL: there is no registration). */
bool call_lines_take_trunk(struct call_lines **lines, const struct conf_registration *registration,
			   uint64_t now_us);
void call_lines_end(struct call_lines **lines);

/* call_show.c: what the media decision knew of that side; its network is left out. */
struct decide_party call_decided_party(const struct call *call, enum media_side side);
