/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A media thread and its sessions: epoll over the sockets, batches in and out.
 *
 * On the way of a packet there is no lock, no allocation and no log line. Commands come as mail
 * that is part of the session, so that none can fail for lack of memory; several before the thread
 * gets to them become one, the latest peer of a side counts. A session is linked and unlinked under
 * the thread's command lock and freed by the thread, at the end of a turn, when no event can name
 * it any more. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "switchd/loop/mailbox.h"
#include "switchd/media/latch.h"
#include "switchd/media/media.h"
#include "switchd/media/ports.h"
#include "switchd/media/rtcp.h"
#include "switchd/media/relay_work.h"
#include "switchd/media/stream_stats.h"

#define RELAY_BATCH 64
/* RTP is made to fit one frame (1,500 bytes); what is longer is dropped as malformed. */
#define RELAY_PACKET_MAX 2048
#define RELAY_EVENTS     256

#define MEDIA_THREADS_MAX 16

struct media_thread;
struct recorder_ring;

/* Written by the media thread alone, read by any. */
struct relay_counters {
	_Atomic uint64_t packets;
	_Atomic uint64_t bytes;
	_Atomic uint64_t rtcp_packets;
	_Atomic uint64_t foreign;
	_Atomic uint64_t malformed;
	_Atomic uint64_t unsendable;
	_Atomic uint64_t last_us;
	_Atomic uint32_t ssrc;
	_Atomic uint8_t payload_type;
	_Atomic bool is_locked;
	/* The learned address; version is odd while it is written. */
	_Atomic uint32_t version;
	_Atomic uint32_t learned[sizeof(struct addr) / sizeof(uint32_t)];
};

/* Of a side at its thread's inlet (relay_inlet.h). */
struct relay_steering {
	struct endpoint local;  /* its port; none: not known there */
	struct endpoint remote; /* from where packets are steered; none: from nowhere */
	struct relay_side *next_at_port;
	int outlet_fd; /* for what it sends; -1: its own socket */
	uint8_t tos;
	uint8_t ttl;
};

struct relay_side {
	struct latch latch; /* what every packet reads stands first */
	int fd;
	bool is_pending; /* its socket may hold more than the last batch took */
	bool is_own;     /* its peer is a port of this relay */
	bool is_raw;     /* its peer sends something else than RTP */
	bool needs_work; /* packets from its peer pass through work, of this side or the other */
	uint8_t which;   /* enum media_side */
	unsigned device; /* interface that leads to its peer; 0: as routes say */
	struct relay_side *other;
	/* Paired layout: the socket for RTCP beside this one, and back. NULL: RTCP shares the
	 * port. Such a socket has no latch and no counters in use; those of its side hold. */
	struct relay_side *rtcp;
	struct relay_side *rtp;
	struct relay_side *next_pending;
	struct media_session *session;
	struct relay_counters counters;
	struct rtcp_stats reports; /* that its peer sends */
	struct relay_work *work[RELAY_STEPS];
	/* Of the packets from this side's peer. Where it is stays the same while the session lives;
	 * the kernel may count there as well. */
	struct stream_stats *stats;
	struct stream_stats own_stats;
	struct fast_entry *entry; /* of its port, in the fast path; NULL: none */
	uint64_t fast_retry_us;
	struct relay_steering steering;
};

enum relay_command {
	RELAY_PEER_A = 1 << MEDIA_A,
	RELAY_PEER_B = 1 << MEDIA_B,
	RELAY_CLOSE = 4,
	RELAY_WORK = 8,
	RELAY_WAKE = 16,
};

struct media_session {
	struct relay_side sides[MEDIA_SIDES];
	bool is_closed;  /* freed at the end of the turn */
	bool is_blocked; /* both peers are ports of this relay: packets could go round for ever */

	struct media_thread *thread;
	struct fast *fast; /* that the entries are of */
	struct port_pair pairs[MEDIA_SIDES];
	int pair_count; /* 1: both sides on pairs[0] */
	bool is_paired; /* a pair a side, its odd port for RTCP; rtcp_sides is there */
	/* Where pairs[0], the caller's alone, is from; NULL: as the others. */
	struct ports *own_ports;
	struct media_session *next;
	struct media_session **prev;
	struct media_session *next_closed;

	struct mail mail;
	/* Under the thread's command lock: */
	unsigned commands; /* 0: the mail is not posted */
	struct media_peer peers[MEDIA_SIDES];
	bool is_own[MEDIA_SIDES];
	struct relay_work *works[MEDIA_SIDES][RELAY_STEPS];
	unsigned work_steps[MEDIA_SIDES]; /* bit set: works that the thread has yet to take */

	struct relay_side rtcp_sides[]; /* MEDIA_SIDES of them in the paired layout, else none */
};

struct relay_batch;

struct media_thread {
	int number;
	int epoll_fd;
	struct ports *ports;
	struct ports *own_ports; /* of IVR_RTP_PORT; NULL: there is none */
	struct mailbox mailbox;
	atomic_bool wakes_late; /* who sends mail lets media_wake() follow */
	pthread_mutex_t command_lock;
	struct media_session *sessions; /* under the command lock */
	_Atomic uint32_t session_count;
	struct relay_side *pending;
	struct media_session *closed;
	struct relay_batch *batch;
	struct relay_inlet *inlet; /* NULL: none */
	struct relay_inlet *new_inlet;
	struct mail inlet_mail;
	uint64_t now_us; /* of this turn */
	_Atomic uint32_t busy_poll_us;
	uint64_t awake_until_us;      /* it looks for packets instead of sleeping */
	struct relay_work *ticking;   /* to be looked at in this round, in order */
	struct relay_work *looked_at; /* those before them */
	uint64_t next_tick_us;
	uint64_t round_next_us; /* of those looked at */
	bool round;
	int fast_budget; /* streams that may go to the fast path in this turn */
	bool must_stop;
	bool is_running;
	struct mail stop_mail;
	pthread_t thread;
	_Atomic uint64_t packets; /* relayed, RTP and RTCP */
	_Atomic uint64_t steered; /* that came by the inlet */
	_Atomic uint64_t batched; /* of these, sent with others by an outlet */
	_Atomic uint64_t dropped;
	struct recorder_ring *capture; /* for copies of packets (capture.h); NULL: none is kept */
	_Atomic uint32_t captured;     /* streams of which copies are kept now */
};

VOS_CHECK enum vos_err relay_thread_init(struct media_thread *thread, int number,
					 struct ports *ports);
VOS_CHECK enum vos_err relay_thread_start(struct media_thread *thread);
/* Before its first session: has the thread use an inlet, which is the thread's from now on. */
void relay_thread_use_inlet(struct media_thread *thread, struct relay_inlet *inlet);
/* Stops the thread, ends its sessions. Right for a thread that was never started. */
void relay_thread_destroy(struct media_thread *thread);

/* Fills what a session with fds needs, and has the thread read them; in the paired layout also the
 * odd ports of its pairs. VOS_EFULL: the kernel refused. */
VOS_CHECK enum vos_err relay_session_add(struct media_thread *thread, struct media_session *session,
					 const struct addr locals[MEDIA_SIDES],
					 const int fds[MEDIA_SIDES]);
/* False: the thread has ended. */
bool relay_mail(struct media_thread *thread, struct mail *mail);
/* Posts commands; the fields they speak of are filled under the command lock by the caller. */
void relay_session_post(struct media_session *session, unsigned commands);
/* Takes what waits in the side's socket, at most one batch. Media thread. */
void relay_read_side(struct media_thread *thread, struct relay_side *side);
VOS_CHECK enum vos_err relay_batch_new(struct relay_batch **out);
