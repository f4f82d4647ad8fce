/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a packet: one recvmmsg from a side's socket, a decision each, one sendmmsg from the
 * socket of the other side. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/media/packet.h"
#include "switchd/media/quality.h"
#include "switchd/media/relay_batch.h"
#include "switchd/media/relay_fast.h"
#include "switchd/media/relay_inlet.h"

void relay_slot_reset(struct relay_batch *batch, int slot)
{
	batch->rx[slot].msg_hdr.msg_namelen = sizeof(batch->from[slot].in6);
	batch->rx[slot].msg_hdr.msg_flags = 0;
}

enum vos_err relay_batch_new(struct relay_batch **out)
{
	struct relay_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return VOS_ENOMEM;
	for (int i = 0; i < RELAY_BATCH; i++) {
		batch->rx_iov[i] = (struct iovec){batch->data[i], RELAY_PACKET_MAX};
		batch->rx[i].msg_hdr.msg_name = &batch->from[i].sa;
		batch->rx[i].msg_hdr.msg_iov = &batch->rx_iov[i];
		batch->rx[i].msg_hdr.msg_iovlen = 1;
		batch->tx[i].msg_hdr.msg_iov = &batch->tx_iov[i];
		batch->tx[i].msg_hdr.msg_iovlen = 1;
		relay_slot_reset(batch, i);
	}
	*out = batch;
	return VOS_OK;
}

static void publish_learned(struct relay_side *side)
{
	struct relay_counters *counters = &side->counters;
	struct addr addr = endpoint_addr(&side->latch.source);
	uint32_t words[sizeof(addr) / sizeof(uint32_t)];
	uint32_t version = atomic_load_explicit(&counters->version, memory_order_relaxed);

	memcpy(words, &addr, sizeof(addr));
	/* Release on each word, as acquire in the reader, keeps it between the two versions. */
	atomic_store_explicit(&counters->version, version + 1, memory_order_relaxed);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		atomic_store_explicit(&counters->learned[i], words[i], memory_order_release);
	atomic_store_explicit(&counters->version, version + 2, memory_order_release);
	atomic_store_explicit(&counters->is_locked, addr.family != ADDR_NONE, memory_order_relaxed);
}

/* Puts a packet into the outgoing batch; false when there is nowhere to send it. */
static bool enqueue(struct relay_batch *batch, struct relay_side *from, int slot,
		    const struct endpoint *to, enum packet_kind kind)
{
	unsigned at = batch->tx_count;

	if (endpoint_is_none(to))
		return false;
	batch->tx_iov[at] = (struct iovec){batch->data[slot], batch->rx[slot].msg_len};
	batch->tx[at].msg_hdr.msg_name = (void *)(uintptr_t)&to->sa;
	batch->tx[at].msg_hdr.msg_namelen = to->len;
	batch->tx_kind[at] = kind;
	batch->tx_from[at] = from;
	batch->tx_count++;
	return true;
}

static void count_sent(struct media_thread *thread, struct relay_side *from, enum packet_kind kind,
		       size_t len)
{
	if (kind == PACKET_RTP) {
		RELAY_COUNT(from->counters.packets, 1);
		RELAY_COUNT(from->counters.bytes, len);
	} else {
		RELAY_COUNT(from->counters.rtcp_packets, 1);
	}
	RELAY_COUNT(thread->packets, 1);
	atomic_store_explicit(&from->counters.last_us, thread->now_us, memory_order_relaxed);
}

void relay_count_tx(struct media_thread *thread, unsigned at)
{
	const struct relay_batch *batch = thread->batch;

	count_sent(thread, batch->tx_from[at], batch->tx_kind[at], batch->tx_iov[at].iov_len);
}

static void count_unsendable(struct media_thread *thread, struct relay_side *from)
{
	RELAY_COUNT(from->counters.unsendable, 1);
	RELAY_COUNT(thread->dropped, 1);
}

void relay_count_unsent(struct media_thread *thread, unsigned at)
{
	count_unsendable(thread, thread->batch->tx_from[at]);
}

/* Sends the batch from the other side's socket. What the kernel refuses is lost, as on any full
 * line. */
static void flush(struct media_thread *thread, struct relay_side *from)
{
	struct relay_batch *batch = thread->batch;
	unsigned done = 0;

	while (done < batch->tx_count) {
		int sent = sendmmsg(from->other->fd, batch->tx + done, batch->tx_count - done,
				    MSG_DONTWAIT);

		if (sent <= 0) {
			if (errno == EINTR)
				continue;
			count_unsendable(thread, from);
			done++;
			continue;
		}
		for (unsigned i = done; i < done + (unsigned)sent; i++)
			relay_count_tx(thread, i);
		done += (unsigned)sent;
	}
	batch->tx_count = 0;
}

/* A packet that is nobody's here, or not of the stream. */
static void refuse(struct media_thread *thread, struct relay_side *side, enum latch_verdict why)
{
	struct stream_stats *stats = side->stats;

	if (why == LATCH_WRONG_SSRC)
		STREAM_ADD(stats->refused_ssrc, 1);
	else if (why == LATCH_WRONG_TYPE)
		STREAM_ADD(stats->refused_type, 1);
	else
		STREAM_ADD(stats->refused_source, 1);
	RELAY_COUNT(side->counters.foreign, 1);
	RELAY_COUNT(thread->dropped, 1);
}

/* Whether the packet is of the stream that the side is to have. */
static bool admit(struct media_thread *thread, struct relay_side *side, const struct endpoint *from,
		  const struct latch_packet *packet)
{
	struct latch *latch = &side->latch;
	enum latch_verdict verdict = LATCH_ACCEPT;

	if (!latch_is_stream(latch, from, packet, thread->now_us)) {
		/* Others may have passed by the kernel. */
		latch->heard_us = STREAM_GET(side->stats->last_us);
		verdict = latch_rtp(latch, from, packet, thread->now_us);
	}
	if (verdict == LATCH_LEARNED) {
		publish_learned(side);
		relay_fast_leave(side->session);
	} else if (verdict != LATCH_ACCEPT) {
		refuse(thread, side, verdict);
		return false;
	}
	return true;
}

static bool accept_rtp(struct media_thread *thread, struct relay_side *side,
		       const struct endpoint *from, const uint8_t *data, size_t len)
{
	const struct latch_packet packet = {
		.ssrc = packet_rtp_ssrc(data),
		.sequence = packet_rtp_sequence(data),
		.payload_type = packet_payload_type(data),
	};

	if (!admit(thread, side, from, &packet))
		return false;
	stream_stats_packet(side->stats, data, (uint32_t)len, thread->now_us);
	atomic_store_explicit(&side->counters.ssrc, packet.ssrc, memory_order_relaxed);
	atomic_store_explicit(&side->counters.payload_type, packet.payload_type,
			      memory_order_relaxed);
	return true;
}

/* What the reports of `side` tell. */
static void read_reports(struct media_thread *thread, struct relay_side *side, const uint8_t *data,
			 size_t len)
{
	struct relay_side *other = side->other;

	rtcp_packet(&side->reports, &other->reports, STREAM_GET(other->stats->ssrc), data, len,
		    thread->now_us);
}

static void count_malformed(struct media_thread *thread, struct relay_side *side)
{
	RELAY_COUNT(side->counters.malformed, 1);
	RELAY_COUNT(thread->dropped, 1);
}

/* One step of the work on the packet of a slot. */
static bool work_step(struct media_thread *thread, struct relay_side *side, enum relay_step step,
		      int slot)
{
	struct relay_batch *batch = thread->batch;
	struct relay_packet packet = {
		.data = batch->data[slot],
		.len = batch->rx[slot].msg_len,
		.room = sizeof(batch->data[slot]),
	};
	bool passes;

	packet.kind = packet_kind(packet.data, packet.len);
	passes = relay_work_run(thread, side, step, &packet);
	batch->rx[slot].msg_len = (unsigned)packet.len;
	return passes;
}

/* Tells who listens at that step of the packet of a slot. */
static void tell(struct media_thread *thread, struct relay_side *side, enum relay_step step,
		 int slot, const struct relay_side *at, const struct endpoint *peer)
{
	struct relay_batch *batch = thread->batch;
	struct relay_packet packet = {
		.data = batch->data[slot],
		.len = batch->rx[slot].msg_len,
		.room = batch->rx[slot].msg_len,
		.kind = packet_kind(batch->data[slot], batch->rx[slot].msg_len),
		.at = at,
		.peer = peer,
	};

	if (!side->session->is_blocked && !endpoint_is_none(peer))
		(void)relay_work_run(thread, side, step, &packet);
}

/* Where a packet goes, and the socket that it goes out by. */
struct way {
	const struct relay_side *at;
	const struct endpoint *to;
};

/* Of an accepted packet from `side`. False: it has come to its end here, as it should. */
static bool work_on(struct media_thread *thread, struct relay_side *side, int slot,
		    const struct way *way)
{
	struct relay_batch *batch = thread->batch;
	size_t len = batch->rx[slot].msg_len;
	enum packet_kind kind = packet_kind(batch->data[slot], len);

	tell(thread, side, RELAY_LISTEN, slot, batch->reading, &batch->from[slot]);
	if (work_step(thread, side, RELAY_CHANGE, slot)) {
		tell(thread, side->other, RELAY_COPY, slot, way->at, way->to);
		if (work_step(thread, side->other, RELAY_PROTECT, slot))
			return true;
	}
	count_sent(thread, side, kind, len);
	return false;
}

/* Sends a report of `sender` at once, from the port of the other side that its peer expects it
 * from: the one for RTCP, unless the peer has both on one. */
static void send_rtcp(struct media_thread *thread, struct relay_side *sender, int slot)
{
	const struct relay_batch *batch = thread->batch;
	const struct relay_side *other = sender->other;
	const struct endpoint *to = &other->latch.rtcp_to;
	bool is_muxed = !other->rtcp || endpoint_eq(to, &other->latch.rtp_to);
	const struct way way = {is_muxed ? other : other->rtcp, to};
	size_t len;

	read_reports(thread, sender, batch->data[slot], batch->rx[slot].msg_len);
	if (sender->needs_work && !work_on(thread, sender, slot, &way))
		return;
	len = batch->rx[slot].msg_len;
	if (!sender->session->is_blocked && !endpoint_is_none(to) &&
	    sendto(way.at->fd, batch->data[slot], len, MSG_DONTWAIT, &to->sa, to->len) >= 0)
		count_sent(thread, sender, PACKET_RTCP, len);
	else
		count_unsendable(thread, sender);
}

/* What comes to a port for RTCP. */
static void take_rtcp(struct media_thread *thread, struct relay_side *side, int slot)
{
	struct relay_batch *batch = thread->batch;
	const uint8_t *data = batch->data[slot];

	if (packet_kind(data, batch->rx[slot].msg_len) != PACKET_RTCP ||
	    (batch->rx[slot].msg_hdr.msg_flags & MSG_TRUNC) ||
	    (side->needs_work && !work_step(thread, side, RELAY_UNPROTECT, slot))) {
		count_malformed(thread, side);
	} else if (latch_rtcp(&side->latch, &batch->from[slot], packet_rtcp_ssrc(data)) ==
		   LATCH_FOREIGN) {
		refuse(thread, side, LATCH_FOREIGN);
	} else {
		send_rtcp(thread, side, slot);
	}
}

/* A caller that does not know a=rtcp sends its reports to the port above its RTP port, which is the
 * callee's (behaviour A5). Such a packet goes to the callee, out of the callee's port. */
static bool relay_stray_rtcp(struct media_thread *thread, struct relay_side *side, int slot)
{
	struct relay_batch *batch = thread->batch;
	struct relay_side *sender = side->other;

	if (side->rtcp || side != &side->session->sides[MEDIA_B] ||
	    latch_rtcp(&sender->latch, &batch->from[slot], packet_rtcp_ssrc(batch->data[slot])) ==
		    LATCH_FOREIGN)
		return false;
	send_rtcp(thread, sender, slot);
	return true;
}

/* Of a stream that is no RTP (T.38 over UDPTL): the source decides alone, and nothing is read. A
 * number in front is all that its packets have to tell one from the next by. */
static void take_raw(struct media_thread *thread, struct relay_side *side, int slot)
{
	struct relay_batch *batch = thread->batch;
	const uint8_t *data = batch->data[slot];
	struct latch_packet packet = {0};

	if (batch->rx[slot].msg_len < RAW_BYTES_MIN ||
	    (batch->rx[slot].msg_hdr.msg_flags & MSG_TRUNC)) {
		count_malformed(thread, side);
		return;
	}
	packet.sequence = (uint16_t)(data[0] << 8 | data[1]);
	if (!admit(thread, side, &batch->from[slot], &packet))
		return;
	STREAM_SET(side->stats->last_us, thread->now_us);
	if (side->needs_work) {
		tell(thread, side, RELAY_LISTEN, slot, side, &batch->from[slot]);
		tell(thread, side->other, RELAY_COPY, slot, side->other,
		     &side->other->latch.rtp_to);
	}
	if (side->session->is_blocked ||
	    !enqueue(batch, side, slot, &side->other->latch.rtp_to, PACKET_RTP))
		count_unsendable(thread, side);
}

static void take_packet(struct media_thread *thread, struct relay_side *side, int slot)
{
	struct relay_batch *batch = thread->batch;
	const struct endpoint *from = &batch->from[slot];
	const uint8_t *data = batch->data[slot];
	enum packet_kind kind = packet_kind(data, batch->rx[slot].msg_len);
	const struct endpoint *to;
	bool is_ours;

	if (kind == PACKET_RTCP && side->rtcp) {
		/* Paired, and the peer has both on one port. */
		take_rtcp(thread, side, slot);
		return;
	}
	if (kind == PACKET_OTHER || (batch->rx[slot].msg_hdr.msg_flags & MSG_TRUNC) ||
	    (side->needs_work && !work_step(thread, side, RELAY_UNPROTECT, slot))) {
		count_malformed(thread, side);
		return;
	}
	if (kind == PACKET_RTP) {
		is_ours = accept_rtp(thread, side, from, data, batch->rx[slot].msg_len);
		to = &side->other->latch.rtp_to;
	} else {
		is_ours = latch_rtcp(&side->latch, from, packet_rtcp_ssrc(data)) != LATCH_FOREIGN;
		to = &side->other->latch.rtcp_to;
		if (!is_ours && relay_stray_rtcp(thread, side, slot))
			return;
		if (is_ours)
			read_reports(thread, side, data, batch->rx[slot].msg_len);
		else
			refuse(thread, side, LATCH_FOREIGN);
	}
	if (!is_ours)
		return;
	if (side->needs_work && !work_on(thread, side, slot, &(const struct way){side->other, to}))
		return;
	if (side->session->is_blocked || !enqueue(batch, side, slot, to, kind))
		count_unsendable(thread, side);
}

void relay_take(struct media_thread *thread, struct relay_side *side, int slot)
{
	struct relay_batch *batch = thread->batch;

	batch->reading = side;
	batch->from[slot].len = batch->rx[slot].msg_hdr.msg_namelen;
	if (side->rtp)
		take_rtcp(thread, side->rtp, slot);
	else if (side->is_raw)
		take_raw(thread, side, slot);
	else
		take_packet(thread, side, slot);
	relay_slot_reset(batch, slot);
}

void relay_drop(struct media_thread *thread, int slot)
{
	RELAY_COUNT(thread->dropped, 1);
	relay_slot_reset(thread->batch, slot);
}

void relay_read_side(struct media_thread *thread, struct relay_side *side)
{
	struct relay_batch *batch = thread->batch;
	int received = recvmmsg(side->fd, batch->rx, RELAY_BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < received; i++)
		relay_take(thread, side, i);
	if (batch->tx_count) {
		flush(thread, side);
		if (side->entry)
			relay_fast_relayed(thread, side);
		if (thread->inlet)
			relay_inlet_enter(thread, side);
	}
	/* The events are edge-triggered: a batch that was not full has emptied the socket. */
	if (received == RELAY_BATCH && !side->is_pending) {
		side->is_pending = true;
		side->next_pending = thread->pending;
		thread->pending = side;
	}
}
