/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of NAT devices and the pacing of their keepalives (behaviour A1).
 *
 * Entries stand in blocks that never move, freed ones in a free list. A round walks the entries in
 * order of their place; `position` is the next place to look at. Whether an entry was missed is
 * worked out from three numbers of its own, so that the end of a round costs nothing however long
 * the list is. */
#include "switchd/nat/keepalive.h"

#include <pthread.h>
#include <stdlib.h>

#include "shared/base/log.h"
#include "shared/config/snapshot.h"

#define BLOCK_ENTRIES 1024u
#define WAIT_MAX_US   1000000u /* so that a change of parameters is noticed */
#define PAYLOAD_MAX   128u

struct entry {
	struct addr device;
	uint8_t socket_index;
	bool is_used;
	union {
		uint32_t first_round; /* the first one that is to reach it */
		uint32_t next_free;   /* place + 1 */
	};
	uint32_t last_round; /* the last one that reached it */
	uint32_t sent_count;
	uint64_t last_sent_us;
};

struct keepalive {
	const struct log *log; /* may be NULL */
	pthread_mutex_t lock;
	struct entry **blocks;
	uint32_t block_count;
	uint32_t places;     /* used or freed once: places ever handed out */
	uint32_t first_free; /* place + 1 */
	uint32_t devices;

	bool is_running;
	uint32_t round; /* counts from 1 */
	uint64_t round_start_us;
	uint64_t burst_us;   /* when the last burst of this round was due */
	uint64_t burst_left; /* of it, still to send */
	bool is_walked;      /* this round has come to the end of the list */
	uint32_t position;
	uint32_t behind; /* devices that this round has no more to reach */
	uint64_t sent;
	uint64_t sent_last;
	uint64_t missed_last;
	uint64_t sent_total;
	uint64_t missed_total;
};

struct pace {
	bool is_on;
	uint64_t period_us;
	uint64_t interval_us;
	uint64_t one_time;
};

static struct pace pace_read(const struct snapshot *config)
{
	return (struct pace){
		.is_on = snapshot_text(config, PARAM_SS_SIP_NAT_KEEP_ALIVE_MESSAGE)[0] != '\0',
		.period_us = (uint64_t)snapshot_number(config, PARAM_SS_SIP_NAT_KEEP_ALIVE_PERIOD) *
			     1000000u,
		.interval_us = (uint64_t)snapshot_number(
				       config, PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL) *
			       1000u,
		.one_time = (uint64_t)snapshot_number(config,
						      PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME),
	};
}

static struct entry *entry_at(const struct keepalive *keepalive, uint32_t place)
{
	return &keepalive->blocks[place / BLOCK_ENTRIES][place % BLOCK_ENTRIES];
}

static struct entry *entry_of(const struct keepalive *keepalive, keepalive_id id)
{
	struct entry *entry;

	if (id == 0 || id > keepalive->places)
		return NULL;
	entry = entry_at(keepalive, id - 1);
	return entry->is_used ? entry : NULL;
}

enum vos_err keepalive_create(struct keepalive **out)
{
	struct keepalive *keepalive = calloc(1, sizeof(*keepalive));

	if (!keepalive)
		return VOS_ENOMEM;
	pthread_mutex_init(&keepalive->lock, NULL);
	keepalive->is_walked = true; /* round 0: nobody is waiting for it */
	*out = keepalive;
	return VOS_OK;
}

void keepalive_set_log(struct keepalive *keepalive, const struct log *log)
{
	keepalive->log = log;
}

void keepalive_destroy(struct keepalive *keepalive)
{
	if (!keepalive)
		return;
	for (uint32_t i = 0; i < keepalive->block_count; i++)
		free(keepalive->blocks[i]);
	free(keepalive->blocks);
	pthread_mutex_destroy(&keepalive->lock);
	free(keepalive);
}

static bool add_block(struct keepalive *keepalive)
{
	size_t count = keepalive->block_count;
	struct entry **blocks;
	struct entry *block;

	if (count >= UINT32_MAX / BLOCK_ENTRIES)
		return false;
	blocks = reallocarray(keepalive->blocks, count + 1, sizeof(struct entry *));
	if (!blocks)
		return false;
	keepalive->blocks = blocks;
	block = calloc(BLOCK_ENTRIES, sizeof(*block));
	if (!block)
		return false;
	blocks[count] = block;
	keepalive->block_count++;
	return true;
}

/* A free place + 1, or 0 without memory. */
static uint32_t take_place(struct keepalive *keepalive)
{
	uint32_t id = keepalive->first_free;

	if (id) {
		keepalive->first_free = entry_at(keepalive, id - 1)->next_free;
		return id;
	}
	if (keepalive->places == keepalive->block_count * BLOCK_ENTRIES && !add_block(keepalive))
		return 0;
	return ++keepalive->places;
}

/* True when the running round will not come to this place any more. */
static bool is_behind(const struct keepalive *keepalive, uint32_t place)
{
	return keepalive->is_walked || place < keepalive->position;
}

keepalive_id keepalive_add(struct keepalive *keepalive, const struct addr *device,
			   uint8_t socket_index)
{
	struct entry *entry;
	uint32_t id;

	pthread_mutex_lock(&keepalive->lock);
	id = take_place(keepalive);
	if (id) {
		bool waits = is_behind(keepalive, id - 1);

		/* A device that comes where this round has passed has just registered, so its
		 * pinhole is open: the next round is early enough. */
		entry = entry_at(keepalive, id - 1);
		*entry = (struct entry){
			.device = *device,
			.socket_index = socket_index,
			.is_used = true,
			.first_round = keepalive->round + (waits ? 1 : 0),
		};
		keepalive->devices++;
		if (waits)
			keepalive->behind++;
	}
	pthread_mutex_unlock(&keepalive->lock);
	return id;
}

void keepalive_change(struct keepalive *keepalive, keepalive_id id, const struct addr *device,
		      uint8_t socket_index)
{
	struct entry *entry;

	pthread_mutex_lock(&keepalive->lock);
	entry = entry_of(keepalive, id);
	if (entry) {
		entry->device = *device;
		entry->socket_index = socket_index;
	}
	pthread_mutex_unlock(&keepalive->lock);
}

void keepalive_remove(struct keepalive *keepalive, keepalive_id id)
{
	struct entry *entry;

	pthread_mutex_lock(&keepalive->lock);
	entry = entry_of(keepalive, id);
	if (entry) {
		if (is_behind(keepalive, id - 1))
			keepalive->behind--;
		entry->is_used = false;
		entry->next_free = keepalive->first_free;
		keepalive->first_free = id;
		keepalive->devices--;
	}
	pthread_mutex_unlock(&keepalive->lock);
}

static void round_begin(struct keepalive *keepalive, const struct pace *pace, uint64_t start_us)
{
	keepalive->round++;
	keepalive->round_start_us = start_us;
	keepalive->burst_us = start_us;
	keepalive->burst_left = pace->one_time;
	keepalive->is_walked = false;
	keepalive->position = 0;
	keepalive->behind = 0;
	keepalive->sent = 0;
}

static void round_end(struct keepalive *keepalive)
{
	keepalive->sent_last = keepalive->sent;
	keepalive->missed_last = keepalive->devices - keepalive->behind;
	keepalive->missed_total += keepalive->missed_last;
}

/* Sends what is left of the burst, as far as `out` has room. */
static size_t send_burst(struct keepalive *keepalive, uint64_t now_us, struct keepalive_target *out,
			 size_t max)
{
	size_t count = 0;

	while (count < max && keepalive->burst_left > 0 &&
	       keepalive->position < keepalive->places) {
		struct entry *entry = entry_at(keepalive, keepalive->position++);

		if (!entry->is_used)
			continue;
		out[count].device = entry->device;
		out[count].socket_index = entry->socket_index;
		count++;
		entry->last_round = keepalive->round;
		entry->sent_count++;
		entry->last_sent_us = now_us;
		keepalive->burst_left--;
		keepalive->behind++;
	}
	keepalive->sent += count;
	keepalive->sent_total += count;
	if (keepalive->position == keepalive->places)
		keepalive->is_walked = true;
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
		   struct keepalive_target *out, size_t max)
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

		if (!keepalive->is_walked)
			count += send_burst(keepalive, now_us, out + count, max - count);
		if (count == max)
			break;
		if (!keepalive->is_walked && next_burst(keepalive, pace, now_us))
			continue;
		if (now_us < end_us)
			break;
		round_end(keepalive);
		/* On the beat, unless whole rounds went by unseen. */
		round_begin(keepalive, pace, now_us < end_us + pace->period_us ? end_us : now_us);
	}
	return count;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
	return b ? (a + b - 1) / b : 0;
}

/* Seconds that a round must last to reach everyone. */
static uint64_t needed_period_s(const struct keepalive *keepalive, const struct pace *pace)
{
	uint64_t bursts = divide_up(keepalive->devices, pace->one_time);

	return divide_up(bursts * pace->interval_us, 1000000u);
}

size_t keepalive_turn(struct keepalive *keepalive, const struct snapshot *config, uint64_t now_us,
		      struct keepalive_target *out, size_t max, uint64_t *wait_us)
{
	struct pace pace = pace_read(config);
	uint64_t missed = 0;
	uint64_t needed_s;
	size_t count = 0;

	pthread_mutex_lock(&keepalive->lock);
	if (pace.is_on) {
		missed = keepalive->missed_total;
		count = turn(keepalive, &pace, now_us, out, max);
		missed = keepalive->missed_total - missed;
		*wait_us = count == max ? 0 : time_to_next(keepalive, &pace, now_us);
	} else {
		keepalive->is_running = false;
		keepalive->is_walked = true;
		keepalive->behind = keepalive->devices;
		*wait_us = WAIT_MAX_US;
	}
	needed_s = needed_period_s(keepalive, &pace);
	pthread_mutex_unlock(&keepalive->lock);
	if (missed && keepalive->log)
		log_warning(keepalive->log, "keepalive",
			    "NAT devices not reached within nat-keep-alive-period: %llu; it "
			    "would take %llu s",
			    (unsigned long long)missed, (unsigned long long)needed_s);
	return count;
}

void keepalive_status(struct keepalive *keepalive, const struct snapshot *config, uint64_t now_us,
		      struct keepalive_status *out)
{
	struct pace pace = pace_read(config);

	pthread_mutex_lock(&keepalive->lock);
	*out = (struct keepalive_status){
		.is_on = pace.is_on,
		.device_count = keepalive->devices,
		.capacity = divide_up(pace.period_us, pace.interval_us) * pace.one_time,
		.round = keepalive->round,
		.sent_this_round = keepalive->sent,
		.sent_last_round = keepalive->sent_last,
		.missed_last_round = keepalive->missed_last,
		.sent_total = keepalive->sent_total,
		.missed_total = keepalive->missed_total,
		.needed_period_s = divide_up(
			divide_up(keepalive->devices, pace.one_time) * pace.interval_us, 1000000u),
	};
	if (keepalive->is_running && now_us > keepalive->round_start_us)
		out->round_elapsed_ms = (now_us - keepalive->round_start_us) / 1000u;
	pthread_mutex_unlock(&keepalive->lock);
}

bool keepalive_device(struct keepalive *keepalive, keepalive_id id, uint64_t *last_sent_us,
		      uint32_t *missed)
{
	struct entry *entry;

	pthread_mutex_lock(&keepalive->lock);
	entry = entry_of(keepalive, id);
	if (entry) {
		/* Rounds that are over and were its own, less those of them that reached it. */
		uint32_t over = keepalive->round - entry->first_round;
		bool is_reached = entry->sent_count && entry->last_round == keepalive->round;

		if (entry->first_round > keepalive->round)
			over = 0;
		*last_sent_us = entry->last_sent_us;
		*missed = over - (entry->sent_count - (is_reached ? 1 : 0));
	}
	pthread_mutex_unlock(&keepalive->lock);
	return entry != NULL;
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
