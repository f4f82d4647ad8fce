/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/kept.h"

static struct kept_candidate *free_place(struct kept *kept)
{
	struct kept_candidate *oldest = &kept->items[0];

	for (int i = 0; i < KEPT_MAX; i++) {
		if (!kept->items[i].candidate.base)
			return &kept->items[i];
		if (kept->items[i].until_us < oldest->until_us)
			oldest = &kept->items[i];
	}
	candidate_close(&oldest->candidate);
	return oldest;
}

void kept_put(struct kept *kept, const struct kept_owner *owner, struct config_candidate *candidate,
	      uint64_t until_us)
{
	struct kept_candidate *item = free_place(kept);

	*item = (struct kept_candidate){
		.candidate = *candidate, .owner = *owner, .until_us = until_us};
	*candidate = (struct config_candidate){0};
}

struct kept_candidate *kept_find(struct kept *kept, uid_t uid, uint64_t token)
{
	struct kept_candidate *newest = NULL;

	for (int i = 0; i < KEPT_MAX; i++) {
		struct kept_candidate *item = &kept->items[i];

		if (!item->candidate.base || item->owner.uid != uid ||
		    (token && item->owner.token != token))
			continue;
		if (!newest || item->owner.session > newest->owner.session)
			newest = item;
	}
	return newest;
}

struct config_candidate kept_take(struct kept_candidate *item)
{
	struct config_candidate candidate = item->candidate;

	*item = (struct kept_candidate){0};
	return candidate;
}

uint64_t kept_expire(struct kept *kept, uint64_t now_us)
{
	uint64_t next_us = UINT64_MAX;

	for (int i = 0; i < KEPT_MAX; i++) {
		struct kept_candidate *item = &kept->items[i];

		if (!item->candidate.base)
			continue;
		if (now_us >= item->until_us)
			candidate_close(&item->candidate);
		else if (item->until_us < next_us)
			next_us = item->until_us;
	}
	return next_us;
}

void kept_clear(struct kept *kept)
{
	kept_expire(kept, UINT64_MAX);
}

void kept_leave(struct kept *kept)
{
	for (int i = 0; i < KEPT_MAX; i++)
		if (kept->items[i].candidate.base)
			candidate_leave(&kept->items[i].candidate);
}
