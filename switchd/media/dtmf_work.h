/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A party's telephone events on their way through the relay (dtmf.h), for sessions that convert
 * them: the media thread's half. Sessions without have nothing of it.
 *
 * Digits that are taken out come to signalling as mail that names the call, so that neither has to
 * outlive the other; at most one in 40 ms a side. */
#pragma once

#include "switchd/loop/mailbox.h"
#include "switchd/media/dtmf.h"
#include "switchd/media/media.h"

/* A digit of the party on that side. The mail's run function owns it. */
struct dtmf_letter {
	struct mail mail;
	void *context; /* as given with the call */
	uint64_t call;
	enum media_side side;
	struct dtmf_event event;
};

struct dtmf_teller {
	struct mailbox *box;
	void (*run)(struct mail *mail, void *receiver);
	void *context;
	uint64_t call;
};

struct dtmf_work;

/* Takes the place of what the side had; NULL when there is no memory, and then it has none. The
 * session owns it: it is gone with the session, or with the next one. */
struct dtmf_work *dtmf_work_start(struct media_session *session, enum media_side side,
				  const struct dtmf_rule *rule, const struct dtmf_teller *teller);
/* Goes on by another rule; the stream keeps its numbers. */
void dtmf_work_change(struct media_session *session, struct dtmf_work *work,
		      const struct dtmf_rule *rule);
/* A digit that the party of the work's side has sent otherwise: it goes to the other side as an
 * event. False: too many wait already. */
bool dtmf_work_send(struct media_session *session, struct dtmf_work *work,
		    const struct dtmf_event *event);
/* The party has sent a digit by INFO: true when that is the kind it began with. */
bool dtmf_work_claim(struct dtmf_work *work);
