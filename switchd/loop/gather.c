/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/loop/gather.h"

#include <stdbool.h>

#define SECOND_US 1000000u

static void close_window(struct gather *gather, uint64_t now_us, uint64_t messages)
{
	uint64_t lasted_us = now_us - gather->window_us;

	if (lasted_us < GATHER_WINDOW_US)
		return;
	gather->rate = (messages - gather->window_messages) * SECOND_US / lasted_us;
	gather->window_us = now_us;
	gather->window_messages = messages;
	if (gather->rate < gather->rate_before / 2) {
		gather->rest_until_us = now_us + GATHER_REST_US;
		gather->rate_before = 0;
	}
}

/* Microseconds in which so many messages come. */
static uint64_t time_of(const struct gather *gather, uint64_t messages)
{
	return messages * SECOND_US / gather->rate;
}

uint32_t gather_pause_us(struct gather *gather, uint64_t now_us, uint64_t messages, uint32_t max_us)
{
	uint64_t last = messages - gather->turn_messages;
	uint64_t pause_us;

	gather->turn_messages = messages;
	close_window(gather, now_us, messages);
	if (gather->rate == 0 || now_us < gather->rest_until_us ||
	    time_of(gather, GATHER_WORTH) > max_us) {
		gather->rate_before = 0;
		return 0;
	}
	pause_us = time_of(gather, GATHER_WANTED);
	if (pause_us > max_us)
		pause_us = max_us;
	if (pause_us < GATHER_LEAST_US || last >= 2 * GATHER_WANTED)
		return 0;
	if (!gather->rate_before)
		gather->rate_before = gather->rate;
	return (uint32_t)pause_us;
}
