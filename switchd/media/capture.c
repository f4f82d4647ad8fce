/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/capture.h"

#include <stdlib.h>

#include "switchd/media/relay.h"
#include "switchd/trace/recorder.h"

/* Four of them for a session: at either side, of what comes and of what goes out. */
struct capture {
	struct relay_work base; /* first */
	struct media_thread *thread;
	uint64_t key;
	enum trace_kind kind;
};

static struct addr address_of(const struct relay_side *at)
{
	const struct relay_side *side = at->rtp ? at->rtp : at;
	struct addr local = side->latch.local;

	local.port = media_port(side->session, (enum media_side)side->which);
	if (at->rtp)
		local.port++;
	return local;
}

static bool copy_packet(struct relay_work *base, struct media_thread *thread,
			struct relay_side *side, struct relay_packet *packet)
{
	const struct capture *capture = (const struct capture *)base;
	const struct trace_event event = {
		.key = capture->key,
		.time_us = thread->now_us,
		.a = packet->kind,
		.kind = (uint8_t)capture->kind,
		.side = side->which,
		.local = address_of(packet->at),
		.peer = endpoint_addr(packet->peer),
		.data = {(const char *)packet->data, packet->len},
	};

	recorder_write(thread->capture, &event);
	return true;
}

static void destroy(struct relay_work *base)
{
	struct capture *capture = (struct capture *)base;

	atomic_fetch_sub_explicit(&capture->thread->captured, 1, memory_order_relaxed);
	free(capture);
}

static const struct relay_work_ops ops = {
	.packet = copy_packet,
	.destroy = destroy,
};

static const struct {
	enum relay_step step;
	enum trace_kind kind;
} steps[] = {
	{RELAY_LISTEN, TRACE_RECEIVED},
	{RELAY_COPY, TRACE_SENT},
};

bool media_capture_start(struct media_session *session, uint64_t key)
{
	if (!session->thread->capture)
		return false;
	for (int i = 0; i < MEDIA_SIDES * 2; i++) {
		struct capture *capture = calloc(1, sizeof(*capture));

		if (!capture) {
			media_capture_stop(session);
			return false;
		}
		capture->base.ops = &ops;
		capture->thread = session->thread;
		capture->key = key;
		capture->kind = steps[i % 2].kind;
		atomic_fetch_add_explicit(&session->thread->captured, 1, memory_order_relaxed);
		media_set_work(session, (enum media_side)(i / 2), steps[i % 2].step,
			       &capture->base);
	}
	return true;
}

void media_capture_stop(struct media_session *session)
{
	for (int i = 0; i < MEDIA_SIDES * 2; i++)
		media_set_work(session, (enum media_side)(i / 2), steps[i % 2].step, NULL);
}
