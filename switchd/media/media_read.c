/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was counted of a session, in the media thread and in the kernel. */
#include <string.h>

#include "switchd/media/relay.h"
#include "switchd/media/relay_fast.h"

static struct addr read_learned(const struct relay_counters *counters)
{
	uint32_t words[sizeof(struct addr) / sizeof(uint32_t)];
	struct addr addr;
	uint32_t version;

	do {
		version = atomic_load_explicit(&counters->version, memory_order_acquire);
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			words[i] =
				atomic_load_explicit(&counters->learned[i], memory_order_acquire);
	} while ((version & 1) ||
		 version != atomic_load_explicit(&counters->version, memory_order_relaxed));
	/* cppcheck-suppress uninitvar; the loop fills every word */
	memcpy(&addr, words, sizeof(addr));
	return addr;
}

void media_read(const struct media_session *session, enum media_side side,
		struct media_counters *out)
{
	const struct relay_counters *counters = &session->sides[side].counters;
	struct fast_counts fast = {0};

	if (session->sides[side].entry)
		fast_counts(session->sides[side].entry, &fast);
	*out = (struct media_counters){
		.packets = atomic_load_explicit(&counters->packets, memory_order_relaxed) +
			   fast.packets,
		.bytes = atomic_load_explicit(&counters->bytes, memory_order_relaxed) + fast.bytes,
		.is_fast = relay_fast_is_on(&session->sides[side]),
		.rtcp_packets = atomic_load_explicit(&counters->rtcp_packets, memory_order_relaxed),
		.foreign = atomic_load_explicit(&counters->foreign, memory_order_relaxed),
		.malformed = atomic_load_explicit(&counters->malformed, memory_order_relaxed),
		.unsendable = atomic_load_explicit(&counters->unsendable, memory_order_relaxed),
		.last_us = atomic_load_explicit(&counters->last_us, memory_order_relaxed),
		.learned = read_learned(counters),
		.ssrc = atomic_load_explicit(&counters->ssrc, memory_order_relaxed),
		.payload_type = atomic_load_explicit(&counters->payload_type, memory_order_relaxed),
		.is_locked = atomic_load_explicit(&counters->is_locked, memory_order_relaxed),
	};
	if (fast.last_us > out->last_us)
		out->last_us = fast.last_us;
}
