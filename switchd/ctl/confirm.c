/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/confirm.h"

#include <stdio.h>

#include "shared/base/clock.h"

struct store_confirm confirm_record(uint64_t generation, const char *author, int minutes,
				    int64_t wall_ms)
{
	struct store_confirm record = {.generation = generation};

	record.period_ms = (int64_t)minutes * 60 * 1000;
	record.until_ms = wall_ms + record.period_ms;
	snprintf(record.author, sizeof(record.author), "%s", author);
	return record;
}

void confirm_arm(struct confirm *confirm, const struct store_confirm *record, int64_t wall_ms,
		 uint64_t mono_us)
{
	int64_t left_ms = record->until_ms - wall_ms;

	if (left_ms > record->period_ms)
		left_ms = record->period_ms;
	if (left_ms < 0)
		left_ms = 0;
	confirm->record = *record;
	confirm->until_us = mono_us + (uint64_t)left_ms * 1000;
}

void confirm_clear(struct confirm *confirm)
{
	*confirm = (struct confirm){0};
}

int64_t confirm_left_ms(const struct confirm *confirm, int64_t wall_ms, uint64_t mono_us)
{
	int64_t by_wall_ms = confirm->record.until_ms - wall_ms;
	int64_t by_mono_ms;

	if (!confirm_is_pending(confirm))
		return INT64_MAX;
	if (by_wall_ms <= 0 || mono_us >= confirm->until_us)
		return 0;
	by_mono_ms = (int64_t)((confirm->until_us - mono_us + 999) / 1000);
	return by_wall_ms < by_mono_ms ? by_wall_ms : by_mono_ms;
}

void confirm_refuse(const struct confirm *confirm, int64_t left_ms, struct vos_fault *fault)
{
	char until[CLOCK_TEXT_MAX];
	long long left_s = (left_ms + 999) / 1000;

	fault_set(fault, FAULT_STATE_PENDING_CONFIRM, 0,
		  "generation %llu of %s waits until %s, %lld:%02lld from now; commit confirm "
		  "keeps it, until then nothing else is committed",
		  (unsigned long long)confirm->record.generation, confirm->record.author,
		  clock_print_utc(confirm->record.until_ms, until), left_s / 60, left_s % 60);
}

enum confirm_fate confirm_at_start(const struct store_confirm *record, uint64_t running,
				   int64_t wall_ms)
{
	if (record->generation != running)
		return CONFIRM_STALE;
	return wall_ms >= record->until_ms ? CONFIRM_EXPIRED : CONFIRM_GOES_ON;
}
