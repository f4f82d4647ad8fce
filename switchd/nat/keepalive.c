/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rounds, bursts and probes: whose turn it is at a given time, and what became of a round. */
#include "switchd/nat/keepalive_private.h"

#include <stdio.h>

#include "shared/base/log.h"
#include "shared/config/keepalive_fit.h"
#include "switchd/alarm/alarm.h"

#define WAIT_MAX_US 1000000u /* so that a change of parameters is noticed */
#define PAYLOAD_MAX 128u

struct pace {
	bool is_on;
	bool is_fair;
	uint8_t probe_fails;
	uint64_t period_us;
	uint64_t interval_us;
	uint64_t one_time;
	struct keepalive_pace figures;
};

/* How the newest of the rounds ended that ended in this turn. */
struct outcome {
	bool is_known;
	uint32_t round;
	uint64_t devices;
	uint64_t missed;
	struct keepalive_pace figures;
};

static struct pace pace_read(const struct snapshot *config)
{
	struct keepalive_pace figures = keepalive_pace_of(config);

	return (struct pace){
		.is_on = snapshot_text(config, PARAM_SS_SIP_NAT_KEEP_ALIVE_MESSAGE)[0] != '\0',
		.is_fair = snapshot_bool(config, PARAM_SS_SIP_NAT_KEEP_ALIVE_FAIR),
		.probe_fails =
			(uint8_t)snapshot_number(config, PARAM_SS_SIP_NAT_KEEP_ALIVE_PROBE_FAILS),
		.period_us = figures.period_s * 1000000u,
		.interval_us = figures.interval_ms * 1000u,
		.one_time = figures.one_time,
		.figures = figures,
	};
}

static void round_begin(struct keepalive *keepalive, const struct pace *pace, uint64_t start_us)
{
	keepalive->round++;
	keepalive->round_start_us = start_us;
	keepalive->burst_us = start_us;
	keepalive->burst_left = pace->one_time;
	keepalive->is_fair = pace->is_fair;
	keepalive->is_walked = false;
	keepalive->behind = 0;
	keepalive->sent = 0;
	if (!pace->is_fair)
		keepalive->cursor = keepalive->first;
	list_note_walked(keepalive);
}

static void round_end(struct keepalive *keepalive, const struct pace *pace, struct outcome *outcome)
{
	uint32_t missed = keepalive->devices - keepalive->behind;

	keepalive->sent_last = keepalive->sent;
	keepalive->missed_last = missed;
	keepalive->missed_total += missed;
	keepalive->starved = missed;
	*outcome = (struct outcome){
		.is_known = true,
		.round = keepalive->round,
		.devices = keepalive->devices,
		.missed = missed,
		.figures = pace->figures,
	};
}

static uint64_t mark_of(const struct keepalive *keepalive, keepalive_id id,
			const struct entry *entry)
{
	const uint64_t what[] = {id, entry->owner, entry->last_sent_us};

	return hash_bytes(&keepalive->key, what, sizeof(what));
}

/* Another probe is due, so that the one before it has had its time. */
static void count_silence(struct keepalive *keepalive, struct entry *entry, uint8_t fails)
{
	if (entry->unanswered >= fails && !entry->is_unreachable) {
		entry->is_unreachable = true;
		keepalive->unreachable++;
	}
	if (entry->unanswered < UINT8_MAX)
		entry->unanswered++;
}

static void send_to(struct keepalive *keepalive, const struct pace *pace, uint64_t now_us,
		    struct keepalive_target *out)
{
	keepalive_id id = keepalive->cursor;
	struct entry *entry = entry_of(keepalive, id);

	if (entry_is_starved(keepalive, entry))
		keepalive->starved--;
	entry->credit = entry_credit(keepalive, entry) + 1;
	entry->last_round = keepalive->round;
	entry->last_sent_us = now_us;
	if (entry->is_probed)
		count_silence(keepalive, entry, pace->probe_fails);
	*out = (struct keepalive_target){
		.device = entry->device,
		.socket_index = entry->socket_index,
		.is_probe = entry->is_probed,
		.id = id,
		.owner = entry->owner,
		.mark = entry->is_probed ? mark_of(keepalive, id, entry) : 0,
	};
	keepalive->cursor = entry->next;
	keepalive->burst_left--;
	keepalive->behind++;
}

/* Sends what is left of the burst, as far as `out` has room. */
static size_t send_burst(struct keepalive *keepalive, const struct pace *pace, uint64_t now_us,
			 struct keepalive_target *out, size_t max)
{
	size_t count = 0;

	while (count < max && keepalive->burst_left > 0 && !keepalive->is_walked) {
		send_to(keepalive, pace, now_us, &out[count++]);
		list_note_walked(keepalive);
	}
	keepalive->sent += count;
	keepalive->sent_total += count;
	return count;
}

/* Opens the next burst of this round if it is due; bursts that a stall held up follow at once. */
static bool next_burst(struct keepalive *keepalive, const struct pace *pace, uint64_t now_us)
{
	uint64_t due_us = keepalive->burst_us + pace->interval_us;

	if (now_us < due_us || due_us >= keepalive->round_start_us + pace->period_us)
		return false;
	keepalive->burst_us = due_us;
	keepalive->burst_left = pace->one_time;
	return true;
}

static uint64_t time_to_next(const struct keepalive *keepalive, const struct pace *pace,
			     uint64_t now_us)
{
	uint64_t end_us = keepalive->round_start_us + pace->period_us;
	uint64_t next_us = keepalive->is_walked ? end_us : keepalive->burst_us + pace->interval_us;

	if (next_us > end_us)
		next_us = end_us;
	if (next_us <= now_us)
		return 0;
	return next_us - now_us < WAIT_MAX_US ? next_us - now_us : WAIT_MAX_US;
}

static size_t turn(struct keepalive *keepalive, const struct pace *pace, uint64_t now_us,
		   struct keepalive_target *out, size_t max, struct outcome *outcome)
{
	size_t count = 0;

	if (!keepalive->is_running) {
		round_begin(keepalive, pace, now_us);
		keepalive->is_running = true;
	}
	if (keepalive->burst_left > pace->one_time)
		keepalive->burst_left = pace->one_time;
	while (count < max) {
		uint64_t end_us = keepalive->round_start_us + pace->period_us;
		/* What a short stall holds up is made good; a round that is behind by another whole
		 * one is over, reached or not. */
		bool is_over = now_us >= end_us + pace->period_us;

		if (!keepalive->is_walked && !is_over)
			count += send_burst(keepalive, pace, now_us, out + count, max - count);
		if (count == max)
			break;
		if (!keepalive->is_walked && !is_over && next_burst(keepalive, pace, now_us))
			continue;
		if (now_us < end_us)
			break;
		round_end(keepalive, pace, outcome);
		/* On the beat, unless whole rounds went by unseen. */
		round_begin(keepalive, pace, is_over ? now_us : end_us);
	}
	return count;
}

/* Nobody is missed while it is off, and what was missed before is forgotten. */
static void rest(struct keepalive *keepalive)
{
	keepalive->is_running = false;
	keepalive->is_walked = true;
	keepalive->behind = keepalive->devices;
	keepalive->starved = 0;
	keepalive->run_first = keepalive->round + 1;
}

static void report(const struct keepalive *keepalive, const struct outcome *outcome)
{
	unsigned long long reached = outcome->devices - outcome->missed;
	unsigned long long period_s = outcome->figures.period_s;
	char settings[KEEPALIVE_FIT_TEXT];
	struct keepalive_fit fit;

	if (!outcome->missed) {
		alarms_clear(keepalive->alarms, WORD_ALARM_KIND_NAT_KEEP_ALIVE, "");
		return;
	}
	keepalive_fit(&outcome->figures, outcome->devices, &fit);
	if (fit.fits)
		snprintf(settings, sizeof(settings), "the settings");
	else
		keepalive_fit_print(&fit, settings);
	if (keepalive->log)
		log_warning(keepalive->log, "keepalive",
			    "round %u of %llu s reached %llu of %llu NAT devices, %llu missed; %s "
			    "would fit",
			    (unsigned)outcome->round, period_s, reached,
			    (unsigned long long)outcome->devices,
			    (unsigned long long)outcome->missed, settings);
	alarms_raise(keepalive->alarms, WORD_ALARM_KIND_NAT_KEEP_ALIVE, "",
		     "round of %llu s reached %llu of %llu NAT devices; %s would fit", period_s,
		     reached, (unsigned long long)outcome->devices, settings);
}

size_t keepalive_turn(struct keepalive *keepalive, const struct snapshot *config, uint64_t now_us,
		      struct keepalive_target *out, size_t max, uint64_t *wait_us)
{
	struct pace pace = pace_read(config);
	struct outcome outcome = {0};
	bool was_running;
	size_t count = 0;

	pthread_mutex_lock(&keepalive->lock);
	was_running = keepalive->is_running;
	if (pace.is_on) {
		count = turn(keepalive, &pace, now_us, out, max, &outcome);
		*wait_us = count == max ? 0 : time_to_next(keepalive, &pace, now_us);
	} else {
		rest(keepalive);
		*wait_us = WAIT_MAX_US;
	}
	pthread_mutex_unlock(&keepalive->lock);
	if (outcome.is_known)
		report(keepalive, &outcome);
	if (was_running && !pace.is_on)
		alarms_clear(keepalive->alarms, WORD_ALARM_KIND_NAT_KEEP_ALIVE, "");
	return count;
}

bool keepalive_answered(struct keepalive *keepalive, keepalive_id id, uint64_t mark)
{
	struct entry *entry;
	bool is_known;

	pthread_mutex_lock(&keepalive->lock);
	entry = entry_of(keepalive, id);
	is_known = entry && entry->is_probed && entry->last_sent_us &&
		   mark == mark_of(keepalive, id, entry);
	if (is_known) {
		entry->unanswered = 0;
		if (entry->is_unreachable)
			keepalive->unreachable--;
		entry->is_unreachable = false;
	}
	pthread_mutex_unlock(&keepalive->lock);
	return is_known;
}

void keepalive_status(struct keepalive *keepalive, const struct snapshot *config, uint64_t now_us,
		      struct keepalive_status *out)
{
	struct pace pace = pace_read(config);
	struct keepalive_fit fit;

	pthread_mutex_lock(&keepalive->lock);
	*out = (struct keepalive_status){
		.is_on = pace.is_on,
		.device_count = keepalive->devices,
		.probed_count = keepalive->probed,
		.unreachable_count = keepalive->unreachable,
		.is_round_running = keepalive->is_running,
		.round = keepalive->round,
		.sent_this_round = keepalive->sent,
		.sent_last_round = keepalive->sent_last,
		.missed_last_round = keepalive->missed_last,
		.starved_count = keepalive->starved,
		.sent_total = keepalive->sent_total,
		.missed_total = keepalive->missed_total,
		.memory_bytes = sizeof(*keepalive) + (uint64_t)keepalive->block_count *
							     (BLOCK_ENTRIES * sizeof(struct entry) +
							      2 * sizeof(struct entry *)),
	};
	if (keepalive->is_running && now_us > keepalive->round_start_us)
		out->round_elapsed_ms = (now_us - keepalive->round_start_us) / 1000u;
	pthread_mutex_unlock(&keepalive->lock);
	keepalive_fit(&pace.figures, out->device_count, &fit);
	out->capacity = fit.capacity;
	out->needed_period_s = fit.needed_period_s;
}

bool keepalive_is_payload(const char *data, size_t len)
{
	if (len > PAYLOAD_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return false;
	}
	/* Every request and response names its version in the first line. */
	for (size_t i = 0; i + 4 <= len; i++) {
		if (span_ieq((struct span){data + i, 4}, SPAN_LIT("SIP/")))
			return false;
	}
	return true;
}
