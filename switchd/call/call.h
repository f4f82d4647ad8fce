/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The call: two legs, one media path, one cause. Protocol-neutral: a leg (SIP now, H.323 later)
 * reports events and is told what to do through struct leg_ops; nothing here knows a SIP header.
 *
 * A call belongs to one signalling thread for its life; every function here is called in that
 * thread. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/span.h"
#include "switchd/conf/conf.h"
#include "switchd/media/decide.h"
#include "switchd/media/media.h"

/* A momentary copy of a call, for show (behaviour D4 names the states). */
#define CALL_TEXT_MAX       128
#define CALL_PARTY_MAX      84 /* kind and name of an object */
#define CALL_ATTEMPTS_SHOWN 16

struct call_leg_info {
	char number[64];
	char party[CALL_PARTY_MAX]; /* "phone 1001", "routing-gateway a" */
	char state[24];   /* invite, trying, progress, progress-sdp, ringing, connected, released */
	uint32_t stage_s; /* seconds until this state is given up, 0 = no limit */
	char call_id[CALL_TEXT_MAX];
	char timers[64]; /* of its session, in words; empty when none runs */
	struct addr signalling;
	struct addr requests; /* where those inside the call go */
	struct addr local;    /* our listen address that it goes by */
	struct addr media;    /* from its SDP */
	bool is_nat;
	char codec[24];
	char cipher[32];            /* "srtp AES_CM_128_HMAC_SHA1_80", "aes128"; empty = plain */
	bool has_words;             /* the next three are known */
	struct conf_codecs allowed; /* by the configuration */
	struct conf_dtmf dtmf;
	uint8_t event_type;            /* of telephone-event in its SDP, if relayed; 0 = none */
	char direction[12];            /* sendrecv, sendonly, ... as last answered */
	uint16_t relay_port;           /* 0 = direct */
	struct conf_media_place relay; /* where that is */
	struct media_counters counters;
};

struct call_info {
	uint64_t id;     /* printed as 16 hex digits: the call key of show and trace */
	char caller[64]; /* as received */
	char callee[64];
	char state[24];    /* setup, trying, ringing, connected, releasing */
	int64_t start_ms;  /* wall time */
	int64_t answer_ms; /* 0 = not answered */
	uint32_t age_s;
	uint32_t talk_s;
	bool is_relayed;
	bool is_paired; /* layout of its relay ports */
	enum decide_step media_step;
	char cause[64];   /* empty while it is up */
	char timers[256]; /* running timers in words: "ringing 120 s" */
	/* a: the caller; b: the callee that answered, until then the one that has come farthest */
	struct call_leg_info legs[2];
};

/* One callee that was called. Times are since the call's start; < 0: that did not happen. */
struct call_attempt_info {
	char party[CALL_PARTY_MAX];
	char state[24];   /* as of a leg while it is under way; answered, failed, ended */
	char outcome[32]; /* word of the cause or SIP status; empty while it is under way */
	struct addr address;
	int64_t start_ms;
	int64_t ring_ms;
	int64_t end_ms;
	uint32_t stage_s; /* as of a leg */
};

/* A party as the media decision saw it. */
struct call_party_info {
	char party[CALL_PARTY_MAX];
	struct decide_party decide;
	char network[CALL_PARTY_MAX]; /* decide.network points here */
};

/* What became of the first stream of a relayed call; of sides: 0 the caller, 1 the callee. */
struct call_quality {
	bool is_relayed;
	struct media_quality sides[2];
	uint32_t deaf_s[2];       /* how long that party heard nothing, while it was heard */
	int64_t deaf_since_ms[2]; /* wall time; 0 = it hears */
};

#define CALL_DEAF_TEXT 64
/* "caller heard nothing since 23:41:09 UTC" */
const char *call_watch_text(enum media_side deaf, int64_t since_ms, char out[CALL_DEAF_TEXT]);

/* Of one call more than a list needs. */
struct call_detail {
	struct call_info info;
	struct call_quality quality;
	size_t attempt_count; /* may be more than are shown: the last ones are */
	struct call_attempt_info attempts[CALL_ATTEMPTS_SHOWN];
	struct call_party_info decided[2];
};

struct call_table;

/* Calls with id > after, in id order, at most max; for a show cursor in slices. */
size_t call_table_list(struct call_table *table, uint64_t after, struct call_info *out, size_t max);
/* False: there is no such call. */
bool call_table_detail(struct call_table *table, uint64_t id, struct call_detail *out);
/* Any thread. */
size_t call_table_count(const struct call_table *table);
/* Calls that have begun so far. Any thread. */
uint64_t call_table_begun(const struct call_table *table);
/* Begins or ends keeping the media of a call for capture files. False: there is no such call. */
bool call_table_capture(struct call_table *table, uint64_t id, bool is_on);
/* Operator's disconnect (clear call): both legs are released with cause `operator`. */
bool call_table_clear(struct call_table *table, uint64_t id);
/* The same for the calls with *after < id <= until that pass by the gateway (NULL: for all); looks
 * at max calls at most, moves *after behind the last one, adds to *cleared. False: none is left to
 * look at. */
bool call_table_clear_some(struct call_table *table, uint64_t *after, uint64_t until,
			   const char *gateway, size_t max, size_t *cleared);
/* Id of the newest call; for a walk that is not to follow calls which begin meanwhile. */
uint64_t call_table_newest(const struct call_table *table);
