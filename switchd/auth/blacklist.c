/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/auth/blacklist.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "switchd/auth/black_changes.h"

#define STRIPES   256u
#define SECOND_US UINT64_C(1000000)

struct slot {
	uint64_t key;      /* 0 = free */
	uint64_t first_us; /* of the window */
	uint64_t last_us;
	uint64_t until_us; /* while listed */
	int64_t since_ms;
	int64_t until_ms;
	uint32_t count; /* in the window; of an entry those that led to it */
	uint32_t calls; /* up now */
	uint32_t refused;
	enum black_type type; /* BLACK_NONE: not listed */
	char number[BLACKLIST_NUMBER];
};

struct set {
	struct slot ways[BLACKLIST_WAYS];
};

struct blacklist {
	struct hash_key hash_key;
	atomic_size_t used;
	atomic_size_t listed;
	_Atomic uint64_t next_end_us; /* no entry ends before */
	pthread_mutex_t stripes[STRIPES];
	struct set *sets;
	struct black_changes changes;
};

enum vos_err blacklist_create(struct blacklist **out)
{
	struct blacklist *list = calloc(1, sizeof(*list));

	if (!list)
		return VOS_ENOMEM;
	list->sets = calloc(BLACKLIST_SETS, sizeof(*list->sets));
	if (!list->sets) {
		free(list);
		return VOS_ENOMEM;
	}
	hash_key_random(&list->hash_key);
	black_changes_init(&list->changes);
	atomic_store(&list->next_end_us, UINT64_MAX);
	for (size_t i = 0; i < STRIPES; i++)
		pthread_mutex_init(&list->stripes[i], NULL);
	*out = list;
	return VOS_OK;
}

void blacklist_destroy(struct blacklist *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < STRIPES; i++)
		pthread_mutex_destroy(&list->stripes[i]);
	black_changes_destroy(&list->changes);
	free(list->sets);
	free(list);
}

/* --- Places. --- */

static uint64_t key_of(const struct blacklist *list, bool is_callee, const char *number)
{
	char text[BLACKLIST_NUMBER + 2];
	int len = snprintf(text, sizeof(text), "%c%s", is_callee ? 'b' : 'a', number);
	uint64_t key;

	if (len >= (int)sizeof(text))
		len = (int)sizeof(text) - 1;
	key = hash_bytes(&list->hash_key, text, (size_t)len);
	return key ? key : 1;
}

static size_t set_of(uint64_t key)
{
	return key % BLACKLIST_SETS;
}

static struct set *lock_set(struct blacklist *list, size_t number)
{
	pthread_mutex_lock(&list->stripes[number % STRIPES]);
	return &list->sets[number];
}

static void unlock_set(struct blacklist *list, size_t number)
{
	pthread_mutex_unlock(&list->stripes[number % STRIPES]);
}

static struct slot *find(struct set *set, uint64_t key)
{
	for (size_t i = 0; i < BLACKLIST_WAYS; i++)
		if (set->ways[i].key == key)
			return &set->ways[i];
	return NULL;
}

/* Whether a is given up sooner than b; neither is listed. */
static bool goes_first(const struct slot *a, const struct slot *b)
{
	if ((a->calls > 0) != (b->calls > 0))
		return a->calls == 0;
	return a->last_us < b->last_us;
}

/* That of the key, made in the place of another; there always is one, see make_room(). */
static struct slot *need(struct blacklist *list, struct set *set, uint64_t key, const char *number)
{
	struct slot *place = find(set, key);

	for (size_t i = 0; !place && i < BLACKLIST_WAYS; i++)
		if (!set->ways[i].key)
			place = &set->ways[i];
	if (place && place->key)
		return place;
	if (place)
		atomic_fetch_add_explicit(&list->used, 1, memory_order_relaxed);
	for (size_t i = 0; (!place || place->key) && i < BLACKLIST_WAYS; i++)
		if (set->ways[i].type == BLACK_NONE && (!place || goes_first(&set->ways[i], place)))
			place = &set->ways[i];
	*place = (struct slot){.key = key};
	snprintf(place->number, sizeof(place->number), "%s", number);
	return place;
}

/* --- Entries. --- */

static struct black_entry entry_of(const struct slot *slot)
{
	struct black_entry entry = {
		.type = slot->type,
		.count = slot->count,
		.refused = slot->refused,
		.since_ms = slot->since_ms,
		.until_ms = slot->until_ms,
		.until_us = slot->until_us,
		.last_us = slot->last_us,
	};

	memcpy(entry.number, slot->number, sizeof(entry.number));
	return entry;
}

static void unlist(struct blacklist *list, struct slot *slot)
{
	const struct black_entry entry = entry_of(slot);

	slot->type = BLACK_NONE;
	slot->count = 0;
	slot->refused = 0;
	atomic_fetch_sub_explicit(&list->listed, 1, memory_order_relaxed);
	black_changes_note(&list->changes, &entry, true);
}

/* One place of the set stays with counters: the entry that ends first goes for another. */
static void make_room(struct blacklist *list, struct set *set)
{
	struct slot *first = NULL;
	size_t listed = 0;

	for (size_t i = 0; i < BLACKLIST_WAYS; i++) {
		struct slot *slot = &set->ways[i];

		if (slot->type == BLACK_NONE)
			continue;
		listed++;
		if (!first || slot->until_us < first->until_us)
			first = slot;
	}
	if (listed >= BLACKLIST_WAYS - 1)
		unlist(list, first);
}

static void note_end(struct blacklist *list, uint64_t until_us)
{
	uint64_t next_us = atomic_load(&list->next_end_us);

	while (until_us < next_us &&
	       !atomic_compare_exchange_weak(&list->next_end_us, &next_us, until_us))
		;
}

static void put(struct blacklist *list, struct set *set, struct slot *slot, enum black_type type,
		uint64_t until_us)
{
	make_room(list, set);
	slot->type = type;
	slot->until_us = until_us;
	slot->refused = 0;
	note_end(list, until_us);
	atomic_fetch_add_explicit(&list->listed, 1, memory_order_relaxed);
}

static void begin_entry(struct blacklist *list, struct set *set, struct slot *slot,
			enum black_type type, const struct black_rule *rule, uint64_t now_us)
{
	struct black_entry entry;

	slot->since_ms = clock_wall_ms();
	slot->until_ms = slot->since_ms + (int64_t)rule->expire_s * 1000;
	put(list, set, slot, type, now_us + rule->expire_s * SECOND_US);
	entry = entry_of(slot);
	black_changes_note(&list->changes, &entry, false);
}

/* What it is listed as; a rule that is off lets in. */
static enum black_type listed_as(struct blacklist *list, struct slot *slot,
				 const struct black_rules *rules, uint64_t now_us)
{
	if (slot->type == BLACK_NONE)
		return BLACK_NONE;
	if (slot->until_us <= now_us) {
		unlist(list, slot);
		return BLACK_NONE;
	}
	return rules->of[slot->type].limit ? slot->type : BLACK_NONE;
}

/* One more in the window; true when that makes the limit full. */
static bool count_one(struct slot *slot, const struct black_rule *rule, uint64_t now_us)
{
	if (!slot->count || now_us - slot->first_us >= rule->window_s * SECOND_US) {
		slot->first_us = now_us;
		slot->count = 0;
	}
	return ++slot->count >= rule->limit;
}

/* --- Calls. --- */

static bool is_nobody(const char *number)
{
	return !*number || strcasecmp(number, "anonymous") == 0;
}

static enum black_type begin_in(struct blacklist *list, struct set *set, struct slot *slot,
				const struct black_rules *rules, uint64_t now_us)
{
	const struct black_rule *concurrent = &rules->of[BLACK_CONCURRENT];
	const struct black_rule *malicious = &rules->of[BLACK_MALICIOUS];
	enum black_type type = listed_as(list, slot, rules, now_us);

	slot->last_us = now_us;
	if (type != BLACK_NONE) {
		slot->refused++;
		return type;
	}
	if (slot->type != BLACK_NONE) /* of a kind that is off: neither counts */
		return BLACK_NONE;
	if (concurrent->limit && slot->calls >= concurrent->limit) {
		slot->count = slot->calls + 1;
		begin_entry(list, set, slot, BLACK_CONCURRENT, concurrent, now_us);
		slot->refused = 1;
		return BLACK_CONCURRENT;
	}
	if (malicious->limit && count_one(slot, malicious, now_us))
		begin_entry(list, set, slot, BLACK_MALICIOUS, malicious, now_us);
	return BLACK_NONE;
}

enum black_type blacklist_begin(struct blacklist *list, const struct black_rules *rules,
				const char *caller, uint64_t now_us, uint64_t *held)
{
	enum black_type type;
	struct slot *slot;
	struct set *set;
	uint64_t key;

	*held = 0;
	if ((!rules->of[BLACK_MALICIOUS].limit && !rules->of[BLACK_CONCURRENT].limit) ||
	    is_nobody(caller))
		return BLACK_NONE;
	key = key_of(list, false, caller);
	set = lock_set(list, set_of(key));
	slot = need(list, set, key, caller);
	type = begin_in(list, set, slot, rules, now_us);
	if (type == BLACK_NONE) {
		slot->calls++;
		*held = key;
	}
	unlock_set(list, set_of(key));
	return type;
}

void blacklist_end(struct blacklist *list, uint64_t held)
{
	struct slot *slot;

	if (!held)
		return;
	slot = find(lock_set(list, set_of(held)), held);
	if (slot && slot->calls) /* else it was given up meanwhile */
		slot->calls--;
	unlock_set(list, set_of(held));
}

enum black_type blacklist_called(struct blacklist *list, const struct black_rules *rules,
				 const char *callee, uint64_t now_us)
{
	enum black_type type = BLACK_NONE;
	struct slot *slot;
	uint64_t key;

	if (!rules->of[BLACK_NO_ANSWER].limit || blacklist_count(list) == 0)
		return BLACK_NONE;
	key = key_of(list, true, callee);
	slot = find(lock_set(list, set_of(key)), key);
	if (slot)
		type = listed_as(list, slot, rules, now_us);
	if (type != BLACK_NONE) {
		slot->refused++;
		slot->last_us = now_us;
	}
	unlock_set(list, set_of(key));
	return type;
}

void blacklist_unanswered(struct blacklist *list, const struct black_rules *rules,
			  const char *callee, uint64_t now_us)
{
	const struct black_rule *rule = &rules->of[BLACK_NO_ANSWER];
	struct slot *slot;
	struct set *set;
	uint64_t key;

	if (!rule->limit || !*callee)
		return;
	key = key_of(list, true, callee);
	set = lock_set(list, set_of(key));
	slot = need(list, set, key, callee);
	slot->last_us = now_us;
	if (listed_as(list, slot, rules, now_us) == BLACK_NONE && count_one(slot, rule, now_us))
		begin_entry(list, set, slot, BLACK_NO_ANSWER, rule, now_us);
	unlock_set(list, set_of(key));
}

bool blacklist_add(struct blacklist *list, const struct black_rules *rules, enum black_type type,
		   const char *number, uint32_t count, uint64_t now_us)
{
	const struct black_rule *rule = &rules->of[type];
	struct slot *slot;
	struct set *set;
	uint64_t key;

	if (!rule->limit || is_nobody(number))
		return false;
	key = key_of(list, type == BLACK_NO_ANSWER, number);
	set = lock_set(list, set_of(key));
	slot = need(list, set, key, number);
	if (listed_as(list, slot, rules, now_us) == BLACK_NONE) {
		if (slot->type != BLACK_NONE)
			unlist(list, slot);
		slot->count = count;
		slot->last_us = now_us;
		begin_entry(list, set, slot, type, rule, now_us);
	}
	unlock_set(list, set_of(key));
	return true;
}

/* --- For people. --- */

static bool is_meant(const struct slot *slot, enum black_type type, const char *number)
{
	return slot->type != BLACK_NONE && (type == BLACK_NONE || slot->type == type) &&
	       (!number || strcmp(slot->number, number) == 0);
}

bool blacklist_find(struct blacklist *list, bool is_callee, const char *number, uint64_t now_us,
		    struct black_entry *out)
{
	uint64_t key = key_of(list, is_callee, number);
	const struct slot *slot = find(lock_set(list, set_of(key)), key);
	bool is_listed = slot && slot->type != BLACK_NONE && slot->until_us > now_us;

	if (is_listed && out)
		*out = entry_of(slot);
	unlock_set(list, set_of(key));
	return is_listed;
}

size_t blacklist_list(struct blacklist *list, enum black_type type, const char *number,
		      uint64_t now_us, struct black_entry *out, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; blacklist_count(list) && i < BLACKLIST_SETS && count < max; i++) {
		const struct set *set = lock_set(list, i);

		for (size_t way = 0; way < BLACKLIST_WAYS && count < max; way++)
			if (is_meant(&set->ways[way], type, number) &&
			    set->ways[way].until_us > now_us)
				out[count++] = entry_of(&set->ways[way]);
		unlock_set(list, i);
	}
	return count;
}

size_t blacklist_clear(struct blacklist *list, enum black_type type, const char *number)
{
	size_t count = 0;

	for (size_t i = 0; blacklist_count(list) && i < BLACKLIST_SETS; i++) {
		struct set *set = lock_set(list, i);

		for (size_t way = 0; way < BLACKLIST_WAYS; way++) {
			if (!is_meant(&set->ways[way], type, number))
				continue;
			unlist(list, &set->ways[way]);
			count++;
		}
		unlock_set(list, i);
	}
	return count;
}

void blacklist_expire(struct blacklist *list, uint64_t now_us)
{
	if (now_us < atomic_load(&list->next_end_us))
		return;
	atomic_store(&list->next_end_us, UINT64_MAX);
	for (size_t i = 0; i < BLACKLIST_SETS; i++) {
		struct set *set = lock_set(list, i);

		for (size_t way = 0; way < BLACKLIST_WAYS; way++) {
			struct slot *slot = &set->ways[way];

			if (slot->type == BLACK_NONE)
				continue;
			if (slot->until_us <= now_us)
				unlist(list, slot);
			else
				note_end(list, slot->until_us);
		}
		unlock_set(list, i);
	}
}

bool blacklist_restore(struct blacklist *list, const struct black_entry *stored, uint64_t now_us,
		       int64_t now_ms)
{
	int64_t left_ms = stored->until_ms - now_ms;
	struct slot *slot;
	struct set *set;
	uint64_t key;

	if (left_ms <= 0 || left_ms > (int64_t)BLACK_RESTORE_MAX_S * 1000)
		return false;
	key = key_of(list, stored->type == BLACK_NO_ANSWER, stored->number);
	set = lock_set(list, set_of(key));
	slot = need(list, set, key, stored->number);
	if (slot->type == BLACK_NONE) {
		slot->since_ms = stored->since_ms;
		slot->until_ms = stored->until_ms;
		slot->count = stored->count;
		put(list, set, slot, stored->type, now_us + (uint64_t)left_ms * 1000);
	}
	unlock_set(list, set_of(key));
	return true;
}

size_t blacklist_drain(struct blacklist *list, struct black_change *out, size_t max, bool *is_all)
{
	return black_changes_take(&list->changes, out, max, is_all);
}

void blacklist_mark_all(struct blacklist *list)
{
	black_changes_mark_all(&list->changes);
}

size_t blacklist_count(const struct blacklist *list)
{
	return atomic_load_explicit(&list->listed, memory_order_relaxed);
}

size_t blacklist_used(const struct blacklist *list)
{
	return atomic_load_explicit(&list->used, memory_order_relaxed);
}
