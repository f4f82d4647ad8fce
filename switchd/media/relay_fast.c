/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a stream leaves the media thread for the kernel, and when it comes back. */
#include "switchd/media/relay_fast.h"

#include "switchd/media/stream_settle.h"

/* A route is asked for a stream: some 10 us each, while packets of others wait. */
#define ENTER_PER_TURN 16
/* What could not be entered is not tried with each of its packets. */
#define RETRY_US UINT64_C(1000000)

void relay_fast_turn(struct media_thread *thread)
{
	thread->fast_budget = ENTER_PER_TURN;
}

/* Plain, in one direction, from a source that is locked to a peer that is known. */
static bool is_plain(const struct relay_side *side)
{
	const struct relay_side *other = side->other;

	return !side->needs_work && !side->is_raw && !side->session->is_blocked && !other->is_own &&
	       !endpoint_is_none(&side->latch.source) && !endpoint_is_none(&other->latch.rtp_to) &&
	       side->latch.source.sa.sa_family == other->latch.rtp_to.sa.sa_family;
}

void relay_fast_relayed(struct media_thread *thread, struct relay_side *side)
{
	const struct media_session *session = side->session;
	struct fast_flow flow;
	struct addr local;

	if (fast_is_on(session->fast, side->entry) || side->stats->span < STREAM_HISTORY ||
	    thread->now_us < side->fast_retry_us || thread->fast_budget == 0 || !is_plain(side))
		return;
	thread->fast_budget--;
	local = side->other->latch.local;
	local.port = media_port(session, (enum media_side)side->other->which);
	flow = (struct fast_flow){.from = side->latch.source,
				  .source = endpoint_of(&local),
				  .to = side->other->latch.rtp_to,
				  .fd = side->other->fd};
	if (!fast_enter(session->fast, side->entry, &flow))
		side->fast_retry_us = thread->now_us + RETRY_US;
}

void relay_fast_leave(struct media_session *session)
{
	for (int i = 0; i < MEDIA_SIDES; i++) {
		session->sides[i].fast_retry_us = 0;
		if (session->sides[i].entry)
			fast_clear(session->sides[i].entry);
	}
}

bool relay_fast_is_on(const struct relay_side *side)
{
	return side->entry && fast_is_on(side->session->fast, side->entry);
}
