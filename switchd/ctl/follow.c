/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/follow.h"

#define SECOND_US 1000000u

uint64_t rate_bound_wait_lines_us(const struct rate_bound *rate, unsigned lines, uint64_t now_us)
{
	/* The newest of the places that they take. */
	uint64_t at = rate->count + lines - 1;
	uint64_t free_us;

	if (at < FOLLOW_A_SECOND)
		return 0;
	free_us = rate->taken_us[at % FOLLOW_A_SECOND] + SECOND_US;
	return now_us >= free_us ? 0 : free_us - now_us;
}

void rate_bound_take_lines(struct rate_bound *rate, unsigned lines, uint64_t now_us)
{
	while (lines--)
		rate->taken_us[rate->count++ % FOLLOW_A_SECOND] = now_us;
}

uint64_t rate_bound_wait_us(const struct rate_bound *rate, uint64_t now_us)
{
	return rate_bound_wait_lines_us(rate, 1, now_us);
}

bool rate_bound_take(struct rate_bound *rate, uint64_t now_us)
{
	if (rate_bound_wait_us(rate, now_us))
		return false;
	rate_bound_take_lines(rate, 1, now_us);
	return true;
}

void follow_begin(struct follow *follow, struct log_ring *ring, bool is_bounded)
{
	follow->is_bounded = is_bounded;
	follow->next = ring ? log_ring_end(ring) : 0;
	follow->lost = 0;
}

/* Old lines are given up for the newest ones: who looks on wants to see what is, not what was. */
static void skip(struct follow *follow, uint64_t end)
{
	if (!follow->is_bounded || end - follow->next <= FOLLOW_A_SECOND)
		return;
	follow->lost += end - FOLLOW_A_SECOND - follow->next;
	follow->next = end - FOLLOW_A_SECOND;
}

bool follow_line(struct follow *follow, struct log_ring *ring, uint64_t now_us,
		 struct log_line *out)
{
	uint64_t end = ring ? log_ring_end(ring) : 0;
	uint64_t wanted;

	if (follow->next >= end)
		return false;
	if (follow->is_bounded && !rate_bound_take(&follow->rate, now_us))
		return false;
	skip(follow, end);
	wanted = follow->next;
	if (!log_ring_read(ring, &follow->next, out))
		return false;
	follow->lost += follow->next - 1 - wanted; /* the ring went round meanwhile */
	return true;
}

bool follow_take(struct follow *follow, uint64_t now_us)
{
	if (!follow->is_bounded || rate_bound_take(&follow->rate, now_us))
		return true;
	follow->lost++;
	return false;
}

uint64_t follow_wait_us(const struct follow *follow, struct log_ring *ring, uint64_t now_us)
{
	bool has_line = ring && follow->next < log_ring_end(ring);

	if (!has_line && !follow->lost)
		return UINT64_MAX;
	return follow->is_bounded ? rate_bound_wait_us(&follow->rate, now_us) : 0;
}
