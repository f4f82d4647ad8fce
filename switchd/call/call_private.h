/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The call's own state, shared by the files of this folder. */
#pragma once

#include <uthash.h>

#include "switchd/call/call_table.h"
#include "switchd/loop/wheel.h"
#include "switchd/media/sdp.h"

#define CALL_TARGETS_MAX  10
#define CALL_STREAMS_MAX  4
#define CALL_ATTEMPTS_MAX 256

enum call_state {
	CALL_SETUP,   /* an outgoing leg is being tried */
	CALL_TRYING,  /* it answered 100 */
	CALL_RINGING, /* 18x */
	CALL_CONNECTED,
};

/* What only the set-up needs; freed at the answer. */
struct call_hunt {
	struct conf *conf; /* reference: what the targets point into */
	struct decide_party caller;
	struct addr anchor;          /* our media address towards the last candidate */
	struct call_target *targets; /* room for CALL_TARGETS_MAX at most */
	size_t capacity;
	size_t count;
	size_t next;
	struct cause last;
	char *sdp; /* the caller's offer, for every attempt */
	size_t sdp_len;
	char *early_sdp; /* what the caller was last told in 18x, NULL = nothing */
	size_t early_sdp_len;
	char display[64];
	int max_forwards;
};

struct call {
	uint64_t id;
	UT_hash_handle hh;
	struct call *next; /* in order of id */
	struct call *prev;
	struct call_table *table;
	struct leg *legs[MEDIA_SIDES];
	struct call_hunt *hunt;
	struct media_session *sessions[CALL_STREAMS_MAX];
	char *caller; /* with callee in one block */
	char *callee;
	char *attempts; /* text, NULL while empty */
	struct wheel_timer duration;
	int64_t start_ms;
	int64_t answer_ms;
	uint64_t start_us;
	uint64_t answer_us;
	struct decide_result decision;
	enum call_state state;
	bool was_ringing;
	bool is_late_offer;       /* INVITE without SDP: the answer comes with the caller's ACK */
	bool ack_pending;         /* callee waits for that ACK */
	bool offer_pending;       /* a new offer waits for its answer ... */
	enum media_side offer_by; /* ... which this side made */
	bool offer_was_empty;
	bool offer_is_withdrawn;
	char party[MEDIA_SIDES][40];
	char codec[MEDIA_SIDES][12];
	struct addr media[MEDIA_SIDES]; /* of the first stream, as signalled */
	enum sdp_direction direction[MEDIA_SIDES];
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

/* call_table.c */
struct call *call_new(struct call_table *table);
void call_free(struct call *call);

/* call_hunt.c: candidates, one attempt after the other. */
struct cause call_hunt_fill(struct call *call, const struct call_setup *setup);
/* Dials the next candidate; false when there is none left. */
bool call_hunt_next(struct call *call);
bool call_hunt_may_go_on(const struct call *call, struct cause cause);
void call_note_attempt(struct call *call, struct cause cause);
void call_hunt_end(struct call *call);

/* call_media.c: the SDP that side `from` sent, as it is to reach the other side. */
VOS_CHECK enum vos_err call_media_forward(struct call *call, const struct leg *from,
					  const struct addr *anchor, struct span sdp,
					  struct buf *out);
void call_media_close(struct call *call);

/* call.c */
void call_end(struct call *call, struct leg *but, struct cause cause);
