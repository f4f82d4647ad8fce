/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each run reads what is new in each ring, then tells the chosen calls that have something new, in
 * the order of their records: a leg that is told by a note behind its first message is known by
 * then.
 *
 * What is kept of a call that is not chosen is where its records stand, 8 bytes each, so that it
 * can still be told when it comes to be chosen. Calls are forgotten once nothing of them is in the
 * ring any more, but for those that are up. */
#include "switchd/trace/follow.h"

#include <stdlib.h>
#include <utlist.h>

#include "switchd/trace/group.h"

#define RECORDS_OF_RUN 4096 /* of a ring */
#define GROUPS_MAX     16384 /* of a ring: beyond, the one that was silent for longest is forgotten */
#define BUSY_US        5000000u

struct follow_ring {
	struct trace_follower *follower;
	const struct recorder_ring *ring;
	struct recorder_cursor cursor;
	struct trace_groups groups;
	struct trace_group **changed; /* since the last telling */
	size_t changed_count;
	size_t changed_room;
};

struct trace_follower {
	struct trace_filter filter;
	unsigned tell;
	struct trace_bounds bounds;
	struct trace_told *first;
	struct trace_told *last;
	size_t count;
	size_t bytes;
	uint64_t calls;
	uint64_t lost;
	bool is_any; /* nothing is filtered */
	bool is_live;
	bool is_full;
	bool failed;
	char *memory; /* TRACE_DATA_MAX */
	int ring_count;
	struct follow_ring rings[];
};

/* --- What waits. --- */

static void lose(struct trace_follower *follower, uint64_t count)
{
	follower->lost += count;
	follower->is_full = true;
}

static bool is_wanted(const struct trace_follower *follower, const struct trace_event *event)
{
	if (event->kind != TRACE_NOTE)
		return follower->tell & TRACE_TELL_MESSAGES;
	return event->note < TRACE_NOTES &&
	       follower->tell & TRACE_TELL_AREA(trace_note_area((enum trace_note)event->note));
}

/* Group NULL: the record belongs to none. */
static struct trace_told *told_new(const struct trace_event *event, const struct trace_group *group)
{
	struct trace_told *told = calloc(1, sizeof(*told) + event->data.len + 1);
	const struct trace_party *party;

	if (!told)
		return NULL;
	told->event = *event;
	if (event->data.len)
		memcpy(told + 1, event->data.ptr, event->data.len);
	told->event.data.ptr = (const char *)(told + 1);
	told->key = group ? group->call.key : 0;
	told->first_us = group ? group->call.first_us : event->time_us;
	told->leg = group ? trace_call_leg(&group->call, event->dialog) : TRACE_NO_SIDE;
	if (told->leg == TRACE_NO_SIDE)
		return told;
	LL_SEARCH_SCALAR(group->parties, party, leg, told->leg);
	if (party)
		memcpy(told->party, party->text, sizeof(told->party));
	return told;
}

static void tell(struct trace_follower *follower, const struct trace_event *event,
		 const struct trace_group *group)
{
	size_t bytes = sizeof(struct trace_told) + event->data.len;
	struct trace_told *told;

	if (!is_wanted(follower, event))
		return;
	if (follower->count >= follower->bounds.records ||
	    follower->bytes + bytes > follower->bounds.bytes) {
		lose(follower, 1);
		return;
	}
	told = told_new(event, group);
	if (!told) {
		follower->failed = true;
		return;
	}
	if (follower->last)
		follower->last->next = told;
	else
		follower->first = told;
	follower->last = told;
	follower->count++;
	follower->bytes += bytes;
}

/* --- Telling what is new. --- */

struct place {
	uint64_t at;
	struct trace_group *group;
};

static int by_place(const void *a, const void *b)
{
	const struct place *one = a;
	const struct place *other = b;

	return (one->at > other->at) - (one->at < other->at);
}

/* True: it may begin to be told. Who is late would only see pieces of everything. */
static bool may_begin(struct trace_follower *follower, struct trace_group *group)
{
	if (group->is_told || group->is_left_out)
		return group->is_told;
	group->is_left_out = follower->count + follower->bounds.reserve >= follower->bounds.records;
	group->is_told = !group->is_left_out;
	follower->calls += group->is_told;
	return group->is_told;
}

static size_t collect(struct follow_ring *ring, struct place *places)
{
	size_t count = 0;

	for (size_t i = 0; i < ring->changed_count; i++) {
		struct trace_group *group = ring->changed[i];

		if (!group)
			continue;
		group->is_changed = false;
		if (!may_begin(ring->follower, group))
			lose(ring->follower, group->place_count);
		else
			for (size_t at = 0; at < group->place_count; at++)
				places[count++] = (struct place){group->places[at], group};
		group->place_count = 0;
	}
	ring->changed_count = 0;
	return count;
}

static void tell_changed(struct follow_ring *ring)
{
	struct trace_follower *follower = ring->follower;
	struct trace_event event;
	struct place *places;
	size_t count = 0;

	for (size_t i = 0; i < ring->changed_count; i++)
		count += ring->changed[i] ? ring->changed[i]->place_count : 0;
	places = malloc((count + 1) * sizeof(*places));
	if (!places) {
		follower->failed = true;
		return;
	}
	count = collect(ring, places);
	if (count)
		qsort(places, count, sizeof(*places), by_place);
	for (size_t i = 0; i < count && !follower->failed; i++)
		if (recorder_at(ring->ring, places[i].at, &event, follower->memory, TRACE_DATA_MAX))
			tell(follower, &event, places[i].group);
		else
			follower->lost++;
	free(places);
}

/* --- Reading. --- */

static void mark_changed(struct follow_ring *ring, struct trace_group *group)
{
	if (group->is_changed)
		return;
	if (ring->changed_count == ring->changed_room) {
		size_t room = ring->changed_room ? ring->changed_room * 2 : 64;
		struct trace_group **changed = realloc(ring->changed, room * sizeof(*changed));

		if (!changed) {
			ring->follower->failed = true;
			return;
		}
		ring->changed = changed;
		ring->changed_room = room;
	}
	group->is_changed = true;
	ring->changed[ring->changed_count++] = group;
}

/* Both have been told already when a leg is found to be a call's. */
static void merged(void *user, struct trace_group *from, struct trace_group *to)
{
	struct follow_ring *ring = user;

	to->is_told |= from->is_told;
	for (size_t i = 0; from->is_changed && i < ring->changed_count; i++)
		if (ring->changed[i] == from)
			ring->changed[i] = NULL;
}

/* What is overwritten cannot be told. */
static void trim(const struct follow_ring *ring, struct trace_group *group)
{
	uint64_t oldest = recorder_oldest(ring->ring);
	size_t gone = 0;

	if (group->place_count < group->place_room)
		return;
	while (gone < group->place_count && group->places[gone] < oldest)
		gone++;
	group->place_count -= gone;
	memmove(group->places, group->places + gone, group->place_count * sizeof(uint64_t));
}

static void take(struct follow_ring *ring, const struct trace_event *event)
{
	struct trace_follower *follower = ring->follower;
	struct trace_group *group = trace_groups_take(&ring->groups, event);

	if (ring->groups.failed) {
		follower->failed = true;
		return;
	}
	if (!group) {
		if (follower->is_live && follower->is_any)
			tell(follower, event, NULL);
		return;
	}
	trim(ring, group);
	if (!group->is_chosen)
		group->is_chosen =
			trace_filter_chooses(&follower->filter, &group->call, group->met);
	if (group->is_chosen && follower->is_live)
		mark_changed(ring, group);
}

/* True: there is more. */
static bool read_ring(struct follow_ring *ring)
{
	struct trace_follower *follower = ring->follower;
	struct trace_event event;

	for (int i = 0; i < RECORDS_OF_RUN && !follower->failed; i++) {
		uint64_t lost = ring->cursor.lost;

		if (!recorder_next(ring->ring, &ring->cursor, &event, follower->memory,
				   TRACE_HEAD_BYTES))
			return false;
		if (ring->cursor.lost != lost && follower->is_live)
			follower->lost++;
		take(ring, &event);
	}
	return !follower->failed;
}

/* --- Forgetting. --- */

static bool is_up(const struct trace_group *group)
{
	return group->call.key && !group->call.end_us;
}

static void forget_old(struct follow_ring *ring)
{
	uint64_t oldest = recorder_oldest(ring->ring);
	struct trace_group *group;
	struct trace_group *next;

	DL_FOREACH_SAFE (ring->groups.list, group, next) {
		bool is_too_many = ring->groups.count > GROUPS_MAX;

		if (group->last_at >= oldest && !is_too_many)
			break;
		if (is_too_many || !is_up(group)) {
			trace_groups_forget(&ring->groups, group);
			continue;
		}
		free(group->places);
		group->places = NULL;
		group->place_count = group->place_room = 0;
	}
}

bool trace_follower_run(struct trace_follower *follower)
{
	bool has_more = false;

	for (int i = 0; i < follower->ring_count && !follower->failed; i++) {
		struct follow_ring *ring = &follower->rings[i];

		has_more |= read_ring(ring);
		if (follower->is_live && !follower->failed)
			tell_changed(ring);
		forget_old(ring);
	}
	if (!has_more)
		follower->is_live = true;
	return has_more && !follower->failed;
}

/* --- Life. --- */

struct trace_follower *trace_follower_create(struct recorder *recorder,
					     const struct trace_filter *filter, unsigned tell_what,
					     const struct trace_bounds *bounds)
{
	int count = recorder_rings(recorder);
	struct trace_follower *follower =
		calloc(1, sizeof(*follower) + (size_t)count * sizeof(follower->rings[0]));

	if (!follower)
		return NULL;
	follower->filter = *filter;
	follower->tell = tell_what;
	follower->bounds = *bounds;
	follower->is_any = trace_filter_is_any(filter);
	follower->memory = malloc(TRACE_DATA_MAX);
	follower->ring_count = count;
	for (int i = 0; i < count; i++)
		follower->rings[i] = (struct follow_ring){
			.follower = follower,
			.ring = recorder_ring(recorder, i),
			.groups = {.filter = &follower->filter,
				   .ring = i,
				   .keeps_places = true,
				   .merged = merged,
				   .user = &follower->rings[i]},
		};
	if (follower->memory)
		return follower;
	free(follower);
	return NULL;
}

void trace_follower_end(struct trace_follower *follower)
{
	for (int i = 0; i < follower->ring_count; i++) {
		trace_groups_clear(&follower->rings[i].groups);
		free(follower->rings[i].changed);
	}
	follower->ring_count = 0;
	free(follower->memory);
	follower->memory = NULL;
}

void trace_follower_destroy(struct trace_follower *follower)
{
	if (!follower)
		return;
	trace_follower_end(follower);
	while (follower->first)
		trace_follower_drop_first(follower);
	free(follower);
}

const struct trace_told *trace_follower_first(const struct trace_follower *follower)
{
	return follower->first;
}

void trace_follower_drop_first(struct trace_follower *follower)
{
	struct trace_told *told = follower->first;

	follower->first = told->next;
	if (!told->next)
		follower->last = NULL;
	follower->count--;
	follower->bytes -= sizeof(*told) + told->event.data.len;
	free(told);
}

bool trace_follower_is_live(const struct trace_follower *follower)
{
	return follower->is_live;
}

bool trace_follower_has_failed(const struct trace_follower *follower)
{
	return follower->failed;
}

bool trace_follower_is_full(const struct trace_follower *follower)
{
	return follower->is_full;
}

size_t trace_follower_count(const struct trace_follower *follower)
{
	return follower->count;
}

size_t trace_follower_bytes(const struct trace_follower *follower)
{
	return follower->bytes;
}

uint64_t trace_follower_calls(const struct trace_follower *follower)
{
	return follower->calls;
}

uint64_t trace_follower_take_lost(struct trace_follower *follower)
{
	uint64_t lost = follower->lost;

	follower->lost = 0;
	return lost;
}

uint32_t trace_busy(struct recorder *recorder, uint64_t now_us)
{
	uint64_t count = 0;
	struct trace_event event;

	for (int i = 0; i < recorder_rings(recorder); i++) {
		struct recorder_cursor cursor = {0};

		while (recorder_next(recorder_ring(recorder, i), &cursor, &event, NULL, 0))
			count += event.time_us + BUSY_US > now_us;
	}
	return (uint32_t)(count * 1000000u / BUSY_US);
}
