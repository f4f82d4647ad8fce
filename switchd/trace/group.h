/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which records of a ring belong together. A record that names a call belongs to that call's group,
 * one that only names a dialog to the dialog's, and when a note says that a dialog is a leg of a
 * call, its group becomes part of the call's. A call never leaves its thread, so groups do not
 * cross rings. */
#pragma once

#include "switchd/trace/filter.h"

#define TRACE_DIALOGS_MAX 48   /* of one call: legs of all attempts; later ones are left out */
#define TRACE_HEAD_BYTES  2048 /* of a message, where a filter looks at it */
#define TRACE_PARTY_MAX   84

struct trace_call {
	uint64_t key;   /* 0: no call */
	uint64_t group; /* names it within this result, and for trace_read() */
	int ring;
	uint64_t first_us;
	uint64_t last_us;
	uint64_t answer_us; /* 0: was not answered, or that is no longer recorded */
	uint64_t end_us;    /* 0: is still up, or that is no longer recorded */
	uint32_t messages;
	uint32_t attempts;
	int64_t cause; /* at the end */
	uint8_t by;    /* enum media_side, TRACE_NO_SIDE: the switch */
	bool is_whole; /* its beginning is recorded */
	bool has_caller;
	bool is_registration;
	uint8_t registered; /* the newest note of it; TRACE_NOTES: none */
	char caller[64];
	char callee[64];
	char caller_party[TRACE_PARTY_MAX];
	char callee_party[TRACE_PARTY_MAX];
	char method[16]; /* of what has no call */
	char user[64];   /* whose registration it is */
	struct addr peer;
	uint64_t begins_at; /* position of its first record */
	uint64_t dialogs[TRACE_DIALOGS_MAX];
	uint8_t legs[TRACE_DIALOGS_MAX]; /* 0: caller's; n: of attempt n; TRACE_NO_SIDE: untold */
	uint32_t dialog_count;
};

/* Who is at the other end of a leg. */
struct trace_party {
	struct trace_party *next;
	uint8_t leg;
	char text[TRACE_PARTY_MAX];
};

struct trace_group {
	struct trace_call call;
	uint8_t met[TRACE_LEG_KINDS]; /* bits of the filter */
	/* Where its records stand, oldest first, and who its legs are: kept for a follower. */
	uint64_t *places;
	size_t place_count;
	size_t place_room;
	struct trace_party *parties;
	uint64_t last_at; /* of its newest record */
	/* A follower's. */
	bool is_chosen;
	bool is_told; /* in part, at least */
	bool is_left_out;
	bool is_changed; /* is in its list of those that have something new */
	struct trace_group *prev;
	struct trace_group *next;
};

struct trace_entry;

struct trace_groups {
	const struct trace_filter *filter;
	int ring;
	bool keeps_places;
	struct trace_entry *calls; /* by key */
	struct trace_entry *dialogs;
	struct trace_group *list; /* the one that was heard of last is the last */
	size_t count;
	bool failed; /* out of memory */
	/* Told of a group that has become part of another, before it is freed. May be NULL. */
	void (*merged)(void *user, struct trace_group *from, struct trace_group *to);
	void *user;
};

/* The group of the record, of which the beginning is enough. NULL: it belongs to none, or failed.
 */
struct trace_group *trace_groups_take(struct trace_groups *groups, const struct trace_event *event);
void trace_groups_forget(struct trace_groups *groups, struct trace_group *group);
void trace_groups_clear(struct trace_groups *groups);

/* Leg of a record of the call. */
uint8_t trace_call_leg(const struct trace_call *call, uint64_t dialog);
