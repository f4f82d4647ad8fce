/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/dtmf_work.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "switchd/media/relay.h"

#define INBOX 16u /* power of two */

struct dtmf_work {
	struct relay_work base; /* first */
	struct dtmf_stream stream;
	struct dtmf_teller teller;
	/* From signalling to the media thread; each writes one end. */
	struct dtmf_event inbox[INBOX];
	_Atomic uint32_t put;
	_Atomic uint32_t taken;
	_Atomic uint64_t rule; /* as packed; what the stream is to go by */
	uint64_t rule_taken;
};

static uint64_t pack(const struct dtmf_rule *rule)
{
	return rule->types[0] | (uint64_t)rule->types[1] << 8 | (uint64_t)rule->type << 16 |
	       (uint64_t)rule->reports << 24 | (uint64_t)rule->inserts << 25 |
	       (uint64_t)rule->refuses << 26 | (uint64_t)rule->first_only << 27 |
	       (uint64_t)rule->clock_hz << 32;
}

static void take_rule(struct dtmf_work *work)
{
	uint64_t packed = atomic_load_explicit(&work->rule, memory_order_acquire);

	if (packed == work->rule_taken)
		return;
	work->rule_taken = packed;
	work->stream.rule = (struct dtmf_rule){
		.types = {(uint8_t)packed, (uint8_t)(packed >> 8)},
		.type = (uint8_t)(packed >> 16),
		.reports = packed >> 24 & 1,
		.inserts = packed >> 25 & 1,
		.refuses = packed >> 26 & 1,
		.first_only = packed >> 27 & 1,
		.clock_hz = (uint32_t)(packed >> 32),
	};
}

static void tell(const struct dtmf_work *work, const struct dtmf_event *event)
{
	struct dtmf_letter *letter = malloc(sizeof(*letter));

	if (!letter)
		return;
	*letter = (struct dtmf_letter){
		.mail.run = work->teller.run,
		.context = work->teller.context,
		.call = work->teller.call,
		.side = (enum media_side)work->base.side->which,
		.event = *event,
	};
	if (!mailbox_post(work->teller.box, &letter->mail))
		free(letter);
}

static bool take_packet(struct relay_work *base, struct media_thread *thread,
			struct relay_side *side, struct relay_packet *packet)
{
	struct dtmf_work *work = (struct dtmf_work *)base;
	struct dtmf_event event;
	bool passes;

	(void)side;
	if (packet->kind != PACKET_RTP)
		return true;
	passes = dtmf_take(&work->stream, thread->now_us, packet->data, packet->len, &event);
	if (event.digit)
		tell(work, &event);
	return passes;
}

static void read_inbox(struct dtmf_work *work, uint64_t now_us)
{
	uint32_t taken = atomic_load_explicit(&work->taken, memory_order_relaxed);

	while (taken != atomic_load_explicit(&work->put, memory_order_acquire))
		dtmf_insert(&work->stream, now_us, &work->inbox[taken++ % INBOX]);
	atomic_store_explicit(&work->taken, taken, memory_order_release);
}

static uint64_t tick(struct relay_work *base, struct media_thread *thread, struct relay_side *side)
{
	struct dtmf_work *work = (struct dtmf_work *)base;
	uint8_t data[DTMF_PACKET_BYTES + RELAY_ROOM];
	size_t len;

	take_rule(work);
	read_inbox(work, thread->now_us);
	while ((len = dtmf_next(&work->stream, thread->now_us, data))) {
		struct relay_packet packet = {
			.data = data, .len = len, .room = sizeof(data), .kind = PACKET_RTP};

		/* What cannot be sent now is lost, as any packet. */
		if (!side->session->is_blocked)
			(void)relay_send(thread, side->other, &packet);
	}
	return work->stream.due_us;
}

static void destroy(struct relay_work *base)
{
	free(base);
}

static const struct relay_work_ops ops = {
	.packet = take_packet,
	.tick = tick,
	.destroy = destroy,
};

struct dtmf_work *dtmf_work_start(struct media_session *session, enum media_side side,
				  const struct dtmf_rule *rule, const struct dtmf_teller *teller)
{
	struct dtmf_work *work = calloc(1, sizeof(*work));

	if (work) {
		work->base.ops = &ops;
		work->teller = *teller;
		dtmf_init(&work->stream, rule);
		work->rule_taken = pack(&work->stream.rule);
		atomic_init(&work->rule, work->rule_taken);
	}
	media_set_work(session, side, RELAY_CHANGE, work ? &work->base : NULL);
	return work;
}

void dtmf_work_change(struct media_session *session, struct dtmf_work *work,
		      const struct dtmf_rule *rule)
{
	struct dtmf_rule wanted = *rule;
	uint64_t packed;

	if (!wanted.clock_hz)
		wanted.clock_hz = 8000;
	packed = pack(&wanted);
	if (atomic_load_explicit(&work->rule, memory_order_relaxed) == packed)
		return;
	atomic_store_explicit(&work->rule, packed, memory_order_release);
	media_wake_work(session);
}

bool dtmf_work_send(struct media_session *session, struct dtmf_work *work,
		    const struct dtmf_event *event)
{
	uint32_t put = atomic_load_explicit(&work->put, memory_order_relaxed);

	if (put - atomic_load_explicit(&work->taken, memory_order_acquire) == INBOX)
		return false;
	work->inbox[put % INBOX] = *event;
	atomic_store_explicit(&work->put, put + 1, memory_order_release);
	media_wake_work(session);
	return true;
}

bool dtmf_work_claim(struct dtmf_work *work)
{
	return dtmf_claim(&work->stream, DTMF_INFO);
}
