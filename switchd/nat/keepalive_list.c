/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of devices: add, change, remove, and what one of them tells. */
#include "switchd/nat/keepalive_private.h"

#include <stdlib.h>

static struct entry *entry_at(const struct keepalive *keepalive, keepalive_id id)
{
	return &keepalive->blocks[(id - 1) / BLOCK_ENTRIES][(id - 1) % BLOCK_ENTRIES];
}

struct entry *entry_of(const struct keepalive *keepalive, keepalive_id id)
{
	struct entry *entry;

	if (id == 0 || id > keepalive->places)
		return NULL;
	entry = entry_at(keepalive, id);
	return entry->is_used ? entry : NULL;
}

uint32_t entry_credit(const struct keepalive *keepalive, const struct entry *entry)
{
	/* Rounds before the break do not count. */
	if (entry->last_round < keepalive->run_first && entry->credit < keepalive->run_first)
		return keepalive->run_first;
	return entry->credit;
}

bool entry_is_starved(const struct keepalive *keepalive, const struct entry *entry)
{
	uint32_t round = keepalive->round;

	if (round <= keepalive->run_first || entry->last_round + 1 >= round)
		return false;
	return entry->last_round >= keepalive->run_first || entry_credit(keepalive, entry) < round;
}

/* This round has reached it, or is not to. */
static bool is_behind(const struct keepalive *keepalive, const struct entry *entry)
{
	return keepalive->is_walked || entry->last_round == keepalive->round ||
	       entry->credit > keepalive->round;
}

void list_note_walked(struct keepalive *keepalive)
{
	if (!keepalive->cursor || is_behind(keepalive, entry_at(keepalive, keepalive->cursor)))
		keepalive->is_walked = true;
}

enum vos_err keepalive_create(struct keepalive **out)
{
	struct keepalive *keepalive = calloc(1, sizeof(*keepalive));

	if (!keepalive)
		return VOS_ENOMEM;
	pthread_mutex_init(&keepalive->lock, NULL);
	hash_key_random(&keepalive->key);
	keepalive->is_walked = true; /* round 0: nobody is waiting for it */
	keepalive->run_first = 1;
	*out = keepalive;
	return VOS_OK;
}

void keepalive_set_reports(struct keepalive *keepalive, const struct log *log,
			   struct alarms *alarms)
{
	keepalive->log = log;
	keepalive->alarms = alarms;
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
	/* Room for pointers grows at powers of two. */
	if ((count & (count - 1)) == 0) {
		blocks = reallocarray(keepalive->blocks, count ? count * 2 : 1, sizeof(*blocks));
		if (!blocks)
			return false;
		keepalive->blocks = blocks;
	}
	block = calloc(BLOCK_ENTRIES, sizeof(*block));
	if (!block)
		return false;
	keepalive->blocks[count] = block;
	keepalive->block_count++;
	return true;
}

static keepalive_id take_place(struct keepalive *keepalive)
{
	keepalive_id id = keepalive->first_free;

	if (id) {
		keepalive->first_free = entry_at(keepalive, id)->next;
		return id;
	}
	if (keepalive->places == keepalive->block_count * BLOCK_ENTRIES && !add_block(keepalive))
		return 0;
	return ++keepalive->places;
}

/* Puts it where its turn comes last: at the end of the list, or, when rounds go on where the last
 * one stopped, right behind the one that had its turn just now. Nobody comes in between who waits
 * already, so that whoever is n-th in the ring is reached within n turns. */
static void link_last(struct keepalive *keepalive, keepalive_id id)
{
	struct entry *entry = entry_at(keepalive, id);
	keepalive_id before = keepalive->is_fair ? keepalive->cursor : keepalive->first;

	if (!before) {
		entry->next = id;
		entry->prev = id;
		keepalive->first = id;
		keepalive->cursor = id;
		return;
	}
	entry->next = before;
	entry->prev = entry_at(keepalive, before)->prev;
	entry_at(keepalive, entry->prev)->next = id;
	entry_at(keepalive, before)->prev = id;
}

static void unlink_entry(struct keepalive *keepalive, keepalive_id id)
{
	struct entry *entry = entry_at(keepalive, id);
	keepalive_id next = entry->next == id ? 0 : entry->next;

	if (keepalive->first == id)
		keepalive->first = next;
	if (keepalive->cursor == id)
		keepalive->cursor = next;
	entry_at(keepalive, entry->next)->prev = entry->prev;
	entry_at(keepalive, entry->prev)->next = entry->next;
}

static void count_probe(struct keepalive *keepalive, const struct entry *entry, uint32_t by)
{
	if (entry->is_probed)
		keepalive->probed += by;
	if (entry->is_unreachable)
		keepalive->unreachable += by;
}

static void set_device(struct keepalive *keepalive, struct entry *entry,
		       const struct keepalive_device *device)
{
	entry->device = device->address;
	entry->socket_index = device->socket_index;
	entry->is_probed = device->is_probed;
	entry->is_unreachable = false;
	entry->unanswered = 0;
	entry->owner = device->owner;
	count_probe(keepalive, entry, 1);
}

keepalive_id keepalive_add(struct keepalive *keepalive, const struct keepalive_device *device)
{
	keepalive_id id;

	pthread_mutex_lock(&keepalive->lock);
	id = take_place(keepalive);
	if (id) {
		struct entry *entry = entry_at(keepalive, id);

		bool is_next = keepalive->is_walked || keepalive->is_fair;

		/* Its pinhole is open: where this round has passed, the next is early enough. */
		*entry = (struct entry){
			.is_used = true,
			.credit = keepalive->round + (is_next ? 1 : 0),
		};
		set_device(keepalive, entry, device);
		link_last(keepalive, id);
		keepalive->devices++;
		if (is_next)
			keepalive->behind++;
	}
	pthread_mutex_unlock(&keepalive->lock);
	return id;
}

void keepalive_change(struct keepalive *keepalive, keepalive_id id,
		      const struct keepalive_device *device)
{
	struct entry *entry;

	pthread_mutex_lock(&keepalive->lock);
	entry = entry_of(keepalive, id);
	if (entry) {
		count_probe(keepalive, entry, (uint32_t)-1);
		set_device(keepalive, entry, device);
	}
	pthread_mutex_unlock(&keepalive->lock);
}

void keepalive_remove(struct keepalive *keepalive, keepalive_id id)
{
	struct entry *entry;

	pthread_mutex_lock(&keepalive->lock);
	entry = entry_of(keepalive, id);
	if (entry) {
		if (is_behind(keepalive, entry))
			keepalive->behind--;
		if (entry_is_starved(keepalive, entry))
			keepalive->starved--;
		count_probe(keepalive, entry, (uint32_t)-1);
		unlink_entry(keepalive, id);
		entry->is_used = false;
		entry->next = keepalive->first_free;
		keepalive->first_free = id;
		keepalive->devices--;
		list_note_walked(keepalive);
	}
	pthread_mutex_unlock(&keepalive->lock);
}

size_t keepalive_count(struct keepalive *keepalive)
{
	size_t count;

	pthread_mutex_lock(&keepalive->lock);
	count = keepalive->devices;
	pthread_mutex_unlock(&keepalive->lock);
	return count;
}

bool keepalive_view(struct keepalive *keepalive, keepalive_id id, struct keepalive_view *out)
{
	struct entry *entry;

	pthread_mutex_lock(&keepalive->lock);
	entry = entry_of(keepalive, id);
	if (entry) {
		uint32_t credit = entry_credit(keepalive, entry);
		bool is_reached = entry->last_round == keepalive->round && entry->last_sent_us;

		*out = (struct keepalive_view){
			.last_sent_us = entry->last_sent_us,
			.is_starved = entry_is_starved(keepalive, entry),
			.is_probed = entry->is_probed,
			.is_unreachable = entry->is_unreachable,
			.unanswered = entry->unanswered,
		};
		/* Rounds that are over and were its own, less those of them that reached it. */
		if (credit <= keepalive->round)
			out->missed = keepalive->round - credit + (is_reached ? 1 : 0);
	}
	pthread_mutex_unlock(&keepalive->lock);
	return entry != NULL;
}

bool keepalive_is_unreachable(struct keepalive *keepalive, keepalive_id id)
{
	const struct entry *entry;
	bool is_unreachable;

	pthread_mutex_lock(&keepalive->lock);
	entry = entry_of(keepalive, id);
	is_unreachable = entry && entry->is_unreachable;
	pthread_mutex_unlock(&keepalive->lock);
	return is_unreachable;
}
