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
#define CALL_TEXT_MAX 128

struct call_leg_info {
	char number[64];
	char party[64]; /* "phone 1001", "routing-gateway a" */
	char state[24]; /* invite, trying, progress, progress-sdp, ringing, connected, released */
	char call_id[CALL_TEXT_MAX];
	struct addr signalling;
	struct addr media; /* from its SDP */
	bool is_nat;
	char codec[24];
	char direction[12];  /* sendrecv, sendonly, ... as last answered */
	uint16_t relay_port; /* 0 = direct */
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
	enum decide_step media_step;
	char cause[64];             /* empty while it is up */
	char timers[CALL_TEXT_MAX]; /* running timers in words: "ringing 120 s" */
	char attempts[256];         /* route attempts so far: "phone 1002 -> 486" */
	struct call_leg_info legs[2];
};

struct call_table;

/* Calls with id > after, in id order, at most max; for a show cursor in slices. */
size_t call_table_list(struct call_table *table, uint64_t after, struct call_info *out, size_t max);
size_t call_table_count(const struct call_table *table);
/* Operator's disconnect (clear call): both legs are released with cause `operator`. */
bool call_table_clear(struct call_table *table, uint64_t id);
