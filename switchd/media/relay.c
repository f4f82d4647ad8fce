/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop of a media thread, and the life of its sessions. */
#include "switchd/media/relay.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "switchd/media/device.h"
#include "switchd/media/relay_fast.h"
#include "switchd/media/relay_inlet.h"

static void remove_pending(struct media_thread *thread, const struct relay_side *side)
{
	struct relay_side **at = &thread->pending;

	while (*at && *at != side)
		at = &(*at)->next_pending;
	if (*at)
		*at = side->next_pending;
}

/* The sockets may stay open for another session: as they were. */
static void give_ports(const struct media_thread *thread, struct media_session *session)
{
	bool has_device = session->sides[MEDIA_A].device || session->sides[MEDIA_B].device;

	for (int i = 0; i < session->pair_count; i++) {
		struct port_pair *pair = &session->pairs[i];

		for (int j = 0; j < 2; j++) {
			/* Also where it is closed: a program that is being started may hold a copy.
			 */
			if (pair->fds[j] >= 0)
				(void)epoll_ctl(thread->epoll_fd, EPOLL_CTL_DEL, pair->fds[j],
						NULL);
			if (has_device)
				ports_close_one(pair, j);
		}
		ports_release(i == 0 && session->own_ports ? session->own_ports : thread->ports,
			      pair, clock_mono_us());
	}
}

/* Ends a session: its thread, or whoever ends the thread. */
static void session_free(struct media_session *session)
{
	struct media_thread *thread = session->thread;

	pthread_mutex_lock(&thread->command_lock);
	*session->prev = session->next;
	if (session->next)
		session->next->prev = session->prev;
	pthread_mutex_unlock(&thread->command_lock);
	relay_fast_leave(session);
	for (int i = 0; i < MEDIA_SIDES; i++) {
		relay_work_destroy_all(thread, &session->sides[i]);
		if (thread->inlet)
			relay_inlet_leave(thread->inlet, &session->sides[i]);
		if (session->sides[i].is_pending)
			remove_pending(thread, &session->sides[i]);
		if (session->is_paired && session->rtcp_sides[i].is_pending)
			remove_pending(thread, &session->rtcp_sides[i]);
	}
	give_ports(thread, session);
	atomic_fetch_sub_explicit(&thread->session_count, 1, memory_order_relaxed);
	fast_unref(session->fast);
	free(session);
}

static void set_device(struct relay_side *side, unsigned device)
{
	if (side->device == device)
		return;
	side->device = device;
	device_set(side->fd, side->latch.local.family, device);
	if (side->rtcp)
		device_set(side->rtcp->fd, side->latch.local.family, device);
	if (side->session->thread->inlet)
		relay_inlet_rebind(side->session->thread->inlet, side);
}

static void set_peer(struct media_session *session, enum media_side which,
		     const struct media_peer *peer, bool is_own, uint64_t now_us)
{
	struct relay_side *side = &session->sides[which];

	relay_fast_leave(session);
	side->is_own = is_own;
	side->is_raw = peer->is_raw;
	set_device(side, peer->device);
	session->is_blocked = session->sides[MEDIA_A].is_own && session->sides[MEDIA_B].is_own;
	STREAM_SET(side->stats->clock_hz, peer->clock_hz);
	side->stats->event_type = peer->event_type;
	latch_other_spoke(&side->other->latch, peer->payload_types, now_us);
	if (latch_set_peer(&side->latch, peer, now_us))
		atomic_store_explicit(&side->counters.is_locked, false, memory_order_relaxed);
}

/* Takes over the work that signalling has handed in. */
static void take_works(struct media_thread *thread, struct media_session *session)
{
	for (int i = 0; i < MEDIA_SIDES; i++) {
		struct relay_work *works[RELAY_STEPS];
		unsigned steps;

		pthread_mutex_lock(&thread->command_lock);
		steps = session->work_steps[i];
		session->work_steps[i] = 0;
		memcpy(works, session->works[i], sizeof(works));
		memset(session->works[i], 0, sizeof(works));
		pthread_mutex_unlock(&thread->command_lock);
		relay_work_take(thread, &session->sides[i], works, steps);
	}
}

static void session_run(struct mail *mail, void *receiver)
{
	struct media_thread *thread = receiver;
	struct media_session *session =
		(struct media_session *)((char *)mail - offsetof(struct media_session, mail));
	struct media_peer peers[MEDIA_SIDES];
	bool is_own[MEDIA_SIDES];
	unsigned commands;

	pthread_mutex_lock(&thread->command_lock);
	commands = session->commands;
	session->commands = 0;
	for (int i = 0; i < MEDIA_SIDES; i++) {
		peers[i] = session->peers[i];
		is_own[i] = session->is_own[i];
	}
	pthread_mutex_unlock(&thread->command_lock);
	if (commands & RELAY_CLOSE) {
		session->is_closed = true;
		session->next_closed = thread->closed;
		thread->closed = session;
		return;
	}
	if (commands & RELAY_WORK)
		take_works(thread, session);
	for (int i = 0; i < MEDIA_SIDES && commands & RELAY_WAKE; i++)
		relay_work_wake(thread, &session->sides[i]);
	for (int i = 0; i < MEDIA_SIDES; i++)
		if (commands & (1u << i))
			set_peer(session, (enum media_side)i, &peers[i], is_own[i], thread->now_us);
}

bool relay_mail(struct media_thread *thread, struct mail *mail)
{
	return thread->wakes_late ? mailbox_put(&thread->mailbox, mail)
				  : mailbox_post(&thread->mailbox, mail);
}

void relay_session_post(struct media_session *session, unsigned commands)
{
	struct media_thread *thread = session->thread;
	bool is_first;

	pthread_mutex_lock(&thread->command_lock);
	is_first = session->commands == 0;
	session->commands |= commands;
	pthread_mutex_unlock(&thread->command_lock);
	if (is_first)
		relay_mail(thread, &session->mail);
}

/* The socket for RTCP of a side in the paired layout. */
static void add_rtcp(struct media_session *session, int which)
{
	struct relay_side *rtcp = &session->rtcp_sides[which];

	rtcp->fd = session->pairs[which].fds[1];
	rtcp->session = session;
	rtcp->rtp = &session->sides[which];
	session->sides[which].rtcp = rtcp;
}

static bool watch(const struct media_thread *thread, struct relay_side *side)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = side};

	return !side || epoll_ctl(thread->epoll_fd, EPOLL_CTL_ADD, side->fd, &event) == 0;
}

enum vos_err relay_session_add(struct media_thread *thread, struct media_session *session,
			       const struct addr locals[MEDIA_SIDES], const int fds[MEDIA_SIDES])
{
	session->thread = thread;
	session->mail.run = session_run;
	for (int i = 0; i < MEDIA_SIDES; i++) {
		struct relay_side *side = &session->sides[i];

		side->fd = fds[i];
		side->session = session;
		side->other = &session->sides[!i];
		side->which = (uint8_t)i;
		side->stats = side->entry ? &side->entry->stats : &side->own_stats;
		latch_init(&side->latch, &locals[i]);
		if (session->is_paired)
			add_rtcp(session, i);
	}
	pthread_mutex_lock(&thread->command_lock);
	session->next = thread->sessions;
	session->prev = &thread->sessions;
	if (session->next)
		session->next->prev = &session->next;
	thread->sessions = session;
	pthread_mutex_unlock(&thread->command_lock);
	atomic_fetch_add_explicit(&thread->session_count, 1, memory_order_relaxed);
	for (int i = 0; i < MEDIA_SIDES; i++) {
		struct relay_side *side = &session->sides[i];

		/* The thread may have events of the first socket already, so it must end the
		 * session. */
		if (!watch(thread, side) || !watch(thread, side->rtcp)) {
			relay_session_post(session, RELAY_CLOSE);
			return VOS_EFULL;
		}
	}
	return VOS_OK;
}

static void read_side(struct media_thread *thread, struct relay_side *side)
{
	if (!side->session->is_closed)
		relay_read_side(thread, side);
}

static void read_pending(struct media_thread *thread)
{
	struct relay_side *side = thread->pending;

	thread->pending = NULL;
	while (side) {
		struct relay_side *next = side->next_pending;

		side->is_pending = false;
		read_side(thread, side);
		side = next;
	}
}

static void free_closed(struct media_thread *thread)
{
	while (thread->closed) {
		struct media_session *session = thread->closed;

		thread->closed = session->next_closed;
		session_free(session);
	}
}

static int timeout_ms(const struct media_thread *thread)
{
	if (thread->pending || thread->now_us < thread->awake_until_us)
		return 0;
	return relay_work_timeout_ms(thread);
}

static void turn(struct media_thread *thread)
{
	struct epoll_event events[RELAY_EVENTS];
	int count = epoll_wait(thread->epoll_fd, events, RELAY_EVENTS, timeout_ms(thread));
	bool is_called = mailbox_has_mail(&thread->mailbox);

	thread->now_us = clock_mono_us();
	if (count > 0)
		thread->awake_until_us =
			thread->now_us +
			atomic_load_explicit(&thread->busy_poll_us, memory_order_relaxed);
	relay_fast_turn(thread);
	for (int i = 0; i < count; i++)
		is_called |= !events[i].data.ptr;
	/* Before the packets: who told of a peer and then of its packets was heard in that order.
	 */
	if (is_called)
		mailbox_run(&thread->mailbox);
	read_pending(thread);
	for (int i = 0; i < count; i++)
		if (events[i].data.ptr && !relay_inlet_is(thread->inlet, events[i].data.ptr))
			read_side(thread, events[i].data.ptr);
	/* After the sockets of ports: what waits there of a stream came before it was steered. */
	for (int i = 0; i < count; i++)
		if (relay_inlet_is(thread->inlet, events[i].data.ptr))
			relay_inlet_read(thread, events[i].data.ptr);
	relay_work_tick(thread);
	free_closed(thread);
}

static void *thread_main(void *argument)
{
	struct media_thread *thread = argument;

	while (!thread->must_stop)
		turn(thread);
	return NULL;
}

enum vos_err relay_thread_init(struct media_thread *thread, int number, struct ports *ports)
{
	struct epoll_event event = {.events = EPOLLIN};
	enum vos_err err;

	*thread = (struct media_thread){.number = number, .ports = ports, .epoll_fd = -1};
	pthread_mutex_init(&thread->command_lock, NULL);
	err = mailbox_init(&thread->mailbox, thread);
	if (err != VOS_OK) {
		thread->mailbox.wake_fd = -1;
		return err;
	}
	err = relay_batch_new(&thread->batch);
	if (err != VOS_OK)
		return err;
	thread->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (thread->epoll_fd < 0 ||
	    epoll_ctl(thread->epoll_fd, EPOLL_CTL_ADD, thread->mailbox.wake_fd, &event) < 0)
		return VOS_EIO;
	return VOS_OK;
}

enum vos_err relay_thread_start(struct media_thread *thread)
{
	sigset_t all;
	sigset_t before;
	char name[THREAD_NAME_MAX];
	int failed;

	snprintf(name, sizeof(name), "media-%d", thread->number);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = thread_start(&thread->thread, NULL, name, thread_main, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	thread->is_running = !failed;
	return failed ? VOS_EFULL : VOS_OK;
}

static void inlet_run(struct mail *mail, void *receiver)
{
	struct media_thread *thread = receiver;

	(void)mail;
	if (relay_inlet_watch(thread->new_inlet, thread->epoll_fd) == VOS_OK)
		thread->inlet = thread->new_inlet;
}

void relay_thread_use_inlet(struct media_thread *thread, struct relay_inlet *inlet)
{
	thread->new_inlet = inlet;
	thread->inlet_mail.run = inlet_run;
	mailbox_post(&thread->mailbox, &thread->inlet_mail);
}

static void stop_run(struct mail *mail, void *receiver)
{
	struct media_thread *thread = receiver;

	(void)mail;
	thread->must_stop = true;
}

void relay_thread_destroy(struct media_thread *thread)
{
	if (thread->is_running) {
		thread->stop_mail.run = stop_run;
		mailbox_post(&thread->mailbox, &thread->stop_mail);
		pthread_join(thread->thread, NULL);
	}
	if (thread->mailbox.wake_fd >= 0) {
		mailbox_close(&thread->mailbox);
		free_closed(thread);
		while (thread->sessions)
			session_free(thread->sessions);
		mailbox_destroy(&thread->mailbox);
	}
	if (thread->epoll_fd >= 0)
		close(thread->epoll_fd);
	pthread_mutex_destroy(&thread->command_lock);
	relay_inlet_free(thread->new_inlet);
	free(thread->batch);
}
