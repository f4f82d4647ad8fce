/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An attended transfer whose target is in a call of another thread. A call is one thread's, so the
 * target's leg moves: its thread asks it for an offer, as the transfer's own would, and sends the
 * leg with that; its call ends there as it would here. Until then, and when the target refuses,
 * each call goes on as it was. */
#pragma once

#include "switchd/call/call_transfer.h"

/* One letter: what is asked goes to the thread of the target, and comes back with what came of it.
 */
struct call_far {
	struct mail mail;
	int thread;                 /* that asks */
	int hops;                   /* so many threads had it, and knew of another one */
	uint64_t fresh;             /* id of the asker's new call */
	char party[CALL_PARTY_MAX]; /* who wants the transfer */
	char shown[64];             /* number that the target is told of; "" = of none */
	size_t dialog_len;
	char dialog[1024]; /* its leg of the other call, as its protocol names it */
	/* The answer. */
	int status;
	struct leg_parcel *leg; /* NULL: none comes */
	char target[CALL_PARTY_MAX];
	char number[64];
	struct decide_party decide; /* its network is: */
	char network[CALL_PARTY_MAX];
	struct call_stream stream;
	struct call_past held;
	struct call_lines *groups;
	size_t sdp_len;
	char *sdp; /* what the target offers */
};

/* --- The thread of the transfer. --- */

/* Asks the thread that has the dialog; false: it cannot be asked. */
bool call_far_ask(struct call_transfer *transfer, const char *party,
		  const struct call_refer *refer);
/* The answer; the letter is gone with that. */
void call_far_told(struct call_table *table, struct call_far *far);
/* Of an end of the transfer: whoever waits for the other is told. */
void call_far_over(struct call_transfer *transfer);

/* --- The thread of the target. --- */

/* replaced: the asker's leg of that dialog, NULL = it has none. */
void call_far_asked(struct call_table *table, struct leg *replaced, struct call_far *far);
/* The asker wants it no more; the letter is gone with that. */
void call_far_dropped(struct call_table *table, struct call_far *far);
/* The target has offered this. */
void call_far_lend(struct call_transfer *transfer, struct span sdp);
/* It has refused. False: its call has ended, as nobody was left in it. */
bool call_far_refused(struct call_transfer *transfer, int status);
