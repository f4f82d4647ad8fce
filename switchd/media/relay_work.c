/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work on the packets of single sessions: how it gets to the media thread, runs and ends. */
#include "switchd/media/relay_work.h"

#include <sys/socket.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/media/relay.h"
#include "switchd/media/relay_fast.h"

/* Packets that are relayed wait for no more than so many ticks, one of which may send a packet. */
#define TICKS_A_TURN 64

void media_set_work(struct media_session *session, enum media_side side, enum relay_step step,
		    struct relay_work *work)
{
	struct media_thread *thread = session->thread;
	struct relay_work *unseen;

	pthread_mutex_lock(&thread->command_lock);
	/* What the media thread never took is nobody's yet. */
	unseen = session->works[side][step];
	session->works[side][step] = work;
	session->work_steps[side] |= 1u << step;
	pthread_mutex_unlock(&thread->command_lock);
	if (unseen)
		unseen->ops->destroy(unseen);
	relay_session_post(session, RELAY_WORK);
}

void media_wake_work(struct media_session *session)
{
	relay_session_post(session, RELAY_WAKE);
}

static void start_ticking(struct media_thread *thread, struct relay_work *work)
{
	work->due_us = thread->now_us;
	thread->next_tick_us = thread->now_us;
	work->round = thread->round;
	DL_APPEND(thread->ticking, work);
}

static void stop_ticking(struct media_thread *thread, struct relay_work *work)
{
	if (work->due_us == 0)
		return;
	work->due_us = 0;
	if (work->round == thread->round)
		DL_DELETE(thread->ticking, work);
	else
		DL_DELETE(thread->looked_at, work);
}

void relay_work_wake(struct media_thread *thread, struct relay_side *side)
{
	for (int step = 0; step < RELAY_STEPS; step++) {
		struct relay_work *work = side->work[step];

		if (!work || !work->ops->tick)
			continue;
		stop_ticking(thread, work);
		start_ticking(thread, work);
	}
}

static void work_end(struct media_thread *thread, struct relay_side *side, int step)
{
	struct relay_work *work = side->work[step];

	if (!work)
		return;
	side->work[step] = NULL;
	stop_ticking(thread, work);
	work->ops->destroy(work);
}

/* Packets from a side are worked on when something stands in their way, at either end. */
static void note_needs(struct relay_side *side)
{
	const struct relay_side *other = side->other;

	side->needs_work = side->work[RELAY_UNPROTECT] || side->work[RELAY_LISTEN] ||
			   side->work[RELAY_CHANGE] || other->work[RELAY_COPY] ||
			   other->work[RELAY_PROTECT];
}

void relay_work_take(struct media_thread *thread, struct relay_side *side,
		     struct relay_work *works[RELAY_STEPS], unsigned steps)
{
	for (int step = 0; step < RELAY_STEPS; step++) {
		struct relay_work *work = works[step];

		if (!(steps >> step & 1))
			continue;
		work_end(thread, side, step);
		side->work[step] = work;
		if (!work)
			continue;
		work->side = side;
		work->due_us = 0;
		if (work->ops->tick)
			start_ticking(thread, work);
	}
	relay_fast_leave(side->session);
	note_needs(side);
	note_needs(side->other);
}

void relay_work_destroy_all(struct media_thread *thread, struct relay_side *side)
{
	for (int step = 0; step < RELAY_STEPS; step++) {
		struct relay_work *unseen = side->session->works[side->which][step];

		work_end(thread, side, step);
		if (unseen)
			unseen->ops->destroy(unseen);
	}
}

bool relay_work_run(struct media_thread *thread, struct relay_side *side, enum relay_step step,
		    struct relay_packet *packet)
{
	struct relay_work *work = side->work[step];

	return !work || !work->ops->packet || work->ops->packet(work, thread, side, packet);
}

/* True when it was due. */
static bool look_at(struct media_thread *thread, struct relay_work *work)
{
	bool is_due = work->due_us <= thread->now_us;

	if (is_due)
		work->due_us = work->ops->tick(work, thread, work->side);
	DL_DELETE(thread->ticking, work);
	if (work->due_us == 0)
		return true;
	if (work->due_us < thread->round_next_us)
		thread->round_next_us = work->due_us;
	work->round = !thread->round;
	DL_APPEND(thread->looked_at, work);
	return is_due;
}

static bool is_ticking(const struct media_thread *thread)
{
	return thread->ticking || thread->looked_at;
}

void relay_work_tick(struct media_thread *thread)
{
	int left = TICKS_A_TURN;

	if (!is_ticking(thread) || thread->now_us < thread->next_tick_us)
		return;
	if (!thread->looked_at)
		thread->round_next_us = UINT64_MAX;
	while (thread->ticking && left)
		left -= look_at(thread, thread->ticking);
	if (thread->ticking)
		return;
	thread->ticking = thread->looked_at;
	thread->looked_at = NULL;
	thread->round = !thread->round;
	thread->next_tick_us = thread->round_next_us;
}

int relay_work_timeout_ms(const struct media_thread *thread)
{
	uint64_t now_us;

	if (!is_ticking(thread))
		return -1;
	now_us = clock_mono_us();
	if (now_us >= thread->next_tick_us)
		return 0;
	return (int)((thread->next_tick_us - now_us + 999) / 1000);
}

bool relay_send(struct media_thread *thread, struct relay_side *side, struct relay_packet *packet)
{
	const struct endpoint *to =
		packet->kind == PACKET_RTP ? &side->latch.rtp_to : &side->latch.rtcp_to;

	packet->at = side;
	packet->peer = to;
	if (endpoint_is_none(to) || !relay_work_run(thread, side, RELAY_COPY, packet) ||
	    !relay_work_run(thread, side, RELAY_PROTECT, packet))
		return false;
	return sendto(side->fd, packet->data, packet->len, MSG_DONTWAIT, &to->sa, to->len) >= 0;
}
