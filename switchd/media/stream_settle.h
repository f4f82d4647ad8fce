/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The losses of a stream, once they are certain: when a number leaves the history without having
 * come. For switchd and for the kernel, as stream_stats.h. */
#pragma once

#include <stdbool.h>

#include "switchd/media/stream_stats.h"

#define STREAM_HISTORY 64
#define STREAM_GAP_MIN 16u /* RFC 3611 4.7.2, Gmin */

/* A global function is proven by the kernel once, not in each round of a loop. */
#ifdef __bpf__
#define STREAM_SETTLE_FUNCTION __attribute__((noinline))
#else
#define STREAM_SETTLE_FUNCTION static inline
#endif

/* `count` numbers in a row that never came. */
static inline void stream_settle_lost(struct stream_stats *stats, uint32_t count)
{
	bool is_near = stats->since_loss < STREAM_GAP_MIN;

	if (count == 0)
		return;
	STREAM_ADD(stats->known_lost, count);
	if (!(stats->flags & STREAM_IN_RUN))
		STREAM_ADD(stats->runs, 1);
	if (is_near && !(stats->flags & STREAM_IN_BURST)) {
		/* The loss before was the burst's first. */
		STREAM_ADD(stats->bursts, 1);
		STREAM_ADD(stats->burst_lost, 1);
		STREAM_ADD(stats->burst_packets, 1);
	} else if (!is_near && count > 1) {
		STREAM_ADD(stats->bursts, 1);
	}
	if (is_near || count > 1) {
		STREAM_ADD(stats->burst_lost, count);
		STREAM_ADD(stats->burst_packets, count + (is_near ? stats->since_loss : 0));
		stats->flags |= STREAM_IN_BURST;
	} else {
		stats->flags &= ~STREAM_IN_BURST;
	}
	stats->flags |= STREAM_IN_RUN;
	stats->since_loss = 0;
}

/* The number at one place of the history is left behind. The result means nothing. */
STREAM_SETTLE_FUNCTION int stream_settle_place(struct stream_stats *stats, unsigned place)
{
	if (!stats || place >= stats->span || place >= STREAM_HISTORY)
		return 0;
	if (stats->history >> place & 1) {
		stats->since_loss++;
		stats->flags &= ~STREAM_IN_RUN;
	} else {
		stream_settle_lost(stats, 1);
	}
	return 0;
}

/* The `count` oldest places of the history, at most all. */
static inline void stream_settle(struct stream_stats *stats, unsigned count)
{
	/* A fixed number of rounds, as the kernel wants it of a program. */
	for (unsigned i = 0; i < STREAM_HISTORY && i < count; i++)
		stream_settle_place(stats, STREAM_HISTORY - 1 - i);
}
