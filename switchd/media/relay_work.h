/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done to the packets of a session besides relaying them: encryption, conversion of DTMF,
 * ringback, recording. A session without such work pays for it with one flag.
 *
 * Work stands at a step of one side. A packet from side X to side Y passes, in this order:
 * X's RELAY_UNPROTECT, the latch of X, X's RELAY_LISTEN, X's RELAY_CHANGE, Y's RELAY_COPY, Y's
 * RELAY_PROTECT. So what is no authentic packet never teaches the latch, and what changes or
 * listens sees it plain. Of what is no RTP (T.38) only those who listen are told.
 *
 * Signalling makes the work and hands it over with media_set_work(); from then on it is the media
 * thread's, which calls its functions and destroys it. */
#pragma once

#include "switchd/media/endpoint.h"
#include "switchd/media/media.h"
#include "switchd/media/packet.h"

/* Packets may grow by that much under way (SRTP: 10 to 16 bytes of tag, 4 of MKI, index). */
#define RELAY_ROOM 64

enum relay_step {
	RELAY_UNPROTECT, /* packets from the side's peer, as they came */
	RELAY_LISTEN,    /* the same, plain; must not change them */
	RELAY_CHANGE,    /* the same, plain */
	RELAY_COPY,      /* packets to the side's peer, plain; must not change them */
	RELAY_PROTECT,   /* the same */
	RELAY_PLAY,      /* makes such packets by its tick; none passes it */
	RELAY_STEPS,
};

struct media_thread;
struct relay_side;
struct relay_work;

struct relay_packet {
	uint8_t *data; /* changed in place */
	size_t len;
	size_t room; /* len may grow to that */
	enum packet_kind kind;
	/* For who listens: the socket that it came by or goes out by, and who is at the other end.
	 */
	const struct relay_side *at;
	const struct endpoint *peer;
};

struct relay_work_ops {
	/* False: the packet ends here; counted as malformed at RELAY_UNPROTECT, else as sent. NULL:
	 * every packet passes. */
	bool (*packet)(struct relay_work *work, struct media_thread *thread,
		       struct relay_side *side, struct relay_packet *packet);
	/* Called at once after the work was set, then whenever the time it returned has come
	 * (clock_mono_us(), as thread->now_us); 0: not again. NULL: never. */
	uint64_t (*tick)(struct relay_work *work, struct media_thread *thread,
			 struct relay_side *side);
	void (*destroy)(struct relay_work *work);
};

/* First member of the work's own structure. */
struct relay_work {
	const struct relay_work_ops *ops;
	/* The relay's: */
	struct relay_side *side;
	uint64_t due_us; /* 0: no tick */
	struct relay_work *next;
	struct relay_work *prev;
	bool round; /* the thread's while it stands in thread->ticking, the other one then */
};

/* Signalling. Puts work (NULL: none) at a step; what stood there is destroyed. The session owns
 * it from now on. */
void media_set_work(struct media_session *session, enum media_side side, enum relay_step step,
		    struct relay_work *work);

/* Signalling. Has the ticks of the session's work called soon, whenever they were due. */
void media_wake_work(struct media_session *session);

/* Media thread. Sends a packet made here to the side's peer, from the side's port and through its
 * RELAY_PROTECT. False when there is nowhere to send it, or the kernel refused. */
bool relay_send(struct media_thread *thread, struct relay_side *side, struct relay_packet *packet);

/* relay_work.c, for the relay itself. */
void relay_work_take(struct media_thread *thread, struct relay_side *side,
		     struct relay_work *works[RELAY_STEPS], unsigned steps);
void relay_work_destroy_all(struct media_thread *thread, struct relay_side *side);
bool relay_work_run(struct media_thread *thread, struct relay_side *side, enum relay_step step,
		    struct relay_packet *packet);
void relay_work_wake(struct media_thread *thread, struct relay_side *side);
/* Runs the ticks that are due. */
void relay_work_tick(struct media_thread *thread);
/* For epoll_wait: milliseconds until the next tick, -1 without one. */
int relay_work_timeout_ms(const struct media_thread *thread);
