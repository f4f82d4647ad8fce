/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the devices are held: entries in blocks that never move, in one ring in the order of their
 * turns. What an entry tells of rounds it works out from numbers of its own and the round's, so
 * that neither the end of a round nor the change of a setting walks the list. For switchd/nat only;
 * everything here is called with the lock held. */
#pragma once

#include <pthread.h>

#include "shared/base/hash.h"
#include "switchd/nat/keepalive.h"

#define BLOCK_ENTRIES 1024u

struct entry {
	struct addr device;
	uint8_t socket_index;
	uint8_t unanswered; /* stays at its maximum */
	bool is_used : 1;
	bool is_probed : 1;
	bool is_unreachable : 1;
	uint32_t next; /* in the ring; of a free one, the next free one */
	uint32_t prev;
	uint32_t credit;     /* the first round that was to reach it + rounds that did */
	uint32_t last_round; /* the last one that did; 0 = none */
	uint64_t last_sent_us;
	uint64_t owner;
};

struct keepalive {
	const struct log *log; /* may be NULL */
	struct alarms *alarms; /* may be NULL */
	struct hash_key key;   /* of the marks */
	pthread_mutex_t lock;

	struct entry **blocks;
	uint32_t block_count;
	uint32_t places; /* ever handed out */
	uint32_t first_free;
	uint32_t first;  /* of the ring, where a round begins unless it is fair */
	uint32_t cursor; /* whose turn is next; 0 = nobody is there */
	uint32_t devices;
	uint32_t probed;
	uint32_t unreachable;

	bool is_running;
	bool is_fair;       /* this round */
	bool is_walked;     /* this round has reached all that it is to reach */
	uint32_t round;     /* counts from 1 */
	uint32_t run_first; /* the first round since keepalive was turned on */
	uint32_t behind;    /* devices that this round has no more to reach */
	uint32_t starved;   /* missed by the last round and not reached by this one yet */
	uint64_t round_start_us;
	uint64_t burst_us;   /* when the last burst of this round was due */
	uint64_t burst_left; /* of it, still to send */
	uint64_t sent;
	uint64_t sent_last;
	uint64_t missed_last;
	uint64_t sent_total;
	uint64_t missed_total;
};

/* NULL: no such device. */
struct entry *entry_of(const struct keepalive *keepalive, keepalive_id id);
/* The round from which on it counts, and as many more as have reached it since. */
uint32_t entry_credit(const struct keepalive *keepalive, const struct entry *entry);
/* The last round ended before its turn came, and this one has not reached it yet. */
bool entry_is_starved(const struct keepalive *keepalive, const struct entry *entry);
/* Notes when the round has come around. */
void list_note_walked(struct keepalive *keepalive);
